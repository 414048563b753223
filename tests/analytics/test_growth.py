"""Follower growth with its basis, and what may be written into the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.analytics.growth import (
    DAILY,
    FollowerRow,
    GrowthAsBuilt,
    Refused,
    checked,
    growth,
    growth_as_built,
    one_per_hour,
)
from tests.analytics.lists import DAY, HOUR, NOW
from tests.suites.platform_suite import SEEDED


def row(ago: timedelta, followers: int) -> FollowerRow:
    return FollowerRow(NOW - ago, followers)


def test_rates_are_scaled_to_the_time_they_name() -> None:
    """Ten percent in 20 hours are twelve a day; the old way called them nothing, or ten."""
    rows = [row(20 * HOUR, 1000), row(6 * DAY, 880)]
    told = growth(rows, FollowerRow(NOW, 1100))
    assert told.daily is not None
    assert told.weekly is not None
    assert told.daily.percent == pytest.approx(12)
    assert told.weekly.percent == pytest.approx(25 * 7 / 6)
    assert (told.daily.elapsed, told.daily.row, told.weekly.row) == (20 * HOUR, *rows)
    assert told.daily.as_json() == {
        "percent": pytest.approx(12),
        "from": "2025-09-16T13:06:40+00:00",
        "from_followers": 1000,
        "until": "2025-09-17T09:06:40+00:00",
        "until_followers": 1100,
        "elapsed_hours": 20,
        "window_hours": 24,
        "tolerance_hours": 12,
    }
    assert growth_as_built(rows, 1100, NOW) == GrowthAsBuilt(25.0, None, 1000)


def test_no_change_is_no_growth_and_not_unknown() -> None:
    rows = [row(DAY, 1000), row(7 * DAY, 1000), row(8 * DAY, 900)]
    told = growth(rows, FollowerRow(NOW, 1000))
    assert [each.percent for each in (told.daily, told.weekly) if each] == [0.0, 0.0]
    assert told.previous == rows[2]
    assert growth_as_built(rows, 1000, NOW) == GrowthAsBuilt(None, None, 900)


@pytest.mark.parametrize(
    ("ago", "known"),
    [(12 * HOUR, True), (36 * HOUR, True), (12 * HOUR - timedelta(seconds=1), False), (36.1 * HOUR, False)],
)
def test_a_day_is_between_12_and_36_hours(ago: timedelta, known: bool) -> None:
    assert (growth([row(ago, 100)], FollowerRow(NOW, 110)).daily is not None) is known


def test_a_month_is_not_a_day() -> None:
    rows = [row(30 * DAY, 100)]
    told = growth(rows, FollowerRow(NOW, 150))
    assert (told.daily, told.weekly, told.previous) == (None, None, rows[0])
    assert growth_as_built(rows, 150, NOW) == GrowthAsBuilt(50.0, 50.0, 100)


def test_growth_from_nobody_has_no_rate() -> None:
    told = growth([row(DAY, 0)], FollowerRow(NOW, 100))
    assert (told.daily, told.previous) == (None, row(DAY, 0))
    assert growth_as_built([row(DAY, 0)], 100, NOW) == GrowthAsBuilt(None, None, 0)
    assert growth([], FollowerRow(NOW, 100)).previous is None
    one = growth([row(DAY, 1)], FollowerRow(NOW, 2)).daily
    assert one is not None
    assert one.percent == 100


def test_the_nearest_row_counts_and_of_two_the_older() -> None:
    rows = [row(14 * HOUR, 90), row(22 * HOUR, 80), row(26 * HOUR, 70), row(35 * HOUR, 60)]
    told = growth(rows, FollowerRow(NOW, 100)).daily
    assert told is not None
    assert told.row == rows[2]


@SEEDED
@given(
    hours=st.lists(st.tuples(st.integers(-30, 300), st.integers(0, 10**6)), max_size=12),
    now=st.integers(0, 10**6),
)
def test_growth_knows_no_order_and_no_future(hours: list[tuple[int, int]], now: int) -> None:
    rows = [row(ago * HOUR, followers) for ago, followers in hours]
    told = growth(rows, FollowerRow(NOW, now))
    assert growth(reversed(rows), FollowerRow(NOW, now)) == told
    for each in (told.daily, told.weekly):
        assert each is None or each.row in rows
        assert each is None or abs(each.elapsed - each.window.length) <= each.window.tolerance
        # All that were there may go, and no more: but for the last bit of a float.
        assert each is None or each.percent >= -100 * each.window.length / each.elapsed * (1 + 1e-12)
    assert told.previous is None or told.previous.observed_at < NOW
    if told.daily and told.daily.elapsed == DAILY.length:
        assert told.daily.percent == pytest.approx((now / told.daily.row.followers - 1) * 100)


@pytest.mark.parametrize("followers", [None, -1, True, "108221", 1.5, float("nan"), 2**63])
def test_a_missing_count_is_not_zero(followers: Any) -> None:
    assert checked(NOW, followers) is Refused.NO_FOLLOWERS


def test_what_is_written() -> None:
    assert checked(NOW, 0, 7, None) == FollowerRow(NOW, 0, 7, None)
    assert checked(NOW, 108221.0, -5, "12") == FollowerRow(NOW, 108221)
    naive = datetime(2025, 1, 1)  # noqa: DTZ001
    assert checked(naive, 1) is Refused.NO_ZONE


def test_one_row_of_an_hour() -> None:
    first, second, later = row(40 * timedelta(minutes=1), 1), row(20 * timedelta(minutes=1), 2), row(-HOUR, 3)
    assert one_per_hour([later, second, first]) == (second, later)
    assert one_per_hour([first, later]) == (first, later)
