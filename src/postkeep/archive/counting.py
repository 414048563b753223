"""Counts what an archive is asked for, whichever store is behind it, for requests are paid for one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from postkeep.archive.port import Archive, SetUpStep, Stored
from postkeep.costing import Asked

LISTED_AT_ONCE = 1000
"""How many objects a store lists in one answer."""


class CountedArchive:
    """An archive that knows what it was asked for; safe to share between threads.

    A request counts when it is sent, whatever comes of it. What a link asks is asked by whoever opens it, and
    setting up is not counted: only its store knows in how many requests it is done.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._asked: dict[tuple[str | None, str], tuple[int, int]] = {}

    @property
    def has_asked(self) -> bool:
        """Whether anything was counted that nobody took yet."""
        return bool(self._asked)

    @contextmanager
    def taking(self) -> Iterator[list[Asked]]:
        """What was counted since the last time, which is forgotten when the block ends well."""
        with self._lock:
            taken, self._asked = self._asked, {}
        try:
            yield [Asked(key, operation, number, size) for (key, operation), (number, size) in taken.items()]
        except BaseException:
            for (key, operation), (number, size) in taken.items():
                self._count(operation, key, number=number, size=size)
            raise

    def _count(self, operation: str, key: str | None, *, number: int = 1, size: int = 0) -> None:
        with self._lock:
            before, bytes_before = self._asked.get((key, operation), (0, 0))
            self._asked[key, operation] = (before + number, bytes_before + size)

    # --- the port ---

    @property
    def place(self) -> str:
        return self._archive.place

    @property
    def address(self) -> str:
        return self._archive.address

    def url(self, key: str) -> str:
        return self._archive.url(key)

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        self._count("put", key, size=len(content))
        return self._archive.put(key, content, mime_type)

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        # Two requests besides those of the parts: one begins the upload, one completes or aborts it.
        self._count("put", key, number=2)
        return self._archive.put_parts(key, self._counted_parts(key, parts), part_size, mime_type)

    def _counted_parts(self, key: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            self._count("put", key, size=len(part))
            yield part

    def head(self, key: str) -> Stored | None:
        self._count("head", key)
        return self._archive.head(key)

    def read(self, key: str) -> Iterator[memoryview]:
        self._count("get", key)
        came = 0
        try:
            for piece in self._archive.read(key):
                came += len(piece)
                yield piece
        finally:
            self._count("get", key, number=0, size=came)

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        self._count("list", None)
        for number, stored in enumerate(self._archive.listing(prefix, after=after)):
            if number and number % LISTED_AT_ONCE == 0:
                self._count("list", None)
            yield stored

    def delete(self, key: str) -> None:
        self._count("delete", key)
        self._archive.delete(key)

    def sweep(self, before: datetime) -> int:
        self._count("list", None)
        swept = self._archive.sweep(before)
        if swept:
            self._count("delete", None, number=swept)
        return swept

    def set_up(self, prefix: str) -> list[SetUpStep]:
        return self._archive.set_up(prefix)

    def link(self, key: str, seconds: int) -> str:
        return self._archive.link(key, seconds)


def counted(archive: Archive) -> CountedArchive:
    """The archive with a count; one that has a count already as it is."""
    return archive if isinstance(archive, CountedArchive) else CountedArchive(archive)
