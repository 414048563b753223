"""The cache on disk: content under the name of its hash, written whole or not at all, proven when read."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from postkeep.errors import CacheError, FileDamaged, FileMissing
from postkeep.media import listing
from postkeep.media.disk import REAL, Disk, refusal, speaking
from postkeep.media.folders import Folders
from postkeep.media.locks import locked
from postkeep.media.measure import measure
from postkeep.media.owner import left_behind
from postkeep.media.placing import Placing
from postkeep.media.proving import Proving
from postkeep.media.sniff import SNIFF_BYTES, sniff
from postkeep.media.staged import Committed, Staged, beside, cache_path
from postkeep.media.staging import Staging
from postkeep.media.syncing import Fsync, Syncing
from postkeep.model import Body, CachedFile, Digest, Kind, MediaType, Proof

__all__ = ["Cache", "Committed", "Fsync", "Staged", "cache_path"]


class Cache:
    """The media below one root folder; making the object touches nothing, folders are made when first needed.

    Safe to share between threads, and several processes may use one root. Paths in and out are relative to
    the root, with forward slashes. A disk that refuses is a CacheError. Close it to give up its temporary
    folder.

    `fsync` is `batch`, `each` or `none`. The order that outlives a power cut, for a batch of files: `stage`
    each, `sync` all, note them in the journal, `commit` each, `sync_directories`, commit the rows, settle the
    journal. With `none` a power cut may leave wrong bytes under a right name.
    """

    def __init__(self, root: Path, *, fsync: str = Fsync.BATCH, disk: Disk | None = None) -> None:
        self.root = root.absolute()
        self._disk = disk or REAL
        self._syncing = Syncing(Fsync(fsync), self._disk)
        self._folders = Folders(self.root, self._disk, self._syncing)
        self._staging = Staging(self._folders, self._syncing, self._disk)
        self._placing = Placing(self._folders, self._syncing, self._disk)
        self._proving = Proving(self._folders)
        self._legacy = listing.Legacy(self.root)

    def close(self) -> None:
        """Give up this process's temporary folder; idempotent, and the next use opens it again."""
        self._staging.close()
        self._syncing.close()

    # --- in ---------------------------------------------------------------------------------------

    def spool(self) -> Path:
        """A fresh path for a temporary file of this process; whoever makes the file removes or stages it."""
        with speaking("making a temporary folder", self.root):
            return Path(self._staging.path(again=True))

    def has_leavings(self) -> bool:
        """Whether a process that is gone left a temporary folder here."""
        return any(True for _ in left_behind(self.root / "tmp"))

    def must_be_there(self) -> None:
        """Raise CacheError when the whole root is not there."""
        if (lost := self._folders.lost()) is not None:
            raise lost

    def sweep(self) -> int:
        """Remove the temporary folders of processes that are gone, never a living one's; returns how many."""
        count = 0
        with speaking("looking for temporary files", self.root):
            for folder in left_behind(self.root / "tmp"):
                shutil.rmtree(folder, ignore_errors=True)
                count += not folder.exists()
        return count

    def stage(self, body: Body) -> Staged:
        """Recognise, hash and measure a body and write it under a temporary name.

        Takes over the body's file, whose digest is believed. Raises NotMedia, or CacheError; no temporary
        file is left then.
        """
        try:
            if body.path is not None:
                return self._staging.file(body.path, body.digest)
            chunks = body.chunks
            return self._staging.content(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        except OSError as error:
            raise self._refused("writing a file", error) from error

    def stage_known(self, path: Path, digest: Digest, kind: Kind) -> Staged:
        """Take over a file from `spool` whose content was in the cache before, and which was hashed on its way.

        Its dimensions are left to the row that knows them. Raises CacheError; no temporary file is left then.
        """
        try:
            return self._staging.known(path, digest, kind)
        except OSError as error:
            raise self._refused("writing a file", error) from error

    def take_in(self, path: Path, *, most: int | None = None) -> Staged:
        """Stage a copy of any file on this disk, inside the cache or not; the file itself is left as it is.

        A link or pipe counts as missing, and a file of more than `most` bytes as no media. Raises FileMissing,
        NotMedia, or CacheError; no temporary file is left then.
        """
        try:
            return self._staging.copy(path, most)
        except OSError as error:
            raise self._refused("writing a file", error) from error

    def sync(self, staged: Sequence[Staged]) -> None:
        """Bring the bytes of a batch to the disk, before its files get their names.

        With `each` they are there already, with `none` nothing happens. When the disk refuses, none of them
        can be relied on: all are discarded and CacheError is raised.
        """
        try:
            with speaking("syncing files", self.root):
                self._syncing.contents([str(each.temp) for each in staged])
        except BaseException:
            for each in staged:
                self.discard(each)
            raise

    def discard(self, staged: Staged) -> None:
        """Remove what was staged and will not be committed; idempotent."""
        self._staging.discard(staged.temp)

    def commit(self, staged: Staged) -> Committed:
        """Give staged bytes their final name, atomically, and never over other good content.

        Equal content that stands there already is kept and proven, damaged content goes to quarantine, and
        different content with the same MD5 is left alone: ours is stored beside it. What `sync` has not
        brought to the disk yet is brought there first. The temporary file is gone afterwards, also when this
        raises CacheError. Call `sync_directories` before relying on the name.
        """
        try:
            self._syncing.contents((str(staged.temp),))
            return self._placing.place(staged)
        except OSError as error:
            raise self._refused("storing a file", error) from error
        finally:
            self._staging.discard(staged.temp)

    def sync_directories(self) -> None:
        """Bring the names given since the last call to the disk; once a batch, before its rows are committed."""
        with speaking("syncing folders", self.root):
            if self._syncing.folders() and (lost := self._folders.lost()) is not None:
                raise lost

    # --- between processes ------------------------------------------------------------------------

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Hold this while files get their names and their rows are committed; many may, in threads and processes.

        Waits while somebody is `alone`. Not re-entrant: asked for again inside, it may wait for itself for
        ever. On a file system without locks nobody waits for anybody. Raises CacheError.
        """
        with self._locked(alone=False):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold this while files are removed: waits until nobody shares, and keeps everybody out. As `sharing`."""
        with self._locked(alone=True):
            yield

    # --- out --------------------------------------------------------------------------------------

    def prove(
        self,
        path: str,
        *,
        sha256: str | None,
        md5: str | None = None,
        proof: Proof | None = None,
        strict: bool = False,
        md5_only: bool = False,
    ) -> tuple[Digest | None, Proof]:
        """Prove that a file's content is what these hashes say, and return its digest and its present state.

        Nothing is hashed, and the digest is None, while the state equals `proof`, unless `strict`. With
        `md5_only` the MD5 alone is taken and compared, at half the price; the digest is None then, and a file
        whose MD5 nobody knows is hashed with both. Raises FileMissing (also for a path that leaves the root),
        FileDamaged, or CacheError when the whole root is not there or the file may not be read.
        """
        md5_only = md5_only and md5 is not None
        return self._proving.prove(path, sha256=sha256, md5=md5, proof=proof, strict=strict, md5_only=md5_only)

    def is_as_proven(self, path: str, proof: Proof) -> bool:
        """Whether one look finds the file in the state of its last proof; never hashes, never raises."""
        return self._proving.is_as_proven(path, proof)

    def locate(self, digest: Digest, kind: Kind) -> tuple[str, Proof] | None:
        """Where this very content stands, its hash taken anew: under its name, or beside another's of one MD5.

        Call `sync_directories` before relying on the name: a dead process may have given it.
        """
        name = cache_path(kind.media_type, digest.md5, kind.extension)
        for path in (name, beside(name, digest)):
            with contextlib.suppress(FileMissing, FileDamaged):
                proof = self.prove(path, sha256=digest.sha256, strict=True)[1]
                self._keep(path)
                return path, proof
        return None

    def adopt(self, path: str) -> CachedFile:
        """Read a file no row knows: hash, recognise and measure it where it stands.

        Raises FileDamaged when its name states an MD5 that its content does not have, NotMedia, FileMissing.
        Call `sync_directories` before relying on the name: a dead process may have given it.
        """
        digest, proof = self.prove(path, sha256=None, md5=listing.named_md5(path), strict=True)
        if digest is None:
            raise AssertionError("a strict proof always hashes")
        with self.open(path) as file:
            kind = sniff(file.read(SNIFF_BYTES))
            found = CachedFile(path, digest, kind, measure(file, kind, digest.size), proof)
        self._keep(path)
        return found

    def absolute(self, path: str) -> Path:
        """The absolute path of a relative one; raises FileMissing for one that leaves the root, by a link too."""
        return self._proving.absolute(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, unproven; the caller closes it. Raises FileMissing."""
        full = self.absolute(path)
        with speaking("reading a file", full):
            return os.fdopen(self._proving.open(str(full), path), "rb")

    def quarantine(self, path: str) -> Path:
        """Move a damaged file out of the way, keeping it under a unique name; raises FileMissing."""
        full = self.absolute(path)
        with speaking("moving a file to quarantine", self.root):
            try:
                return Path(self._placing.set_aside(str(full)))
            except (FileNotFoundError, NotADirectoryError):
                raise FileMissing(path) from None

    def remove(self, path: str) -> bool:
        """Remove a file below `media`, never through a link; False when there was none.

        Call `sync_directories` before counting on the room. Raises FileMissing for any other path.
        """
        with speaking("removing a file", self.root):
            return self._placing.remove(path)

    def walk(self) -> Iterator[str]:
        """The files of the cache, folder by folder, in no order within one; holds no list of them."""
        with speaking("listing files", self.root):
            yield from listing.walk(self.root)

    def strangers(self) -> Iterator[str]:
        """Everything else below `media` that is not a folder: foreign names, links, files in other folders."""
        with speaking("listing files", self.root):
            yield from listing.strangers(self.root)

    def usage(self) -> dict[MediaType, tuple[int, int]]:
        """Files and bytes of each media type, counted on the disk."""
        with speaking("listing files", self.root):
            return listing.usage(self.root)

    def total_size(self) -> int:
        """Bytes of all files of the cache, counted on the disk."""
        return sum(size for _, size in self.usage().values())

    def legacy_path(self, url: str) -> Path | None:
        """The file that the predecessor kept for a URL (`images/{md5 of the URL}.{ext}`), unproven, or None."""
        with speaking("listing files", self.root):
            return self._legacy.path(url)

    @contextlib.contextmanager
    def _locked(self, *, alone: bool) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            with speaking("locking the cache", self.root):
                stack.enter_context(locked(self._folders.again(), alone=alone))
            yield

    def _refused(self, doing: str, error: OSError) -> CacheError:
        lost = self._folders.lost() if isinstance(error, FileNotFoundError) else None
        return lost or refusal(doing, self.root, error)

    def _keep(self, path: str) -> None:
        """A file that somebody else wrote and named is relied on from now on."""
        full = self.root / path
        with speaking("syncing files", full):
            self._syncing.standing(str(full))
        self._syncing.touch(str(full.parent))
