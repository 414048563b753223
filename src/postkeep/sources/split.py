"""Cutting a stream of bytes into records without reading them: brackets are matched, nothing is decoded.

One broken record must not cost its neighbours, and a file may be far larger than memory, so this takes the bytes
in chunks of any size and needs no valid JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from postkeep.sources.stretch import LOOK_BACK, WHITE, Open, Stretch

# Whatever stands before the next bracket, whole strings included. A quote is reported only when its string is
# not closed in this chunk. The group is optional so that the pattern always matches where it is asked to, and
# never moves on to a place inside a string.
_TOKEN = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}"])?', re.DOTALL)
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
# The same for text where a quote is known to be missing: a line's end closes every string.
_TOKEN_BY_LINE = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\\n]++|\\.)*+["\n])*+([\[\]{}"])?', re.DOTALL)

_GAP = re.compile(rb"[ \t\r\n,]*+")
_STRAY_IN_ARRAY = re.compile(rb"[^,\[\]{]*+")
_STRAY_AT_TOP = re.compile(rb"[^\n]*+")
_ELEMENTS = re.compile(rb'(?<!\\)"matching_elements"\s*:\s*\Z')

_OPENER = {b"}": b"{", b"]": b"["}
_DEEPEST = 1_000_000


class _State(Enum):
    BETWEEN = auto()
    INSIDE = auto()
    STRING = auto()
    STRAY = auto()


class Splitter:
    """Cuts arrays, objects one after another, and the viewer's export into their records.

    Feed it chunks in order, then call `end`; afterwards `unclosed` says whether a closing bracket was missing.
    Commas between records are separators, needed or not. At the top level, bytes that start no record reach to
    the end of their line; in an array, to the next comma or bracket. A closing bracket of the wrong kind closes
    what it can, and an object that begins right after a comma inside an object is taken for the next record.
    """

    def __init__(
        self, limit: int, *, offset: int = 0, in_array: bool = False, strings_end_at_line: bool = False
    ) -> None:
        self.unclosed = False
        self._limit = limit
        self._base = offset
        self._in_array = in_array
        self._by_line = strings_end_at_line
        self._token = _TOKEN_BY_LINE if strings_end_at_line else _TOKEN
        self._state = _State.BETWEEN
        self._in_export = False
        self._stack: list[bytes] = []
        self._deeper = 0
        self._open: Open | None = None
        self._escaped = False

    def feed(self, chunk: bytes) -> Iterator[Stretch]:
        """The stretches that end in this chunk, in order."""
        position, end = 0, len(chunk)
        while position < end:
            match self._state:
                case _State.BETWEEN:
                    position = self._between(chunk, position)
                    continue
                case _State.INSIDE:
                    position, done = self._inside(chunk, position)
                case _State.STRING:
                    position, done = self._string(chunk, position)
                case _State.STRAY:
                    position, done = self._stray(chunk, position)
            if done is not None:
                yield done
        self._base += end

    def end(self) -> Iterator[Stretch]:
        """What was still open."""
        opened, self._open = self._open, None
        self.unclosed = self._in_array or (opened is None and bool(self._stack))
        if opened is None:
            return
        if self._state is _State.STRAY and not self._in_array:
            yield opened.close()
            return
        again: list[Stretch] = []
        if opened.kept and not self._by_line and b"\n" in (fragment := opened.joined()):
            rescue = Splitter(self._limit, offset=opened.offset, in_array=self._in_array, strings_end_at_line=True)
            again = [*rescue.feed(fragment), *rescue.end()]
        if len(again) > 1:
            self.unclosed = rescue.unclosed and not again[-1].cut
            yield from again
            return
        self.unclosed = False
        yield opened.close(cut=True, reason="the file ends inside it")

    def _start(self, state: _State, chunk: bytes, position: int) -> None:
        self._open = Open(self._base + position, self._limit)
        self._state = state

    def _finish(self, part: bytes, strip: bytes = WHITE) -> Stretch | None:
        self._state = _State.BETWEEN
        self._stack.clear()
        self._deeper = 0
        opened, self._open = self._open, None
        if opened is None:
            return None
        opened.add(part)
        return opened.close(strip=strip)

    def _keep(self, part: bytes) -> None:
        if self._open is not None:
            self._open.add(part)

    def _between(self, chunk: bytes, position: int) -> int:
        gap = _GAP.match(chunk, position)
        position = gap.end() if gap else position
        first = chunk[position : position + 1]
        if first == b"{" or (first == b"[" and self._in_array):
            self._start(_State.INSIDE, chunk, position)
        elif first == b"[":
            self._in_array = True
            return position + 1
        elif first == b"]" and self._in_array:
            self._close_array()
            return position + 1
        elif first == b'"' and self._in_array:
            self._start(_State.STRING, chunk, position)
            self._keep(first)
            return position + 1
        elif first:
            self._start(_State.STRAY, chunk, position)
            # It may be a bracket the pattern would stop at.
            self._keep(first)
            return position + 1
        return position

    def _close_array(self) -> None:
        self._in_array = False
        if self._in_export:
            self._in_export = False
            self._stack = [b"{"]
            self._state = _State.INSIDE

    def _inside(self, chunk: bytes, start: int) -> tuple[int, Stretch | None]:
        stack = self._stack
        for token in self._token.finditer(chunk, start):
            char, end = token[1], token.end()
            if char == b"{" or char == b"[":
                if stack:
                    if (
                        stack[-1] == b"{"
                        and chunk[end - 2 : end - 1] != b":"
                        and chunk[end - 3 : end - 1] != b": "
                        and (broken := self._misplaced(chunk, start, end - 1)) is not None
                    ):
                        return end - 1, broken
                    if len(stack) >= _DEEPEST:
                        self._deeper += 1
                        continue
                    if char == b"[" and len(stack) == 1 and self._begins_elements(chunk, start, end - 1):
                        return end, None
                stack.append(char)
            elif char is None:
                break
            elif char == b'"':
                self._keep(chunk[start:end])
                self._state = _State.STRING
                return end, None
            elif self._deeper:
                self._deeper -= 1
            elif stack[-1] == _OPENER[char]:
                stack.pop()
                if not stack:
                    return end, self._finish(chunk[start:end])
            elif _OPENER[char] in stack[-LOOK_BACK:]:
                while stack.pop() != _OPENER[char]:
                    pass
                if not stack:
                    return end, self._finish(chunk[start:end])
            elif char == b"]" and self._in_array:
                return end - 1, self._finish(chunk[start : end - 1])
        self._keep(chunk[start:])
        return len(chunk), None

    def _misplaced(self, chunk: bytes, start: int, bracket: int) -> Stretch | None:
        """In an object a value follows a colon: after a comma, a closing brace was lost before it."""
        if self._open is None or chunk[bracket : bracket + 1] != b"{":
            return None
        if not self._before(chunk, start, bracket).rstrip(WHITE).endswith(b","):
            return None
        return self._finish(chunk[start:bracket], strip=WHITE + b",")

    def _before(self, chunk: bytes, start: int, bracket: int) -> bytes:
        """The last bytes of the open stretch before this place."""
        before = chunk[max(start, bracket - LOOK_BACK) : bracket]
        if len(before) < LOOK_BACK and self._open is not None:
            return self._open.tail() + before
        return before

    def _begins_elements(self, chunk: bytes, start: int, bracket: int) -> bool:
        if self._in_array or self._open is None or not self._open.kept:
            return False
        if not _ELEMENTS.search(self._before(chunk, start, bracket)):
            return False
        self._open = None
        self._in_array = self._in_export = True
        self._stack.clear()
        self._state = _State.BETWEEN
        return True

    def _string(self, chunk: bytes, start: int) -> tuple[int, Stretch | None]:
        position = start
        if self._escaped:
            self._escaped = False
            position += 1
        found = _STRING.match(chunk, position)
        position = found.end() if found else position
        if chunk[position : position + 1] == b'"':
            if not self._stack:
                return position + 1, self._finish(chunk[start : position + 1])
            self._keep(chunk[start : position + 1])
            self._state = _State.INSIDE
            return position + 1, None
        self._escaped = position < len(chunk)
        self._keep(chunk[start:])
        return len(chunk), None

    def _stray(self, chunk: bytes, start: int) -> tuple[int, Stretch | None]:
        found = (_STRAY_IN_ARRAY if self._in_array else _STRAY_AT_TOP).match(chunk, start)
        end = found.end() if found else start
        if end < len(chunk):
            return end, self._finish(chunk[start:end])
        self._keep(chunk[start:end])
        return end, None
