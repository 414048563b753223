"""What all tests of the fetcher use."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from postkeep.config import FetchConfig
from postkeep.model import Body, Digest, Fetched
from postkeep.net.fetcher import Fetcher

BASE = FetchConfig(connect_timeout=5, stall_timeout=5, total_timeout=20)


class Spool:
    """Fresh paths in a folder, as the cache gives them; `left` is what lies there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()

    def __call__(self) -> Path:
        return self.folder / str(next(self.numbers))

    @property
    def left(self) -> list[Path]:
        return sorted(self.folder.iterdir())


def get(fetcher: Fetcher, url: str, **options: Any) -> Fetched:
    async def fetch() -> Fetched:
        return await fetcher.fetch(url, **options)

    return asyncio.run(fetch())


def content(body: Body) -> bytes:
    return b"".join(body.chunks) if body.path is None else body.path.read_bytes()


def digest_of(content: bytes) -> Digest:
    return Digest(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))
