"""The sums of many creators at once, a column at a time (extra `[analytics]`): what sums.py counts post by post.

Whole numbers only, so that both come to the same figures to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final

import polars as pl

from .content import Kind
from .result import Excluded, Tally, ViralRule
from .sums import COUNTED, Captions, Judged, KindSums, Share, Sum, Sums, microseconds, time_of

POSTS: Final[Mapping[str, Any]] = {
    "creator": pl.Int64,
    "reel": pl.Boolean,
    "at": pl.Int64,
    "views": pl.Int64,
    "likes": pl.Int64,
    "comments": pl.Int64,
    "saves": pl.Int64,
    "shares": pl.Int64,
    "views_as": pl.String,
    "signs": pl.Int64,
    "tags": pl.Int64,
    "pinned": pl.Boolean,
    "own": pl.Boolean,
    "hidden": pl.Boolean,
    "in_reels": pl.Boolean,
    "in_posts": pl.Boolean,
}
"""A row a post, one post once, its creator a number. `at` is when it came, in microseconds since 1970. Unknown is
null. `signs` and `tags` are the length of the caption and its hashtags. `in_reels` and `in_posts` say in which of
the newest lists it stands; in neither, it stands where its kind does."""

WINDOWS: Final[Mapping[str, Any]] = {"creator": pl.Int64, "reels_from": pl.Int64, "posts_from": pl.Int64}
"""A row a creator whose lists are known: from when on each shows every post, null for from the beginning."""

_LARGEST: Final = 2**40
_COUNTS: Final = ("views", "likes", "comments", "saves", "shares")
_REASONS: Final = {
    "not_own": Excluded.NOT_OWN,
    "after_now": Excluded.AFTER_NOW,
    "outside": Excluded.OUTSIDE_WINDOW,
}
_KINDS: Final = {True: Kind.REEL, False: Kind.POST}


def too_large(posts: pl.DataFrame) -> frozenset[int]:
    """The creators with counts so large that sums and medians of columns are no longer exact."""
    odd = reduce(or_, (pl.col(name).abs() > _LARGEST for name in _COUNTS))
    return frozenset(posts.filter(odd)["creator"].unique())


def sums_of_columns(
    posts: pl.DataFrame, windows: pl.DataFrame, *, now: datetime, viral: ViralRule
) -> dict[int, Sums]:
    """Count the posts (POSTS) of every creator; who has no window (WINDOWS) is known from the oldest post on.

    The order of the rows does not matter. No count may be larger than `too_large` allows.
    """
    placed = _placed(posts, windows)
    starts = _starts(placed, windows)
    judged = placed.join(starts, on="creator").with_columns(_reason(microseconds(now)).alias("reason"))
    kept = _of_one_definition(_without_hidden(judged.filter(pl.col("reason").is_null())))
    return _assembled(judged, kept, starts, viral)


# --- the sample ---------------------------------------------------------------------------------------------


def _placed(posts: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Every post in the lists it stands in: those of which it is known, else that of its kind."""
    nowhere = ~(pl.col("in_reels") | pl.col("in_posts"))
    return posts.with_columns(
        (pl.col("in_reels") | (nowhere & pl.col("reel"))).alias("in_reels"),
        (pl.col("in_posts") | (nowhere & ~pl.col("reel"))).alias("in_posts"),
        pl.col("creator").is_in(windows["creator"].implode()).alias("windowed"),
    )


def _starts(placed: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """From when on each list of a creator shows every post, and from when on all do (`common`)."""
    lists = ("reels", "posts")
    ordered = ~pl.col("pinned")
    found = placed.group_by("creator").agg(
        pl.col("windowed").first(),
        *(pl.col("at").filter(ordered & pl.col(f"in_{name}")).min().alias(f"{name}_oldest") for name in lists),
        *(
            pl.col("at").filter(ordered & pl.col(f"in_{name}")).n_unique().alias(f"{name}_ordered")
            for name in lists
        ),
    )
    starts = found.join(windows, on="creator", how="left").with_columns(
        pl.when("windowed").then(f"{name}_from").otherwise(f"{name}_oldest").alias(f"{name}_from")
        for name in lists
    )
    # A list with less than two posts in order has no span, and bounds nothing.
    spans = (pl.when(pl.col(f"{name}_ordered") >= 2).then(f"{name}_from") for name in lists)
    return starts.select("creator", "reels_from", "posts_from", pl.max_horizontal(*spans).alias("common"))


def _reason(now: int) -> pl.Expr:
    """Why a post is in no figure; null for one that counts."""
    before = {name: (pl.col("at") < pl.col(f"{name}_from")).fill_null(False) for name in ("reels", "posts")}
    inside = (pl.col("in_reels") & ~before["reels"]) | (pl.col("in_posts") & ~before["posts"])
    return (
        pl.when(~pl.col("own"))
        .then(pl.lit("not_own"))
        .when(pl.col("at") > now)
        .then(pl.lit("after_now"))
        .when(~inside)
        .then(pl.lit("outside"))
    )


def _without_hidden(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.with_columns(
        pl.when(~pl.col("hidden")).then(name).alias(name) for name in ("likes", "views", "views_as")
    )


def _of_one_definition(kept: pl.DataFrame) -> pl.DataFrame:
    """With views of one definition only, that of the newest reel; `other` marks reels that lost theirs for it."""
    named = kept.filter(pl.col("reel") & pl.col("views").is_not_null() & pl.col("views_as").is_not_null())
    newest = named.sort("at", "views_as").group_by("creator").agg(pl.col("views_as").last().alias("meant"))
    other = pl.col("reel") & pl.col("views").is_not_null() & (pl.col("views_as") != pl.col("meant"))
    return (
        kept.join(newest, on="creator", how="left")
        .with_columns(other.fill_null(False).alias("other"))
        .with_columns(pl.when(~pl.col("other")).then("views").alias("views"))
        .with_columns((pl.col("likes") + pl.col("comments")).alias("engagement"))
    )


# --- sums ---------------------------------------------------------------------------------------------------


def _assembled(
    judged: pl.DataFrame, kept: pl.DataFrame, starts: pl.DataFrame, viral: ViralRule
) -> dict[int, Sums]:
    bounds = _by_creator(starts)
    excluded = _by_creator(_tallies(judged))
    whole = _by_creator(_wholes(kept))
    kinds = {(row["creator"], row["reel"]): row for row in _of_kinds(kept).iter_rows(named=True)}
    viral_ones = _by_creator(_verdicts(kept, viral))
    times = _by_creator(_times(kept))
    found = {}
    for creator, start in bounds.items():
        row = whole.get(creator, {})
        verdict = viral_ones.get(creator, {})
        since = {Kind.REEL: start["reels_from"], Kind.POST: start["posts_from"]}
        found[creator] = Sums(
            _tally(excluded[creator], row),
            {kind: _kind(kinds.get((creator, reel)), since[kind]) for reel, kind in _KINDS.items()},
            _share(row, "comments"),
            _share(row, "saves"),
            Judged(verdict.get("judged", 0), verdict.get("viral", 0)),
            Captions(*(row.get(name, 0) for name in ("known", "written", "signs", "tags"))),
            _time(row.get("newest")),
            times.get(creator, {}).get("at", []),
            _time(start["common"]),
        )
    return found


def _by_creator(frame: pl.DataFrame) -> dict[int, dict[str, Any]]:
    return {row["creator"]: row for row in frame.iter_rows(named=True)}


def _tallies(judged: pl.DataFrame) -> pl.DataFrame:
    reasons = ((pl.col("reason") == name).sum().alias(name) for name in _REASONS)
    return judged.group_by("creator").agg(pl.len().alias("handed"), *reasons)


def _wholes(kept: pl.DataFrame) -> pl.DataFrame:
    """What is counted over all posts of a creator, and over those that are no reels."""
    written = ~pl.col("reel") & pl.col("signs").is_not_null()
    shares = []
    for name in ("comments", "saves"):
        both = pl.col(name).is_not_null() & pl.col("likes").is_not_null()
        shares += [
            both.sum().alias(f"{name}_both"),
            pl.col(name).filter(both).sum().alias(f"{name}_above"),
            pl.col("likes").filter(both).sum().alias(f"{name}_below"),
        ]
    return kept.group_by("creator").agg(
        pl.len().alias("counted"),
        pl.col("hidden").sum(),
        pl.col("other").sum(),
        pl.col("at").max().alias("newest"),
        written.sum().alias("known"),
        (written & (pl.col("signs") > 0)).sum().alias("written"),
        pl.col("signs").filter(written).sum(),
        pl.col("tags").filter(written).sum(),
        *shares,
    )


def _of_kinds(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.group_by("creator", "reel").agg(
        pl.len().alias("posts"),
        *(pl.col(name).count().alias(f"{name}_counted") for name in COUNTED),
        *(pl.col(name).sum().alias(f"{name}_total") for name in COUNTED),
    )


def _verdicts(kept: pl.DataFrame, rule: ViralRule) -> pl.DataFrame:
    """Of how many posts of each creator it is known whether they are viral, and how many are.

    Each is held against the median of those of its kind that came earlier and are not pinned.
    """
    value = pl.when("reel").then("views").otherwise("engagement")
    known = (
        kept.select("creator", "reel", "at", "pinned", value.alias("value"))
        .filter(pl.col("value").is_not_null())
        .with_columns((pl.col("creator") * 2 + pl.col("reel")).alias("group"))
        .sort("at")
    )
    least = max(1, rule.minimum_sample)
    basis = known.filter(~pl.col("pinned")).select(
        "group",
        "at",
        pl.col("value")
        .cast(pl.Float64)
        .rolling_median(window_size=max(least, len(known)), min_samples=least)
        .over("group")
        .alias("median"),
    )
    earlier = known.join_asof(
        basis, on="at", by="group", strategy="backward", allow_exact_matches=False, check_sortedness=False
    )
    seen = pl.when("reel").then(rule.min_views).otherwise(0)
    viral = (pl.col("value") >= seen) & (pl.col("value") >= rule.multiplier * pl.col("median"))
    # A median of zero is no measure.
    return (
        earlier.filter(pl.col("median") != 0)
        .group_by("creator")
        .agg(pl.len().alias("judged"), viral.sum().alias("viral"))
    )


def _times(kept: pl.DataFrame) -> pl.DataFrame:
    dated = kept.filter(pl.col("common").is_null() | (pl.col("at") >= pl.col("common")))
    return dated.group_by("creator").agg(pl.col("at").sort())


def _tally(excluded: Mapping[str, int], row: Mapping[str, int]) -> Tally:
    reasons = {reason: excluded[name] for name, reason in _REASONS.items()}
    return Tally(
        handed=excluded["handed"],
        counted=row.get("counted", 0),
        excluded={reason: reasons.get(reason, 0) for reason in Excluded},
        hidden=row.get("hidden", 0),
        other_views=row.get("other", 0),
    )


def _kind(row: Mapping[str, int] | None, since: int | None) -> KindSums:
    if row is None:
        return KindSums(0, dict.fromkeys(COUNTED, Sum(0, 0)), _time(since))
    sums = {name: Sum(row[f"{name}_counted"], row[f"{name}_total"]) for name in COUNTED}
    return KindSums(row["posts"], sums, _time(since))


def _share(row: Mapping[str, int], name: str) -> Share:
    return Share(*(row.get(f"{name}_{part}", 0) for part in ("both", "above", "below")))


def _time(at: int | None) -> datetime | None:
    return None if at is None else time_of(at)


def frame(columns: Mapping[str, Iterable[Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Columns of Python values as a frame of POSTS or WINDOWS."""
    return pl.DataFrame({name: columns[name] for name in schema}, schema=dict(schema), strict=True)
