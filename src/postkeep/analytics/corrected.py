"""The same 50 figures with the predecessor's flaws mended: unknown is None, and a figure has one population."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from .compat import DEFAULTS
from .content import Content, Kind, hashtags
from .engagement import medians_of_earlier
from .result import Figure, Value, ViralRule
from .sample import Sample
from .words import WEEKDAYS

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)
_CLEAR: Final = 1.5
_LEAST_GAPS: Final = 3
_COUNTS: Final = ("likes", "comments", "saves", "shares")
Count = Callable[[Content], int | None]


def corrected_figures(
    sample: Sample, followers: int | None, *, now: datetime, zone: tzinfo, viral: ViralRule
) -> dict[str, Figure]:
    """The 50 figures in the predecessor's order; the order of the posts does not matter.

    `followers` None or 0 makes every rate unknown. Days and hours are those of `zone`.
    """
    made = _Made(sample, followers or None)
    figures = {
        **_how_many(made),
        **_means(made),
        **_totals(made),
        **_rates(made),
        **_ratios(made),
        **_viral(made, viral),
        **_best_type(made),
        **_captions(made),
        **_timing(made, now, zone),
    }
    return {name: figures[name] for name in DEFAULTS}


@dataclass(frozen=True, slots=True)
class _Made:
    sample: Sample
    followers: int | None

    def all(self) -> tuple[Content, ...]:
        return self.sample.contents

    def since(self, kind: Kind) -> datetime | None:
        return self.sample.starts.get(kind)


def _named(name: str) -> Count:
    return lambda each: getattr(each, name)


def _engagement(each: Content) -> int | None:
    return each.engagement


def _known(contents: Iterable[Content], count: Count) -> list[int]:
    return [value for each in contents if (value := count(each)) is not None]


def _mean(contents: Sequence[Content], count: Count, since: datetime | None = None) -> Figure:
    """Of all known values, zeros among them."""
    values = _known(contents, count)
    return Figure(sum(values) / len(values) if values else None, len(values), len(contents), since)


def _total(contents: Sequence[Content], count: Count) -> Figure:
    values = _known(contents, count)
    return Figure(sum(values) if values else None, len(values), len(contents))


def _share(contents: Sequence[Content], above: Count, below: Count) -> Figure:
    """One sum over another, over the posts of which both are known."""
    both = [(a, b) for each in contents if (a := above(each)) is not None and (b := below(each)) is not None]
    whole = sum(b for _, b in both)
    return Figure(sum(a for a, _ in both) / whole if whole else None, len(both), len(contents))


def _percent(mean: Figure, followers: int | None) -> Figure:
    value = number(mean.value)
    rate = value / followers * 100 if value is not None and followers else None
    return Figure(rate, mean.counted, mean.of, mean.since)


def number(value: Value) -> float | None:
    """The value where it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _how_many(made: _Made) -> dict[str, Figure]:
    reels, posts = (len(made.sample.of(kind)) for kind in Kind)
    handed = made.sample.tally.handed
    return {
        "reels_analyzed": Figure(reels, reels, handed, made.since(Kind.REEL)),
        "posts_analyzed": Figure(posts, posts, handed, made.since(Kind.POST)),
        "total_content_analyzed": Figure(reels + posts, reels + posts, handed),
    }


def _means(made: _Made) -> dict[str, Figure]:
    figures = {}
    for kind in Kind:
        contents, since = made.sample.of(kind), made.since(kind)
        for count in _COUNTS:
            mean = _mean(contents, _named(count), since)
            figures[f"avg_{kind}_{count}"] = figures[f"avg_{count}_per_{kind}_cached"] = mean
    figures["avg_reel_views"] = _mean(made.sample.of(Kind.REEL), _named("views"), made.since(Kind.REEL))
    figures["avg_post_engagement"] = _mean(made.sample.of(Kind.POST), _engagement, made.since(Kind.POST))
    return figures


def _totals(made: _Made) -> dict[str, Figure]:
    return {
        "total_views": _total(made.sample.of(Kind.REEL), _named("views")),
        **{f"total_{count}": _total(made.all(), _named(count)) for count in _COUNTS},
        "total_engagement": _total(made.all(), _engagement),
        "avg_engagement_per_content": _mean(made.all(), _engagement),
    }


def _rates(made: _Made) -> dict[str, Figure]:
    every = _percent(_mean(made.all(), _engagement), made.followers)
    rates = {
        f"{kind}_engagement_rate": _percent(
            _mean(made.sample.of(kind), _engagement, made.since(kind)), made.followers
        )
        for kind in Kind
    }
    views = _mean(made.sample.of(Kind.REEL), _named("views"), made.since(Kind.REEL))
    return {
        "engagement_rate": every,
        "avg_engagement_rate": every,
        **rates,
        "content_reach_rate": _percent(views, made.followers),
    }


def _ratios(made: _Made) -> dict[str, Figure]:
    reels, posts = (_mean(made.sample.of(kind), _engagement) for kind in Kind)
    of_reels, of_posts = number(reels.value), number(posts.value)
    better = of_reels / of_posts if of_reels is not None and of_posts else None
    counted, of = (reels.counted or 0) + (posts.counted or 0), (reels.of or 0) + (posts.of or 0)
    return {
        "comment_to_like_ratio": _share(made.all(), _named("comments"), _named("likes")),
        "save_to_like_ratio": _share(made.all(), _named("saves"), _named("likes")),
        "reels_vs_posts_performance": Figure(better, counted, of),
    }


def _viral(made: _Made, rule: ViralRule) -> dict[str, Figure]:
    """Reels by their views, posts by their engagement, each against the earlier ones of its kind."""
    judged = [*_judged(made, Kind.REEL, _named("views"), rule), *_judged(made, Kind.POST, _engagement, rule)]
    of, count = len(made.all()), sum(judged)
    return {
        "viral_content_count": Figure(count if judged else None, len(judged), of),
        "viral_content_rate": Figure(count / len(judged) * 100 if judged else None, len(judged), of),
        "viral_threshold_multiplier": Figure(rule.multiplier),
    }


def _judged(made: _Made, kind: Kind, count: Count, rule: ViralRule) -> list[bool]:
    """Whether each post is viral that can be judged: dated, its count known, with enough earlier ones."""
    known = [
        (each.posted_at, value, each.pinned)
        for each in made.sample.of(kind)
        if each.posted_at and (value := count(each)) is not None
    ]
    basis = [(at, value) for at, value, pinned in known if not pinned]
    medians = medians_of_earlier(basis, [at for at, _, _ in known], minimum=rule.minimum_sample)
    least = rule.min_views if kind is Kind.REEL else 0
    return [
        value >= least and value >= rule.multiplier * median
        for (_, value, _), median in zip(known, medians, strict=True)
        if median
    ]


def _best_type(made: _Made) -> dict[str, Figure]:
    means = {kind: _mean(made.sample.of(kind), _engagement) for kind in Kind}
    counted, of = sum(each.counted or 0 for each in means.values()), sum(each.of or 0 for each in means.values())
    figure = Figure(_better(means[Kind.REEL], means[Kind.POST]), counted, of)
    return {"best_performing_type": figure, "best_content_type": figure}


def _better(reels: Figure, posts: Figure) -> str | None:
    """Engagement against engagement; who makes one kind only does that best, when it moves anybody."""
    of_reels, of_posts = number(reels.value), number(posts.value)
    if not posts.of and of_reels:
        return "reels"
    if not reels.of and of_posts:
        return "posts"
    if of_reels is None or of_posts is None or of_reels == of_posts == 0:
        return None
    if of_reels > _CLEAR * of_posts:
        return "reels"
    return "posts" if of_posts > _CLEAR * of_reels else "mixed"


def _captions(made: _Made) -> dict[str, Figure]:
    posts, since = made.sample.of(Kind.POST), made.since(Kind.POST)
    known = [each.caption for each in posts if each.caption is not None]
    written = [caption for caption in known if caption]
    tags = [hashtags(caption) for caption in written]
    return {
        "avg_caption_length": _of_captions([len(each) for each in written], posts, since),
        "avg_hashtag_count": _of_captions(tags, posts, since),
        "uses_hashtags": Figure(any(tags) if known else None, len(known), len(posts), since),
    }


def _of_captions(values: Sequence[int], posts: Sequence[Content], since: datetime | None) -> Figure:
    return Figure(sum(values) / len(values) if values else None, len(values), len(posts), since)


def _timing(made: _Made, now: datetime, zone: tzinfo) -> dict[str, Figure]:
    times, of, since = made.sample.dated(), len(made.all()), made.sample.common_start
    gaps = [later - earlier for earlier, later in pairwise(times)]
    newest = max((each.posted_at for each in made.all() if each.posted_at), default=None)
    age = Figure((now - newest) / _DAY if newest else None, int(newest is not None), of)
    local = [time.astimezone(zone) for time in times]
    days, hours = Counter(WEEKDAYS[time.weekday()] for time in local), Counter(time.hour for time in local)
    return {
        "days_since_last_post": age,
        "last_post_days_ago": age,
        "posting_frequency_per_week": Figure(_frequency(times), len(times), of, since),
        "posting_consistency_score": Figure(_consistency(gaps), len(times), of, since),
        # Counter keeps the order of first sight: of equals the one met first in ascending time.
        "most_active_day": Figure(days.most_common(1)[0][0] if days else None, len(times), of, since),
        "most_active_hour": Figure(hours.most_common(1)[0][0] if hours else None, len(times), of, since),
    }


def _frequency(times: Sequence[datetime]) -> float | None:
    """Gaps a week: n posts have n - 1 of them; less than a day tells nothing about a week."""
    if len(times) < 2:
        return None
    return (len(times) - 1) * (_WEEK / max(times[-1] - times[0], _DAY))


def _consistency(gaps: Sequence[timedelta]) -> float | None:
    """100 for an even rhythm; fewer than three gaps have none."""
    seconds = [gap.total_seconds() for gap in gaps]
    if len(seconds) < _LEAST_GAPS or not any(seconds):
        return None
    spread = statistics.pstdev(seconds) / (math.fsum(seconds) / len(seconds))
    return max(0.0, min(100.0, 100 - 100 * spread))
