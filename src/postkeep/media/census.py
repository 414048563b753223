"""Everything that lies in the media folders, with what is odd about it, and what the bytes of a file are."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postkeep.errors import NotMedia
from postkeep.media import disk, listing
from postkeep.media.hashing import digest_open
from postkeep.media.measure import measure
from postkeep.media.sniff import SNIFF_BYTES, sniff
from postkeep.model import Digest, Dimensions, Kind, MediaType, Proof

NAMED = re.compile(r"([0-9a-f]{32})(?:-[0-9a-f]{8})?\.[a-z0-9]{1,8}")
"""A name of ours: the MD5 of the content, and the first of its SHA-256 where two contents share one."""

UNREADABLE = frozenset({errno.EACCES, errno.EPERM, errno.EIO})
"""What the system says of one thing that cannot be read, while others can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing below `media`; `path` is relative to the root.

    `md5` is what its name states, None when that is no name of ours, or not a plain file of ours. `odd` says
    what is wrong with it, empty when nothing is.
    """

    path: str
    md5: str | None
    odd: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is by its bytes; without a kind it is no media, and `found` names what it is."""

    digest: Digest | None
    kind: Kind | None
    dimensions: Dimensions
    proof: Proof
    found: str = ""

    def stands_for(self, path: str) -> bool:
        """Whether a path in the cache is one that this content may have."""
        return (
            self.kind is not None
            and self.digest is not None
            and path in right_paths(self.kind.media_type, self.kind.extension, self.digest.md5, self.digest.sha256)
        )


def right_paths(media_type: MediaType, extension: str, md5: str, sha256: str | None) -> tuple[str, ...]:
    """Where content may stand: under its MD5, or beside another content of the same MD5."""
    stem = f"media/{listing.FOLDERS[media_type]}/{md5}"
    beside = (f"{stem}-{sha256[:8]}.{extension}",) if sha256 else ()
    return (f"{stem}.{extension}", *beside)


def census(root: Path) -> Iterator[Entry]:
    """All files, links and odd folders below `media`, folder by folder, in no order within one. Raises OSError.

    What goes away meanwhile is left out; no list of all is held.
    """
    own = {f"media/{folder}" for folder in listing.FOLDERS.values()}
    pending = ["media"]
    while pending:
        folder = pending.pop()
        if odd := _folder_oddity(root / folder, known=folder == "media" or folder in own):
            yield Entry(folder, None, odd)
        try:
            for entry in _scan(root / folder):
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    yield _entry(path, entry, ours=folder in own)
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise
            yield Entry(folder, None, f"it cannot be listed: {error.strerror}")


def _entry(path: str, entry: os.DirEntry[str], *, ours: bool) -> Entry:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return Entry(path, None, "a link")
    if not stat.S_ISREG(mode):
        return Entry(path, None, "no plain file")
    named = NAMED.fullmatch(entry.name) if ours else None
    if named is None:
        return Entry(path, None, "a foreign name" if ours else "not in a folder of the cache")
    return Entry(path, named[1], _too_open(mode, disk.PRIVATE_FILE))


def _folder_oddity(folder: Path, *, known: bool) -> str:
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(mode):
        return "a link" if stat.S_ISLNK(mode) else "no folder"
    return _too_open(mode, disk.PRIVATE_FOLDER) if known else "a foreign folder"


def _too_open(mode: int, wanted: int) -> str:
    found = stat.S_IMODE(mode)
    return "" if found == wanted else f"its permissions are {found:04o}, not {wanted:04o}"


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        yield from entries


def identify(path: Path, *, only_media: bool = False) -> Identity:
    """Hash, recognise and measure any file, wherever it lies; links are not followed.

    With `only_media` what is no media is not hashed. Raises OSError; FileNotFoundError also for what is no
    plain file.
    """
    descriptor = disk.open_regular(path)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise FileNotFoundError(errno.ENOENT, "no plain file", str(path))
        proof = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
        found, kind, dimensions, digest = "", None, Dimensions(), None
        try:
            kind = sniff(file.read(SNIFF_BYTES))
            dimensions = measure(file, kind, state.st_size)
        except NotMedia as error:
            found = error.found
        if kind is not None or not only_media:
            digest = digest_open(descriptor)
        return Identity(digest, kind, dimensions, proof, found)
