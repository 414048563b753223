"""From the rows of a creator to figures, growth and what a page shows of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import orjson

from postkeep.analytics.content import Content, content_of, without_hidden
from postkeep.analytics.creator import analytics_of_merged
from postkeep.analytics.engagement import calculate_engagement_rate
from postkeep.analytics.growth import FollowerRow, Growth, GrowthAsBuilt, growth, growth_as_built
from postkeep.analytics.reddit import OF_AUTHORS
from postkeep.analytics.registry import metric, shown
from postkeep.analytics.result import Analytics, Mode
from postkeep.analytics.sample import Sample, sample_of_merged
from postkeep.model import Json, Metrics, PostFormat
from postkeep.stages.creator_lists import newest_lists
from postkeep.store.creator_posts import CreatorRow, FollowerCount, ListWindow, PostCounts
from postkeep.views.creators import Basis, FigureView, FollowersView, TopPost, TypeView

REPOSTS_ARE_SHARES: Final = frozenset({"linkedin"})
_VIEWS: Final = ("play_count", "ig_play_count", "video_play_count", "video_view_count", "view_count")
_SHARES_AS_BUILT: Final = ("share_count", "shares")
_KNOWN_WITHIN: Final = timedelta(days=1)
_DRAWN: Final = 300
_UNKNOWN_FORM: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is computed of a creator; `sample` are the posts that count when judged as in corrected mode."""

    creator: CreatorRow
    analytics: Analytics
    growth: Growth | GrowthAsBuilt | None
    sample: Sample
    posts: Mapping[str, PostCounts]
    newest_observation: datetime | None
    zone: tzinfo = UTC


def sheet_of(
    creator: CreatorRow,
    posts: Iterable[PostCounts],
    lists: Sequence[ListWindow],
    history: Sequence[FollowerCount],
    *,
    now: datetime,
    mode: Mode,
    zone: tzinfo,
) -> Sheet:
    """Compute all figures of a creator as of `now`; days and hours are those of `zone`."""
    rows = {each.native_id: each for each in posts}
    newest = newest_lists(lists)
    contents = [_content(each, creator.platform, each.native_id in newest.pinned, mode) for each in rows.values()]
    windows, stands = newest.starts, newest.stands if newest.starts is not None else None
    private = bool(creator.is_private)
    analytics = analytics_of_merged(
        contents,
        creator.followers,
        now=now,
        mode=mode,
        zone=zone,
        windows=windows,
        stands=stands,
        private=private,
    )
    observed = [each.observed_at for each in rows.values() if each.observed_at]
    return Sheet(
        creator,
        analytics,
        growth_of(history, mode),
        sample_of_merged(contents, now=now, windows=windows, stands=stands),
        rows,
        max([*observed, *([creator.account_at] if creator.account_at else [])], default=None),
        zone,
    )


# --- posts and the lists they stand in ----------------------------------------------------------------------


def _content(post: PostCounts, platform: str, pinned: bool, mode: Mode) -> Content:
    detail: dict[str, Any] = orjson.loads(post.detail) if post.detail else {}
    shares = post.shares
    if mode is Mode.COMPAT and platform not in REPOSTS_ARE_SHARES:
        shares = next((detail[name] for name in _SHARES_AS_BUILT if name in detail), 0)
    return content_of(
        post.native_id,
        PostFormat(post.form) if post.form else None,
        post.posted_at,
        Metrics(
            reactions=post.reactions,
            comments=post.comments,
            reposts=post.reposts,
            views=post.views,
            likes=post.likes,
            saves=post.saves,
            shares=shares,
            hidden=post.hidden,
        ),
        caption=post.text if post.text is not None or not post.tells_text else "",
        pinned=pinned,
        own=post.own,
        views_as=views_as(post.views, detail),
        reposts_are_shares=platform in REPOSTS_ARE_SHARES,
    )


def views_as(views: int | None, detail: Mapping[str, Any]) -> str | None:
    """The platform's own name of what these views count."""
    return next((name for name in _VIEWS if views is not None and detail.get(name) == views), None)


def growth_of(history: Sequence[FollowerCount], mode: Mode) -> Growth | GrowthAsBuilt | None:
    if not history:
        return None
    rows = [FollowerRow(each.observed_at, each.followers, each.following, each.posts) for each in history]
    if mode is Mode.COMPAT:
        return growth_as_built(rows, rows[-1].followers, rows[-1].observed_at)
    return growth(rows, rows[-1])


# --- what a page shows --------------------------------------------------------------------------------------


def figures(analytics: Analytics, platform: str) -> tuple[FigureView, ...]:
    """The figures that mean something on a platform, in the registry's order, in words and with their basis."""
    found = []
    for name, figure in analytics.figures.items():
        known = metric(name, platform)
        if known is not None:
            basis = (figure.counted, figure.of, figure.since)
            text = shown(name, figure.value)
            of = Basis.AUTHORS if name in OF_AUTHORS else Basis.POSTS
            found.append(FigureView(name, figure.value, text, str(known.unit), *basis, known.same_as, of))
    return tuple(found)


def growth_as_json(grown: Growth | GrowthAsBuilt | None) -> Json:
    """Both rates with their basis; a compat one has none to tell."""
    if isinstance(grown, Growth):
        previous = grown.previous
        return {
            "daily": grown.daily.as_json() if grown.daily else None,
            "weekly": grown.weekly.as_json() if grown.weekly else None,
            "previous_followers": previous.followers if previous else None,
        }
    return {
        "daily": None
        if grown is None or grown.daily_growth_rate is None
        else {"percent": grown.daily_growth_rate},
        "weekly": None
        if grown is None or grown.weekly_growth_rate is None
        else {"percent": grown.weekly_growth_rate},
        "previous_followers": grown.previous_followers_count if grown else None,
    }


def drawn(history: Sequence[FollowerCount], most: int = _DRAWN) -> tuple[FollowersView, ...]:
    """The history with at most so many points, evenly taken, the first and the last among them."""
    if len(history) > most:
        places = {round(place * (len(history) - 1) / (most - 1)) for place in range(most)}
        history = [history[place] for place in sorted(places)]
    return tuple(FollowersView(each.observed_at, each.followers) for each in history)


def types(sheet: Sheet) -> tuple[TypeView, ...]:
    """The posts of the sample by what they are made of, the most frequent first."""
    forms: dict[str, list[Content]] = {}
    for each in sheet.sample.contents:
        forms.setdefault(_row(sheet, each).form or _UNKNOWN_FORM, []).append(each)
    found = []
    for form, contents in forms.items():
        engaged = [value for each in contents if (value := each.engagement) is not None]
        viewed = [each.views for each in contents if each.views is not None]
        mean = sum(engaged) / len(engaged) if engaged else None
        followers = sheet.analytics.followers
        rate = mean / followers * 100 if mean is not None and followers else None
        views = sum(viewed) / len(viewed) if viewed else None
        found.append(TypeView(form, len(contents), len(engaged), mean, views, rate))
    return tuple(sorted(found, key=lambda each: (-each.posts, each.form)))


def hours(sheet: Sheet) -> tuple[tuple[int, ...], ...]:
    """How many posts of the time that all lists show came in each hour of the week, Monday first."""
    counts = [[0] * 24 for _ in range(7)]
    for at in sheet.sample.dated():
        local = at.astimezone(sheet.zone)
        counts[local.weekday()][local.hour] += 1
    return tuple(map(tuple, counts))


def top(sheet: Sheet, history: Sequence[FollowerCount], limit: int) -> tuple[TopPost, ...]:
    """The posts of the sample with most engagement; of equals the newer."""

    def rank(each: Content) -> tuple[int, datetime, str]:
        row = _row(sheet, each)
        return each.engagement or 0, row.posted_at, row.native_id

    known = [each for each in sheet.sample.contents if each.engagement is not None]
    times = [(each.observed_at, each.followers) for each in history]
    best = sorted(known, key=rank, reverse=True)[:limit]
    return tuple(_top(_row(sheet, each), each, sheet.creator, times) for each in best)


def _row(sheet: Sheet, content: Content) -> PostCounts:
    return sheet.posts[content.native_id or ""]


def _top(
    row: PostCounts, content: Content, creator: CreatorRow, history: Sequence[tuple[datetime, int]]
) -> TopPost:
    at, followers = followers_then(history, row.observed_at)
    clear = without_hidden(content)
    return TopPost(
        row.post_id,
        creator.platform,
        row.native_id,
        row.form,
        row.posted_at,
        creator.username,
        row.text,
        row.url,
        clear.likes,
        clear.comments,
        clear.views,
        calculate_engagement_rate(clear.likes, clear.comments, followers),
        followers,
        at,
        row.observed_at,
        hidden=row.hidden,
    )


def followers_then(
    oldest_first: Sequence[tuple[datetime, int]], observed_at: datetime | None
) -> tuple[datetime | None, int | None]:
    """The follower count known when a post's counts were observed: the newest, not a day later than they are."""
    if observed_at is None:
        return None, None
    latest = observed_at + _KNOWN_WITHIN
    before = [each for each in oldest_first if each[0] <= latest]
    return before[-1] if before else (None, None)
