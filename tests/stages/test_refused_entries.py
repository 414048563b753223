"""An entry of a page that cannot be read is kept apart and counted; it costs its neighbours nothing."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from postkeep.ids import IdFactory
from postkeep.model import Observation, ObservedSource, Place, RawRecord, utc_now
from postkeep.platforms import load_platform
from postkeep.stages.ingest import Ingest, Tally
from postkeep.stages.ingest.candidate import decompress
from postkeep.store import Store, bulk, listings, quarantine, runs
from tests.pages import day
from tests.platforms import instagram_records, reddit_records

IDS = IdFactory()


def ingest(store: Store, record: Any, at: datetime) -> Tally:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    platforms = [load_platform("instagram"), load_platform("reddit")]
    stage = Ingest(store, platforms=platforms, ids=IDS, run_id=run_id, clock=utc_now)
    observation = Observation(at, ObservedSource.FILE_NAME)
    for _ in stage.feed([RawRecord(json.dumps(record).encode(), Place("page.json", 1, 0), observation)]):
        pass
    return stage.tally


def kept(store: Store) -> list[tuple[str, str | None, Any]]:
    with store.reading() as tx:
        rows = quarantine.load(tx, limit=10)
    found = [(row.reason, row.field, json.loads(decompress(row.codec or "", row.body or b""))) for row in rows]
    return sorted(found, key=lambda each: each[0])


def test_of_a_page_only_what_cannot_be_read_is_quarantined(store: Store) -> None:
    good, other = instagram_records.photo(), instagram_records.clip()
    bad = {**instagram_records.carousel(), "taken_at": "1756900000"}
    feed = {"items": [good, bad, None, None, other], "more_available": True}

    for _ in range(2):
        tally = ingest(store, feed, day(1))
        assert (tally.new + tally.duplicates, tally.errors, tally.processed) == (2, 3, 5)
        assert len(tally.problems) == 3
        assert kept(store) == [
            ("in a page: not a post", None, None),
            ("in a page: taken_at: no time", "taken_at", bad),
        ]

    with store.reading() as tx:
        assert bulk.execute(tx, "SELECT count(*) FROM listings").scalar() == 0


def test_what_was_refused_can_be_read_when_it_is_taught(store: Store) -> None:
    bad = {"media": {**instagram_records.clip(), "taken_at": None}}
    ingest(store, {"items": [{"media": instagram_records.photo()}, bad], "paging_info": {}}, day(1))

    [(_, _, entry)] = kept(store)
    entry["media"]["taken_at"] = 1_756_900_000
    [post] = load_platform("instagram").parse(entry).posts
    assert post.native_id == instagram_records.clip()["id"].partition("_")[0]


@pytest.mark.parametrize("broken", [{"created_utc": "soon"}, None], ids=["a field", "the whole"])
def test_a_list_with_an_unreadable_post_makes_none_look_missing(
    store: Store, broken: dict[str, Any] | None
) -> None:
    children = [
        reddit_records.thing(
            reddit_records.text_post(f"post{number}", created_utc=1_756_900_000 - number, subreddit=name)
        )
        for number, name in enumerate(("pics", "aww", "pics", "aww", "pics"))
    ]
    whole = reddit_records.listing(*children)
    ingest(store, whole, day(200))
    later = reddit_records.listing(*children)
    later["data"]["children"][2] = broken and {**children[2], "data": {**children[2]["data"], **broken}}
    tally = ingest(store, later, day(210))

    assert tally.errors == 1
    with store.reading() as tx:
        [owner] = bulk.execute(
            tx, "SELECT DISTINCT profile_id FROM listings WHERE profile_id IS NOT NULL"
        ).scalars()
        assert listings.missing(tx, owner, limit=10) == []
