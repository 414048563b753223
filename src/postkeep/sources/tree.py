"""Finding the files that arguments name: in a fixed order, each once, with a word for what cannot be reached."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postkeep.model import BadSource
from postkeep.sources.names import printable
from postkeep.sources.stream import said

_ENDINGS = tuple(ending + packed for ending in (".json", ".jsonl", ".ndjson") for packed in ("", ".gz", ".xz"))
_LEFTOVERS = (".", "~", "#")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read; `shown` is its name as the user would write it, in text any database can hold."""

    path: Path
    shown: str


class Tree:
    """Lists the files behind arguments; one object remembers what it gave, so that nothing comes twice."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[tuple[int, int]] = set()

    def find(self, argument: str) -> Iterator[Found | BadSource]:
        """The file itself, whatever its name, or every JSON file below the folder in the order of names."""
        shown = printable(argument)
        try:
            # An empty argument would otherwise mean the folder one stands in.
            found = _stat(argument) if argument else None
        except (OSError, ValueError) as error:
            yield BadSource(shown, f"it cannot be reached: {said(error)}")
            return
        if found is None:
            yield BadSource(shown, "there is no such file or folder")
        elif not stat.S_ISDIR(found.st_mode):
            if self._first_time(argument):
                yield Found(Path(argument), shown)
        else:
            yield from self._walk(argument, shown)

    def _first_time(self, path: str) -> bool:
        real = os.path.realpath(path)
        if real in self._files:
            return False
        self._files.add(real)
        return True

    def _walk(self, root: str, shown: str) -> Iterator[Found | BadSource]:
        anything = False
        # A list of what is still to visit, and not recursion: trees may be deeper than Python's stack.
        todo = [root]
        while todo:
            path = todo.pop()
            try:
                found = _stat(path)
                if found is None or not stat.S_ISDIR(found.st_mode):
                    # Pipes and devices, which might keep us waiting for ever, are neither.
                    anything = True
                    if found is None:
                        yield BadSource(printable(path), _missing(path))
                    elif stat.S_ISREG(found.st_mode) and self._first_time(path):
                        yield Found(Path(path), printable(path))
                    continue
                identity = (found.st_dev, found.st_ino)
                if identity in self._folders:
                    anything = True
                    continue
                self._folders.add(identity)
                with os.scandir(path) as entries:
                    names = sorted(
                        (entry.name for entry in entries if _wanted(entry)), key=os.fsencode, reverse=True
                    )
            except OSError as error:
                anything = True
                yield BadSource(printable(path), f"it cannot be read: {said(error)}")
                continue
            todo.extend(os.path.join(path, name) for name in names)  # noqa: PTH118
        if not anything:
            yield BadSource(shown, "there is no .json, .jsonl or .ndjson file in this folder")


def _stat(path: str) -> os.stat_result | None:
    """What stands behind a path and its links; None where nothing does."""
    try:
        return os.stat(path)  # noqa: PTH116  the path may hold what Path() would drop
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise


def _missing(path: str) -> str:
    return "the link leads nowhere" if os.path.lexists(path) else "it vanished before it could be read"


def _wanted(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(_LEFTOVERS):
        return False
    if entry.name.lower().endswith(_ENDINGS):
        return True
    try:
        return entry.is_dir()
    except OSError:
        # Reported when it is visited.
        return True
