"""How fast a post gains, when half was there, and the point that is only drawn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.analytics.curves import HalfLife, Point, curve, half_life, velocities, with_virtual_zero
from postkeep.model import Metrics
from tests.analytics.lists import DAY, HOUR, NOW
from tests.suites.platform_suite import SEEDED


def points(*pairs: tuple[float, int]) -> tuple[Point, ...]:
    return tuple(Point(NOW + hours * HOUR, value) for hours, value in pairs)


def test_the_curve_holds_what_is_known() -> None:
    snapshots = [
        (NOW + HOUR, Metrics(likes=9, comments=1)),
        (NOW, Metrics(reactions=3, comments=0)),
        (NOW + HOUR, Metrics(likes=8, comments=1)),
        (NOW + 2 * HOUR, Metrics(likes=50)),
        (NOW + 3 * HOUR, Metrics(likes=50, comments=50, hidden=True)),
    ]
    assert curve(snapshots) == points((0, 3), (1, 10))
    assert curve(snapshots, lambda metrics: metrics.views) == ()


def test_velocity_per_hour() -> None:
    told = velocities(points((1, 10), (3, 30), (4, 25)))
    assert [each.per_hour for each in told] == [10, -5]
    assert (told[0].begin, told[0].end) == (NOW + HOUR, NOW + 3 * HOUR)


def test_half_life_between_two_snapshots() -> None:
    seen = points((1, 20), (3, 60), (50, 100), (100, 100))
    assert half_life(seen, NOW) == HalfLife(2.5 * HOUR, False, 100, 4, True)
    assert half_life(seen[:3], NOW) == HalfLife(2.5 * HOUR, False, 100, 3, False)


def test_half_was_there_before_anybody_looked() -> None:
    assert half_life(points((5, 60), (50, 100)), NOW) == HalfLife(5 * HOUR, True, 100, 2, False)


@pytest.mark.parametrize("seen", [(), points((1, 5)), points((1, 0), (2, 0)), points((-2, 1), (-1, 5), (3, 9))])
def test_no_half_life(seen: tuple[Point, ...]) -> None:
    assert half_life(seen, NOW) is None
    assert half_life(points((1, 1), (2, 9)), None) is None


def test_the_virtual_zero_is_drawn_and_never_counted() -> None:
    seen = points((5, 60), (50, 100))
    drawn = with_virtual_zero(seen, NOW)
    assert drawn == (Point(NOW, 0, virtual=True), *seen)
    assert velocities(drawn) == velocities(seen)
    assert half_life(drawn, NOW) == half_life(seen, NOW)


def test_no_virtual_zero_without_a_beginning() -> None:
    seen = points((5, 60))
    assert with_virtual_zero(seen, None) == seen
    assert with_virtual_zero(seen, NOW + 5 * HOUR) == seen
    assert with_virtual_zero((), NOW) == ()


@SEEDED
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 10**6)), min_size=2, max_size=10))
def test_half_life_lies_where_it_was_observed(pairs: list[tuple[int, int]]) -> None:
    seen = curve((NOW + hours * HOUR, Metrics(likes=value, comments=0)) for hours, value in pairs)
    told = half_life(seen, NOW)
    if told is None:
        assert len(seen) < 2 or seen[-1].value == 0
        return
    assert timedelta(0) <= told.after <= seen[-1].at - NOW <= 2000 * HOUR
    assert told.total == seen[-1].value
    gained = sum(each.per_hour * ((each.end - each.begin) / HOUR) for each in velocities(seen))
    assert gained == pytest.approx(seen[-1].value - seen[0].value, abs=1e-3)


def test_a_slow_end_is_settled() -> None:
    told = half_life(points((1, 10), (24, 999), (24 + 2 * DAY / HOUR, 1000)), NOW)
    assert told is not None
    assert told.settled
