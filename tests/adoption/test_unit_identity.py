"""Which post an old row is, decided from literals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postkeep.model import Alias, Post, PostKind
from postkeep.stages.adoption.identity import identify

BORN = datetime(2025, 3, 1, 12, tzinfo=UTC)


def number(at: datetime) -> str:
    return str(round(at.timestamp() * 1000) << 22)


ORIGINAL, REPOST = number(BORN), number(BORN + timedelta(hours=5))


def post(native_id: str, kind: PostKind = PostKind.REGULAR, *aliases: Alias) -> Post:
    return Post("linkedin", native_id, f"urn:li:activity:{native_id}", BORN, kind, aliases=aliases)


def linkedin(urn: str, at: datetime | None = BORN, own: Post | None = None, *seen: Post) -> tuple[str, bool]:
    made = identify("linkedin", urn, None, None, at, own, seen)
    return made.native_id, made.doubt is not None


def test_its_own_record_proves_it_whatever_the_row_is_called() -> None:
    assert linkedin(f"urn:li:activity:{ORIGINAL}", BORN, post(REPOST, PostKind.REPOST)) == (REPOST, False)


@pytest.mark.parametrize("urn", [ORIGINAL, f"urn:li:activity:{ORIGINAL}"])
def test_without_a_record_its_name_does(urn: str) -> None:
    assert linkedin(urn) == (ORIGINAL, False)


def test_a_time_that_is_not_the_names_is_a_doubt() -> None:
    assert linkedin(ORIGINAL, BORN + timedelta(hours=5)) == (ORIGINAL, True)


def test_its_time_tells_which_of_its_snapshots_records_is_its_own() -> None:
    seen = (post(ORIGINAL), post(REPOST, PostKind.REPOST))
    assert linkedin(ORIGINAL, BORN + timedelta(hours=5), None, *seen) == (REPOST, False)
    assert linkedin(ORIGINAL, BORN, None, *seen) == (ORIGINAL, False)


def test_a_name_that_is_no_activity_is_an_alias_of_its_snapshots_post() -> None:
    share = Alias("ugcPost", "7300000000000000001")
    assert linkedin("urn:li:ugcPost:7300000000000000001", None, None, post(ORIGINAL, PostKind.REGULAR, share)) == (
        ORIGINAL,
        False,
    )
    assert linkedin("urn:li:ugcPost:7300000000000000001", None) == ("7300000000000000001", True)


def test_a_row_without_a_name_keeps_its_urn() -> None:
    made = identify("linkedin", "a note", None, None, None, None)
    assert (made.native_id, made.nameless) == ("a note", True)


@pytest.mark.parametrize(
    ("platform", "urn", "full_urn", "native_id"),
    [
        ("youtube", "dQw4", "youtube:video:dQw4", "dQw4"),
        ("youtube", "dQw4", None, "dQw4"),
        ("substack", "substack:jane:a-letter", None, "jane:a-letter"),
        ("mastodon", "https://example.social/@jane/1", None, "https://example.social/@jane/1"),
    ],
)
def test_names_elsewhere(platform: str, urn: str, full_urn: str | None, native_id: str) -> None:
    assert identify(platform, urn, full_urn, None, None, None).native_id == native_id
