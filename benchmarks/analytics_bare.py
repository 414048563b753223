"""The corrected figures of every creator of a database by hand: one script, one purpose, nothing of postkeep.

`python -m benchmarks.analytics_bare DATABASE NOW RESULT` writes a JSON object of the figures by creator and ends
by printing its peak memory. It knows the corpus: one list of reels and one feed, no post of two authors, UTC. It
reads by the driver alone: Arrow's for SQLite took about as much CPU time for these rows.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.children import peak_memory

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LISTED = ("reels", "posts")
_COUNTS = ("likes", "comments", "saves", "shares")
_CHUNK = 50_000
_HOUR = 3_600_000_000

_POSTS = """
SELECT p.author_profile_id, p.post_id, p.post_format = 'reel', p.posted_at, d.views, d.likes, d.comments, d.saves,
    coalesce(d.shares, CASE p.platform WHEN 'linkedin' THEN d.reposts END), d.total_reactions, d.counts_hidden,
    CASE WHEN p.post_format = 'reel' THEN NULL ELSE p.text_content END,
    CASE WHEN p.post_format = 'reel' THEN d.stats_json END
FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id
"""
_SCHEMA = {
    "creator": pl.String, "post": pl.String, "reel": pl.Int8, "at": pl.String, "views": pl.Int64,
    "likes": pl.Int64, "comments": pl.Int64, "saves": pl.Int64, "shares": pl.Int64, "reactions": pl.Int64,
    "hidden": pl.Int8, "text": pl.String, "detail": pl.String,
}  # fmt: skip
_EARLIER = """
SELECT p.post_id, e.views, e.stats_json, row_number() OVER (PARTITION BY p.post_id ORDER BY e.observed_at DESC)
FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id
JOIN data_downloads e ON e.post_id = p.post_id AND e.observed_at < d.observed_at
    AND e.observed_at >= strftime('%Y-%m-%dT%H:%M:%f', d.observed_at, '-1 day') AND e.views IS NOT NULL
WHERE p.post_format = 'reel' AND d.views IS NULL AND NOT d.counts_hidden
"""
_LISTS = """
SELECT l.profile_id, l.kind, l.oldest_posted_at, t.post_id, t.pinned
FROM (SELECT profile_id, kind, max(observed_at) AS newest FROM listings GROUP BY profile_id, kind) n
JOIN listings l ON l.profile_id = n.profile_id AND l.kind = n.kind AND l.observed_at = n.newest
JOIN listing_posts t ON t.listing_id = l.listing_id
"""
_FOLLOWERS = "SELECT profile_id, followers_count, max(observed_at) FROM follower_history GROUP BY profile_id"


def read(database: sqlite3.Connection) -> pl.DataFrame:
    """All posts as columns, captions as their length and tags, reels with the views of the same day."""
    frames = []
    rows = database.execute(_POSTS)
    while chunk := rows.fetchmany(_CHUNK):
        columns = dict(zip(_SCHEMA, zip(*chunk, strict=True), strict=True))
        frame = pl.DataFrame(columns, schema=_SCHEMA)
        frames.append(
            frame.with_columns(
                pl.col("reel") == 1,
                pl.col("hidden") == 1,
                _time("at"),
                pl.coalesce("likes", "reactions").alias("likes"),
                pl.col("text").str.len_chars().alias("signs"),
                pl.col("text").str.count_matches(r"\B#\w+").alias("tags"),
                _views_as(),
            ).drop("text", "detail", "reactions")
        )
    posts = pl.concat(frames)
    earlier = pl.DataFrame(
        [row[:3] for row in database.execute(_EARLIER) if row[3] == 1],
        schema={"post": pl.String, "then": pl.Int64, "detail": pl.String},
        orient="row",
    ).select("post", "then", _views_as().alias("then_as"))
    filled = posts.join(earlier, on="post", how="left")
    return filled.with_columns(pl.coalesce("views", "then"), pl.coalesce("views_as", "then_as")).drop(
        "then", "then_as"
    )


def _time(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us").cast(pl.Int64)


def _views_as() -> pl.Expr:
    plays = pl.col("detail").str.contains('"play_count":', literal=True)
    return pl.when(plays).then(pl.lit("play_count")).alias("views_as")


def sample(posts: pl.DataFrame, lists: pl.DataFrame, now: int) -> pl.DataFrame:
    """The posts that count, with from when on each list goes (`reels_from`, `posts_from`) and all (`common`)."""
    stands = lists.group_by("post").agg(
        (pl.col("kind") == "reels").any().alias("in_reels"),
        (pl.col("kind") == "feed").any().alias("in_posts"),
        pl.col("pinned").cast(pl.Boolean).any(),
    )
    given = lists.with_columns(_time("oldest")).group_by("creator").agg(
        pl.col("oldest").filter(pl.col("kind") == "reels").first().alias("reels_given"),
        pl.col("oldest").filter(pl.col("kind") == "feed").first().alias("posts_given"),
    )  # fmt: skip
    placed = posts.join(stands, on="post", how="left").with_columns(
        pl.col("in_reels").fill_null(pl.col("reel")),
        pl.col("in_posts").fill_null(~pl.col("reel")),
        pl.col("pinned").fill_null(value=False),
    )
    free = ~pl.col("pinned")
    starts = placed.group_by("creator").agg(
        *(pl.col("at").filter(free & pl.col(f"in_{each}")).min().alias(f"{each}_from") for each in _LISTED),
        *(
            (pl.col("at").filter(free & pl.col(f"in_{each}")).n_unique() >= 2).alias(f"{each}_span")
            for each in _LISTED
        ),
    ).join(given, on="creator", how="left")  # fmt: skip
    starts = starts.with_columns(
        pl.coalesce(f"{each}_given", f"{each}_from").alias(f"{each}_from") for each in _LISTED
    ).with_columns(
        pl.max_horizontal(pl.when(f"{each}_span").then(f"{each}_from") for each in _LISTED).alias("common")
    )
    inside = (pl.col("in_reels") & ~(pl.col("at") < pl.col("reels_from")).fill_null(value=False)) | (
        pl.col("in_posts") & ~(pl.col("at") < pl.col("posts_from")).fill_null(value=False)
    )
    kept = placed.join(starts, on="creator").filter((pl.col("at") <= now) & inside)
    clear = ~pl.col("hidden")
    kept = kept.with_columns(pl.when(clear).then(each).alias(each) for each in ("likes", "views", "views_as"))
    named = kept.filter(pl.col("reel") & pl.col("views").is_not_null() & pl.col("views_as").is_not_null())
    newest = named.sort("at", "views_as").group_by("creator").agg(pl.col("views_as").last().alias("meant"))
    other = (pl.col("reel") & (pl.col("views_as") != pl.col("meant"))).fill_null(value=False)
    return (
        kept.join(newest, on="creator", how="left")
        .with_columns(pl.when(~other).then("views").alias("views"))
        .with_columns((pl.col("likes") + pl.col("comments")).alias("engagement"))
    )


def figures(kept: pl.DataFrame, followers: pl.DataFrame, now: int) -> pl.DataFrame:
    """A row a creator, the 50 figures as columns."""
    reel, post = pl.col("reel"), ~pl.col("reel")
    written = post & (pl.col("signs") > 0)
    known = {each: pl.col(each).is_not_null() & pl.col("likes").is_not_null() for each in ("comments", "saves")}
    per_kind = [
        pl.col(count).filter(where).mean().alias(f"avg_{kind}_{count}")
        for kind, where in (("reel", reel), ("post", post))
        for count in (*_COUNTS, "engagement", "views")
    ]
    made = kept.group_by("creator").agg(
        reel.sum().alias("reels_analyzed"),
        post.sum().alias("posts_analyzed"),
        pl.len().alias("total_content_analyzed"),
        *per_kind,
        pl.col("views").filter(reel).sum().alias("total_views"),
        pl.col("views").filter(reel).count().alias("views_known"),
        *(pl.col(count).sum().alias(f"total_{count}") for count in (*_COUNTS, "engagement")),
        *(pl.col(count).count().alias(f"{count}_known") for count in (*_COUNTS, "engagement")),
        pl.col("engagement").mean().alias("avg_engagement_per_content"),
        *(
            (pl.col(each).filter(known[each]).sum() / pl.col("likes").filter(known[each]).sum())
            .fill_nan(None)
            .alias(name)
            for each, name in (("comments", "comment_to_like_ratio"), ("saves", "save_to_like_ratio"))
        ),
        pl.col("signs").filter(written).mean().alias("avg_caption_length"),
        pl.col("tags").filter(written).mean().alias("avg_hashtag_count"),
        (pl.col("tags").filter(post) > 0).any().alias("uses_hashtags"),
        ((now - pl.col("at").max()) / (24 * _HOUR)).alias("last_post_days_ago"),
    )
    made = made.join(followers, on="creator", how="left").with_columns(
        *(
            pl.when(pl.col(f"{count}_known") > 0).then(f"total_{count}").alias(f"total_{count}")
            for count in (*_COUNTS, "engagement", "views")
        ),
        (pl.col("avg_engagement_per_content") / pl.col("followers") * 100).alias("engagement_rate"),
        (pl.col("avg_reel_engagement") / pl.col("followers") * 100).alias("reel_engagement_rate"),
        (pl.col("avg_post_engagement") / pl.col("followers") * 100).alias("post_engagement_rate"),
        (pl.col("avg_reel_views") / pl.col("followers") * 100).alias("content_reach_rate"),
        (pl.col("avg_reel_engagement") / pl.col("avg_post_engagement")).alias("reels_vs_posts_performance"),
        _best().alias("best_content_type"),
    )
    return made.join(_viral(kept), on="creator", how="left").join(_rhythm(kept), on="creator", how="left")


def _best() -> pl.Expr:
    reels, posts = pl.col("avg_reel_engagement"), pl.col("avg_post_engagement")
    return (
        pl.when((pl.col("posts_analyzed") == 0) & (reels > 0))
        .then(pl.lit("reels"))
        .when((pl.col("reels_analyzed") == 0) & (posts > 0))
        .then(pl.lit("posts"))
        .when(reels.is_null() | posts.is_null() | ((reels == 0) & (posts == 0)))
        .then(None)
        .when(reels > 1.5 * posts)
        .then(pl.lit("reels"))
        .when(posts > 1.5 * reels)
        .then(pl.lit("posts"))
        .otherwise(pl.lit("mixed"))
    )


def _viral(kept: pl.DataFrame) -> pl.DataFrame:
    value = pl.when("reel").then("views").otherwise("engagement").alias("value")
    known = kept.select("creator", "reel", "at", "pinned", value).drop_nulls("value").sort("at")
    basis = known.filter(~pl.col("pinned")).select(
        "creator", "reel", "at",
        pl.col("value").cast(pl.Float64).rolling_median(len(known), min_samples=5).over("creator", "reel")
        .alias("median"),
    )  # fmt: skip
    judged = known.join_asof(
        basis, on="at", by=["creator", "reel"], allow_exact_matches=False, check_sortedness=False
    ).filter(pl.col("median") != 0)
    viral = (pl.col("value") >= pl.when("reel").then(50_000).otherwise(0)) & (
        pl.col("value") >= 5.0 * pl.col("median")
    )
    return judged.group_by("creator").agg(
        viral.sum().alias("viral_content_count"), (viral.mean() * 100).alias("viral_content_rate")
    )


def _rhythm(kept: pl.DataFrame) -> pl.DataFrame:
    dated = kept.filter(pl.col("common").is_null() | (pl.col("at") >= pl.col("common"))).sort("at")
    gaps = pl.col("at").diff()
    span = pl.col("at").max() - pl.col("at").min()
    found = dated.group_by("creator").agg(
        pl.when(pl.len() >= 2)
        .then((pl.len() - 1) * (7 * 24 * _HOUR) / pl.max_horizontal(span, pl.lit(24 * _HOUR)))
        .alias("posting_frequency_per_week"),
        pl.when((pl.len() >= 4) & (span > 0))
        .then((100 - 100 * gaps.std(ddof=0) / gaps.mean()).clip(lower_bound=0))
        .alias("posting_consistency_score"),
    )
    hours = pl.col("at") // _HOUR
    slots = {"most_active_day": (hours // 24 + 3) % 7, "most_active_hour": hours % 24}
    for name, slot in slots.items():
        counted = dated.group_by("creator", slot.alias(name)).agg(pl.len(), pl.col("at").min())
        best = counted.sort("len", "at", descending=[True, False]).group_by("creator").first()
        found = found.join(best.select("creator", name), on="creator")
    return found


def computed(path: str, now: datetime) -> dict[str, dict[str, Any]]:
    """The figures by creator."""
    stamp = int(now.timestamp()) * 1_000_000
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        lists = pl.DataFrame(
            database.execute(_LISTS).fetchall(),
            schema={
                "creator": pl.String,
                "kind": pl.String,
                "oldest": pl.String,
                "post": pl.String,
                "pinned": pl.Int8,
            },
            orient="row",
        )
        followers = pl.DataFrame(
            [row[:2] for row in database.execute(_FOLLOWERS)],
            schema={"creator": pl.String, "followers": pl.Int64},
            orient="row",
        )
        made = figures(sample(read(database), lists, stamp), followers, stamp)
    finally:
        database.close()
    return {row.pop("creator"): row for row in made.iter_rows(named=True)}


def main() -> None:
    path, now, result = sys.argv[1:]
    found = computed(path, datetime.fromisoformat(now))
    for row in found.values():
        row["most_active_day"] = None if row["most_active_day"] is None else _DAYS[row["most_active_day"]]
    Path(result).write_text(json.dumps(found))
    print(json.dumps({"peak": peak_memory()}))


if __name__ == "__main__":
    main()
