"""What a failed try means for a media row. Pure: the states are the contract's, time and chance are arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from postkeep.errors import (
    AddressRefused,
    FetchError,
    HttpStatus,
    LinkExpired,
    NotMedia,
    Placeholder,
    TooLarge,
    TooManyRedirects,
)
from postkeep.model import MediaState
from postkeep.store.media import Due, Failure

LONGEST = timedelta(days=1)
_SOON = timedelta(minutes=1)
_NOTHING_KEPT = frozenset({NotMedia.kind, Placeholder.kind})
_UNREACHED = frozenset({"dns", "connect", "tls", "timeout"})


def pause(fails: int, *, base: float, retry_after: float | None, chance: Callable[[], float]) -> timedelta:
    """How long to wait before the next try: `base` seconds times 4 to the n, up to a quarter more or less.

    `fails` counts the tries that failed, this one included. The server's own wish is not undercut, up to a day:
    nothing waits longer.
    """
    seconds = base * 4 ** max(0, min(fails, 12) - 1) * (0.75 + 0.5 * chance())
    return min(LONGEST, timedelta(seconds=max(seconds, retry_after or 0.0)))


def has_expired(row: Due, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def judge(
    row: Due,
    error: FetchError,
    now: datetime,
    *,
    tries: int,
    base: float,
    answered: bool,
    chance: Callable[[], float],
) -> Failure:
    """The row's next state after this error; `answered` says whether any host has answered in this run.

    A try is spent only when the host was at fault: "not now" (429, 503) and a network that is down for
    everybody only move the due time.
    """
    state, again, spent = _state(row, error, now, answered=answered)
    fails = row.fails + (1 if spent else 0)
    if again and fails >= tries:
        state, again = MediaState.FAILED, False
    due = None
    if again:
        due = now + pause(max(1, fails), base=base, retry_after=error.retry_after, chance=chance)
        if row.expires_at is not None and error.retry_after is None:
            due = min(due, _before(row.expires_at, now))
    kind = f"http_{error.status}" if isinstance(error, HttpStatus) else error.kind
    message = error.message
    if state is MediaState.GONE and row.alternatives:
        message = f"none of its {len(row.alternatives) + 1} names is there: {message}"
    return Failure(row.media_id, row.url, state, kind, message, due, fails)


def _before(expires_at: datetime, now: datetime) -> datetime:
    """Half-way to the end of a link: a try after its end would be none."""
    return max(now + _SOON, now + (expires_at - now) / 2)


def _state(row: Due, error: FetchError, now: datetime, *, answered: bool) -> tuple[MediaState, bool, bool]:
    """(state, whether another try may help, whether a try was spent)."""
    match error:
        case AddressRefused() | TooLarge() | TooManyRedirects():
            return MediaState.REFUSED, False, True
        case HttpStatus(status=404 | 410):
            return MediaState.GONE, False, True
        case LinkExpired():
            return MediaState.EXPIRED, False, True
        case HttpStatus(status=401 | 403):
            if has_expired(row, now):
                return MediaState.EXPIRED, False, True
            if row.alternatives and error.status == 403:
                # All its names were asked for by now, and servers of such families say this of what they lack.
                return MediaState.GONE, False, True
            return MediaState.RETRY, True, True
        case HttpStatus(status=429 | 503):
            return row.state, True, False
        case NotMedia() | Placeholder():
            if has_expired(row, now):
                return MediaState.EXPIRED, False, True
            if row.error_kind in _NOTHING_KEPT:
                return MediaState.UNSUPPORTED, False, True
            return MediaState.RETRY, True, True
    if error.temporary:
        if error.kind in _UNREACHED and not answered:
            return row.state, True, False
        return MediaState.RETRY, True, True
    return MediaState.FAILED, False, True


def expired(row: Due) -> Failure:
    """The verdict on a URL whose time has passed: no request is made."""
    message = f"the link expired at {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "expired"
    return Failure(row.media_id, row.url, MediaState.EXPIRED, "expired", message, None, row.fails)
