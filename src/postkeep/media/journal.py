"""A note of every file about to get its final name, so that a crash before its row costs no second request.

The order at the caller: append, commit the file, commit the rows, settle (or rotate and drop).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from postkeep.errors import CacheError
from postkeep.media.disk import PRIVATE_FILE, make_folders, speaking
from postkeep.media.entry import JournalEntry
from postkeep.media.owner import OwnFolder, left_behind, own_name

Token = str
"""The name of one journal file."""


class Journal:
    """Journal files of this process in a folder of its own, and those that gone processes left.

    Safe to share between threads. A disk that refuses is a CacheError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._own = OwnFolder(self.folder)
        self._lock = threading.Lock()
        self._number = 0
        self._descriptor = -1
        self._token: Token = ""
        self._torn = False
        self._unsettled: Counter[Token] = Counter()

    def append(self, entry: JournalEntry) -> Token:
        """Note an entry before its file is renamed into place; returns the file it went to, for `settle`."""
        return self.append_all((entry,))

    def append_all(self, entries: Sequence[JournalEntry]) -> Token:
        """Note the entries of a batch in one write; returns the file they went to, for `settle`, once for each.

        Empty when there are none. When this raises, none of them counts as noted.
        """
        if not entries:
            return ""
        lines = b"".join([entry.line() for entry in entries])
        with self._lock, speaking("writing the journal", self.folder):
            self._begin()
            # A line that a full disk cut is ended first, or it would swallow the next one.
            content = b"\n" + lines if self._torn else lines
            self._torn = True
            if os.write(self._descriptor, content) != len(content):
                raise CacheError(f"the journal in {self.folder} was cut: free some space there and run again")
            self._torn = False
            self._unsettled[self._token] += len(entries)
            return self._token

    def settle(self, tokens: Iterable[Token]) -> None:
        """Say that rows are committed, with one token for each of their entries.

        A file goes when all its entries are settled: those whose rows are still on their way are kept.
        """
        with self._lock:
            self._unsettled.subtract(filter(None, tokens))
            done = [token for token, left in self._unsettled.items() if left <= 0]
            self._drop(done)

    def rotate(self) -> Token:
        """End the present file and return its token, empty if nothing was appended since the last time."""
        with self._lock:
            return self._end()

    def drop(self, token: Token) -> None:
        """Remove one journal file, this process's or a gone one's; idempotent."""
        self.drop_all(token)

    def drop_all(self, *tokens: Token) -> None:
        """Remove journal files whose entries all have their rows; idempotent."""
        with self._lock:
            self._drop(tokens)

    def clear(self) -> None:
        """Remove all that was appended here; only when nothing of it is on its way."""
        with self._lock:
            self._drop(list(self._unsettled))

    def close(self) -> None:
        """Give up this process's folder; what was not settled stays for a later run. Idempotent."""
        with self._lock:
            self._end()
            self._own.close()

    def left(self) -> list[Token]:
        """The journal files of processes that are gone, in order of name."""
        with speaking("reading the journal", self.folder):
            return [token for folder in left_behind(self.folder) for token in _tokens(folder)]

    def has_leavings(self) -> bool:
        """Whether a process that is gone left a folder here, be it empty."""
        return any(True for _ in left_behind(self.folder))

    def sweep(self) -> None:
        """Remove the empty folders of processes that are gone; what they noted stays."""
        for folder in left_behind(self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def entries(self, token: Token) -> Iterator[JournalEntry]:
        """The entries of one file in order; cut and unknown lines are left out, a missing file has none."""
        path = self.folder / token
        with speaking("reading the journal", self.folder):
            if path.is_file():
                with path.open("rb") as file:
                    yield from filter(None, map(JournalEntry.read, file))

    def pending(self, *, own: bool = False) -> Iterator[JournalEntry]:
        """What gone processes noted and never settled; with `own` also what this process did."""
        mine = _tokens(self.folder / own_name()) if own else []
        for token in (*self.left(), *mine):
            yield from self.entries(token)

    def _begin(self) -> None:
        # A file whose last name is gone takes lines that nobody will ever read.
        if self._token and self._token.startswith(f"{own_name()}/") and os.fstat(self._descriptor).st_nlink:
            return
        self._end()
        make_folders(self.folder)
        folder = self._own.path(again=True)
        self._number += 1
        name = f"{self._number:06d}-{secrets.token_hex(4)}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(folder / name, flags, PRIVATE_FILE)
        self._token = f"{folder.name}/{name}"

    def _end(self) -> Token:
        token, self._token, self._torn = self._token, "", False
        if token:
            os.close(self._descriptor)
        return token

    def _drop(self, tokens: Iterable[Token]) -> None:
        with speaking("removing a journal", self.folder):
            for token in filter(None, tokens):
                if token == self._token:
                    self._end()
                path = self.folder / token
                path.unlink(missing_ok=True)
                del self._unsettled[token]
                if path.parent.name != own_name():
                    with contextlib.suppress(OSError):
                        path.parent.rmdir()


def _tokens(folder: Path) -> list[Token]:
    if not folder.is_dir():
        return []
    return sorted(f"{folder.name}/{path.name}" for path in folder.iterdir() if path.suffix == ".jsonl")
