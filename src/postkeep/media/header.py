"""Reading of strangers' headers with a budget, so that no file can make us read or loop without end."""

from __future__ import annotations

from typing import BinaryIO

MAX_BYTES = 1024 * 1024
MAX_READS = 2048
_LARGEST = 2**31 - 1
_LONGEST = 366 * 86_400.0


class Odd(Exception):
    """The header is not what its format promises, or the budget is spent; its readers turn it into an answer."""


class Header:
    """Random access to a file of `size` bytes, so many of them in so many reads."""

    def __init__(
        self, file: BinaryIO, size: int, *, most_bytes: int = MAX_BYTES, most_reads: int = MAX_READS
    ) -> None:
        self.size = size
        self._file = file
        self._bytes = most_bytes
        self._reads = most_reads

    def at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes; raises Odd when the file ends before or the budget does."""
        found = self.upto(offset, length)
        if len(found) != length:
            raise Odd
        return found

    def upto(self, offset: int, length: int) -> bytes:
        """At most `length` bytes, fewer at the end of the file; raises Odd when the budget is spent."""
        if length > self._bytes or self._reads <= 0 or not 0 <= offset <= self.size:
            raise Odd
        self._reads -= 1
        self._bytes -= length
        self._file.seek(offset)
        return self._file.read(length)


def pixels(width: int, height: int) -> tuple[int | None, int | None]:
    """A pair of sides as it may be stored: both within 1..2^31-1, or neither."""
    if 0 < width <= _LARGEST and 0 < height <= _LARGEST:
        return width, height
    return None, None


def seconds(units: float, per_second: float) -> float | None:
    """A length of time in seconds; None where it is zero, not finite, or longer than a year."""
    if not per_second > 0:
        return None
    length = units / per_second
    return length if 0 < length < _LONGEST else None
