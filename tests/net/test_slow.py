"""Hosts that drip hold each other up, and nobody else, whatever their number."""

from __future__ import annotations

import queue
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from postkeep.errors import TimedOut
from postkeep.model import Fetched
from postkeep.net import engine, slow
from postkeep.net.fetcher import Fetcher
from postkeep.net.job import Job, Outcome
from tests.net.fetching import BASE
from tests.servers import media
from tests.servers.media import MediaServer

PATIENT = replace(BASE, concurrency=4, per_host=2, stall_timeout=60, total_timeout=120)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "SLOW_AFTER", 0.2)
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.1)


def begin_good(fetcher: Fetcher, server: MediaServer) -> Outcome:
    outcomes = queue.SimpleQueue[Outcome]()
    server.route("/good", b"x" * 5000)
    fetcher.begin("http://good.example/good", outcomes.put)
    return outcomes.get(timeout=60)


@pytest.mark.usefixtures("hasty")
def test_a_good_host_does_not_wait_for_hosts_that_drip(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/drip", media.dripping(b"x" * 9000, every=0.5))
    dripping = queue.SimpleQueue[Outcome]()
    fetcher = make(PATIENT, connect_to=[f"::127.0.0.1:{server.port}"])
    for at in range(24):
        fetcher.begin(f"http://drip{at % 12}.example/drip", dripping.put)

    assert isinstance(begin_good(fetcher, server), Fetched)
    assert dripping.empty()
    # The share of a host stays what it is, and so does that of all who are not slow, with the bound on top.
    assert max(count for name, count in server.most_at_once.items() if name) <= 2
    assert server.most_at_once[""] <= 4 + 16
    fetcher.close()


@pytest.mark.usefixtures("hasty")
def test_when_too_many_drip_the_oldest_end(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "OUTSTAYED", 0.5)
    look, running = slow.SlowOnes.look, list[int]()

    def noted(self: slow.SlowOnes, jobs: Collection[Job]) -> list[Job]:
        running.append(len(jobs))
        return look(self, jobs)

    monkeypatch.setattr(slow.SlowOnes, "look", noted)
    server.route("/drip", media.stalling(b"x", declared=9000))
    dripping = queue.SimpleQueue[Outcome]()
    fetcher = make(PATIENT, connect_to=[f"::127.0.0.1:{server.port}"])
    for at in range(40):
        fetcher.begin(f"http://drip{at}.example/drip", dripping.put)

    assert isinstance(begin_good(fetcher, server), Fetched)
    ended = dripping.get(timeout=60)
    assert isinstance(ended, TimedOut)
    assert "as slow" in ended.message
    assert 4 < max(running) <= 4 + 16
    fetcher.close()


@pytest.mark.usefixtures("hasty")
def test_a_transfer_that_moves_counts_however_long_it_takes(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    def answer(exchange: media.Exchange) -> None:
        exchange.head(headers={"Content-Length": "10000"})
        for _ in range(9):
            exchange.send(b"x" * 1000)
            exchange.wait(0.1)
        exchange.send_last(b"x" * 1000)

    server.route("/slow", answer)
    outcomes = queue.SimpleQueue[Outcome]()
    fetcher = make(PATIENT, connect_to=[f"::127.0.0.1:{server.port}"])
    for at in range(12):
        fetcher.begin(f"http://slow{at}.example/slow", outcomes.put)
    assert all(isinstance(outcomes.get(timeout=60), Fetched) for _ in range(12))
    assert server.most_at_once[""] == 4
