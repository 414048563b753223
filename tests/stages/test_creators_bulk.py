"""Many creators computed at once have the figures each has by itself."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from benchmarks.creators_corpus import NOW, fill

from postkeep.analytics.result import Mode
from postkeep.analytics.sums import Clock
from postkeep.store import Store, bulk, creator_columns, schema

pytest.importorskip("polars", reason="needs the extra [analytics]")

from postkeep.stages import creators, creators_bulk
from postkeep.stages.kept_figures import KeptFigures

CREATORS = 12
ZONES = [UTC, ZoneInfo("America/St_Johns")]


@pytest.fixture
def filled(store: Store) -> Store:
    """Creators as after months, and what seldom happens: by hand, for one of them each."""
    fill(store, CREATORS, 70)
    with store.writing() as tx:
        for statement in (
            "UPDATE profiles SET is_private = true WHERE profile_id = {1}",
            "UPDATE posts SET text_content = NULL WHERE author_profile_id = {2}",
            "UPDATE posts SET text_content = NULL, text_last_seen_at = NULL WHERE author_profile_id = {3}",
            "UPDATE posts SET latest_download_id = NULL WHERE author_profile_id = {4} AND post_format = 'reel'",
            "UPDATE data_downloads SET likes = {big} WHERE post_id IN"
            " (SELECT post_id FROM posts WHERE author_profile_id = {5})",
            "UPDATE data_downloads SET of_original = true WHERE post_id IN"
            " (SELECT post_id FROM posts WHERE author_profile_id = {6} AND post_format = 'reel')",
            "UPDATE data_downloads SET counts_hidden = true WHERE post_id IN"
            " (SELECT post_id FROM posts WHERE author_profile_id = {7} AND post_format = 'image')",
            "UPDATE data_downloads SET stats_json = '{}' WHERE post_id IN"
            " (SELECT post_id FROM posts WHERE author_profile_id = {10} AND post_format = 'reel')",
            "DELETE FROM posts WHERE author_profile_id = {11}",
        ):
            for number in range(CREATORS):
                statement = statement.replace(f"{{{number}}}", f"'{_profile(number)}'")
            # PostgreSQL has room for less.
            big = 3 * 10**12 if store.is_sqlite else 2**31 - 1
            bulk.execute(tx, statement.replace("{big}", str(big)))
        own = bulk.execute(
            tx, "SELECT post_id, post_format FROM posts WHERE author_profile_id = ? ORDER BY post_id", _profile(8)
        ).all()
        together = [
            (post_id, "coauthor", 0, "Both", _profile(number)) for number in (8, 9) for post_id, _ in own[:9]
        ]
        people = ("post_id", "role", "position", "name", "profile_id")
        bulk.insert(tx, schema.post_people, people, [row for row in together if row[4] == _profile(9)])
        later, odd = NOW + timedelta(days=2), NOW - timedelta(days=3, microseconds=400)
        bulk.update(
            tx,
            schema.posts,
            ("posted_at",),
            [(later, own[0][0]), (odd, own[1][0]), (odd, own[2][0])],
            key=("post_id",),
        )
    return store


def _profile(number: int) -> str:
    return f"prf-{number:017x}"


def _alone(store: Store, profile_id: str, zone: Any) -> KeptFigures:
    sheet, _ = creators.compute(store, profile_id, now=NOW, mode=Mode.CORRECTED, zone=zone)
    return KeptFigures(sheet.creator, sheet.analytics, sheet.growth, sheet.newest_observation, len(sheet.posts))


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_same_as_one_by_one(filled: Store, zone: Any) -> None:
    profile_ids = [_profile(number) for number in range(CREATORS)]
    found = dict(creators_bulk.computed(filled, profile_ids, now=NOW, clock=Clock(zone)))

    assert list(found) == profile_ids
    for number, profile_id in enumerate(profile_ids):
        if number == 11 or (number == 5 and filled.is_sqlite):
            assert found[profile_id] is None, "no posts, or too large a count: computed by itself"
        else:
            assert found[profile_id] == _alone(filled, profile_id, zone)
    # What was done by hand is seen in the figures.
    assert found[_profile(1)].analytics["engagement_rate"] is None
    assert found[_profile(3)].analytics["uses_hashtags"] is None
    assert found[_profile(9)].analytics.tally.excluded["not_own"] == 9
    assert found[_profile(8)].analytics.tally.excluded["after_now"] == 1


def test_it_does_not_matter_how_they_are_taken_together(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    profile_ids = [_profile(number) for number in range(CREATORS)]
    at_once = dict(creators_bulk.computed(filled, profile_ids, now=NOW, clock=Clock(UTC)))
    monkeypatch.setattr(creators_bulk, "_POSTS", 100)
    monkeypatch.setattr(creator_columns.columns_of, "__kwdefaults__", {"page": 33})

    assert dict(creators_bulk.computed(filled, profile_ids, now=NOW, clock=Clock(UTC))) == at_once


def test_a_reel_seen_in_the_feed_has_the_views_of_the_list_of_that_day(filled: Store) -> None:
    with filled.reading() as tx:
        blind = bulk.execute(
            tx,
            "SELECT count(*) FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id"
            " WHERE p.author_profile_id = ? AND p.post_format = 'reel'"
            " AND d.views IS NULL AND NOT d.counts_hidden",
            _profile(10),
        ).scalar()
        columns = list(creator_columns.columns_of(tx, [_profile(10)]))
    assert blind > 0
    for each in columns:
        reels = zip(each.forms, each.hidden, each.counts["views"], strict=True)
        assert all(views is not None for form, hidden, views in reels if form == "reel" and not hidden)
