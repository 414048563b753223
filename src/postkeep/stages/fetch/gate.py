"""Decides when a host is left alone. Pure: time and chance are arguments, so a month passes in a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from postkeep.errors import FetchError, HttpStatus
from postkeep.stages.fetch.verdict import LONGEST, pause
from postkeep.store.hosts import HostState

_NOT_NOW = frozenset({429, 503})
_REFUSALS = (401, 403)
_UNWELL = frozenset({"dns", "connect", "tls", "timeout", "truncated"})


def says_not_now(error: FetchError) -> bool:
    """Whether a host asks to be left alone for a while."""
    return error.retry_after is not None or (isinstance(error, HttpStatus) and error.status in _NOT_NOW)


class Gate:
    """One host's circuit: closed while it answers, open while it rests, narrow until it has answered again.

    A host rests at once when it says "not now" (429, 503, any Retry-After), and after `circuit` failures in a
    row. Each rest without a success in between is four times as long, a day at most.
    """

    def __init__(self, state: HostState, *, circuit: int, base: float, chance: Callable[[], float]) -> None:
        self.state = state
        self.changed = False
        self._circuit, self._base, self._chance = circuit, base, chance

    def is_open(self, now: datetime) -> bool:
        """Whether requests may be sent."""
        return self.state.paused_until is None or self.state.paused_until <= now

    @property
    def narrow(self) -> bool:
        """Whether one request at a time is enough, because the host has not answered since its rest."""
        return self.state.pauses > 0

    def answered(self, now: datetime) -> None:
        """Take a success, or an answer that blames the URL and not the host.

        One that was on its way when a rest began does not end it.
        """
        if not self.is_open(now):
            return
        if self.state.failures or self.state.pauses or self.state.paused_until:
            self.state = HostState(self.state.host)
            self.changed = True

    def failed(self, error: FetchError, now: datetime) -> bool:
        """Take a failure; True when the host is left alone from now on."""
        status = error.status if isinstance(error, HttpStatus) else None
        if says_not_now(error):
            return self._rest(error, now)
        if not (error.kind in _UNWELL or status in (*_REFUSALS, 408) or (status or 0) >= 500):
            self.answered(now)
            return False
        self.state = replace(self.state, failures=self.state.failures + 1)
        self.changed = True
        # A host on probation has used its one try; but who refuses a link is there.
        if self.state.failures >= self._circuit or (self.state.pauses and status not in _REFUSALS):
            return self._rest(error, now)
        return False

    def _rest(self, error: FetchError, now: datetime) -> bool:
        before = self.state.paused_until
        if before is not None and before > now:
            # Answers that were on their way when the rest began make it no longer, unless they ask for it.
            if error.retry_after is not None:
                asked = now + min(LONGEST, timedelta(seconds=error.retry_after))
                self.state = replace(self.state, paused_until=max(before, asked))
        else:
            until = self._until(error, now)
            self.state = replace(
                self.state, paused_until=until, reason=error.message, pauses=self.state.pauses + 1
            )
        self.changed = True
        return True

    def _until(self, error: FetchError, now: datetime) -> datetime:
        wait = pause(self.state.pauses + 1, base=self._base, retry_after=error.retry_after, chance=self._chance)
        return now + wait
