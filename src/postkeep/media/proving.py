"""Reads files of the cache and proves that they are what was stored: a path is given out only after that."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path, PurePosixPath

from postkeep.errors import FileDamaged, FileMissing
from postkeep.media.disk import ABSENT, open_regular, refusal
from postkeep.media.folders import Folders
from postkeep.media.hashing import digest_fresh, md5_fresh
from postkeep.media.listing import FOLDER_PATHS
from postkeep.model import Digest, Proof

_LOOK_SECONDS = 1.0


class Proving:
    """Opens and hashes files below one root; safe to share between threads."""

    def __init__(self, folders: Folders) -> None:
        self._root = str(folders.root)
        self._folders = folders
        # Until when a folder's real path is believed.
        self._looked: dict[str, tuple[float, str]] = {}

    def prove(
        self,
        path: str,
        *,
        sha256: str | None,
        md5: str | None,
        proof: Proof | None,
        strict: bool,
        md5_only: bool,
    ) -> tuple[Digest | None, Proof]:
        try:
            descriptor, state = self._opened(path)
            try:
                # Taken before the bytes are read: a change while they are shows at the next proof.
                now = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
                if now == proof and not strict:
                    return None, now
                found, digest = _hashed(descriptor, state.st_size, path, md5_only=md5_only)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise refusal("reading a file", f"{self._root}/{path}", error) from error
        if (md5 or found) != found or (digest is not None and sha256 not in (None, digest.sha256)):
            raise FileDamaged(path)
        return digest, now

    def is_as_proven(self, path: str, proof: Proof) -> bool:
        try:
            state = os.stat(f"{self._root}/{path}", follow_symlinks=False)  # noqa: PTH116 - a million times
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(state.st_mode) and Proof(state.st_size, state.st_mtime_ns, state.st_ino) == proof

    def absolute(self, path: str) -> Path:
        parts = PurePosixPath(path)
        if not path or not path.isprintable() or parts.is_absolute() or ".." in parts.parts:
            raise FileMissing(ascii(path), "This is not a path in the cache:")
        full = Path(os.path.realpath(f"{self._root}/{path}"))
        if not full.is_relative_to(os.path.realpath(self._root)):
            raise FileMissing(path, "This path leads out of the cache:")
        return full

    def open(self, full: str, path: str) -> int:
        """Open a regular file; raises FileMissing, CacheError when the whole root is not there, or OSError."""
        return self._regular(full, path)[0]

    def _opened(self, path: str) -> tuple[int, os.stat_result]:
        """Open a file by its relative path, without looking at each folder above it for every file."""
        folder, _, name = path.rpartition("/")
        if folder not in FOLDER_PATHS or name in ("", "..") or not name.isprintable():
            return self._regular(str(self.absolute(path)), path)
        until, real = self._looked.get(folder, (0.0, ""))
        now = time.monotonic()
        if now > until:
            real = str(self.absolute(folder))
            self._looked[folder] = now + _LOOK_SECONDS, real
        try:
            return self._regular(f"{real}/{name}", path)
        except FileMissing as error:
            # A link is followed as long as it stays in the cache; and the folder may have moved meanwhile.
            self._looked.pop(folder, None)
            if os.path.lexists(f"{self._root}/{path}"):
                return self._regular(str(self.absolute(path)), path)
            raise error from error.__cause__

    def _regular(self, full: str, path: str) -> tuple[int, os.stat_result]:
        try:
            descriptor = open_regular(full)
        except OSError as error:
            if error.errno not in ABSENT:
                raise
            # All files of an unmounted disk are not "missing", or they would all be fetched again.
            raise self._folders.lost() or FileMissing(path) from error
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            os.close(descriptor)
            raise FileMissing(path)
        return descriptor, state


def _hashed(descriptor: int, size: int, path: str, *, md5_only: bool) -> tuple[str, Digest | None]:
    try:
        if md5_only:
            return md5_fresh(descriptor, size), None
        digest = digest_fresh(descriptor, size)
        return digest.md5, digest
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise FileDamaged(path, "The disk cannot read the file:") from error
