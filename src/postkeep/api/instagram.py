"""Instagram by the predecessors' function names: store what a collector fetched, and tell what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from postkeep.api import default
from postkeep.library import collected
from postkeep.model import Json, utc_now

CreatorId = str | int
"""A profile's id (`prf-...`, old ones as well) or Instagram's own number for the account."""


class Growth(TypedDict):
    """Percent per day and per week, the newest count that was another one, and what they were made from.

    `basis` is None for a count that was not written down.
    """

    daily_growth_rate: float | None
    weekly_growth_rate: float | None
    previous_followers_count: int | None
    basis: Mapping[str, Json] | None


class Link(TypedDict):
    """A link of a biography; `type` says where it leads."""

    url: str
    title: str | None
    type: str | None


# --- storing --------------------------------------------------------------------------------------------


def store_reels(creator_id: CreatorId, username: str, reels: Sequence[Json]) -> tuple[int, int, int]:
    """Store raw items of the reels list, in or out of their wrapper: (saved, new, known before).

    They are observed now, and remembered as the list they are when all can be read: hand over in one call what was
    collected of it. One that cannot be read goes into the quarantine and is not counted. Media are queued, none is
    fetched. A post that stands in both lists is one post; storing the same again adds none. A number nobody knows
    becomes a profile. Raises NotFound for any other creator that is not here, and for one that was erased.
    """
    return _store("store_reels", creator_id, username, reels, reels=True)


def store_posts(creator_id: CreatorId, username: str, posts: Sequence[Json]) -> tuple[int, int, int]:
    """Store raw items of the feed: (saved, new, known before). As store_reels; carousels keep their order."""
    return _store("store_posts", creator_id, username, posts, reels=False)


def _store(
    name: str, creator_id: CreatorId, username: str, items: Sequence[Json], *, reels: bool
) -> tuple[int, int, int]:
    saved = default.library().collected.store(name, creator_id, username, items, reels=reels)
    return saved.saved, saved.new, saved.known


def get_creator_content_counts(creator_id: CreatorId) -> tuple[int, int]:
    """How many reels and how many other posts are stored that the creator made or that stood in its lists.

    A number nobody knows has none. Raises NotFound for an id of no profile.
    """
    return default.library().collected.content_counts(creator_id)


def track_follower_growth(
    creator_id: CreatorId,
    username: str,
    followers: int | None,
    following: int | None = None,
    media_count: int | None = None,
) -> Growth:
    """Write a follower count into the history, at most one in an hour (UTC), and tell the growth up to it.

    Rates are scaled to 24 hours and 7 days, from a row within 12 hours and 2 days of them; without one they are
    None, and 0.0 is a rate. A count that is missing or impossible is not written, and all is None then. Raises
    NotFound as store_reels does.
    """
    told = default.library().collected.track_followers(creator_id, username, followers, following, media_count)
    return Growth(
        daily_growth_rate=told.daily,
        weekly_growth_rate=told.weekly,
        previous_followers_count=told.previous,
        basis=told.basis if told.refused is None else None,
    )


def update_creator_profile(
    creator_id: CreatorId,
    profile_data: Mapping[str, Json],
    growth_data: Mapping[str, Json] | None = None,
    external_url_type: str | None = None,
    bio_links: Sequence[Mapping[str, Json]] | None = None,
    profile_pic_url: str | None = None,
) -> None:
    """Store what a profile tells: counts, biography, flags, links, its picture, and the growth beside the figures.

    `profile_data` is the raw answer or what was mapped from it; with the answer inside (`raw_data`) that counts.
    What it does not tell stays; an empty biography and an empty link are told. The last three stand for what
    `profile_data` lacks. Raises NotFound as store_reels does and for another creator's profile, ParseError for
    what JSON cannot hold.
    """
    default.library().collected.update_profile(
        creator_id,
        profile_data,
        growth=growth_data,
        link_kind=external_url_type,
        links=bio_links,
        picture=profile_pic_url,
    )


def update_creator_analytics(creator_id: CreatorId, analytics: Mapping[str, Any], api_calls: int) -> None:
    """Write the 24 stored figures of a creator at once; `analytics` is what calculate_analytics returned.

    What became unknown is NULL. The growth is that of the stored history up to its newest count. `api_calls` are
    added to those counted before. Raises NotFound as store_reels does, ValueError for no result and no count.
    """
    default.library().collected.update_figures(creator_id, analytics, api_calls)


# --- telling --------------------------------------------------------------------------------------------


def calculate_analytics(
    reels: Sequence[Json],
    posts: Sequence[Json],
    followers: int | None,
    now: datetime | None = None,
    mode: str = "corrected",
) -> dict[str, Json]:
    """The 50 figures of a creator from raw lists; `mode`, `version`, `input`, `sample` and `basis` beside them.

    `now` (aware; the clock's time by default) is when they hold. `mode` is corrected, or compat for the
    predecessor's formulas as they were. Unknown is None. Needs no library; raises ValueError for another mode and
    for a time without a zone.
    """
    return collected.analytics_of(reels, posts, followers, now=now or utc_now(), mode=mode)


def calculate_engagement_rate(likes: int | None, comments: int | None, followers: int | None) -> float | None:
    """Likes and comments as percent of the followers, with two digits; None when one of the three is unknown."""
    return collected.engagement_rate(likes, comments, followers)


def extract_hashtags(text: str | None) -> list[str]:
    """The hashtags of a text in lower case without `#`, each once, in order; of any script."""
    return list(collected.hashtags_of(text or ""))


def extract_mentions(text: str | None) -> list[str]:
    """The names after an `@` as they are written, each once, in order; addresses of mail are none."""
    return list(collected.mentions_of(text or ""))


def identify_external_url_type(url: str | None) -> str | None:
    """What kind of place a link leads to, by its host as a whole: linktree, youtube, personal_site, other ...

    None for no link.
    """
    return collected.link_kind(url)


def extract_bio_links(raw_profile: Json) -> list[Link]:
    """The links in the biography of a raw profile, in order; none where it shows none."""
    return [Link(url=each.url, title=each.title, type=each.kind) for each in collected.links_of(raw_profile)]
