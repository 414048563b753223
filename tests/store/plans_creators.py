"""The ways to creators' figures and the best posts, over a grown database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.grown import analyse
from tests.library.world import World

from postkeep.store import Store, bulk
from postkeep.views.creators import AnalyticsMode, CreatorOrder, TopBy

PAGE = 50
_COUNTED = (
    "UPDATE post_people SET role = 'coauthor', profile_id = (SELECT max(profile_id) FROM profiles)"
    " WHERE post_id LIKE '%00'",
    "INSERT INTO creator_analytics (profile_id, mode, version, computed_at, engagement_rate_cached)"
    " SELECT profile_id, 'corrected', '1', created_at, 1.5 FROM profiles WHERE profile_id LIKE '%5'",
    "UPDATE profiles SET kind = 'subreddit' WHERE profile_id = (SELECT min(profile_id) FROM profiles"
    " WHERE platform = 'reddit')",
    "UPDATE posts SET community_profile_id = (SELECT profile_id FROM profiles WHERE kind = 'subreddit')"
    " WHERE platform = 'reddit' AND post_id LIKE '%7'",
)


def count_all(store: Store) -> None:
    """Let a profile of a grown and told database have made posts with others, and some have stored figures."""
    with store.writing() as tx:
        for statement in _COUNTED:
            bulk.execute(tx, statement)
    analyse(store)


def creator_ways(world: World) -> dict[str, Callable[[], None]]:
    ways = _Creators(world)
    return {
        "creators": ways.pages,
        "creator": ways.one,
        "creators at once": ways.at_once,
        "top posts": ways.top,
        "community": ways.community,
    }


class _Creators:
    def __init__(self, world: World) -> None:
        self.library, self.creators, self.rows = world.library, world.library.creators, world.rows

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

    def at_once(self) -> None:
        last, found = "~", []
        for _ in range(12):
            [[last]] = self.rows("SELECT max(author_profile_id) FROM posts WHERE author_profile_id < ?", last)
            found.append(last)
        assert self.creators.update(found).updated == len(found)
        [[post_id]] = self.rows("SELECT min(post_id) FROM posts WHERE author_profile_id = ?", last)
        assert self.creators.post_figures(post_id).compared is not None

    def top(self) -> None:
        [[author]] = self.rows("SELECT max(author_profile_id) FROM posts")
        for by in TopBy:
            self.creators.top_posts(by=by, limit=PAGE, since=datetime(2025, 12, 1, tzinfo=UTC))
        assert self.creators.top_posts(by=TopBy.COMMENTS, author=author)
        assert self.creators.top_posts(by=TopBy.COMMENTS, platform="linkedin")

    def community(self) -> None:
        [[community]] = self.rows(
            "SELECT max(community_profile_id) FROM posts WHERE community_profile_id IS NOT NULL"
        )
        for mode in AnalyticsMode:
            assert self.creators.show(community, mode=mode).analytics["sample"]["handed"]
        assert self.creators.update([community]).updated == 1
        assert self.creators.top_posts(by=TopBy.LIKES, author=community)
        page = self.library.posts(limit=PAGE, author=community)
        assert len(page) == PAGE
        assert self.library.posts(limit=PAGE, author=community, after=page[-1].post_id)
        assert self.library.people.show(community).line.posts > PAGE
