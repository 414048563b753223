"""The predecessor's figures, digit by digit, and what it made of values it stumbled over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.analytics.compat import DEFAULTS
from postkeep.analytics.content import Content, Kind
from postkeep.analytics.creator import analytics_of_merged, calculate_analytics
from postkeep.analytics.raw import read_as_built
from postkeep.analytics.result import Mode, ViralRule
from postkeep.analytics.summary import summary_text
from tests.analytics.lists import DAY, HOUR, NOW, both, raw, reel, sample_lists, wrapped
from tests.suites.platform_suite import SEEDED

# As printed by the predecessor for the two sample lists, 108,221 followers, now = 1758100000, TZ=UTC.
GOLDEN = {
    "avg_reel_views": "265655.833333",
    "avg_reel_likes": "3586.833333",
    "avg_reel_comments": "63.666667",
    "avg_post_likes": "1879.916667",
    "avg_post_comments": "38.5",
    "avg_post_engagement": "1918.416667",
    "total_views": "1593935",
    "total_likes": "44080",
    "total_comments": "844",
    "total_engagement": "44924",
    "avg_engagement_per_content": "2495.777778",
    "engagement_rate": "2.3061862095",
    "reel_engagement_rate": "3.3731900463",
    "post_engagement_rate": "1.7726842911",
    "content_reach_rate": "245.4753082427",
    "comment_to_like_ratio": "0.0191470054",
    "reels_vs_posts_performance": "138.4766083141",
    "viral_content_count": "1",
    "viral_content_rate": "16.6666667",
    "posting_frequency_per_week": "1.6125876162",
    "posting_consistency_score": "8.9974024870",
    "last_post_days_ago": "0.8173958333",
    "avg_caption_length": "19.6666667",
    "avg_hashtag_count": "0.0833333",
    "avg_reel_saves": "0",
    "avg_reel_shares": "0",
    "avg_post_saves": "0",
    "avg_post_shares": "0",
    "total_saves": "0",
    "total_shares": "0",
    "save_to_like_ratio": "0",
    "reels_analyzed": "6",
    "posts_analyzed": "12",
    "total_content_analyzed": "18",
    "most_active_hour": "11",
}
COPIES = {
    "avg_engagement_rate": "engagement_rate",
    "days_since_last_post": "last_post_days_ago",
    "best_content_type": "best_performing_type",
    **{
        f"avg_{count}_per_{kind}_cached": f"avg_{kind}_{count}"
        for kind in ("reel", "post")
        for count in ("likes", "comments", "saves", "shares")
    },
}


def test_the_golden_values_at_full_printed_precision() -> None:
    reels, posts = sample_lists()
    compat = calculate_analytics(
        reels, posts, 108221, now=datetime.fromtimestamp(1758100000, UTC), mode=Mode.COMPAT
    )
    printed = {name: f"{compat[name]:.{len(value.partition('.')[2])}f}" for name, value in GOLDEN.items()}
    assert printed == GOLDEN
    assert {name: compat[name] for name in COPIES} == {name: compat[of] for name, of in COPIES.items()}
    words = {name: compat[name] for name in ("best_performing_type", "uses_hashtags", "most_active_day")}
    assert words == {"best_performing_type": "reels", "uses_hashtags": True, "most_active_day": "Monday"}
    assert compat["viral_threshold_multiplier"] == 5.0
    assert (len(compat.values), compat.failed) == (50, None)
    # Every figure is one of those above: nothing is left unchecked.
    assert set(GOLDEN) | set(COPIES) | set(words) | {"viral_threshold_multiplier"} == set(DEFAULTS)


def test_the_summary() -> None:
    reels, posts = sample_lists()
    compat, corrected = both(reels, posts, 108221)
    assert summary_text(compat) == (
        "Content analyzed: 18\n"
        "Engagement rate: 2.31%\n"
        "Avg reel views: 265,656\n"
        "Viral rate: 16.7%\n"
        "Best performing: reels\n"
        "Posting frequency: 1.6 per week\n"
        "Consistency: 9.0/100\n"
        "Most active: Monday @ 11:00"
    )
    assert summary_text(corrected).endswith("\n(corrected 1, times in UTC)")
    nothing = summary_text(both([], [], None)[1])
    assert nothing.count("unknown") == 7


def test_no_lists_give_the_defaults() -> None:
    assert both([], [])[0].values == DEFAULTS


@pytest.mark.parametrize(
    ("posts", "reached"),
    [
        ([raw(1, like_count=None, comment_count=2)], "avg_post_comments"),
        ([raw(1, like_count=3, comment_count=None)], "avg_post_likes"),
        ([raw(1, like_count="3", comment_count=1)], "posts_analyzed"),
        ([None], "total_content_analyzed"),
    ],
)
def test_what_it_stumbles_over_ends_it_there(posts: list[Any], reached: str) -> None:
    """A null count on a post is null + int; what comes after is never calculated."""
    compat, _ = both([], posts)
    assert compat.failed is not None
    assert compat[reached] != DEFAULTS[reached]
    assert compat["total_comments"] == 0
    assert compat["most_active_day"] is None


def test_a_missing_count_is_zero_to_it_and_a_null_falls_back() -> None:
    compat, _ = both([], [raw(1), raw(2, like_count=None, likes=7, comment_count=1)])
    assert compat.failed is None
    assert (compat["total_likes"], compat["avg_post_engagement"]) == (7, 8)


def test_the_wrapper_comes_first() -> None:
    """The first non-null of the fallbacks counts, a zero too, and a wrapper's fields come before those inside."""
    entries = [
        wrapped(reel(1, play_count=10, ig_play_count=99), play_count=20),
        reel(2, play_count=None, ig_play_count=30),
        reel(3, play_count=0, ig_play_count=99),
        reel(4, view_count=5),
    ]
    assert [each.views for each in read_as_built(entries, Kind.REEL)] == [20, 30, 0, 5]
    assert [each.views for each in read_as_built([raw(1, play_count=1, view_count=2)], Kind.POST)] == [2]


def test_the_zone_is_the_servers() -> None:
    entries = [raw(1, NOW - datetime(2025, 9, 14, 23, 30, tzinfo=UTC), like_count=1, comment_count=1)]
    assert [both([], entries)[0][name] for name in ("most_active_day", "most_active_hour")] == ["Sunday", 23]
    there = both([], entries, zone=ZoneInfo("Europe/Vienna"))[0]
    assert (there["most_active_day"], there["most_active_hour"], there.zone) == ("Monday", 1, "Europe/Vienna")


def test_of_equally_active_hours_the_one_met_first() -> None:
    compat, _ = both([], [raw(1, 3 * HOUR), raw(2, 5 * HOUR), raw(3, 9 * HOUR)])
    assert compat["most_active_hour"] == 0


@pytest.mark.parametrize(
    ("reel_likes", "post_likes", "views", "best"),
    [
        (100, 10, 0, "reels"),
        (10, 100, 0, "posts"),
        (10, 12, 0, "mixed"),
        (0, 0, 5, "reels"),
        (0, 0, 0, "unknown"),
    ],
)
def test_the_best_type(reel_likes: int, post_likes: int, views: int, best: str) -> None:
    compat, _ = both([reel(1, like_count=reel_likes, play_count=views)], [raw(2, like_count=post_likes)])
    assert compat["best_performing_type"] == best
    assert compat["best_content_type"] == (None if best == "unknown" else best)


def test_without_followers_posts_win_by_their_engagement_alone() -> None:
    assert both([], [raw(1, like_count=3)], 0)[0]["best_performing_type"] == "posts"


def test_the_rule_of_viral_content_is_an_argument() -> None:
    reels = [reel(number, play_count=100) for number in range(1, 10)] + [reel(10, play_count=2000)]
    rule = ViralRule(min_views=1000, multiplier=6.0)
    compat, corrected = both(reels, [], viral=rule)
    assert (compat["viral_content_count"], compat["viral_threshold_multiplier"]) == (1, 6.0)
    assert corrected["viral_threshold_multiplier"] == 6.0


def test_the_same_from_rows() -> None:
    """Compat over merged posts gives what it gives over lists without doubles."""
    reels = [reel(1, play_count=10, like_count=2, comment_count=1), reel(2, play_count=30, like_count=4)]
    posts = [raw(3, like_count=8, comment_count=0, caption={"text": "a #b"})]
    lists, _ = both(reels, posts)
    merged = analytics_of_merged(
        [*read_as_built(reels, Kind.REEL), *read_as_built(posts, Kind.POST)], 1000, now=NOW, mode=Mode.COMPAT
    )
    assert merged.values == lists.values
    assert (lists.input, merged.input) == ("lists", "merged")
    unknown = analytics_of_merged([Content("1", Kind.POST, likes=7)], None, now=NOW, mode=Mode.COMPAT)
    assert (unknown["avg_post_engagement"], unknown.failed) == (7, None)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *("id", "pk", "code", "taken_at", "play_count", "view_count", "like_count", "likes", "comment_count"),
    *("save_count", "share_count", "caption", "media", "user", "coauthor_producers", "product_type"),
    *("clips_tab_pinned_user_ids", "like_and_view_counts_disabled"),
)
fields = st.sampled_from(FIELDS)
entries = st.lists(anything | st.dictionaries(fields, anything, max_size=8), max_size=6)


@SEEDED
@given(reels=entries, posts=entries, followers=st.none() | st.integers())
def test_nothing_is_ever_raised(reels: list[Any], posts: list[Any], followers: int | None) -> None:
    compat, corrected = both(reels, posts, followers)
    assert set(compat.values) == set(corrected.values) == set(DEFAULTS)
    assert corrected.tally.handed == len(reels) + len(posts)
    assert corrected.tally.counted + sum(corrected.tally.excluded.values()) == corrected.tally.handed


def test_a_day_ago_is_a_day() -> None:
    assert both([], [raw(1, DAY)])[0]["last_post_days_ago"] == 1


def test_a_mode_by_its_name() -> None:
    lists: tuple[list[Any], list[Any]] = ([], [raw(1, like_count=1)])
    told = [calculate_analytics(*lists, 10, now=NOW, mode=name).mode for name in ("compat", "corrected")]  # type: ignore[arg-type]
    assert told == [Mode.COMPAT, Mode.CORRECTED]
    with pytest.raises(ValueError):
        calculate_analytics(*lists, 10, now=NOW, mode="right")  # type: ignore[arg-type]
