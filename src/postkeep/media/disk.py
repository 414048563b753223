"""File operations that keep the cache private, and the words for a disk that refuses them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from postkeep.errors import CacheError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space there and run again",
    errno.EDQUOT: "the disk quota is used up: free some space there and run again",
    errno.EROFS: "the disk is mounted read-only: mount it writable and run again",
    errno.EACCES: "permission denied: give this user the folder and its files",
    errno.EPERM: "not permitted: give this user the folder and its files",
    errno.ENOENT: "a folder or file there was removed: run again, or restore the folder",
    errno.EMFILE: "too many files are open: raise the limit (`ulimit -n`) or lower the concurrency",
    errno.EIO: "the disk does not read or write: check it before running again",
}


@contextlib.contextmanager
def speaking(doing: str, where: Path) -> Iterator[None]:
    """Turn an OSError of the block into a CacheError that says what failed, where, and what to do."""
    try:
        yield
    except OSError as error:
        reason = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise CacheError(f"{doing} failed in {where}: {reason}") from error


def make_folder(path: Path) -> list[Path]:
    """Make a folder and its parents for this user alone; returns those made. Raises OSError."""
    if path.is_dir():
        return []
    made = make_folder(path.parent)
    try:
        path.mkdir(PRIVATE_FOLDER)
    except FileExistsError:
        # Another process was faster, or something that is no folder stands there.
        if not path.is_dir():
            raise
    return [*made, path]


def write_new(path: Path, content: bytes) -> None:
    """Write a new file for this user alone and bring it to the disk; nothing is left when that fails.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except BaseException:
        discard(path)
        raise
    finally:
        os.close(descriptor)


def place_new(source: Path, target: Path) -> None:
    """Give a finished file its final name, atomically and never over another file.

    Raises FileExistsError when the name is taken, FileNotFoundError when the source or the folder is missing.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: the check leaves a gap, but only content of one name can meet in it.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    else:
        discard(source)


def open_regular(path: Path) -> int:
    """Open a file for reading without following a link or waiting on a pipe; raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def discard(path: Path) -> None:
    """Remove a temporary file where that is possible; what stays is swept by a later run."""
    with contextlib.suppress(OSError):
        path.unlink()


def sync_folder(path: Path) -> None:
    """Bring a folder's names to the disk; a folder that is gone has none. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that keeps no folder in memory
            raise
    finally:
        os.close(descriptor)
