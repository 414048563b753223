"""Old values are read as what they are, or as nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.store.adoption import old_rows

NOON = datetime(2025, 3, 1, 12, 0, 5, 250_000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(1_100_000_000_000, 4_000_000_000_000))
def test_units_are_told_by_size(milliseconds: int) -> None:
    assert old_rows.as_milliseconds(milliseconds) == milliseconds
    assert old_rows.as_milliseconds(milliseconds * 1000) == milliseconds
    seconds = milliseconds // 1000
    assert old_rows.as_milliseconds(seconds) == seconds * 1000
    assert old_rows.as_milliseconds(str(seconds)) == seconds * 1000


@pytest.mark.parametrize(
    "value", [0, -1, 10**18, 5, True, None, "yesterday", "", b"1", float("nan"), float("inf")]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert old_rows.as_milliseconds(value) is None
    assert old_rows.as_time(value) is None


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=-5))),
        "2025-03-01 12:00:05.250000",
        "2025-03-01T12:00:05.250Z",
        "2025-03-01 13:00:05.25+01:00",
        "2025-03-01 12:00:05.250 UTC",
        " 2025-03-01T12:00:05.250 ",
        1740830405250,
        1740830405.25,
        "1740830405.25",
    ],
)
def test_times_in_every_spelling(value: object) -> None:
    assert old_rows.as_time(value) == NOON


@given(st.one_of(st.none(), st.integers(), st.text(), st.floats(), st.booleans(), st.binary()))
def test_no_value_is_too_odd(value: object) -> None:
    for read in (old_rows.as_time, old_rows.as_milliseconds, old_rows.as_flag, old_rows.as_number):
        read(value)
    text = old_rows.as_text(value)
    assert (text is None) == (value is None)


@given(st.recursive(st.none() | st.integers() | st.booleans(), lambda inner: st.lists(inner)), st.integers(0, 3))
def test_json_is_found_in_strings_of_json(value: object, depth: int) -> None:
    text = json.dumps(value)
    for _ in range(depth):
        text = json.dumps(text)
    assert old_rows.unwrapped(text) == value
    assert json.loads(old_rows.innermost(text)) == value


def test_text_that_only_begins_like_a_json_string_stays() -> None:
    assert old_rows.innermost('"cut off') == '"cut off'
    assert old_rows.innermost("plain") == "plain"


@pytest.mark.parametrize(
    "value", [Decimal("1740830405250"), Decimal("1740830405.25"), "2025-03-01 12:00:05.25+00"]
)
def test_decimals_and_times_as_text_are_times(value: object) -> None:
    assert old_rows.as_time(value) == NOON
    assert old_rows.as_number(Decimal(7)) == 7


@pytest.mark.parametrize("value", ["infinity", "-infinity", "4713-01-01 00:00:00 BC", Decimal("NaN")])
def test_a_time_no_calendar_has_is_none(value: object) -> None:
    assert old_rows.as_time(value) is None
