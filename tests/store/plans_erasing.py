"""The ways to exports, to what collectors ask, to what is gone, and of erasing, over a grown database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from benchmarks.grown import NOW
from tests.library.world import World

from postkeep.store import collected
from postkeep.store.creator_posts import FollowerCount
from postkeep.views.erasing import Fact
from postkeep.views.exports import Exported, ExportFormat

Rows = Callable[..., list[tuple[Any, ...]]]

# What other ways brought is written once more when their statements are judged.
_GROWN = "{}-60000000%"


def reading_ways(world: World, rows: Rows) -> dict[str, Callable[[], None]]:
    ways = _Ways(world, rows)
    return {"export": ways.export, "collected": ways.collected, "gone": ways.gone}


def erasing_ways(world: World, rows: Rows) -> dict[str, Callable[[], None]]:
    """What takes rows away: to be walked at the end."""
    ways = _Ways(world, rows)
    return {"erase": ways.erase}


class _Ways:
    def __init__(self, world: World, rows: Rows) -> None:
        self.world, self.library, self.rows = world, world.library, rows

    def export(self) -> None:
        for exported in Exported:
            for more in ({}, {"platform": "linkedin"}, {"author": "author-7"}, {"since": NOW - timedelta(days=9)}):
                told = self.library.export(
                    exported,
                    None,
                    form=ExportFormat.JSONL,
                    write=lambda lines: None,
                    stop=_after(2),
                    **more,
                )
                assert told.rows or more

    def collected(self) -> None:
        store = self.world.store
        [[profile_id]] = self.rows("SELECT max(profile_id) FROM follower_history")
        [[run_id]] = self.rows("SELECT max(run_id) FROM run_posts")
        [[native_id]] = self.rows("SELECT max(native_id) FROM profiles")
        count = FollowerCount(NOW, 5, None, None)
        with store.writing() as tx:
            found = collected.creator(tx, profile_id)
            assert found is not None
            collected.creator_of_number(tx, found.platform, native_id)
            assert collected.outcomes(tx, run_id)
            assert sum(collected.content_counts(tx, profile_id))
            assert collected.counts_since(tx, profile_id, NOW - timedelta(days=9000))
            assert collected.newest_count(tx, profile_id)
            assert collected.newest_count(tx, profile_id, until=NOW, other_than=5)
            times = {"hour": NOW, "end": NOW + timedelta(hours=1), "now": NOW}
            collected.keep_count(tx, profile_id, count, history_id="flw-x", **times)

    def gone(self) -> None:
        erasing = self.library.erasing
        assert erasing.gone(facts=[Fact.DELETED], limit=50)
        assert erasing.gone(facts=[Fact.FAILED], limit=50)
        erasing.gone(facts=[Fact.MISSING], limit=50)

    def erase(self) -> None:
        erasing = self.library.erasing
        [[profile_id]] = self.rows(
            "SELECT author_profile_id FROM posts WHERE post_id NOT IN (SELECT subject FROM holds)"
            f" AND author_profile_id LIKE '{_GROWN.format('prf')}'"
            " GROUP BY author_profile_id HAVING count(*) BETWEEN 5 AND 60 ORDER BY 1 DESC LIMIT 1"
        )
        [[post_id]] = self.rows(
            "SELECT max(post_id) FROM posts WHERE author_profile_id <> ?"
            f" AND post_id NOT IN (SELECT subject FROM holds) AND post_id LIKE '{_GROWN.format('p')}'",
            profile_id,
        )
        for dry_run in (True, False):
            assert erasing.posts([post_id], reason="x", dry_run=dry_run).going.posts == 1
            assert erasing.profile(profile_id, reason="x", dry_run=dry_run).going.posts >= 5
        assert not erasing.finish().begun
        assert len(erasing.tombstones(limit=50)) == 50


def _after(times: int) -> Callable[[], bool]:
    asked: Iterator[int] = iter(range(times))
    return lambda: next(asked, None) is None
