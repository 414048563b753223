"""Gives content its final name, and takes names away: one atomic step each, never over other good content."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import PurePosixPath

from postkeep.errors import CacheError, FileMissing
from postkeep.media.disk import Disk, open_regular, place_new
from postkeep.media.folders import Folders
from postkeep.media.hashing import digest_fresh
from postkeep.media.staged import Committed, Staged, beside
from postkeep.media.syncing import Syncing
from postkeep.model import CachedFile, Digest, Proof

_TRIES = 16
_OTHER = -1


class Placing:
    """Puts files into the folders below one root and takes them out; raises OSError where the disk refuses."""

    def __init__(self, folders: Folders, syncing: Syncing, disk: Disk) -> None:
        self._root = str(folders.root)
        self._folders = folders
        self._syncing = syncing
        self._disk = disk

    def place(self, staged: Staged) -> Committed:
        """Give staged bytes their name; the temporary name is left to the caller. Raises CacheError, too."""
        temp, name, collision = str(staged.temp), staged.name, False
        own = _proof(os.stat(temp))  # noqa: PTH116 - thousands a second
        for _ in range(_TRIES):
            above = name.rpartition("/")[0]
            folder = self._folders.need(above)
            target = f"{self._root}/{name}"
            try:
                place_new(temp, target, self._disk)
            except FileExistsError:
                standing = _standing(target, staged.digest)
            except FileNotFoundError:
                os.stat(temp)  # noqa: PTH116 - or it is this that went away
                self._folders.again(above)
                continue
            else:
                standing = own
            if isinstance(standing, Proof):
                self._syncing.touch(folder)
                if standing is not own:
                    self._syncing.standing(target)
                file = CachedFile(name, staged.digest, staged.kind, staged.dimensions, standing)
                return Committed(file, collision, existed=standing is not own)
            if standing is _OTHER:
                if collision:
                    raise CacheError(f"two different files claim the name {name}: look at them by hand")
                name, collision = beside(name, staged.digest), True
            else:
                with contextlib.suppress(FileNotFoundError):
                    self.set_aside(target, standing)
        raise CacheError(f"{name} could not be stored: other processes keep changing it")

    def set_aside(self, full: str, inode: int | None = None) -> str:
        """Move a file to quarantine under a unique name, if it is still the one with this inode."""
        if inode not in (None, os.lstat(full).st_ino):
            raise FileNotFoundError(errno.ENOENT, "replaced meanwhile", full)
        folder = self._folders.again("quarantine")
        old = PurePosixPath(full)
        target = f"{folder}/{old.stem}.{secrets.token_hex(6)}{old.suffix}"
        self._disk.rename(full, target)
        self._syncing.touch(str(old.parent))
        self._syncing.touch(folder)
        return target

    def remove(self, path: str) -> bool:
        """Take a file below `media` away; False when none is there. Raises FileMissing for any other path."""
        parts = path.split("/")
        if len(parts) < 2 or parts[0] != "media" or {"", ".", ".."} & {*parts} or not path.isprintable():
            raise FileMissing(ascii(path), "This is not a path of the cache's media:")
        above = f"{self._root}/{'/'.join(parts[:-1])}"
        if os.path.realpath(above) != f"{os.path.realpath(self._root)}/{'/'.join(parts[:-1])}":
            raise FileMissing(path, "This path leads through a link:")
        full = f"{self._root}/{path}"
        try:
            if not stat.S_ISREG(os.lstat(full).st_mode):
                return False
            self._disk.unlink(full)
        except (FileNotFoundError, NotADirectoryError):
            # All files of an unmounted disk are not "removed already".
            if (lost := self._folders.lost()) is not None:
                raise lost from None
            return False
        self._syncing.touch(above)
        return True


def _proof(state: os.stat_result) -> Proof:
    return Proof(state.st_size, state.st_mtime_ns, state.st_ino)


def _standing(target: str, digest: Digest) -> Proof | int:
    """What stands under a taken name: the same content (its proof), _OTHER good content, or a damaged inode."""
    inode = 0
    try:
        inode = os.lstat(target).st_ino
        descriptor = open_regular(target)
    except FileNotFoundError:
        return inode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return inode
        raise
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return state.st_ino
        found = digest_fresh(descriptor, state.st_size)
    except OSError as error:
        if error.errno == errno.EIO:
            return inode
        raise
    finally:
        os.close(descriptor)
    if found.sha256 == digest.sha256:
        return _proof(state)
    return _OTHER if found.md5 == digest.md5 else state.st_ino
