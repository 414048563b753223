"""The corrected figures computed a second time, by SQL over the same lists, equal to the last digit shown."""

from __future__ import annotations

import math
import random
import sqlite3
from typing import Any

import pytest

from postkeep.analytics.creator import calculate_analytics
from postkeep.analytics.registry import COMPUTED_50, shown
from postkeep.analytics.result import ViralRule
from postkeep.analytics.words import WEEKDAYS
from tests.analytics.lists import NOW, OWNER

RULE = ViralRule(min_views=3000, multiplier=2.0, minimum_sample=5)
FOLLOWERS = 48_211
STAMP = int(NOW.timestamp())
NULLABLE = ("play_count", "like_count", "comment_count", "save_count", "reshare_count")

TABLES = f"""
CREATE TABLE entry (list TEXT, id TEXT, at INTEGER, views INTEGER, likes INTEGER, comments INTEGER, saves INTEGER,
    shares INTEGER, caption TEXT, tags INTEGER, pinned INTEGER, own INTEGER, hidden INTEGER, clip INTEGER);
CREATE VIEW start AS
    SELECT list, min(at) FILTER (WHERE NOT pinned) AS since,
        count(DISTINCT CASE WHEN NOT pinned THEN at END) AS ordered FROM entry GROUP BY list;
CREATE VIEW kept AS
    SELECT id, max(clip OR list = 'reel') AS reel, min(at) AS at,
        CASE WHEN max(hidden) THEN NULL ELSE max(views) END AS views,
        CASE WHEN max(hidden) THEN NULL ELSE max(likes) END AS likes,
        max(comments) AS comments, max(saves) AS saves, max(shares) AS shares,
        max(caption) AS caption, max(tags) AS tags, max(pinned) AS pinned
    FROM entry JOIN start USING (list) GROUP BY id
    HAVING min(own) AND min(at) <= {STAMP} AND max(since IS NULL OR at >= since);
CREATE VIEW counted AS SELECT *, likes + comments AS engagement FROM kept;
CREATE VIEW judgeable AS
    SELECT id, reel, at, pinned, CASE WHEN reel THEN views ELSE engagement END AS value FROM counted
    WHERE value IS NOT NULL;
CREATE VIEW median AS
    SELECT id, avg(other) AS middle FROM (
        SELECT one.id, other.value AS other, count(*) OVER (PARTITION BY one.id) AS n,
            row_number() OVER (PARTITION BY one.id ORDER BY other.value) AS place
        FROM judgeable AS one JOIN judgeable AS other
            ON other.reel = one.reel AND other.at < one.at AND NOT other.pinned)
    WHERE n >= {RULE.minimum_sample} AND place IN ((n + 1) / 2, (n + 2) / 2) GROUP BY id HAVING middle > 0;
CREATE VIEW timed AS
    SELECT at, at - lag(at) OVER (ORDER BY at) AS gap FROM kept
    WHERE at >= coalesce((SELECT max(since) FROM start WHERE ordered >= 2), 0);
"""

SINGLE = f"""
SELECT sum(reel) AS reels_analyzed, sum(NOT reel) AS posts_analyzed, count(*) AS total_content_analyzed,
    avg(views) FILTER (WHERE reel) AS avg_reel_views,
    avg(likes) FILTER (WHERE reel) AS avg_reel_likes, avg(comments) FILTER (WHERE reel) AS avg_reel_comments,
    avg(saves) FILTER (WHERE reel) AS avg_reel_saves, avg(shares) FILTER (WHERE reel) AS avg_reel_shares,
    avg(likes) FILTER (WHERE NOT reel) AS avg_post_likes,
    avg(comments) FILTER (WHERE NOT reel) AS avg_post_comments,
    avg(saves) FILTER (WHERE NOT reel) AS avg_post_saves, avg(shares) FILTER (WHERE NOT reel) AS avg_post_shares,
    avg(engagement) FILTER (WHERE NOT reel) AS avg_post_engagement,
    sum(views) FILTER (WHERE reel) AS total_views, sum(likes) AS total_likes, sum(comments) AS total_comments,
    sum(saves) AS total_saves, sum(shares) AS total_shares, sum(engagement) AS total_engagement,
    avg(engagement) AS avg_engagement_per_content,
    avg(engagement) * 100 / {FOLLOWERS} AS engagement_rate,
    avg(engagement) FILTER (WHERE reel) * 100 / {FOLLOWERS} AS reel_engagement_rate,
    avg(engagement) FILTER (WHERE NOT reel) * 100 / {FOLLOWERS} AS post_engagement_rate,
    avg(views) FILTER (WHERE reel) * 100 / {FOLLOWERS} AS content_reach_rate,
    1.0 * sum(comments) FILTER (WHERE likes IS NOT NULL) / sum(likes) FILTER (WHERE comments IS NOT NULL)
        AS comment_to_like_ratio,
    1.0 * sum(saves) FILTER (WHERE likes IS NOT NULL) / sum(likes) FILTER (WHERE saves IS NOT NULL)
        AS save_to_like_ratio,
    avg(engagement) FILTER (WHERE reel) / avg(engagement) FILTER (WHERE NOT reel) AS reels_vs_posts_performance,
    avg(length(caption)) FILTER (WHERE NOT reel AND caption != '') AS avg_caption_length,
    avg(tags) FILTER (WHERE NOT reel AND caption != '') AS avg_hashtag_count,
    max(tags > 0) FILTER (WHERE NOT reel) AS uses_hashtags,
    ({STAMP} - max(at)) / 86400.0 AS last_post_days_ago
FROM counted"""

VIRAL = f"""
SELECT sum(viral) AS viral_content_count, avg(viral) * 100 AS viral_content_rate FROM (
    SELECT value >= {RULE.multiplier} * middle AND (NOT reel OR value >= {RULE.min_views}) AS viral
    FROM judgeable JOIN median USING (id))"""

TIMED = """
SELECT CASE WHEN count(*) > 1 THEN (count(*) - 1) * 604800.0 / max(max(at) - min(at), 86400) END,
    count(gap), avg(gap), avg(1.0 * gap * gap) - avg(gap) * avg(gap) FROM timed"""

MODE = """
SELECT cast(strftime('{0}', at, 'unixepoch') AS INTEGER) AS slot FROM timed
GROUP BY slot ORDER BY count(*) DESC, min(at)"""


def generated(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    entries = []
    for number in range(chance.choice([3, 12, 40])):
        clip = chance.random() < 0.5
        at = STAMP - chance.randrange(-4 * 86_400, 90 * 86_400)
        pinned = chance.random() < 0.1
        caption = chance.choice(["", "two #tags #here", "none", "#köln"])
        common = {
            "id": f"{number + 100}_{OWNER if chance.random() < 0.9 else 5}",
            "taken_at": at - (200 * 86_400 if pinned else 0),
            "caption": {"text": caption} if caption else None,
            "like_and_view_counts_disabled": chance.random() < 0.1,
        }
        for name in [["reel"], ["post"], ["reel", "post"]][chance.randrange(3)] if clip else ["post"]:
            counts = {each: chance.choice([None, 0, chance.randrange(20_000)]) for each in NULLABLE[1:]}
            if clip:
                counts["play_count"] = chance.choice([None, chance.randrange(9_000), chance.randrange(99_000)])
            ids = {"product_type": "clips"} if clip else {}
            entries.append({"list": name, **common, **counts, **ids, "timeline_pinned_user_ids": [1] * pinned})
    chance.shuffle(entries)
    return entries


def recomputed(entries: list[dict[str, Any]]) -> dict[str, Any]:
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(TABLES)
        database.executemany(f"INSERT INTO entry VALUES ({', '.join('?' * 14)})", [_row(each) for each in entries])
        database.row_factory = sqlite3.Row
        found = {**dict(database.execute(SINGLE).fetchone()), **dict(database.execute(VIRAL).fetchone())}
        frequency, gaps, mean, variance = database.execute(TIMED).fetchone()
        slots = [database.execute(MODE.format(each)).fetchone() for each in ("%w", "%H")]
    finally:
        database.close()
    found["posting_frequency_per_week"] = frequency
    spread = 100 * math.sqrt(max(0, variance)) / mean if gaps >= 3 else None
    found["posting_consistency_score"] = None if spread is None else max(0, 100 - spread)
    day, hour = (each and each[0] for each in slots)
    found["most_active_day"] = None if day is None else WEEKDAYS[(day - 1) % 7]
    found["most_active_hour"] = hour
    return found


def _row(each: dict[str, Any]) -> tuple[Any, ...]:
    caption = (each["caption"] or {"text": ""})["text"]
    own = each["id"].endswith(OWNER)
    counts = [each.get(name) for name in NULLABLE]
    pinned, hidden = bool(each["timeline_pinned_user_ids"]), each["like_and_view_counts_disabled"]
    return (
        each["list"], each["id"], each["taken_at"], *counts, caption, caption.count("#"), pinned, own, hidden,
        "product_type" in each,
    )  # fmt: skip


def _shown(name: str, value: Any) -> str:
    return shown(name, bool(value) if name == "uses_hashtags" and value is not None else value)


@pytest.mark.parametrize("seed", range(40))
def test_the_same_by_sql(seed: int) -> None:
    entries = generated(seed)
    lists = ([each for each in entries if each["list"] == name] for name in ("reel", "post"))
    corrected = calculate_analytics(*lists, FOLLOWERS, now=NOW, viral=RULE, creator=OWNER)
    expected = recomputed(entries)
    told = {name: _shown(name, corrected[name]) for name in expected}
    assert told == {name: _shown(name, _counted(name, value)) for name, value in expected.items()}


def _counted(name: str, value: Any) -> Any:
    """SQL knows no sum of nothing; of how many posts there are nothing is unknown."""
    return 0 if value is None and name.endswith("_analyzed") else value


def test_nothing_is_left_out() -> None:
    """Every figure is recomputed, but for copies of others, the rule itself and the word made of two means."""
    left = set(COMPUTED_50) - set(recomputed(generated(1)))
    copies = {"avg_engagement_rate", "days_since_last_post", "best_content_type"} | {
        name for name in COMPUTED_50 if name.endswith("_cached")
    }
    assert left == copies | {"viral_threshold_multiplier", "best_performing_type"}


def test_the_generated_lists_have_what_makes_it_hard() -> None:
    tallies = [
        calculate_analytics(
            *([each for each in generated(seed) if each["list"] == name] for name in ("reel", "post")),
            FOLLOWERS,
            now=NOW,
            creator=OWNER,
        ).tally
        for seed in range(40)
    ]
    reasons = {reason for tally in tallies for reason, number in tally.excluded.items() if number}
    assert {reason.value for reason in reasons} == {"duplicate", "not_own", "outside_window", "after_now"}
    assert any(tally.hidden for tally in tallies)
