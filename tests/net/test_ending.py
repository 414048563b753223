"""Full disks, cancelled callers, closed fetchers: nothing is left behind and nobody waits for ever."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import (
    CacheError,
    FetchError,
)
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import BASE, Spool, get, run, until
from tests.servers import media
from tests.servers.media import Exchange, MediaServer


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_refuses_stops_the_work_and_keeps_nothing(
    server: MediaServer,
    make: Callable[..., Fetcher],
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    url = server.route("/a", b"x" * 1_000_000)
    written = 0
    write = os.write

    def refusing(descriptor: int, chunk: bytes) -> int:
        nonlocal written
        if len(chunk) < 1000:
            return write(descriptor, chunk)
        written += len(chunk)
        if written > 500_000:
            raise OSError(number, os.strerror(number))
        return write(descriptor, chunk)

    monkeypatch.setattr(os, "write", refusing)
    fetcher = make(spill_at=100_000)
    with pytest.raises(CacheError) as caught:
        get(fetcher, url)
    assert str(spool.folder) in str(caught.value)
    assert spool.left == []


def test_a_folder_that_is_gone_is_the_caches_failure(
    server: MediaServer, make: Callable[..., Fetcher], tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    fetcher = Fetcher(replace(BASE, allow=(server.allow,)), spool=lambda: missing / "x", spill_at=10)
    with pytest.raises(CacheError) as caught:
        get(fetcher, server.route("/a", b"x" * 100))
    fetcher.close()
    assert str(missing) in str(caught.value)


def test_our_own_mistakes_reach_the_caller(server: MediaServer) -> None:
    def broken() -> Path:
        raise ZeroDivisionError("a mistake")

    fetcher = Fetcher(replace(BASE, allow=(server.allow,)), spool=broken, spill_at=10)
    with pytest.raises(ZeroDivisionError):
        get(fetcher, server.route("/a", b"x" * 100))
    assert get(fetcher, server.route("/b", b"x")).body.size == 1
    fetcher.close()


def test_an_engine_that_breaks_tells_everybody(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = make(replace(BASE, per_host=1))
    server.route("/a", media.slow(b"x", seconds=20))

    async def fetch() -> None:
        waiting = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(3)]
        await until(lambda: server.count())
        monkeypatch.setattr(fetcher._engine, "_start_what_may", lambda: 1 / 0)
        waiting.append(asyncio.create_task(fetcher.fetch(server.url("/a"))))
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in outcomes] == [ZeroDivisionError] * 4
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url("/a"))

    run(fetch())


def test_cancelling_ends_the_transfer_and_removes_its_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    server.route("/a", media.stalling(b"x" * 1_400_000, declared=1_500_000))
    server.route("/b", b"x")
    fetcher = make(replace(BASE, per_host=1))

    async def fetch() -> None:
        running = asyncio.create_task(fetcher.fetch(server.url("/a")))
        waiting = asyncio.create_task(fetcher.fetch(server.url("/a?waits")))
        await until(lambda: spool.left)
        waiting.cancel()
        running.cancel()
        outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
        assert [type(each) for each in outcomes] == [asyncio.CancelledError] * 2
        await until(lambda: not spool.left)
        # The place of the cancelled one is free again, and the one that waited never went out.
        assert (await fetcher.fetch(server.url("/b"))).body.size == 1
        assert [each.path for each in server.requests] == ["/a", "/b"]

    run(fetch())


def test_cancelling_a_task_that_was_just_served_removes_the_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    server.route("/a", b"x" * 1_300_000)
    fetcher = make()

    async def fetch() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(fetcher.fetch(server.url("/a")))
        served = loop.create_future()
        schedule = loop.call_soon_threadsafe

        def soon(callback: Callable[..., object], *arguments: Any) -> object:
            def then() -> None:
                callback(*arguments)
                # The result is there, and the task has not run yet.
                task.cancel()
                served.set_result(None)

            return schedule(then)

        loop.call_soon_threadsafe = soon  # type: ignore[method-assign, assignment]
        await served
        loop.call_soon_threadsafe = schedule  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await task

    run(fetch())
    assert spool.left == []


def test_cancelling_thousands_that_wait(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", media.slow(b"x", seconds=20))
    server.route("/b", b"x")
    fetcher = make()

    async def fetch() -> None:
        tasks = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(5000)]
        await until(lambda: server.count() == 5)
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await fetcher.fetch(server.url("/b"))

    run(fetch())
    assert server.count() == 6


def test_a_timeout_of_the_caller_cancels(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    server.route("/a", media.stalling(b"x" * 1_400_000, declared=1_500_000))

    async def fetch() -> None:
        async with make() as fetcher:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetcher.fetch(server.url("/a")), 0.3)

    run(fetch())
    assert spool.left == []


@pytest.mark.parametrize("from_the_loop", [True, False])
def test_closing_ends_what_runs_and_what_waits(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, from_the_loop: bool
) -> None:
    server.route("/a", media.stalling(b"x" * 1_400_000, declared=1_500_000))
    fetcher = make(replace(BASE, per_host=2))

    async def fetch() -> None:
        tasks = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(4)]
        await until(lambda: len(spool.left) == 2)
        if from_the_loop:
            fetcher.close()
        else:
            await asyncio.to_thread(fetcher.close)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert type(outcome) is FetchError
            assert outcome.temporary
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url("/a"))

    run(fetch())
    fetcher.close()
    assert spool.left == []
    assert server.count() == 2


def test_closing_wakes_a_waiting_thread(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", media.slow(b"x", seconds=20))
    fetcher, outcome = make(), []

    def wait() -> None:
        try:
            fetcher.fetch_sync(server.url("/a"))
        except FetchError as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.count():
        pass
    fetcher.close()
    thread.join()
    assert len(outcome) == 1


def test_a_loop_that_is_gone_leaves_no_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    go = threading.Event()

    def late(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": "1300000"})
        exchange.send(b"x" * 1_299_999)
        go.wait(20)
        exchange.send(b"x")

    server.route("/a", late)
    server.route("/b", b"x")
    fetcher = make()
    loop = asyncio.new_event_loop()
    task = loop.create_task(fetcher.fetch(server.url("/a")))
    loop.run_until_complete(until(lambda: spool.left))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    go.set()
    fetcher.fetch_sync(server.url("/b"))
    run(until(lambda: not spool.left))
    del task


def test_an_unused_fetcher_can_be_closed(make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    fetcher.close()
    fetcher.close()
    with pytest.raises(FetchError):
        fetcher.fetch_sync("https://example.com/")
