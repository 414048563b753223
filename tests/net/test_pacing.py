"""A host gets its rest between two requests; the others do not wait for it, and nothing spins meanwhile."""

from __future__ import annotations

import itertools
import queue
import selectors
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from postkeep.model import Fetched
from postkeep.net import engine
from postkeep.net.fetcher import Fetcher
from postkeep.net.hosts import HostQueues
from postkeep.net.job import Outcome
from postkeep.net.transfer import Transfer
from tests.net.fetching import BASE, get
from tests.servers import media
from tests.servers.media import MediaServer


class Jumping:
    """A clock that stands while anything happens, and jumps over the time the engine would wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.turns = 0
        self.starts: list[tuple[str, float]] = []
        jumping, begin = self, Transfer.begin

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> Any:
                jumping.turns += 1
                found = super().select(None if timeout is None else min(timeout, 0.05))
                if timeout is not None and timeout > 0.05 and not found:
                    jumping.now += timeout
                return found

        def noted(self: Transfer, target: Any, *rest: Any, **more: Any) -> None:
            jumping.starts.append((target.host, jumping.now))
            begin(self, target, *rest, **more)

        monkeypatch.setattr(engine.selectors, "DefaultSelector", Selector)
        monkeypatch.setattr(Transfer, "begin", noted)

    def __call__(self) -> float:
        return self.now

    def gaps(self, host: str) -> list[float]:
        times = [at for name, at in self.starts if name == host]
        return [after - before for before, after in itertools.pairwise(times)]


def test_the_requests_to_a_host_keep_their_distance(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, outcomes = Jumping(monkeypatch), queue.SimpleQueue[Outcome]()
    server.route("/a", b"x")
    hosts = ("a.example", "b.example")
    fetcher = make(replace(BASE, pace=60.0), connect_to=[f"::127.0.0.1:{server.port}"], clock=clock)
    for at in range(8):
        fetcher.begin(f"http://{hosts[at % 2]}/a?{at}", outcomes.put)
    for _ in range(8):
        assert isinstance(outcomes.get(timeout=30), Fetched)
    for host in hosts:
        assert len(clock.gaps(host)) == 3
        assert min(clock.gaps(host)) >= 60
    # The first of each host went out at once.
    assert [at for _, at in clock.starts].count(0.0) == 2
    assert clock.turns < 200


def test_redirects_are_paced_too(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Jumping(monkeypatch)
    server.route("/a", media.redirect("/b"))
    server.route("/b", b"x")
    get(make(replace(BASE, pace=60.0), clock=clock), server.url("/a"))
    assert len(clock.gaps("127.0.0.1")) == 1
    assert min(clock.gaps("127.0.0.1")) >= 60


def test_what_waits_for_its_time_can_be_aborted(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", b"x")
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    fetcher = make(replace(BASE, pace=3600.0))
    get(fetcher, server.url("/a"))
    job = fetcher.begin(server.url("/a"), outcomes.put)
    fetcher.abort(job)
    assert isinstance(outcomes.get(timeout=30), BaseException)
    fetcher.begin(server.url("/a"), outcomes.put)
    fetcher.close()
    assert isinstance(outcomes.get(timeout=30), BaseException)
    assert server.count() == 1


def test_a_held_host_hands_nothing_out_until_all_holds_are_back() -> None:
    queues: HostQueues[str] = HostQueues(2)
    for one in ("a1", "a2", "b1"):
        queues.put(one[0], one)
    queues.hold("a")
    queues.hold("a")
    assert queues.next() == "b1"
    assert queues.next() is None
    queues.free("a")
    assert queues.next() is None
    queues.free("a")
    assert [queues.next(), queues.next(), queues.next()] == ["a1", "a2", None]
    queues.hold("a")
    for name in "aab":
        queues.release(name)
    assert queues.take_waiting("a") == []
    queues.free("a")
    assert queues._hosts == {}
