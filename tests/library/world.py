"""A library over a real database, a real folder and a media server of its own, and records that lead there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from postkeep.config import CacheConfig, Config, FetchConfig
from postkeep.library import Library, open_library
from postkeep.model import utc_now
from postkeep.store import Store, bulk
from tests.canonical import files, temporary_files
from tests.media_bytes import png
from tests.records import EPOCH, post
from tests.servers.media import MediaServer

LATER = 4_000_000_000
"""An expiry far away, in Unix seconds."""


def picture(name: str = "a", width: int = 3) -> bytes:
    return png(width, 2, seed=name.encode())


@dataclass
class World:
    """Everything a test of whole use cases needs; `library` is opened over `config`."""

    folder: Path
    server: MediaServer
    config: Config
    library: Library

    @property
    def store(self) -> Store:
        return self.library._store

    @property
    def root(self) -> Path:
        return self.config.cache_root

    # --- what the world offers ---

    def asset(self, asset: str, content: Any = None, *, variant: str = "feedshare-shrink_800", **more: Any) -> str:
        """Serve an asset's rendition (content: bytes or a misbehaviour) and return its signed URL."""
        path = f"/dms/image/v2/{asset}/{variant}/0/1"
        if content is None:
            content = picture(f"{asset} {variant}")
        return self.licdn(self.route(path, content, **more))

    def route(self, path: str, content: Any, **more: Any) -> str:
        self.server.route(path, content, **more)
        return path

    @staticmethod
    def licdn(path: str, *, t: str = "a", expires: int = LATER) -> str:
        return f"http://media.licdn.com{path}?e={expires}&v=beta&t={t}"

    # --- what is done with it ---

    def write(self, *records: Any, at: datetime = EPOCH, user: str = "jane-doe", name: str = "") -> str:
        """A scraped file with these records, stamped as observed at this time."""
        path = (
            self.folder
            / "in"
            / (name or f"dataset_{user}_{at:%Y-%m-%d_%H-%M-%S}-{at.microsecond // 1000:03}.json")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(records))
        return str(path)

    def bring(self, *records: Any, at: datetime = EPOCH, fetch: bool = True, **more: Any) -> Any:
        """Import these records as one file observed at this time."""
        return self.library.import_([self.write(*records, at=at)], fetch=fetch, **more)

    def now_is(self, moment: datetime) -> None:
        """Let the library's clock stand at this time."""
        self.library._parts = replace(self.library._parts, clock=lambda: moment)

    def later(self, **delta: float) -> None:
        self.now_is(utc_now() + timedelta(**delta))

    # --- what came of it ---

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.store.reading() as tx:
            return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]

    def write_rows(self, statement: str, *parameters: object) -> None:
        with self.store.writing() as tx:
            bulk.execute(tx, statement, *parameters)

    def states(self) -> dict[str, str]:
        """The state of each media row of a post, by the last asset-like part of its key."""
        return dict(self.rows("SELECT media_key, download_state FROM post_media ORDER BY media_key"))

    def queued(self) -> int:
        return int(self.rows("SELECT count(*) FROM work")[0][0])

    def cached(self) -> dict[str, str]:
        return files(self.root)

    def check(self) -> None:
        """What must hold after anything: rows agree with each other, and nothing temporary is left."""
        assert self.library.verify_database() == []
        assert temporary_files(self.root) == []
        known = {
            path for (path,) in self.rows("SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL")
        }
        assert known - {path for path in known if not path.startswith("media/")} <= set(self.cached())


@contextmanager
def world(
    folder: Path, database: str, *, cache_bytes: int | None = None, avatars: bool = False, **fetch: Any
) -> Iterator[World]:
    with (
        MediaServer() as server,
        opened(folder, database, server, cache_bytes=cache_bytes, avatars=avatars, **fetch) as made,
    ):
        yield made


@contextmanager
def opened(
    folder: Path,
    database: str,
    server: MediaServer,
    *,
    cache_bytes: int | None = None,
    avatars: bool = False,
    everywhere: bool = False,
    **fetch: Any,
) -> Iterator[World]:
    """A world over a server that is there already; `everywhere` leads every host name to it."""
    fetch.setdefault("allow", (server.allow,))
    cache = CacheConfig() if cache_bytes is None else CacheConfig(max_bytes=cache_bytes)
    config = Config(folder / "home", database, FetchConfig(avatars=avatars, **fetch), cache)
    to = "" if everywhere else "media.licdn.com:80"
    connect_to = (f"{to or ':'}:127.0.0.1:{server.port}",)
    with open_library(config, connect_to=connect_to) as library:
        yield World(folder, server, config, library)


@pytest.fixture
def here(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A world on the database of the test."""
    with world(tmp_path, database_url) as made:
        yield made


def gallery(*urls: str, size: int = 800) -> dict[str, Any]:
    """The media of a post with these pictures, in order."""
    images = [{"url": url, "width": size, "height": size} for url in urls]
    return {"type": "images" if len(images) > 1 else "image", "url": urls[0], "images": images}


def with_pictures(serial: int, *urls: str, **more: Any) -> dict[str, Any]:
    return post(serial, media=gallery(*urls), **more)
