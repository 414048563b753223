"""A library that meets strangers: names that lead to this machine, a proxy in the environment, a trap."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from postkeep.config import CacheConfig, Config, FetchConfig
from postkeep.errors import FetchError, HttpStatus
from postkeep.library import open_library
from postkeep.net.fetcher import Fetcher
from postkeep.store import Store, migrate
from tests.hostile.servers import Trap
from tests.library.world import World, with_pictures
from tests.servers.media import MediaServer

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
"""What libcurl and most others take from the environment, in small letters and in large ones."""


class Names:
    """A resolver: every name below `.test` is this machine, the others are as `answers` says, or unknown."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Sequence[str]]] = {}
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def resolve(self, host: str, port: int) -> Sequence[str]:
        with self._lock:
            self.asked.append(host)
            given = self.answers.get(host)
            if given:
                return given.pop(0) if len(given) > 1 else given[0]
        if host == "test" or host.endswith(".test"):
            return ["127.0.0.1"]
        raise OSError(f"nobody knows {host}")


@dataclass
class Scene:
    """A world, and what its fetchers did. Every port of the trap's is one that may be reached."""

    world: World
    names: Names
    trap: Trap
    fetchers: list[Fetcher] = field(default_factory=list)

    @property
    def connections(self) -> int:
        """How many sockets were opened for connections, wherever they led."""
        return sum(each.statistics.connections for each in self.fetchers)

    def bring(self, *urls: str, first: int = 1, **more: Any) -> Any:
        """Import a post for each URL, which it shows as its picture, and fetch what they show."""
        return self.world.bring(*(with_pictures(first + n, url) for n, url in enumerate(urls)), **more)

    def row(self, url: str) -> tuple[str, str | None] | None:
        """State and kind of error of the media row with this URL, if there is one."""
        rows = self.world.rows("SELECT download_state, error_kind FROM post_media WHERE media_url = ?", url)
        return rows[0] if rows else None

    def fetch_url(self, url: str) -> str | None:
        """Fetch a URL without a post; returns the kind of error, None when it was kept."""
        try:
            self.world.library.fetch_url(url)
        except FetchError as error:
            return kind_of(error)
        return None

    def everything(self) -> set[str]:
        """All files below the home but the database, by their paths."""
        home = self.world.config.home
        return {str(each.relative_to(home)) for each in home.rglob("*") if not each.is_dir()}


def kind_of(error: FetchError) -> str:
    return f"http_{error.status}" if isinstance(error, HttpStatus) else error.kind


@contextmanager
def scene(
    folder: Path,
    server: MediaServer,
    *more: MediaServer,
    certificates: Path | None = None,
    ports: tuple[int, ...] = (),
    **fetch: Any,
) -> Iterator[Scene]:
    """A library in a new home that may reach these servers, with a trap, and with the trap for a proxy."""
    settings: dict[str, Any] = {"connect_timeout": 2, "stall_timeout": 1, "total_timeout": 4, **fetch}
    folder.mkdir(exist_ok=True)
    with Trap() as trap, proxies(f"http://127.0.0.1:{trap.port}"):
        allow = (*(each.allow for each in (server, *more)), *settings.pop("allow", ()))
        config = Config(
            folder / "home",
            f"sqlite:///{folder / 'posts.db'}",
            FetchConfig(allow=allow, ports=(80, 443, trap.port, *ports), **settings),
            CacheConfig(fsync="none"),
        )
        (folder / "posts.db").write_bytes(_tables())
        names = Names()
        with open_library(config) as library:
            made = Scene(World(folder, server, config, library), names, trap)

            def new() -> Fetcher:
                fetcher = Fetcher(
                    config.fetch, spool=library._cache.spool, resolver=names, certificates=certificates
                )
                made.fetchers.append(fetcher)
                return fetcher

            library._parts = replace(library._parts, fetcher=new)
            yield made


@cache
def _tables() -> bytes:
    """A database with all tables and no rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.db"
        store = Store(f"sqlite:///{path}")
        try:
            migrate.upgrade(store)
        finally:
            store.close()
        return path.read_bytes()


@contextmanager
def proxies(url: str) -> Iterator[None]:
    """The environment of somebody who has a proxy."""
    names = [spelled for name in PROXIES for spelled in (name, name.upper())]
    before = {name: os.environ.get(name) for name in (*names, "no_proxy", "NO_PROXY")}
    os.environ.update(dict.fromkeys(names, url))
    for name in ("no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def watched_memory() -> Iterator[Callable[[], int]]:
    """Gives a function that says by how many bytes this process was larger than at the beginning, at most."""
    process, over = psutil.Process(), threading.Event()
    first = most = process.memory_info().rss

    def watch() -> None:
        nonlocal most
        while not over.wait(0.005):
            most = max(most, process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: most - first
    finally:
        over.set()
        thread.join()
