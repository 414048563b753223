"""What lies in the cache's folders, read from the disk and never held in memory whole."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from postkeep.media.hashing import md5_bytes
from postkeep.model import MediaType

FOLDERS = {MediaType.IMAGE: "images", MediaType.VIDEO: "videos", MediaType.DOCUMENT: "documents"}
FOLDER_PATHS = frozenset(f"media/{folder}" for folder in FOLDERS.values())
_NAME = re.compile(r"[0-9a-f]{32}(?:-[0-9a-f]{8})?\.[a-z0-9]{1,8}")
_STATED = re.compile(r"(?:media/.*/|media/)([0-9a-f]{32})[-.][^/]*")


def named_md5(path: str) -> str | None:
    """The MD5 that the name of a file below `media` states, if it states one."""
    stated = _STATED.fullmatch(path)
    return stated.group(1) if stated else None


def walk(root: Path) -> Iterator[str]:
    """The files of the cache, relative to the root; folder by folder, in no order within one."""
    for folder in sorted(FOLDERS.values()):
        for entry in _kept(root, folder):
            yield f"media/{folder}/{entry.name}"


def strangers(root: Path) -> Iterator[str]:
    """Everything else below `media` that is not a folder: foreign names, links, files in other folders."""
    pending = ["media"]
    while pending:
        folder = pending.pop()
        for entry in _scan(root / folder):
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif folder not in FOLDER_PATHS or not _is_kept(entry):
                yield path


def usage(root: Path) -> dict[MediaType, tuple[int, int]]:
    """Files and bytes of each media type; a file that goes away meanwhile is not counted."""
    found: dict[MediaType, tuple[int, int]] = {}
    for media_type, folder in FOLDERS.items():
        files = size = 0
        for entry in _kept(root, folder):
            with contextlib.suppress(FileNotFoundError):
                size += entry.stat(follow_symlinks=False).st_size
                files += 1
        found[media_type] = (files, size)
    return found


class Legacy:
    """The predecessor's files, `images/{md5 of the URL}.{ext}`; their names are read when the folder changed."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "images"
        self._read: tuple[int, dict[str, str]] = (-1, {})

    def path(self, url: str) -> Path | None:
        """The file kept for a URL, unproven, or None."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return None
        if self._read[0] != changed:
            entries = (entry.name for entry in _scan(self._folder) if _is_file(entry))
            self._read = (changed, {name.partition(".")[0]: name for name in entries})
        name = self._read[1].get(md5_bytes(url.encode("utf-8", "surrogatepass")))
        path = self._folder / name if name else None
        return path if path is not None and path.is_file() else None


def _kept(root: Path, folder: str) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in _scan(root / "media" / folder) if _is_kept(entry))


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _is_kept(entry: os.DirEntry[str]) -> bool:
    return _NAME.fullmatch(entry.name) is not None and _is_file(entry)
