"""Fetches URLs from strangers: guarded addresses, bounded bodies, a few transfers a host, no second try."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import certifi

from postkeep.config import FetchConfig
from postkeep.model import Fetched, Partial
from postkeep.net.body import Memory
from postkeep.net.engine import Engine
from postkeep.net.guard import AddressGuard
from postkeep.net.job import Job, Outcome, discard
from postkeep.net.resolver import Resolver, SystemResolver
from postkeep.net.transfer import Statistics, Surroundings


class Fetcher:
    """Fetches URLs, `config.per_host` of one host and `config.concurrency` of all at a time; the rest wait.

    Those that hardly move do not count among all, up to a bound (net/slow.py).
    Bodies up to `spill_at` bytes stay in memory, unless all unfinished ones together hold more than
    `memory_limit`; others go to a new file at the path that `spool` gives, which has to be on the cache's file
    system. A body that was handed over, its memory and its file, is the caller's and counts no longer.
    `resolver` takes the place of the system's. `connect_to` are libcurl's CONNECT_TO entries, which lead to
    addresses instead of a lookup, `certificates` is a PEM file to trust instead of certifi's, and `clock` counts
    the seconds between requests and those an answer to a lookup is kept; all three are for tests. Safe for several
    threads and event loops. Raises ConfigError for a bad `allow` entry.
    """

    def __init__(
        self,
        config: FetchConfig,
        *,
        spool: Callable[[], Path],
        connect_to: Sequence[str] = (),
        certificates: Path | None = None,
        spill_at: int = 1024 * 1024,
        memory_limit: int = 24 * 1024 * 1024,
        resolver: Resolver | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.config = config
        self.guard = AddressGuard(config.allow, config.ports)
        self.statistics = Statistics()
        surroundings = Surroundings(
            config,
            self.guard,
            spool,
            tuple(connect_to),
            str(certificates or certifi.where()),
            Memory(memory_limit),
            spill_at,
            self.statistics,
        )
        self._engine = Engine(
            surroundings, _agents(config.user_agent, config.user_agents), resolver or SystemResolver(), clock
        )

    def begin(
        self,
        url: str,
        done: Callable[[Outcome], object],
        *,
        max_bytes: int | None = None,
        part: Partial | None = None,
        fresh: bool = False,
    ) -> Job:
        """Start to fetch a URL; `done` is called once, with what came of it: a Fetched, or the error.

        `done` is called on the engine's thread, which does nothing else meanwhile: it must hand the outcome on
        and return. It may begin and abort, never wait. An exception that leaves it is a mistake of ours: it ends
        the engine, and is what all others get. Raises AddressRefused at once, and FetchError after `close`;
        then `done` is not called, and a `part` stays the caller's.
        `max_bytes` takes the place of `config.max_bytes`. `fresh` asks over a new connection. Of a `part` the
        rest is asked for and joined to its file, which is no longer the caller's; one of no use starts afresh.
        """
        most = self.config.max_bytes if max_bytes is None else max_bytes
        job = Job(url, self.guard.target(url), done, most=most, part=part, fresh=fresh)
        self._engine.submit(job)
        return job

    @property
    def stuck(self) -> int:
        """How much of what was begun hardly moves, or waits for a host or a lookup that does not; once a second.

        Who begins only so much at a time may begin so much more.
        """
        return self._engine.stuck

    def abort(self, job: Job) -> None:
        """End a job, whose outcome is then the error of a closed fetcher; does nothing when it is over."""
        self._engine.abort(job)

    async def fetch(
        self, url: str, *, max_bytes: int | None = None, part: Partial | None = None, fresh: bool = False
    ) -> Fetched:
        """Fetch a URL to the end of its redirects; raises FetchError, or CacheError when the disk is full.

        The options are those of `begin`. Cancelling ends the transfer and removes its file.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Fetched] = loop.create_future()

        def done(outcome: Outcome) -> None:
            try:
                loop.call_soon_threadsafe(_resolve, future, outcome)
            except RuntimeError:
                # The loop was closed under its tasks: nobody is left to take the file over.
                discard(outcome)

        job = self.begin(url, done, max_bytes=max_bytes, part=part, fresh=fresh)
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled() or not future.done():
                future.cancel()
                self.abort(job)
            else:
                discard(future.exception() or future.result())
            raise

    def fetch_sync(
        self, url: str, *, max_bytes: int | None = None, part: Partial | None = None, fresh: bool = False
    ) -> Fetched:
        """Fetch a URL as `fetch` does, while the calling thread waits; not for the engine's own thread."""
        outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        job = self.begin(url, outcomes.put, max_bytes=max_bytes, part=part, fresh=fresh)
        try:
            outcome = outcomes.get()
        except BaseException:
            self.abort(job)
            discard(outcomes.get())
            raise
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None:
        """Abort what runs or waits, which then raises FetchError, and end the thread; idempotent."""
        self._engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A `done` may be at work on the thread that ends, and the loop has other things to do.
        await asyncio.shield(asyncio.to_thread(self.close))


def _resolve(future: asyncio.Future[Fetched], outcome: Outcome) -> None:
    if future.done():
        discard(outcome)
    elif isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _agents(default: str, by_domain: Mapping[str, str]) -> Callable[[str], str]:
    """The user agent of a host: its own domain's, or the nearest parent domain's, or the default."""
    agents = {domain.lower().strip("."): agent for domain, agent in by_domain.items()}

    def agent_of(host: str) -> str:
        while host:
            if host in agents:
                return agents[host]
            host = host.partition(".")[2]
        return default

    return agent_of
