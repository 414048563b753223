"""Every change that content depends on goes through one port, so that tests can watch it or pull the plug."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from postkeep.errors import CacheError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})
"""What `open_regular` says when there is no file of that name: nothing, a link, or a pipe nobody reads."""

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
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


class Disk:
    """The operations that change a disk or make a change durable; each is one step, and raises OSError.

    Paths are plain strings: thousands of them a second pass through here.
    """

    def create(self, path: str) -> int:
        """Open a new file for this user alone, for writing; FileExistsError when the name is taken."""
        return os.open(path, _NEW, PRIVATE_FILE)

    def write(self, descriptor: int, content: bytes | memoryview) -> int:
        """Append to an open file; returns how many bytes were taken, which may be fewer than given."""
        return os.write(descriptor, content)

    def restrict(self, descriptor: int) -> None:
        """Make an open file this user's alone."""
        os.fchmod(descriptor, PRIVATE_FILE)

    def sync_file(self, path: str) -> None:
        """Bring a file's content to the disk."""
        descriptor = os.open(path, _READ)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name; FileExistsError when the name is taken."""
        os.link(source, target)

    def rename(self, source: str, target: str) -> None:
        """Move a file, over another one if there is one."""
        os.rename(source, target)  # noqa: PTH104

    def unlink(self, path: str) -> None:
        """Take a name away."""
        os.unlink(path)  # noqa: PTH108

    def make_folder(self, path: str) -> None:
        """Make one folder for this user alone; FileExistsError when the name is taken."""
        os.mkdir(path, PRIVATE_FOLDER)  # noqa: PTH102

    def sync_folder(self, path: str) -> None:
        """Bring a folder's names to the disk; a folder that is gone has none."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that keeps no folder in memory
                raise
        finally:
            os.close(descriptor)


REAL = Disk()
"""The disk of this machine."""


def refusal(doing: str, where: str | Path, error: OSError) -> CacheError:
    """The words for a disk that refused: what failed, where, and what to do."""
    reason = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return CacheError(f"{doing} failed in {where}: {reason}")


@contextlib.contextmanager
def speaking(doing: str, where: Path) -> Iterator[None]:
    """Turn an OSError of the block into a CacheError that says what failed, where, and what to do."""
    try:
        yield
    except OSError as error:
        raise refusal(doing, where, error) from error


def make_folders(path: Path, disk: Disk = REAL) -> list[Path]:
    """Make a folder and its parents for this user alone; returns those made. Raises OSError."""
    if path.is_dir():
        return []
    made = make_folders(path.parent, disk)
    try:
        disk.make_folder(str(path))
    except FileExistsError:
        # Another process was faster, or something that is no folder stands there.
        if not path.is_dir():
            raise
    return [*made, path]


def write_new(path: str, content: bytes, disk: Disk = REAL) -> None:
    """Write a new file for this user alone; nothing is left when that fails. Raises OSError."""
    descriptor = disk.create(path)
    try:
        try:
            write_all(descriptor, content, disk)
        finally:
            os.close(descriptor)
    except BaseException:
        discard(path, disk)
        raise


def write_all(descriptor: int, content: bytes | memoryview, disk: Disk = REAL) -> None:
    """Write all of it, however little the disk takes at a time; raises OSError."""
    written = disk.write(descriptor, content)
    if written != len(content):
        rest = memoryview(content)[written:]
        while rest:
            rest = rest[disk.write(descriptor, rest) :]


def place_new(source: str, target: str, disk: Disk = REAL) -> None:
    """Give a finished file its final name, atomically and never over another file.

    Raises FileExistsError when the name is taken, FileNotFoundError when the source or the folder is missing.
    """
    try:
        disk.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: the check leaves a gap, but only content of one name can meet in it.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        disk.rename(source, target)


def open_regular(path: str | Path) -> int:
    """Open a file for reading without following a link or waiting on a pipe; raises OSError."""
    return os.open(path, _READ)


def discard(path: str | Path, disk: Disk = REAL) -> None:
    """Remove a temporary file where that is possible; what stays is swept by a later run."""
    with contextlib.suppress(OSError):
        disk.unlink(str(path))
