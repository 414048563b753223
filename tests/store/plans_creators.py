"""The ways to creators' figures and the best posts, over a grown database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.grown import analyse
from tests.library.world import World

from postkeep.store import Store, bulk
from postkeep.views.creators import CreatorOrder, TopBy

PAGE = 50
_COUNTED = (
    "INSERT INTO follower_history (history_id, profile_id, observed_at, observed_source, followers_count)"
    " SELECT 'flw' || substr(profile_id, 4), profile_id, created_at, 'file_name', 1000 FROM profiles",
    "INSERT INTO listings (listing_id, profile_id, platform, kind, source, observed_at, observed_source,"
    " in_time_order, record_sha256) SELECT 'lst' || substr(profile_id, 4), profile_id, platform, 'feed', 'feed',"
    " created_at, 'file_name', true, profile_id FROM profiles",
    "INSERT INTO listing_posts (listing_id, position, post_id) SELECT 'lst' || substr(author_profile_id, 4),"
    " row_number() OVER (PARTITION BY author_profile_id ORDER BY post_id), post_id FROM posts"
    " WHERE author_profile_id IS NOT NULL",
    "INSERT INTO post_people (post_id, role, position, name, profile_id) SELECT post_id, 'coauthor', 0, 'x',"
    " (SELECT max(profile_id) FROM profiles) FROM posts WHERE post_id LIKE '%00'",
    "INSERT INTO creator_analytics (profile_id, mode, version, computed_at, engagement_rate_cached)"
    " SELECT profile_id, 'corrected', '1', created_at, 1.5 FROM profiles WHERE profile_id LIKE '%5'",
)


def count_all(store: Store) -> None:
    """Let every profile of a grown database have a list and a follower count, and some stored figures."""
    with store.writing() as tx:
        for statement in _COUNTED:
            bulk.execute(tx, statement)
    analyse(store)


def creator_ways(world: World) -> dict[str, Callable[[], None]]:
    ways = _Creators(world)
    return {"creators": ways.pages, "creator": ways.one, "top posts": ways.top}


class _Creators:
    def __init__(self, world: World) -> None:
        self.creators, self.rows = world.library.creators, world.rows

    def pages(self) -> None:
        for by in CreatorOrder:
            first = self.creators.page(by=by, limit=PAGE)
            assert len(first) == PAGE
            assert self.creators.page(by=by, limit=PAGE, after=first[-1].profile_id)
            assert self.creators.page(by=by, limit=PAGE, platform="linkedin")

    def one(self) -> None:
        [[author], [together]] = self.rows(
            "SELECT max(author_profile_id) FROM posts UNION ALL SELECT max(profile_id) FROM post_people"
        )
        for profile_id in (author, together):
            assert self.creators.show(profile_id).analytics["sample"]["handed"]
        assert self.creators.update([author]).updated == 1

    def top(self) -> None:
        [[author]] = self.rows("SELECT max(author_profile_id) FROM posts")
        for by in TopBy:
            self.creators.top_posts(by=by, limit=PAGE, since=datetime(2025, 12, 1, tzinfo=UTC))
        assert self.creators.top_posts(by=TopBy.COMMENTS, author=author)
        assert self.creators.top_posts(by=TopBy.COMMENTS, platform="linkedin")
