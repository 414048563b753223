"""Files of somebody else's cache: listed without following a link, with what their names claim."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from postkeep.media.listing import FOLDERS

_HEX = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Foreign:
    """One entry; `path` is absolute, `size` in bytes, `plain` False for links, pipes and what else is no file.

    `stem` is the MD5 its name states, None when it states none: that of its content in a folder that says so
    (`of_content`), else probably that of its URL.
    """

    path: str
    size: int
    plain: bool
    stem: bytes | None
    of_content: bool

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def foreign_files(
    folder: Path, *, skip: Callable[[str], bool] = lambda path: False, failed: Callable[[str, OSError], None]
) -> Iterator[Foreign]:
    """Everything below a folder that is no folder, in no order, but for what `skip` (an absolute path) leaves out.

    Links are never followed. What cannot be listed is told to `failed`, and the rest goes on.
    """
    pending = [str(folder)]
    while pending:
        current = pending.pop()
        of_content = _names_contents(current)
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if skip(entry.path):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif (found := _foreign(entry, failed, of_content=of_content)) is not None:
                        yield found
        except OSError as error:
            failed(current, error)


def _foreign(
    entry: os.DirEntry[str], failed: Callable[[str, OSError], None], *, of_content: bool
) -> Foreign | None:
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError as error:
        failed(entry.path, error)
        return None
    stem = entry.name.partition(".")[0].partition("-")[0]
    known = bytes.fromhex(stem) if _HEX.fullmatch(stem) else None
    return Foreign(entry.path, state.st_size, stat.S_ISREG(state.st_mode), known, of_content and known is not None)


def _names_contents(folder: str) -> bool:
    """Whether files in this folder are named by their content: `media/images` and its like, not `images`."""
    parts = folder.split("/")
    return len(parts) > 1 and parts[-2] == "media" and parts[-1] in FOLDERS.values()
