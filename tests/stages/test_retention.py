"""Policies match what is old everywhere, holds keep it, and what cannot come back goes only when that was said."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postkeep.config import Config
from postkeep.errors import CacheError, ConfigError, NotFound
from postkeep.log import configure_logging, release_logging
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import RunStatus
from postkeep.stages import holding, retention
from postkeep.stages.parts import Parts
from postkeep.stages.retention import match
from postkeep.store import Store, bulk, listing
from postkeep.store.retention import Policy, Shown
from postkeep.views import RetentionMatch, RetentionSummary
from tests.stages.kept import (
    DAY,
    IDS,
    NOW,
    File,
    Kept,
    Place,
    Post,
    digest_of,
    made,
    post_id,
    profile_id,
)

OLD, YOUNG = Post("old"), Post("young", posted_at=NOW - 10 * DAY)
JOES = Post("joe's", author="joe")

# --- what matches, with literals ------------------------------------------------------------------------

JANE, JOE = "prf-jane", "prf-joe"
ALL = Policy("ret-1", "all", 365, None, None)
LINKEDIN = Policy("ret-2", "linkedin", 30, "linkedin", None)
OF_JOE = Policy("ret-3", "joe", 1, None, JOE)


def seen(days: int, platform: str | None = "linkedin", profile: str | None = JANE) -> Shown:
    return Shown(platform, profile, NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("shown", "policies", "name"),
    [
        ([], [ALL], None),
        ([seen(366)], [], None),
        ([seen(366)], [ALL], "all"),
        ([seen(365)], [ALL], None),
        ([seen(364)], [ALL], None),
        ([seen(400), seen(10)], [ALL], None),
        ([seen(400), seen(40)], [ALL, LINKEDIN], "linkedin"),
        ([seen(400), seen(40, "reddit")], [ALL, LINKEDIN], None),
        ([seen(40), seen(400, "reddit")], [ALL, LINKEDIN], "linkedin"),
        ([seen(2, profile=JOE)], [OF_JOE], "joe"),
        ([seen(2, profile=JOE), seen(2)], [OF_JOE], None),
        ([seen(2, profile=None)], [OF_JOE], None),
        ([seen(400, None, None)], [ALL], "all"),
        ([seen(400, None, None)], [LINKEDIN, OF_JOE], None),
    ],
)
def test_a_file_matches_when_policies_match_all_its_places(
    shown: list[Shown], policies: list[Policy], name: str | None
) -> None:
    for order in (shown, shown[::-1]):
        found = match(order, policies, NOW)
        assert (found and found[0]) == name
        assert found is None or found[1] == max(each.newest for each in shown)


# --- over a store and a cache ---------------------------------------------------------------------------


def parts_of(kept: Kept) -> Parts:
    def no_fetcher() -> Any:
        raise AssertionError("nothing is fetched here")

    return Parts(
        kept.store,
        kept.cache,
        Journal(kept.root / "journal"),
        no_fetcher,
        Config(kept.root.parent),
        IDS,
        lambda: kept.now,
    )


def policy(kept: Kept, name: str = "year", days: int = 365, **more: Any) -> None:
    more = {"platform": None, "profile": None} | more
    retention.add_policy(parts_of(kept), name, older_than_days=days, **more)


def apply(kept: Kept, *names: str, **more: Any) -> tuple[RetentionSummary, list[RetentionMatch]]:
    told: list[RetentionMatch] = []
    options: dict[str, Any] = {
        "dry_run": False,
        "include_unrecoverable": False,
        "limit": None,
        "on_match": told.append,
        "stop": lambda: False,
        "progress": lambda step: None,
    }
    return retention.apply_retention(parts_of(kept), names, **(options | more)), told


ALIVE = File("alive", size=10, places=(Place(OLD),))
DEAD = File("dead", size=20, places=(Place(OLD, error="http_404"),))
HELD = File("held", size=30, places=(Place(JOES),))
AGAIN = File("again", size=40, places=(Place(OLD), Place(YOUNG)))
FACE = File("face", size=50, places=(Place(None, "joe", seen_at=NOW - 366 * DAY),))
BARE = File("bare", size=60, urls=("https://a.test/b.png",))
LOOSE = File("loose", size=70)
FILES = [ALIVE, DEAD, HELD, AGAIN, FACE, BARE, LOOSE]


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    kept = made(store, tmp_path, *FILES)
    kept.hold("post", post_id(JOES))
    policy(kept)
    return kept


def test_a_dry_run_tells_two_lists_and_changes_nothing(kept: Kept) -> None:
    before = kept.rows("SELECT * FROM media_files ORDER BY file_id")
    summary, told = apply(kept, dry_run=True)

    assert {each.sha256 for each in told if each.recoverable} == shas(ALIVE, FACE, BARE)
    assert {each.sha256 for each in told if not each.recoverable} == shas(DEAD)
    assert (summary.recoverable.files, summary.recoverable.bytes) == (3, 120)
    assert (summary.unrecoverable.files, summary.unrecoverable.bytes) == (1, 20)
    assert (summary.held.files, summary.removed.files, summary.run_id) == (1, 0, None)
    assert (summary.recoverable.oldest, summary.recoverable.newest) == (NOW - 400 * DAY, NOW - 366 * DAY)
    assert kept.rows("SELECT * FROM media_files ORDER BY file_id") == before
    assert kept.rows("SELECT count(*) FROM download_runs") == [(0,)]
    kept.check(*FILES)


def test_what_cannot_come_back_needs_to_be_said(kept: Kept) -> None:
    summary, told = apply(kept)
    assert kept.left() == {"dead", "held", "again", "loose"}
    assert (summary.removed.files, summary.removed.bytes, summary.status) == (3, 120, RunStatus.COMPLETED)
    assert {each.sha256 for each in told if not each.removed} == shas(DEAD)
    kept.check(*FILES)

    summary, _ = apply(kept, include_unrecoverable=True)
    assert kept.left() == {"held", "again", "loose"}
    assert (summary.removed.files, summary.unrecoverable.files, summary.recoverable.files) == (1, 1, 0)
    kept.check(*FILES)
    assert kept.rows("SELECT DISTINCT evicted_because FROM media_files WHERE cached_at IS NULL") == [
        ("retention:year",)
    ]
    assert apply(kept, include_unrecoverable=True)[0].removed.files == 0


def test_a_released_hold_no_longer_keeps(kept: Kept) -> None:
    [hold] = holding.list_holds(parts_of(kept), ended=False)
    assert (hold.active, hold.files, hold.bytes) == (True, 1, 30)
    holding.release_hold(parts_of(kept), hold.hold_id)
    apply(kept)
    assert "held" not in kept.left()


def test_what_was_removed_is_not_taken_for_missing(kept: Kept) -> None:
    apply(kept)
    with kept.store.reading() as tx:
        assert listing.incomplete_posts(tx, NOW, after="", limit=9, since=None) == []
    assert kept.rows("SELECT count(*) FROM work") == [(0,)]


def test_only_the_named_policies_are_applied(kept: Kept) -> None:
    policy(kept, "joe", 1, profile="joe")
    policy(kept, "reddit", 1, platform=None)
    summary, _ = apply(kept, "joe")
    assert summary.policies == ("joe",)
    assert kept.left() == {each.name for each in FILES} - {"face"}
    with pytest.raises(NotFound, match="nobody"):
        apply(kept, "nobody")


def test_a_limit_bounds_what_is_removed_or_told(kept: Kept) -> None:
    assert len(apply(kept, dry_run=True, limit=2)[1]) == 2
    assert apply(kept, limit=2)[0].removed.files == 2
    assert apply(kept, limit=2)[0].removed.files == 1
    kept.check(*FILES)


def test_pages_add_up(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PAGE", 2)
    summary, told = apply(kept, include_unrecoverable=True)
    assert (summary.checked, summary.removed.files, len(told)) == (len(FILES), 4, 4)
    kept.check(*FILES)


def test_stopped_it_goes_on_where_it_was(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PAGE", 2)
    asked = iter([False, True])
    summary, _ = apply(kept, stop=lambda: next(asked, True))
    assert (summary.status, summary.checked) == (RunStatus.CANCELLED, 2)
    apply(kept)
    assert kept.left() == {"dead", "held", "again", "loose"}
    kept.check(*FILES)


def test_without_policies_nothing_is_looked_at(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, *FILES)
    summary, told = apply(kept)
    assert (summary.policies, summary.checked, told) == ((), 0, [])


def test_a_hold_that_comes_in_between_keeps(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Cache.alone

    def held_first(cache: Cache) -> Any:
        kept.hold("file", kept.file_ids["alive"])
        return alone(cache)

    monkeypatch.setattr(Cache, "alone", held_first)
    apply(kept)
    assert "alive" in kept.left()
    kept.check(*FILES)


def test_broken_off_it_is_ended_by_the_next(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(cache: Cache, path: str) -> bool:
        raise CacheError("the disk is mounted read-only")

    with monkeypatch.context() as patched:
        patched.setattr(Cache, "remove", refuse)
        with pytest.raises(CacheError):
            apply(kept)
    assert kept.rows("SELECT status FROM download_runs") == [("failed",)]
    assert kept.path(ALIVE).exists()
    apply(kept)
    kept.check(*FILES)


def test_every_removed_file_is_a_line_in_the_log(kept: Kept, tmp_path: Path) -> None:
    config = Config(tmp_path)
    configure_logging(config, verbosity=0)
    try:
        apply(kept)
    finally:
        release_logging()
        logging.getLogger("postkeep").handlers.clear()
    lines = [json.loads(line) for line in config.log_file.read_text().splitlines()]
    removed = {each["sha256"]: each for each in lines if each["event"] == "file_removed"}
    assert set(removed) == shas(ALIVE, FACE, BARE)
    line = removed[digest_of(ALIVE).sha256]
    assert (line["because"], line["size"]) == ("retention:year", 10)
    assert line["path"].endswith(f"{digest_of(ALIVE).md5}.png")


def shas(*files: File) -> set[str]:
    return {digest_of(each).sha256 for each in files}


# --- policies and holds as rows -------------------------------------------------------------------------


def test_policies_are_added_listed_and_removed(kept: Kept) -> None:
    parts = parts_of(kept)
    policy(kept, "joe", 30, platform="linkedin", profile="joe")
    found = retention.list_policies(parts)
    assert [(each.name, each.older_than_days, each.platform, each.profile) for each in found] == [
        ("joe", 30, "linkedin", "joe"),
        ("year", 365, None, None),
    ]
    with pytest.raises(ConfigError, match="already"):
        policy(kept, "joe")
    with pytest.raises(NotFound, match="no platform"):
        policy(kept, "x", platform="friendster")
    with pytest.raises(NotFound, match="no profile is known"):
        policy(kept, "x", profile="nobody")
    retention.remove_policy(parts, "joe")
    with pytest.raises(NotFound):
        retention.remove_policy(parts, "joe")
    assert [each.name for each in retention.list_policies(parts)] == ["year"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("platform:linkedin", "platform"),
        (post_id(OLD), "post"),
        ("old", "post"),
        (profile_id("joe"), "profile"),
        ("joe", "profile"),
        (digest_of(ALIVE).md5, "file"),
        (digest_of(ALIVE).md5.upper(), "file"),
        (digest_of(ALIVE).sha256, "file"),
    ],
)
def test_a_subject_is_found_by_its_names(kept: Kept, name: str, kind: str) -> None:
    hold = holding.add_hold(parts_of(kept), name, reason="x", until=None, held_by=None, platform=None)
    assert (hold.kind, hold.held_by) == (kind, holding.system_user())
    assert hold.files > 0
    assert hold.subject.startswith({"platform": "linkedin", "post": "p-", "profile": "prf-", "file": "fil-"}[kind])


def test_media_and_files_are_held_by_their_ids(kept: Kept) -> None:
    for name in (kept.media_ids["alive", 0], kept.media_ids["face", 0], kept.file_ids["dead"]):
        hold = holding.add_hold(parts_of(kept), name, reason="x", until=None, held_by="desk", platform=None)
        assert (hold.subject, hold.files, hold.held_by) == (name, 1, "desk")
    summary, _ = apply(kept, include_unrecoverable=True)
    assert kept.left() == {each.name for each in FILES} - {"bare"}
    assert summary.held.files == 4


@pytest.mark.parametrize(
    "name",
    ["nobody", "p-00000000", "med-00000000", "pfm-00000000", "fil-00000000", "prf-00000000", "0" * 32, "0" * 64,
     "platform:friendster", "", "\0", "\udcff"],
)  # fmt: skip
def test_what_nobody_knows_is_not_held(kept: Kept, name: str) -> None:
    with pytest.raises(NotFound):
        holding.add_hold(parts_of(kept), name, reason="x", until=None, held_by=None, platform=None)
    with pytest.raises(NotFound):
        holding.release_hold(parts_of(kept), name)
    assert kept.rows("SELECT count(*) FROM holds") == [(1,)]


def test_a_reason_no_database_can_keep_is_refused(kept: Kept) -> None:
    for words in ({"reason": "\udcff", "held_by": "desk"}, {"reason": "x", "held_by": "\0"}):
        with pytest.raises(ConfigError):
            holding.add_hold(parts_of(kept), "joe", until=None, platform=None, **words)


def test_a_name_of_several_profiles_is_asked_about(kept: Kept) -> None:
    with kept.store.writing() as tx:
        bulk.execute(
            tx,
            "INSERT INTO profiles (profile_id, username, name, platform, kind)"
            " VALUES ('prf-00000001', 'joe', 'Joe', 'linkedin', 'company')",
        )
    with pytest.raises(NotFound, match="prf-00000001"):
        holding.add_hold(parts_of(kept), "joe", reason="x", until=None, held_by=None, platform="linkedin")


def test_holds_that_are_over_are_listed_only_when_asked(kept: Kept) -> None:
    parts = parts_of(kept)
    hold = holding.add_hold(parts, "joe", reason="x", until=NOW + DAY, held_by=None, platform=None)
    assert len(holding.list_holds(parts, ended=False)) == 2
    kept.now = NOW + 2 * DAY
    parts = parts_of(kept)
    assert [each.kind for each in holding.list_holds(parts, ended=False)] == ["post"]
    assert [each.active for each in holding.list_holds(parts, ended=True)] == [True, False]
    released = holding.release_hold(parts, hold.hold_id)
    assert released.released_at == kept.now
    kept.now = datetime(2030, 1, 1, tzinfo=UTC)
    assert holding.release_hold(parts_of(kept), hold.hold_id) == replace(released, active=False)
