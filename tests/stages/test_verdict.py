"""What each failure means for a media row: the contract's states, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import (
    AddressRefused,
    ConnectFailed,
    FetchError,
    HttpStatus,
    NameUnresolved,
    NotMedia,
    TimedOut,
    TlsFailed,
    TooLarge,
    TooManyRedirects,
    Truncated,
)
from postkeep.model import MediaState
from postkeep.stages.fetch.verdict import LONGEST, judge, pause
from postkeep.store.media import Due

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def due(*, fails: int = 0, expires_at: datetime | None = None, error_kind: str | None = None) -> Due:
    return Due(
        media_id="med-1",
        platform="linkedin",
        url="https://media.licdn.com/x",
        host="media.licdn.com",
        media_key="A",
        rendition=None,
        rendition_rank=None,
        expires_at=expires_at,
        state=MediaState.PENDING,
        error_kind=error_kind,
        fails=fails,
        asset=("linkedin", "D4A", None),
        owner="p-1",
    )


def verdict(row: Due, error: FetchError, *, answered: bool = True, tries: int = 5):
    return judge(row, error, NOW, tries=tries, base=60, answered=answered, chance=lambda: 0.5)


PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "state", "again"),
    [
        (NameUnresolved(), "retry", True),
        (ConnectFailed(), "retry", True),
        (TlsFailed(), "retry", True),
        (TimedOut(), "retry", True),
        (Truncated(), "retry", True),
        (HttpStatus(408), "retry", True),
        (HttpStatus(425), "retry", True),
        (HttpStatus(500), "retry", True),
        (HttpStatus(401), "retry", True),
        (HttpStatus(403), "retry", True),
        (HttpStatus(404), "gone", False),
        (HttpStatus(410), "gone", False),
        (HttpStatus(400), "failed", False),
        (HttpStatus(451), "failed", False),
        (AddressRefused(), "refused", False),
        (TooLarge(), "refused", False),
        (TooManyRedirects(), "refused", False),
        (NotMedia("html"), "retry", True),
    ],
)
def test_the_first_failure(error, state, again):
    found = verdict(due(), error)

    assert found.state == state
    assert (found.due_at is not None) is again
    assert found.fails == 1


@pytest.mark.parametrize("status", [429, 503])
def test_not_now_moves_the_time_and_spends_no_try(status):
    found = verdict(due(fails=4), HttpStatus(status, retry_after=7200))

    assert (found.state, found.fails) == (MediaState.PENDING, 4)
    assert found.due_at >= NOW + timedelta(hours=2)


@pytest.mark.parametrize("error", [HttpStatus(403), HttpStatus(401), NotMedia("html")])
def test_after_its_time_a_refused_link_has_expired(error):
    assert verdict(due(expires_at=PAST), error).state == MediaState.EXPIRED
    assert verdict(due(expires_at=FUTURE), error).state == MediaState.RETRY


def test_what_is_no_media_twice_is_unsupported():
    assert verdict(due(fails=1, error_kind="not_media"), NotMedia("json")).state == MediaState.UNSUPPORTED


def test_the_last_try_fails_for_good():
    found = verdict(due(fails=4), TimedOut())

    assert (found.state, found.due_at, found.fails) == (MediaState.FAILED, None, 5)


def test_a_network_that_is_down_for_everybody_spends_no_try():
    found = verdict(due(fails=4), ConnectFailed(), answered=False)

    assert (found.state, found.fails) == (MediaState.PENDING, 4)
    assert found.due_at is not None


@given(fails=st.integers(1, 100), chance=st.floats(0, 1, exclude_max=True), wish=st.none() | st.floats(0, 1e7))
def test_pauses_grow_fourfold_within_a_quarter_and_never_beyond_a_day(fails, chance, wish):
    found = pause(fails, base=60, retry_after=wish, chance=lambda: chance)

    assert found <= LONGEST
    least = min(LONGEST, timedelta(seconds=60 * 4 ** min(fails - 1, 11) * 0.75))
    assert found >= least or found == LONGEST
    if wish is not None:
        assert found >= min(LONGEST, timedelta(seconds=wish))
