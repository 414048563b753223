"""Keeps removing apart from storing: a file must not go between its proof and the row that relies on it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from postkeep.media.disk import PRIVATE_FILE

_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


@contextlib.contextmanager
def locked(folder: str, *, alone: bool) -> Iterator[None]:
    """Hold the lock of a folder, shared or alone, waiting for it; raises OSError when its file cannot be opened.

    Threads exclude each other like processes, for each call has a descriptor of its own. So it is not
    re-entrant: whoever holds it and asks again may wait for himself for ever. Who waits to be alone is not
    overtaken by those who come later to share. Where the file system knows no locks, it goes on without.
    """
    turn = _acquire(f"{folder}/.turn", fcntl.LOCK_EX)
    try:
        held = _acquire(f"{folder}/.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    finally:
        os.close(turn)
    try:
        yield
    finally:
        os.close(held)


def _acquire(path: str, how: int) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, how)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):  # noqa: PTH116
                return descriptor
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody removed the file while we waited: others would lock a new one.
        os.close(descriptor)
