"""Cutting lines into records: no line can cost another, so a damaged file loses only what is damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postkeep.sources.split import Splitter
from postkeep.sources.stretch import WHITE, Open, Stretch, flaw

_TOUCHING = re.compile(rb"\}[ \t\r]*\{")


class LineSplitter:
    """Cuts a record from every line; blank lines are none, and a broken line costs only itself.

    A line that starts with `{` and ends with `}` is passed on as it is. Only one that holds several whole
    objects is cut further.
    """

    unclosed = False

    def __init__(self, limit: int, *, offset: int = 0) -> None:
        self._limit = limit
        self._base = offset
        self._open: Open | None = None

    def feed(self, chunk: bytes) -> Iterator[Stretch]:
        """The lines that end in this chunk, in order."""
        position = 0
        while (newline := chunk.find(b"\n", position)) >= 0:
            yield from self._line(self._base + position, chunk[position:newline], last=False)
            position = newline + 1
        if position < len(chunk):
            if self._open is None:
                self._open = Open(self._base + position, self._limit)
            self._open.add(chunk[position:])
        self._base += len(chunk)

    def end(self) -> Iterator[Stretch]:
        """The last line, when no newline follows it."""
        if self._open is not None:
            yield from self._line(self._base, b"", last=True)

    def _line(self, offset: int, line: bytes, *, last: bool) -> Iterator[Stretch]:
        opened, self._open = self._open, None
        if opened is not None or len(line) > self._limit:
            opened = opened or Open(offset, self._limit)
            opened.add(line)
            if not opened.kept:
                yield opened.close()
                return
            offset, line = opened.offset, opened.joined()
        start = line.lstrip(WHITE)
        body = start.rstrip(WHITE)
        if not body:
            return
        offset += len(line) - len(start)
        reason = flaw(body)
        if reason is None and _TOUCHING.search(body):
            pieces = Splitter(self._limit, offset=offset)
            found = [*pieces.feed(body), *pieces.end()]
            if not any(piece.reason for piece in found):
                yield from found
                return
        if last and reason and body[:1] == b"{":
            yield Stretch(offset, len(body), body, "the file ends inside it", cut=True)
        else:
            yield Stretch(offset, len(body), body, reason)
