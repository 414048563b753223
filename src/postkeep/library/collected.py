"""What somebody else's collector may ask of a library, and the figures and words it may ask for without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from postkeep.analytics import creator as figures
from postkeep.analytics.engagement import calculate_engagement_rate
from postkeep.analytics.result import Mode
from postkeep.model import BioLink, Json, Platform
from postkeep.platforms import bio, load_platform, text
from postkeep.platforms.instagram import creator
from postkeep.stages import collected, counted
from postkeep.stages.parts import Parts
from postkeep.views.collected import FollowerGrowth, SavedPosts


class Collected:
    """What collectors of Instagram hand over.

    A creator is named by a profile's id (an old one, too) or by Instagram's number for the account; a number that
    nobody knows yet becomes a profile. All of these raise NotFound for others, and for who was erased.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @cached_property
    def _platform(self) -> Platform:
        return load_platform("instagram")

    def store(
        self, name: str, creator_id: str | int, username: str | None, items: Sequence[Json], *, reels: bool
    ) -> SavedPosts:
        """Store a creator's reels, or its feed, as observed now, in a run called `name`; fetches nothing."""
        return collected.store_collected(
            self._parts, self._platform, name, creator_id, username, items, reels=reels
        )

    def content_counts(self, creator_id: str | int) -> tuple[int, int]:
        """How many reels, and how many other posts, of a creator are stored."""
        return collected.content_counts(self._parts, creator_id)

    def track_followers(
        self,
        creator_id: str | int,
        username: str | None,
        followers: Json,
        following: Json = None,
        media_count: Json = None,
    ) -> FollowerGrowth:
        """Write a follower count down, at most one in an hour, and tell the growth up to it."""
        return counted.track_followers(self._parts, creator_id, username, followers, following, media_count)

    def update_profile(
        self,
        creator_id: str | int,
        profile: Mapping[str, Json],
        *,
        growth: Mapping[str, Json] | None = None,
        link_kind: str | None = None,
        links: Sequence[Json] | None = None,
        picture: str | None = None,
    ) -> None:
        """Store what a profile tells as observed now; raises ParseError for what JSON cannot hold."""
        told = counted.ToldProfile(profile, growth, link_kind, None if links is None else list(links), picture)
        counted.update_profile(self._parts, creator_id, told)

    def update_figures(self, creator_id: str | int, analytics: Mapping[str, Json], api_calls: int) -> None:
        """Write a creator's 24 stored figures at once, and add the calls; raises ValueError for no result."""
        counted.update_figures(self._parts, creator_id, analytics, api_calls)


# --- without a library ----------------------------------------------------------------------------------------


def analytics_of(
    reels: Sequence[Json], posts: Sequence[Json], followers: int | None, *, now: datetime, mode: str
) -> dict[str, Json]:
    """A creator's figures from two raw lists, as JSON values; raises ValueError for another mode or no zone."""
    if now.tzinfo is None:
        raise ValueError("the time has no zone")
    return figures.calculate_analytics(reels, posts, followers, now=now, mode=Mode(mode)).as_json()


def engagement_rate(likes: int | None, comments: int | None, followers: int | None) -> float | None:
    """Likes and comments as percent of the followers; None when one is unknown."""
    return calculate_engagement_rate(likes, comments, followers)


def hashtags_of(words: str) -> tuple[str, ...]:
    """The hashtags of a text in lower case, without `#`."""
    return text.hashtags(words)


def mentions_of(words: str) -> tuple[str, ...]:
    """The names after an `@` as they are written."""
    return text.mentions(words)


def link_kind(url: str | None) -> str | None:
    """What kind of place a link leads to."""
    kind = bio.kind_of(url)
    return None if kind is None else str(kind)


def links_of(profile: Json) -> tuple[BioLink, ...]:
    """The links in the biography of a raw profile, in order."""
    return creator.links_of(profile)
