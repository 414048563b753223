"""What is gone is told in four ways that are never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import NotFound
from postkeep.stages.disappeared import list_gone
from postkeep.stages.parts import Parts
from postkeep.store import bulk
from postkeep.views.erasing import Fact
from tests.pages import day, entry, page, raw
from tests.stages.archiving import parts_of
from tests.stages.test_erasing import ingest


@pytest.fixture
def parts(database_url: str, tmp_path: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, tmp_path / "cache", tmp_path / "archive")
    ingest(
        parts.store,
        raw(page(entry(5), entry(4), entry(3), entry(1, pinned=True), complete=True, page=0), at=day(6)),
        raw(page(entry(8, owner="ann", presence="deleted"), kind=None), at=day(9)),
        raw(page(entry(7, media=[{"key": "m"}]), kind=None, owner="joe", owner_id="8"), at=day(9)),
        # 4 should stand here; 1 was pinned, and is older than what this page reaches down to.
        raw(page(entry(5), entry(3), page=0), at=day(10)),
    )
    with parts.store.writing() as tx:
        bulk.execute(
            tx, "UPDATE post_media SET download_state = 'failed', error_kind = 'http_500', error_at = ?", day(9)
        )
    yield parts
    parts.store.close()


def gone(parts: Parts, *facts: Fact, **more: Any) -> list[tuple[str, Fact, str | None]]:
    asked: dict[str, Any] = {"platform": None, "author": None, "limit": 50} | more
    return [(each.native_id, each.fact, each.listing) for each in list_gone(parts, facts=facts, **asked)]


def test_each_way_to_be_gone_is_told_apart(parts: Parts) -> None:
    missing, deleted = ("4", Fact.MISSING, "feed"), ("8", Fact.DELETED, None)
    assert gone(parts) == [missing, deleted]
    assert gone(parts, Fact.FAILED) == [("7", Fact.FAILED, None)]
    assert gone(parts, *Fact) == [missing, deleted, ("7", Fact.FAILED, None)]
    assert gone(parts, Fact.PRIVATE) == []


def test_what_is_gone_is_narrowed(parts: Parts) -> None:
    assert gone(parts, *Fact, author="joe") == [("7", Fact.FAILED, None)]
    assert gone(parts, *Fact, platform="reddit") == []
    assert len(gone(parts, *Fact, platform="instagram", limit=1)) == 3
    with pytest.raises(NotFound):
        gone(parts, platform="nowhere")


def test_a_post_that_several_lists_lack_is_told_once(parts: Parts) -> None:
    ingest(
        parts.store,
        raw(page(entry(5), entry(4), entry(3), kind="timeline", page=0), at=day(6)),
        raw(page(entry(5), entry(3), kind="timeline", page=0), at=day(11)),
    )
    assert gone(parts, Fact.MISSING) == [("4", Fact.MISSING, "feed, timeline")]
    [told] = list_gone(parts, facts=[Fact.MISSING], platform=None, author=None, limit=1)
    assert told.since == day(10)
