"""Which posts count: merged by their own id, inside the window, and in whatever order they come."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.analytics.content import Content, Kind, content_of, hashtags, merged
from postkeep.analytics.creator import analytics_of_merged, calculate_analytics
from postkeep.analytics.raw import creator_of, native_id, read
from postkeep.analytics.result import Analytics, ViralRule
from postkeep.model import Metrics, PostFormat
from tests.analytics.lists import DAY, HOUR, NOW, OWNER, both, raw, reel, sample_lists, wrapped
from tests.suites.platform_suite import SEEDED


def test_the_sample_lists() -> None:
    """17 distinct posts, of which the pinned reel is two months older than its list."""
    reels, posts = sample_lists()
    _, corrected = both(reels, posts, 108221)
    assert corrected.as_json()["sample"] == {
        "handed": 18,
        "counted": 16,
        "excluded": {"duplicate": 1, "outside_window": 1},
        "hidden": 0,
        "unmergeable": 0,
        "undated": 0,
        "other_views": 0,
    }
    assert (corrected["reels_analyzed"], corrected["posts_analyzed"]) == (5, 11)
    assert corrected["avg_reel_views"] == (10125 + 29454 + 38169 + 35389 + 36173) / 5
    assert corrected["avg_reel_saves"] is None
    told = corrected.as_json()
    assert [told[key] for key in ("mode", "version", "input", "zone")] == ["corrected", "1", "lists", "UTC"]
    assert told["basis"]["avg_reel_views"] == {"counted": 5, "of": 5, "since": "2025-09-12T15:19:05+00:00"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": "3722942542743517249_76445488180", "pk": 3722942542743517000}, "3722942542743517249"),
        ({"pk": "3722942542743517249"}, "3722942542743517249"),
        ({"pk": 3722942542743517000, "code": "DOqjISDarhB"}, "3722942542743517249"),
        ({"pk": 3722942542743517000}, None),
        ({"pk": 12345}, "12345"),
        ({"shortcode": "DMYPh1ZuqDj"}, "3681760991155757283"),
        ({"code": "not a code"}, None),
        ({}, None),
    ],
)
def test_the_canonical_id(fields: dict[str, Any], expected: str | None) -> None:
    assert native_id(fields) == expected


def test_what_an_entry_says() -> None:
    entry = reel(
        7, DAY, like_count=None, likes=3.0, comments=2, reshare_count=4, caption={"text": "#One a#b #köln"},
        timeline_pinned_user_ids=[1],
    )  # fmt: skip
    (content,) = read([wrapped(entry, play_count=9, comments=1)], Kind.POST, OWNER)
    assert content == Content(
        "7", Kind.REEL, NOW - DAY, 9, 3, 2, None, 4, "#One a#b #köln", pinned=True, views_as="play_count"
    )  # fmt: skip
    assert hashtags("#One a#b #köln") == 2


def test_the_profiles_own_shape() -> None:
    node = {
        "id": "5", "edge_media_preview_like": {"count": 8}, "edge_liked_by": {"count": 2}, "caption": None,
        "edge_media_to_comment": {"count": 0}, "taken_at_timestamp": int(NOW.timestamp()), "video_view_count": 3,
    }  # fmt: skip
    (content,) = read([node], Kind.POST)
    assert (content.likes, content.comments, content.views, content.caption) == (8, 0, 3, "")
    assert content.posted_at == NOW


def test_counts_that_are_none_are_unknown() -> None:
    (content,) = read([{"like_count": "3", "comment_count": -1, "save_count": True, "play_count": 1.5}], Kind.REEL)
    assert content == Content(None, Kind.REEL)


def test_whose_lists_they_are() -> None:
    guest = raw(2, owner="999", coauthor_producers=[{"pk": int(OWNER)}])
    assert creator_of([raw(1), guest]) == OWNER
    assert creator_of([raw(1), raw(2, owner="999")]) is None
    assert creator_of([]) is None


def test_entries_without_an_id_are_each_one() -> None:
    _, corrected = both([{"like_count": 1}, {"like_count": 1}], ["nothing"])
    assert (corrected["total_likes"], corrected.tally.unmergeable, corrected.tally.undated) == (2, 2, 2)
    assert corrected.as_json()["sample"]["excluded"] == {"unreadable": 1}


def test_rhythm_is_counted_where_both_lists_reach() -> None:
    """Two reels a day for three days, and a post a week for half a year: lists of one length, not of one time."""
    reels = [reel(100 + number, number * 12 * HOUR) for number in range(7)]
    posts = [raw(number, number * 7 * DAY + HOUR) for number in range(26)]
    compat, corrected = both(reels, posts)
    assert compat["posting_frequency_per_week"] == pytest.approx(33 / 25, rel=0.02)
    assert corrected["posting_frequency_per_week"] == pytest.approx(7 / 3 * 7, rel=0.01)
    assert corrected.figures["posting_frequency_per_week"].since == NOW - 3 * DAY
    assert corrected["posts_analyzed"] == 26


def test_a_single_post_bounds_nothing() -> None:
    _, corrected = both([reel(number) for number in range(10, 31)], [raw(1)])
    assert corrected["posting_frequency_per_week"] == pytest.approx(21 / 29 * 7)


def test_what_was_posted_after_now_is_not_there_yet() -> None:
    _, corrected = both([], [raw(1), raw(2, -HOUR)])
    assert corrected["last_post_days_ago"] == 1
    assert corrected.as_json()["sample"]["excluded"] == {"after_now": 1}


def test_views_of_another_definition_are_not_mixed_in() -> None:
    reels = [reel(1, play_count=100), reel(2, play_count=300), reel(3, view_count=10_000)]
    _, corrected = both(reels, [raw(0, HOUR, view_count=7)])
    assert (corrected["avg_reel_views"], corrected["total_views"], corrected.tally.other_views) == (200, 400, 1)


def test_the_windows_of_the_newest_listings_hold_for_rows() -> None:
    rows = [Content(str(day), Kind.POST, NOW - day * DAY, likes=day) for day in (1, 2, 3, 40)]
    windows = {Kind.POST: NOW - 3 * DAY, Kind.REEL: None}
    seen = analytics_of_merged(rows, 10, now=NOW, windows=windows)
    assert (seen["avg_post_likes"], seen.input) == (2, "merged")
    assert analytics_of_merged(rows, 10, now=NOW)["avg_post_likes"] == 11.5
    assert analytics_of_merged(rows, 10, now=NOW, windows={})["avg_post_likes"] == 11.5


def test_a_stored_post_as_content() -> None:
    metrics = Metrics(reactions=5, comments=2, reposts=3)
    content = content_of("1", PostFormat.IMAGE, NOW, metrics, caption="", reposts_are_shares=True)
    assert (content.kind, content.likes, content.shares, content.engagement) == (Kind.POST, 5, 3, 7)
    reel_ = content_of("1", PostFormat.REEL, NOW, Metrics(reactions=5, likes=4, shares=1, reposts=9), own=False)
    assert (reel_.kind, reel_.likes, reel_.shares, reel_.engagement, reel_.own) == (Kind.REEL, 4, 1, None, False)


counts = st.none() | st.integers(0, 10**6)
contents = st.builds(
    Content,
    native_id=st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "8", None]),
    kind=st.sampled_from(Kind),
    posted_at=st.none() | st.timedeltas(timedelta(-1), timedelta(400)).map(lambda ago: NOW - ago),
    views=counts,
    likes=counts,
    comments=counts,
    saves=counts,
    shares=counts,
    caption=st.none() | st.text("a#bé ", max_size=6),
    pinned=st.booleans(),
    own=st.sampled_from([True, True, True, False]),
    hidden=st.sampled_from([False, False, False, True]),
    views_as=st.sampled_from(["play_count", "view_count"]),
)
RULE = ViralRule(min_views=1000, multiplier=1.5, minimum_sample=2)


def figures(rows: list[Content], followers: int | None = 1000) -> Analytics:
    return analytics_of_merged(rows, followers, now=NOW, viral=RULE)


@SEEDED
@given(rows=st.lists(contents, max_size=14), seed=st.integers())
def test_the_order_does_not_matter(rows: list[Content], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert figures(rows) == figures(shuffled)
    known = [row for row in rows if row.native_id is not None]
    assert figures(known + known).values == figures(known).values


@SEEDED
@given(same=st.lists(contents.map(lambda each: replace(each, native_id="1")), min_size=1, max_size=5))
def test_merging_knows_no_order(same: list[Content]) -> None:
    one = merged(same)
    assert merged(reversed(same)) == one
    assert merged([one, *same]) == one


@SEEDED
@given(entries=st.lists(st.integers(1, 400), min_size=1, max_size=8), seed=st.integers())
def test_the_order_of_an_apis_lists_does_not_matter(entries: list[int], seed: int) -> None:
    chance = random.Random(seed)
    made = [reel(each, play_count=each, like_count=each, comment_count=1) for each in entries]
    reels, posts = made[::2], [raw(each, like_count=each) for each in entries]
    mixed = [chance.sample(each, len(each)) for each in (reels, posts)]
    one, other = (calculate_analytics(*lists, 10, now=NOW) for lists in ((reels, posts), mixed))
    assert one == other


def _times(row: Content, factor: int) -> Content:
    scaled = {
        name: value * factor
        for name in ("views", "likes", "comments", "saves", "shares")
        if (value := getattr(row, name)) is not None
    }
    return replace(row, **scaled)


@SEEDED
@given(rows=st.lists(contents, max_size=12), factor=st.integers(2, 50))
def test_ten_times_the_numbers_give_ten_times_the_means(rows: list[Content], factor: int) -> None:
    """Counts and followers grow together: totals and means grow with them, rates, ratios and words stay."""
    one = analytics_of_merged(rows, 1000, now=NOW, viral=ViralRule(0, 1.5, 2))
    other = analytics_of_merged(
        [_times(row, factor) for row in rows], 1000 * factor, now=NOW, viral=ViralRule(0, 1.5, 2)
    )
    for name, value in one.values.items():
        grows = name.startswith(("avg_", "total_")) and not name.startswith(
            ("avg_caption", "avg_hashtag", "avg_engagement_rate", "total_content")
        )
        expected = value * factor if grows and isinstance(value, int | float) else value
        assert other[name] == (pytest.approx(expected) if isinstance(expected, float) else expected), name


@SEEDED
@given(rows=st.lists(contents, max_size=14), followers=st.none() | st.integers(0, 10**7))
def test_no_figure_leaves_its_range(rows: list[Content], followers: int | None) -> None:
    result = figures(rows, followers)
    for name, value in result.values.items():
        figure = result.figures[name]
        if isinstance(value, int | float):
            assert value >= 0, name
        if figure.counted is not None and figure.of is not None:
            assert 0 <= figure.counted <= figure.of, name
        if "rate" in name and name != "viral_content_rate":
            assert value is None or followers, name
    for name, highest in (
        ("posting_consistency_score", 100),
        ("viral_content_rate", 100),
        ("most_active_hour", 23),
    ):
        value = result[name]
        assert value is None or (isinstance(value, int | float) and value <= highest)
    assert result.tally.handed == len(rows)
    assert result.tally.counted + sum(result.tally.excluded.values()) == len(rows)
