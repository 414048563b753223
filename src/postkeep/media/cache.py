"""The cache on disk: content under the name of its hash, written whole or not at all, proven when read."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from postkeep.errors import CacheError, FileDamaged, FileMissing
from postkeep.media import disk, listing
from postkeep.media.hashing import digest_bytes, digest_open
from postkeep.media.measure import measure
from postkeep.media.owner import OwnFolder, left_behind
from postkeep.media.sniff import SNIFF_BYTES, sniff
from postkeep.model import Body, CachedFile, Digest, Dimensions, Kind, MediaType, Proof

_TRIES = 16
_NAMED = re.compile(r"([0-9a-f]{32})[-.]")
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})


def cache_path(media_type: MediaType, md5: str, extension: str) -> str:
    """Where content stands, relative to the cache root, with forward slashes."""
    return f"media/{listing.FOLDERS[media_type]}/{md5}.{extension}"


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that are whole and on the disk under a temporary name; give it to `commit` or to `discard`."""

    temp: Path
    digest: Digest
    kind: Kind
    dimensions: Dimensions

    @property
    def name(self) -> str:
        """The path it will have in the cache, unless other content with the same MD5 stands there."""
        return cache_path(self.kind.media_type, self.digest.md5, self.kind.extension)


@dataclass(frozen=True, slots=True)
class Committed:
    """A file in its place. `collision`: other content has the same MD5; `existed`: it was there already."""

    file: CachedFile
    collision: bool
    existed: bool


class Cache:
    """The media below one root folder; making the object touches nothing, folders are made when first needed.

    Safe to share between threads, and several processes may use one root. Paths in and out are relative to
    the root, with forward slashes. A disk that refuses is a CacheError. Close it to give up its temporary
    folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._own = OwnFolder(self.root / "tmp")
        self._lock = threading.Lock()
        self._touched: set[Path] = set()
        self._seen = False
        self._legacy = listing.Legacy(self.root)

    def close(self) -> None:
        """Give up this process's temporary folder; idempotent, and the next use opens it again."""
        self._own.close()

    # --- in ---------------------------------------------------------------------------------------

    def spool(self) -> Path:
        """A fresh path for a temporary file of this process; whoever makes the file removes or stages it."""
        with disk.speaking("making a temporary folder", self.root):
            self._folder("tmp")
            return self._own.path() / secrets.token_hex(12)

    def has_leavings(self) -> bool:
        """Whether a process that is gone left a temporary folder here."""
        return any(True for _ in left_behind(self.root / "tmp"))

    def sweep(self) -> int:
        """Remove the temporary folders of processes that are gone, never a living one's; returns how many."""
        count = 0
        with disk.speaking("looking for temporary files", self.root):
            for folder in left_behind(self.root / "tmp"):
                shutil.rmtree(folder, ignore_errors=True)
                count += not folder.exists()
        return count

    def stage(self, body: Body) -> Staged:
        """Recognise, hash and measure a body and bring it to the disk under a temporary name.

        Takes over the body's file, whose digest is believed. Raises NotMedia, or CacheError; no temporary
        file is left then.
        """
        if body.path is not None:
            return self._stage_file(body.path, body.digest)
        content = body.chunks[0] if len(body.chunks) == 1 else b"".join(body.chunks)
        kind = sniff(content[:SNIFF_BYTES])
        digest = digest_bytes((content,))
        temp = self.spool()
        with disk.speaking("writing a file", self.root):
            disk.write_new(temp, content)
        return Staged(temp, digest, kind, measure(io.BytesIO(content), kind, digest.size))

    def discard(self, staged: Staged) -> None:
        """Remove what was staged and will not be committed; idempotent."""
        disk.discard(staged.temp)

    def commit(self, staged: Staged) -> Committed:
        """Give staged bytes their final name, atomically, and never over other good content.

        Equal content that stands there already is kept and proven, damaged content goes to quarantine, and
        different content with the same MD5 is left alone: ours is stored beside it. The temporary file is gone
        afterwards, also when this raises CacheError. Call `sync_directories` before relying on the name.
        """
        try:
            with disk.speaking("storing a file", self.root):
                return self._place(staged)
        finally:
            disk.discard(staged.temp)

    def sync_directories(self) -> None:
        """Bring the names given since the last call to the disk; once a batch, before its rows are committed."""
        with self._lock:
            touched, self._touched = self._touched, set()
        try:
            with disk.speaking("syncing folders", self.root):
                for folder in sorted(touched):
                    disk.sync_folder(folder)
                if touched and not self.root.is_dir():
                    raise self._gone()
        except CacheError:
            with self._lock:
                self._touched |= touched
            raise

    # --- out --------------------------------------------------------------------------------------

    def prove(
        self,
        path: str,
        *,
        sha256: str | None,
        md5: str | None = None,
        proof: Proof | None = None,
        strict: bool = False,
    ) -> tuple[Digest | None, Proof]:
        """Prove that a file's content is what these hashes say, and return its digest and its present state.

        Nothing is hashed, and the digest is None, while the state equals `proof`, unless `strict`. Raises
        FileMissing (also for a path that leaves the root), FileDamaged, or CacheError when the whole root is
        not there or the file may not be read.
        """
        full = self.absolute(path)
        with disk.speaking("reading a file", full), self._opened(full, path) as descriptor:
            state = os.fstat(descriptor)
            # Taken before the bytes are read: a change while they are shows at the next proof.
            now = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
            if now == proof and not strict:
                return None, now
            try:
                digest = digest_open(descriptor)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                raise FileDamaged(path, "The disk cannot read the file:") from error
        if (sha256 or digest.sha256) != digest.sha256 or (md5 or digest.md5) != digest.md5:
            raise FileDamaged(path)
        return digest, now

    def is_as_proven(self, path: str, proof: Proof) -> bool:
        """Whether one look finds the file in the state of its last proof; never hashes, never raises."""
        try:
            state = os.stat(f"{self.root}/{path}", follow_symlinks=False)  # noqa: PTH116 - a million times
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(state.st_mode) and Proof(state.st_size, state.st_mtime_ns, state.st_ino) == proof

    def locate(self, digest: Digest, kind: Kind) -> tuple[str, Proof] | None:
        """Where this very content stands, its hash taken anew: under its name, or beside another's of one MD5."""
        name = cache_path(kind.media_type, digest.md5, kind.extension)
        for path in (name, _beside(name, digest)):
            with contextlib.suppress(FileMissing, FileDamaged):
                return path, self.prove(path, sha256=digest.sha256, strict=True)[1]
        return None

    def adopt(self, path: str) -> CachedFile:
        """Read a file no row knows: hash, recognise and measure it where it stands.

        Raises FileDamaged when its name states an MD5 that its content does not have, NotMedia, FileMissing.
        """
        named = _NAMED.match(PurePosixPath(path).name) if path.startswith("media/") else None
        digest, proof = self.prove(path, sha256=None, md5=named.group(1) if named else None, strict=True)
        if digest is None:
            raise AssertionError("a strict proof always hashes")
        with self.open(path) as file:
            kind = sniff(file.read(SNIFF_BYTES))
            return CachedFile(path, digest, kind, measure(file, kind, digest.size), proof)

    def absolute(self, path: str) -> Path:
        """The absolute path of a relative one; raises FileMissing for one that leaves the root, by a link too."""
        parts = PurePosixPath(path)
        if not path or not path.isprintable() or parts.is_absolute() or ".." in parts.parts:
            raise FileMissing(ascii(path), "This is not a path in the cache:")
        full = Path(os.path.realpath(self.root / path))
        if not full.is_relative_to(os.path.realpath(self.root)):
            raise FileMissing(path, "This path leads out of the cache:")
        return full

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, unproven; the caller closes it. Raises FileMissing."""
        full = self.absolute(path)
        with disk.speaking("reading a file", full):
            return os.fdopen(self._open(full, path), "rb")

    def quarantine(self, path: str) -> Path:
        """Move a damaged file out of the way, keeping it under a unique name; raises FileMissing."""
        full = self.absolute(path)
        with disk.speaking("moving a file to quarantine", self.root):
            try:
                return self._set_aside(full)
            except (FileNotFoundError, NotADirectoryError):
                raise FileMissing(path) from None

    def walk(self) -> Iterator[str]:
        """The files of the cache, folder by folder, in no order within one; holds no list of them."""
        with disk.speaking("listing files", self.root):
            yield from listing.walk(self.root)

    def strangers(self) -> Iterator[str]:
        """Everything else below `media` that is not a folder: foreign names, links, files in other folders."""
        with disk.speaking("listing files", self.root):
            yield from listing.strangers(self.root)

    def usage(self) -> dict[MediaType, tuple[int, int]]:
        """Files and bytes of each media type, counted on the disk."""
        with disk.speaking("listing files", self.root):
            return listing.usage(self.root)

    def total_size(self) -> int:
        """Bytes of all files of the cache, counted on the disk."""
        return sum(size for _, size in self.usage().values())

    def legacy_path(self, url: str) -> Path | None:
        """The file that the predecessor kept for a URL (`images/{md5 of the URL}.{ext}`), unproven, or None."""
        with disk.speaking("listing files", self.root):
            return self._legacy.path(url)

    # --- parts ------------------------------------------------------------------------------------

    def _stage_file(self, path: Path, digest: Digest | None) -> Staged:
        try:
            with disk.speaking("reading a temporary file", path.parent), path.open("rb", buffering=0) as file:
                kind = sniff(file.read(SNIFF_BYTES))
                digest = digest or digest_open(file.fileno())
                size = os.fstat(file.fileno()).st_size
                if size != digest.size:
                    raise CacheError(f"{path} holds {size} bytes where {digest.size} were written")
                os.fchmod(file.fileno(), disk.PRIVATE_FILE)
                os.fsync(file.fileno())
                return Staged(path, digest, kind, measure(file, kind, size))
        except BaseException:
            disk.discard(path)
            raise

    def _place(self, staged: Staged) -> Committed:
        name, collision = staged.name, False
        state = staged.temp.stat()
        own = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
        for _ in range(_TRIES):
            target = self.root / name
            self._folder("media", target.parent.name)
            try:
                disk.place_new(staged.temp, target)
            except FileExistsError:
                standing = _standing(target, staged.digest)
            else:
                standing = own
            if isinstance(standing, Proof):
                self._touch(target.parent)
                file = CachedFile(name, staged.digest, staged.kind, staged.dimensions, standing)
                return Committed(file, collision, existed=standing is not own)
            if standing is _OTHER:
                if collision:
                    raise CacheError(f"two different files claim the name {name}: look at them by hand")
                name, collision = _beside(name, staged.digest), True
            else:
                with contextlib.suppress(FileNotFoundError):
                    self._set_aside(target, standing)
        raise CacheError(f"{name} could not be stored: other processes keep changing it")

    def _folder(self, *names: str) -> None:
        folder = self.root.joinpath(*names)
        if folder.is_dir():
            self._seen = True
            return
        # A disk that was unmounted under us must not be replaced by a new folder on its mount point.
        if self._seen and not self.root.is_dir():
            raise self._gone()
        for made in disk.make_folder(folder):
            self._touch(made.parent)
        self._seen = True

    def _gone(self) -> CacheError:
        return CacheError(
            f"the cache folder {self.root} is not there: mount or restore it; "
            "if it was removed on purpose, make it anew, empty"
        )

    def _touch(self, folder: Path) -> None:
        with self._lock:
            self._touched.add(folder)

    def _set_aside(self, full: Path, inode: int | None = None) -> Path:
        if inode not in (None, full.lstat().st_ino):
            raise FileNotFoundError(errno.ENOENT, "replaced meanwhile", str(full))
        self._folder("quarantine")
        target = self.root / "quarantine" / f"{full.stem}.{secrets.token_hex(6)}{full.suffix}"
        full.rename(target)
        self._touch(full.parent)
        self._touch(target.parent)
        return target

    @contextlib.contextmanager
    def _opened(self, full: Path, path: str) -> Iterator[int]:
        descriptor = self._open(full, path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, full: Path, path: str) -> int:
        try:
            descriptor = disk.open_regular(full)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            # All files of an unmounted disk are not "missing", or they would all be fetched again.
            if not self.root.is_dir():
                raise self._gone() from error
            raise FileMissing(path) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileMissing(path)
        return descriptor


_OTHER = -1


def _standing(target: Path, digest: Digest) -> Proof | int:
    """What stands under a taken name: the same content (its proof), _OTHER good content, or a damaged inode."""
    inode = 0
    try:
        inode = target.lstat().st_ino
        descriptor = disk.open_regular(target)
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
        found = digest_open(descriptor)
    except OSError as error:
        if error.errno == errno.EIO:
            return inode
        raise
    finally:
        os.close(descriptor)
    if found.sha256 == digest.sha256:
        return Proof(state.st_size, state.st_mtime_ns, state.st_ino)
    return _OTHER if found.md5 == digest.md5 else state.st_ino


def _beside(name: str, digest: Digest) -> str:
    stem, _, extension = name.rpartition(".")
    return f"{stem}-{digest.sha256[:8]}.{extension}"
