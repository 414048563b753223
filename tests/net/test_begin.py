"""The callback face: each outcome is told once, to whoever asked, and a mistake there is never silent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from postkeep.errors import AddressRefused, FetchError, HttpStatus
from postkeep.model import Fetched
from postkeep.net.fetcher import Fetcher
from postkeep.net.job import Outcome
from tests.net.fetching import BASE, Spool, content, get
from tests.servers import media
from tests.servers.media import MediaServer

Outcomes = queue.SimpleQueue[Outcome]


def test_each_outcome_is_told_once_on_the_engines_thread(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    told: queue.SimpleQueue[tuple[str, Outcome, str]] = queue.SimpleQueue()
    fetcher = make()
    server.route("/a", b"x")
    paths = [f"/a?{at}" for at in range(50)] + [f"/none?{at}" for at in range(50)]
    for path in paths:
        fetcher.begin(
            server.url(path),
            lambda outcome, path=path: told.put((path, outcome, threading.current_thread().name)),
        )
    outcomes = [told.get(timeout=30) for _ in paths]
    fetcher.close()
    assert told.empty()
    assert sorted(path for path, _, _ in outcomes) == sorted(paths)
    assert {name for _, _, name in outcomes} == {"postkeep-net"}
    for path, outcome, _ in outcomes:
        assert isinstance(outcome, Fetched if path.startswith("/a") else HttpStatus)


def test_a_refused_address_is_said_at_once(make: Callable[..., Fetcher]) -> None:
    outcomes: Outcomes = queue.SimpleQueue()
    with pytest.raises(AddressRefused):
        make().begin("http://10.0.0.1/", outcomes.put)
    assert outcomes.empty()


def test_done_may_begin_and_abort_and_close(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    outcomes: Outcomes = queue.SimpleQueue()
    server.route("/a", b"x")
    server.route("/slow", media.slow(b"x", seconds=20))
    fetcher = make()
    slow = fetcher.begin(server.url("/slow"), outcomes.put)

    def last(outcome: Outcome) -> None:
        fetcher.close()
        outcomes.put(outcome)

    def second(outcome: Outcome) -> None:
        outcomes.put(outcome)
        fetcher.begin(server.url("/a?last"), last)

    def first(outcome: Outcome) -> None:
        outcomes.put(outcome)
        fetcher.abort(slow)
        fetcher.begin(server.url("/a?second"), second)

    fetcher.begin(server.url("/a"), first)
    found = [outcomes.get(timeout=30) for _ in range(4)]
    assert [type(each) for each in found].count(Fetched) == 3
    assert next(each for each in found if isinstance(each, FetchError)).temporary
    with pytest.raises(FetchError):
        fetcher.begin(server.url("/a"), outcomes.put)


def test_an_aborted_job_ends_closed_and_its_file_is_removed(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    outcomes: Outcomes = queue.SimpleQueue()
    server.route("/a", media.stalling(b"x" * 400_000, declared=500_000))
    server.route("/b", b"x")
    fetcher = make(replace(BASE, per_host=1), spill_at=100_000)
    running, waiting = (fetcher.begin(server.url(f"/a?{at}"), outcomes.put) for at in range(2))
    while not spool.left:
        pass
    for job in (waiting, running, running):
        fetcher.abort(job)
    for _ in range(2):
        outcome = outcomes.get(timeout=30)
        assert type(outcome) is FetchError
        assert outcome.temporary
    over = fetcher.begin(server.url("/b"), outcomes.put)
    assert isinstance(outcomes.get(timeout=30), Fetched)
    fetcher.abort(over)
    assert content(get(fetcher, server.url("/b")).body) == b"x"
    assert outcomes.empty()
    assert spool.left == []
    assert server.count("/a") == 1


def test_a_mistake_in_done_ends_the_engine_and_all_hear_of_it(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    outcomes: Outcomes = queue.SimpleQueue()
    server.route("/a", b"x")
    server.route("/slow", media.slow(b"x", seconds=20))
    fetcher = make()
    fetcher.begin(server.url("/slow"), outcomes.put)
    fetcher.begin(server.url("/a"), lambda _: 1 / 0)
    assert isinstance(outcomes.get(timeout=30), ZeroDivisionError)
    fetcher.close()
    with pytest.raises(FetchError) as caught:
        fetcher.begin(server.url("/a"), outcomes.put)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_mistake_nobody_else_waits_for_is_the_threads_own(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    fetcher = make()
    fetcher.begin(server.route("/a", b"x"), lambda _: 1 / 0)
    thread = fetcher._engine._thread
    assert thread is not None
    thread.join(30)
    assert [each.exc_type for each in said] == [ZeroDivisionError]


def test_a_second_opinion_comes_over_a_new_connection(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    url, fetcher = server.route("/a", b"x"), make()
    for fresh in (False, False, True, False, True):
        get(fetcher, url, fresh=fresh)
    assert fetcher.statistics.connections == 3
