"""Fetches URLs from strangers: guarded addresses, bounded bodies, a few transfers a host, no second try."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import certifi

from postkeep.config import FetchConfig
from postkeep.model import Fetched
from postkeep.net.body import Memory, discard_body
from postkeep.net.engine import AnyFuture, Engine, Job
from postkeep.net.guard import AddressGuard
from postkeep.net.transfer import Statistics, Surroundings


class Fetcher:
    """Fetches URLs, `config.per_host` of one host and `config.concurrency` of all at a time; the rest wait.

    Bodies up to `spill_at` bytes stay in memory, unless all unfinished ones together hold more than
    `memory_limit`; others go to a new file at the path that `spool` gives, which has to be on the cache's file
    system. A body that was handed over, its memory and its file, is the caller's and counts no longer.
    `connect_to` are libcurl's CONNECT_TO entries and `certificates` a PEM file to trust instead of certifi's;
    both are for tests. Safe for several threads and event loops. Raises ConfigError for a bad `allow` entry.
    """

    def __init__(
        self,
        config: FetchConfig,
        *,
        spool: Callable[[], Path],
        connect_to: Sequence[str] = (),
        certificates: Path | None = None,
        spill_at: int = 256 * 1024,
        memory_limit: int = 32 * 1024 * 1024,
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
        self._engine = Engine(surroundings, _agents(config.user_agent, config.user_agents))

    async def fetch(self, url: str, *, max_bytes: int | None = None) -> Fetched:
        """Fetch a URL to the end of its redirects; raises FetchError, or CacheError when the disk is full.

        `max_bytes` takes the place of `config.max_bytes`. Cancelling ends the transfer and removes its file.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Fetched] = loop.create_future()
        job = self._job(url, max_bytes, future, loop)
        self._engine.submit(job)
        try:
            return await future
        except asyncio.CancelledError:
            self._forsake(job, future)
            raise

    def fetch_sync(self, url: str, *, max_bytes: int | None = None) -> Fetched:
        """Fetch a URL as `fetch` does, while the calling thread waits."""
        future: concurrent.futures.Future[Fetched] = concurrent.futures.Future()
        job = self._job(url, max_bytes, future, None)
        self._engine.submit(job)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                self._forsake(job, future)
            raise

    def close(self) -> None:
        """Abort what runs or waits, which then raises FetchError, and end the thread; idempotent."""
        self._engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # libcurl may have to wait for the system's resolver, and the loop has other things to do.
        await asyncio.shield(asyncio.to_thread(self.close))

    def _job(
        self, url: str, max_bytes: int | None, future: AnyFuture, loop: asyncio.AbstractEventLoop | None
    ) -> Job:
        most = self.config.max_bytes if max_bytes is None else max_bytes
        return Job(url, self.guard.target(url), most, future, loop)

    def _forsake(self, job: Job, future: AnyFuture) -> None:
        """Nobody will take this outcome: stop the transfer, or remove what it has just brought."""
        if future.cancelled() or not future.done():
            future.cancel()
            self._engine.abort(job)
        elif future.exception() is None:
            discard_body(future.result().body)


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
