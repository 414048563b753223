"""Decides when bytes and names reach the disk for good: a power cut must never leave a name without its bytes."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from postkeep.media.disk import Disk

_THREADS = 8
_WAITED_SECONDS = 0.0005


class Fsync(StrEnum):
    """When files are brought to the disk: a batch at once, each by itself, or whenever the system likes."""

    BATCH = "batch"
    EACH = "each"
    NONE = "none"


class Syncing:
    """Remembers which contents and names are not on the disk yet; safe to share between threads.

    Paths are plain strings. Everything raises OSError.
    """

    def __init__(self, mode: Fsync, disk: Disk) -> None:
        self.mode = mode
        self._disk = disk
        self._lock = threading.Lock()
        self._written: set[str] = set()
        self._touched: set[str] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    def wrote(self, path: str) -> None:
        """A file was written under a temporary name."""
        if self.mode is Fsync.EACH:
            self._disk.sync_file(path)
        elif self.mode is Fsync.BATCH:
            with self._lock:
                self._written.add(path)

    def forget(self, path: str) -> None:
        """The file is gone; nothing of it needs to be kept."""
        with self._lock:
            self._written.discard(path)

    def contents(self, paths: Iterable[str]) -> None:
        """Bring the contents of these files to the disk, as far as they are not there yet."""
        with self._lock:
            left = deque(path for path in paths if path in self._written)
        done: list[str] = []
        try:
            # A disk that makes nobody wait needs no threads: they would only cost their switching.
            while left and not self._waits(left, done):
                pass
            if left:
                self._together(left, done)
        finally:
            with self._lock:
                self._written.difference_update(done)

    def standing(self, path: str) -> None:
        """A file that somebody else wrote is relied on from now on."""
        if self.mode is not Fsync.NONE:
            self._disk.sync_file(path)

    def touch(self, folder: str) -> None:
        """A name in this folder changed."""
        if self.mode is not Fsync.NONE and folder not in self._touched:
            with self._lock:
                self._touched.add(folder)

    def folders(self) -> int:
        """Bring the names of the touched folders to the disk; those that failed stay touched. Returns how many."""
        with self._lock:
            touched, self._touched = self._touched, set()
        try:
            for folder in sorted(touched):
                self._disk.sync_folder(folder)
        except BaseException:
            with self._lock:
                self._touched |= touched
            raise
        return len(touched)

    def close(self) -> None:
        """End the threads; idempotent, and the next use starts them again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.shutdown()

    def _waits(self, left: deque[str], done: list[str]) -> bool:
        began = time.monotonic()
        path = left.popleft()
        self._disk.sync_file(path)
        done.append(path)
        return time.monotonic() - began > _WAITED_SECONDS

    def _together(self, left: deque[str], done: list[str]) -> None:
        """Several threads at once: the disk writes the files of all that wait in one go."""

        def work() -> None:
            try:
                with contextlib.suppress(IndexError):
                    while True:
                        self._waits(left, done)
            except BaseException:
                left.clear()
                raise

        pool = self._threads()
        running = [pool.submit(work) for _ in range(min(_THREADS, len(left)))]
        errors = [error for each in running if (error := each.exception()) is not None]
        if errors:
            raise errors[0]

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            # A fork copies the object, not its threads.
            if self._pool is None or self._pid != os.getpid():
                self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="postkeep-sync")
                self._pid = os.getpid()
            return self._pool
