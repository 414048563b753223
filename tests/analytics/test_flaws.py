"""The predecessor's twelve flaws: each small example shows what was told before and what is told now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.analytics.lists import DAY, HOUR, NOW, both, raw, reel


def test_1_a_zero_counts_and_an_unknown_does_not() -> None:
    posts = [raw(1, comment_count=0), raw(2, comment_count=10), raw(3)]
    compat, corrected = both([], posts)
    assert (compat["avg_post_comments"], corrected["avg_post_comments"]) == (10, 5)
    figure = corrected.figures["avg_post_comments"]
    assert (figure.counted, figure.of) == (2, 3)


def test_2_a_clip_in_both_lists_is_one_post() -> None:
    rounded = raw(1, like_count=941, comment_count=35, product_type="clips", pk=3722942542743517000)
    rounded["id"] = "3722942542743517249_76445488180"
    clip = {**rounded, "pk": "3722942542743517249", "like_count": 948, "play_count": 10125}
    compat, corrected = both([{"media": clip}], [rounded])
    assert (compat["total_content_analyzed"], corrected["total_content_analyzed"]) == (2, 1)
    assert (compat["total_likes"], corrected["total_likes"]) == (1889, 948)
    assert corrected.as_json()["sample"]["excluded"] == {"duplicate": 1}


def test_3_a_viral_reel_does_not_raise_its_own_bar() -> None:
    """Of five or fewer nothing could ever be viral; now a post is measured by at least five earlier ones."""
    reels = [reel(number, play_count=10_000) for number in range(2, 7)] + [reel(1, play_count=60_000)]
    compat, corrected = both(reels, [])
    assert (compat["viral_content_count"], corrected["viral_content_count"]) == (0, 1)
    assert corrected.figures["viral_content_count"].counted == 1
    few = both(reels[1:], [])[1]
    assert (few["viral_content_count"], few["viral_content_rate"]) == (None, None)


def test_3_pinned_reels_are_no_measure_for_others() -> None:
    usual = [reel(number, play_count=10_000) for number in range(2, 8)]
    pinned = {"play_count": 900_000, "clips_tab_pinned_user_ids": [1]}
    famous = [reel(20 + number, number * DAY - HOUR, **pinned) for number in range(2, 7)]
    _, corrected = both([*usual, *famous, reel(1, play_count=60_000)], [])
    alone = both([*usual, reel(1, play_count=60_000)], [])[1]
    assert alone["viral_content_count"] == 1
    assert corrected["viral_content_count"] == 3  # the newest, and the two pinned that have five earlier ones


def test_4_rates_divide_by_the_posts_they_count() -> None:
    posts = [raw(1, like_count=90, comment_count=10), raw(2, comment_count=10), raw(3, like_count=10)]
    compat, corrected = both([], posts)
    assert compat["post_engagement_rate"] == pytest.approx(4.0)
    assert corrected["post_engagement_rate"] == pytest.approx(10.0)
    assert compat["comment_to_like_ratio"] == pytest.approx(0.2)
    assert corrected["comment_to_like_ratio"] == pytest.approx(1 / 9)


def test_4_the_viral_rate_is_of_the_posts_that_were_judged() -> None:
    reels = [reel(number, play_count=10_000) for number in range(2, 7)] + [reel(1, play_count=60_000)]
    posts = [raw(10 + number, like_count=10, comment_count=0) for number in range(2, 8)]
    _, corrected = both(reels, posts)
    assert (corrected["viral_content_count"], corrected["viral_content_rate"]) == (1, 50.0)


@pytest.mark.parametrize(("followers", "private"), [(None, False), (0, False), (1000, True)])
def test_5_without_followers_a_rate_is_unknown(followers: int | None, private: bool) -> None:
    compat, corrected = both(
        [reel(1, play_count=5, like_count=1, comment_count=1)], [raw(2)], followers, private=private
    )
    rates = ["engagement_rate", "avg_engagement_rate", "reel_engagement_rate", "content_reach_rate"]
    assert [corrected[name] for name in rates] == [None] * 4
    if not private:
        assert [compat[name] for name in rates] == [0] * 4


def test_6_two_posts_a_minute_apart_are_no_rhythm() -> None:
    compat, corrected = both([], [raw(1, DAY), raw(2, DAY + timedelta(minutes=1))])
    assert compat["posting_frequency_per_week"] == pytest.approx(20_160)
    assert corrected["posting_frequency_per_week"] == 7


def test_6_n_posts_have_one_gap_less() -> None:
    compat, corrected = both([], [raw(1), raw(8)])
    assert (compat["posting_frequency_per_week"], corrected["posting_frequency_per_week"]) == (2, 1)


def test_7_one_gap_is_not_a_perfect_rhythm() -> None:
    compat, corrected = both([], [raw(1), raw(5)])
    assert (compat["posting_consistency_score"], corrected["posting_consistency_score"]) == (100, None)
    assert both([], [raw(1), raw(2), raw(4)])[1]["posting_consistency_score"] is None
    assert both([], [raw(1), raw(2), raw(3), raw(4)])[1]["posting_consistency_score"] == 100


def test_8_what_is_pinned_from_before_the_list_stays_out() -> None:
    pinned = reel(60, play_count=1_000_000, clips_tab_pinned_user_ids=[76445488180])
    usual = [reel(number, play_count=30_000) for number in (1, 2, 3, 4)]
    compat, corrected = both([pinned, *usual], [])
    assert (compat["avg_reel_views"], corrected["avg_reel_views"]) == (224_000, 30_000)
    assert compat["posting_consistency_score"] == 0
    assert corrected["posting_consistency_score"] == 100
    assert corrected.as_json()["sample"]["excluded"] == {"outside_window": 1}
    assert both([pinned], [])[1]["avg_reel_views"] == 1_000_000  # nothing says that it is older than the list


def test_8_a_pinned_post_inside_the_window_counts() -> None:
    entries = [raw(2, like_count=50, timeline_pinned_user_ids=[1]), raw(1, like_count=10), raw(3, like_count=0)]
    assert both([], entries)[1]["avg_post_likes"] == 20


def test_8_somebody_elses_post_stays_out() -> None:
    guest = raw(2, owner="999", like_count=5000, coauthor_producers=[{"pk": "76445488180"}])
    compat, corrected = both([], [raw(1, like_count=10), guest, raw(3, like_count=20)])
    assert (compat["avg_post_likes"], corrected["avg_post_likes"]) == (pytest.approx(5030 / 3), 15)
    assert corrected.as_json()["sample"]["excluded"] == {"not_own": 1}
    assert both([], [guest], creator="76445488180")[1]["total_content_analyzed"] == 0


def test_9_the_zone_is_named() -> None:
    entries = [raw(1, NOW - datetime(2025, 9, 14, 23, 30, tzinfo=UTC))]
    vienna = ZoneInfo("Europe/Vienna")
    _, corrected = both([], entries)
    assert (corrected["most_active_day"], corrected.zone) == ("Sunday", "UTC")
    _, there = both([], entries, zone=vienna)
    assert (there["most_active_day"], there.as_json()["zone"]) == ("Monday", "Europe/Vienna")


def test_10_views_are_not_set_against_engagement() -> None:
    reels = [reel(1, play_count=50_000, like_count=90, comment_count=10)]
    posts = [raw(2, like_count=180, comment_count=20)]
    compat, corrected = both(reels, posts)
    assert (compat["reels_vs_posts_performance"], corrected["reels_vs_posts_performance"]) == (250, 0.5)
    compat, corrected = both([reel(1, play_count=50_000)], [raw(2, like_count=1, comment_count=1)], None)
    assert (compat["best_content_type"], corrected["best_content_type"]) == ("reels", None)


def test_11_engagement_per_post_needs_no_followers() -> None:
    compat, corrected = both([], [raw(1, like_count=9, comment_count=1)], None)
    assert (compat["avg_engagement_per_content"], corrected["avg_engagement_per_content"]) == (0, 10)


def test_12_hidden_counts_say_nothing() -> None:
    hidden = raw(1, like_count=3, comment_count=8, like_and_view_counts_disabled=True)
    compat, corrected = both([], [hidden, raw(2, like_count=101, comment_count=4)])
    assert (compat["avg_post_likes"], corrected["avg_post_likes"]) == (52, 101)
    assert (corrected["avg_post_comments"], corrected["avg_post_engagement"]) == (6, 105)
    assert corrected.tally.hidden == 1
