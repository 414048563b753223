"""When a host is left alone: a month of it in literals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import ConnectFailed, FetchError, HttpStatus, NameUnresolved, NotMedia, TimedOut, TooLarge
from postkeep.stages.fetch.gate import Gate
from postkeep.store.hosts import HostState
from tests.records import EPOCH

MINUTE = timedelta(minutes=1)


def gate(state: HostState | None = None, *, circuit: int = 5, chance: float = 0.5) -> Gate:
    return Gate(state or HostState("host.test"), circuit=circuit, base=60.0, chance=lambda: chance)


@pytest.mark.parametrize("status", [429, 503])
def test_not_now_is_obeyed_at_once(status):
    one = gate()
    assert one.failed(HttpStatus(status), EPOCH)
    assert not one.is_open(EPOCH + MINUTE - timedelta(seconds=1))
    assert one.is_open(EPOCH + MINUTE)
    assert one.changed
    assert one.narrow
    assert one.state.reason == f"HTTP {status}"


def test_the_hosts_own_wish_is_never_undercut():
    one = gate(chance=0.0)
    assert one.failed(HttpStatus(429, retry_after=3600), EPOCH)
    assert one.state.paused_until == EPOCH + timedelta(hours=1)
    # A shorter wish of an answer that was on its way does not end the rest sooner, a longer one prolongs it.
    one.failed(HttpStatus(429, retry_after=5), EPOCH + MINUTE)
    assert one.state.paused_until == EPOCH + timedelta(hours=1)
    one.failed(HttpStatus(503, retry_after=7200), EPOCH + MINUTE)
    assert one.state.paused_until == EPOCH + MINUTE + timedelta(hours=2)
    assert one.state.pauses == 1


def test_answers_that_come_together_are_one_rest():
    one = gate()
    for _ in range(5):
        assert one.failed(HttpStatus(429, retry_after=40), EPOCH)
    assert one.state.paused_until == EPOCH + MINUTE
    assert one.state.pauses == 1


@pytest.mark.parametrize(
    "error", [ConnectFailed(), NameUnresolved(), TimedOut(), HttpStatus(500), HttpStatus(403), HttpStatus(401)]
)
def test_failures_in_a_row_open_the_circuit(error):
    one = gate(circuit=3)
    assert [one.failed(error, EPOCH) for _ in range(3)] == [False, False, True]
    assert not one.is_open(EPOCH)


@pytest.mark.parametrize("error", [HttpStatus(404), HttpStatus(410), NotMedia("html"), TooLarge()])
def test_an_answer_that_blames_the_url_is_a_sign_of_life(error):
    one = gate(circuit=2)
    one.failed(TimedOut(), EPOCH)
    assert not one.failed(error, EPOCH)
    assert not one.failed(TimedOut(), EPOCH)
    assert one.state.failures == 1


def test_each_rest_without_a_success_is_longer_and_one_failure_is_enough_then():
    one = gate(circuit=2)
    now, rests = EPOCH, []
    one.failed(TimedOut(), now)
    for _ in range(9):
        assert one.failed(TimedOut(), now)
        assert one.narrow
        rests.append(one.state.paused_until - now)
        now = one.state.paused_until
    assert rests[:4] == [MINUTE, 4 * MINUTE, 16 * MINUTE, 64 * MINUTE]
    assert rests[-1] == timedelta(days=1)
    one.answered(now - timedelta(seconds=1))
    assert one.narrow
    one.answered(now)
    assert one.state == HostState("host.test")
    assert not one.narrow


def test_what_was_remembered_goes_on_after_a_restart():
    before = gate(circuit=1)
    before.failed(TimedOut(), EPOCH)
    after = gate(before.state, circuit=5)
    assert not after.is_open(EPOCH)
    assert after.narrow
    assert after.failed(TimedOut(), EPOCH + MINUTE)
    assert after.state.paused_until == EPOCH + 5 * MINUTE


def test_an_answer_that_was_on_its_way_does_not_end_a_rest():
    one = gate()
    one.failed(HttpStatus(429, retry_after=3600), EPOCH)
    one.answered(EPOCH + MINUTE)
    assert one.failed(HttpStatus(404), EPOCH + MINUTE) is False
    assert not one.is_open(EPOCH + 59 * MINUTE)
    assert one.is_open(EPOCH + 60 * MINUTE)


def test_a_well_host_is_nothing_to_remember():
    one = gate()
    one.answered(EPOCH)
    assert not one.changed


FAILURES = st.one_of(
    st.integers(400, 599).map(HttpStatus),
    st.builds(HttpStatus, st.sampled_from([429, 503]), retry_after=st.floats(0, 604800)),
    st.sampled_from([TimedOut(), ConnectFailed(), NotMedia("html"), None]),
)


@given(st.lists(st.tuples(FAILURES, st.integers(0, 100_000)), max_size=60), st.floats(0, 1))
def test_a_gate_is_open_or_says_until_when(steps: list[tuple[FetchError | None, int]], chance: float):
    one, now = gate(chance=chance), EPOCH
    for error, seconds in steps:
        now += timedelta(seconds=seconds)
        if error is None:
            before = one.state.paused_until
            one.answered(now)
            assert one.state.paused_until == (before if before is not None and before > now else None)
        elif one.failed(error, now):
            until = one.state.paused_until
            assert until is not None
            assert until > now
            assert until - now >= timedelta(seconds=min(error.retry_after or 0, 86400))
            assert until - now <= timedelta(days=7)
        else:
            assert one.is_open(now) or one.state.paused_until is not None
        assert one.state.failures >= 0
