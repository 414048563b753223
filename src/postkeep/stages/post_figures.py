"""The figures of one post: its rate, how far it is above the earlier ones, and how fast it grew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from postkeep.analytics.curves import curve, engagement_of, half_life, velocities, with_virtual_zero
from postkeep.analytics.engagement import calculate_engagement_rate, viral_multiplier
from postkeep.analytics.registry import metric
from postkeep.analytics.sums import time_of
from postkeep.model import Metrics, PostFormat
from postkeep.stages.creator_lists import newest_lists
from postkeep.stages.creator_sheet import followers_then
from postkeep.store import creator_columns, creator_posts, post_history
from postkeep.store.creator_columns import PostColumns
from postkeep.store.post_history import PostFacts
from postkeep.views.post_figures import CurvePoint, HalfLifeView, PostFigures, PostPeople, VelocityView

_HOUR: Final = timedelta(hours=1)


def post_figures(tx: Connection, post_id: str) -> PostFigures:
    """The figures of a post that is there; unknown is None."""
    facts = post_history.facts(tx, post_id)
    observed = post_history.observations(tx, post_id)
    points = curve(observed)
    half = half_life(points, facts.posted_at)
    rate, at, followers = _rate(tx, facts, observed)
    multiplier, compared = _viral(tx, facts, observed)
    return PostFigures(
        rate,
        followers,
        at,
        multiplier,
        compared,
        tuple(VelocityView(each.begin, each.end, each.per_hour) for each in velocities(points)),
        HalfLifeView(half.after / _HOUR, half.at_most, half.settled) if half else None,
        tuple(
            CurvePoint(each.at, each.value, each.virtual) for each in with_virtual_zero(points, facts.posted_at)
        ),
    )


def post_people(tx: Connection, post_id: str) -> PostPeople:
    """Whom a post that is there names, and who stands behind it."""
    people = post_history.people(tx, post_id)
    return PostPeople(
        tuple(post_history.mentions(tx, post_id)),
        tuple(name for role, name in people if role == "coauthor"),
        tuple(name for role, name in people if role == "tagged"),
    )


def _rate(
    tx: Connection, facts: PostFacts, observed: list[tuple[datetime, Metrics]]
) -> tuple[float | None, datetime | None, int | None]:
    """The rate of the newest counts with the followers known at that time; None where the platform has no rate."""
    if (
        not observed
        or facts.author_profile_id is None
        or metric("engagement_rate_of_post", facts.platform) is None
    ):
        return None, None, None
    seen_at, metrics = observed[-1]
    history = [(each.observed_at, each.followers) for each in creator_posts.history(tx, facts.author_profile_id)]
    at, followers = followers_then(history, seen_at)
    likes = metrics.reactions if metrics.likes is None else metrics.likes
    rate = calculate_engagement_rate(None if metrics.hidden else likes, metrics.comments, followers)
    return rate, at, followers


def _viral(
    tx: Connection, facts: PostFacts, observed: list[tuple[datetime, Metrics]]
) -> tuple[float | None, int | None]:
    """How many times the median of the author's earlier posts of its kind it has, and how many these are."""
    if not observed or facts.author_profile_id is None:
        return None, None
    pinned = newest_lists(creator_posts.windows(tx, facts.author_profile_id)).pinned
    value: int | None = None
    others = []
    for columns in creator_columns.columns_of(tx, [facts.author_profile_id]):
        for native_id, is_reel, at, count in _counted(columns):
            if native_id == facts.native_id:
                value = count
            elif count is not None and is_reel is _is_reel(facts.form) and native_id not in pinned:
                others.append((at, count))
    earlier = [each for each in others if each[0] < facts.posted_at]
    return viral_multiplier(value, facts.posted_at, earlier), len(earlier)


def _counted(columns: PostColumns) -> Iterator[tuple[str, bool, datetime, int | None]]:
    """Each own post with what it is judged by: reels by their views, all else by engagement."""
    if not columns.own:
        return
    for place, native_id in enumerate(columns.native_ids):
        reactions, views, likes, comments = (
            columns.counts[name][place] for name in ("reactions", "views", "likes", "comments")
        )
        hidden, reel = columns.hidden[place], _is_reel(columns.forms[place])
        engagement = engagement_of(Metrics(reactions=reactions, likes=likes, comments=comments, hidden=hidden))
        at = time_of(columns.at[place])
        yield native_id, reel, at, (None if hidden else views) if reel else engagement


def _is_reel(form: str | None) -> bool:
    return form == PostFormat.REEL
