"""Folders that belong to one process, so that a later run can tell a dead process's leavings from a living's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from postkeep import processes
from postkeep.media.disk import REAL, Disk

_NAME = re.compile(r"^(\d+)-(\d+)$")


class OwnFolder:
    """This process's folder `{parent}/{pid}-{start}`, made when first asked for.

    While it is open it holds a lock on the folder: process numbers mislead between containers that share a
    disk. Safe to share between threads and across a fork.
    """

    def __init__(self, parent: Path, disk: Disk = REAL) -> None:
        self.parent = parent
        self._disk = disk
        self._lock = threading.Lock()
        self._pid = 0
        self._path = parent
        self._release: weakref.finalize[[int], OwnFolder] | None = None

    def path(self, *, again: bool = False) -> Path:
        """The folder; `parent` must exist. Raises OSError.

        Somebody may have removed it since the first call: `again` looks, and makes it anew.
        """
        pid = os.getpid()
        if not again and self._pid == pid and self._release is not None:
            return self._path
        with self._lock:
            known = self._pid == pid and self._release is not None
            path = self._path if known else self.parent / own_name()
            try:
                self._disk.make_folder(str(path))
            except FileExistsError:
                if known:
                    return path
            self._path = path
            self._hold()
            self._pid = pid
            return path

    def close(self) -> None:
        """Give the folder up, and remove it if it is empty; `path` opens it again."""
        with self._lock:
            if self._release is not None:
                self._release()
                self._release = None
                if self._pid == os.getpid():
                    with contextlib.suppress(OSError):
                        self._path.rmdir()

    def _hold(self) -> None:
        if self._release is not None:
            self._release()
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        # Some network file systems have no locks: process number and start time must do there.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._release = weakref.finalize(self, os.close, descriptor)


def own_name() -> str:
    """The name of this process: its number and its start."""
    return f"{os.getpid()}-{processes.own_start()}"


def left_behind(parent: Path) -> Iterator[Path]:
    """The folders in `parent` whose processes are gone, in order of name; never this or a living process's."""
    try:
        paths = sorted(parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    own = own_name()
    for path in paths:
        skipped = path.name == own or not _NAME.match(path.name)
        if not skipped and not path.is_symlink() and path.is_dir() and _is_gone(path.name) and not _is_held(path):
            yield path


def _is_gone(name: str) -> bool:
    pid, start = (int(part) for part in name.split("-"))
    return not processes.lives(pid, start)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
