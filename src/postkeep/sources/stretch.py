"""What cutting a source gives: stretches of its exact bytes, and the first look at whether they can be records."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

WHITE = b" \t\r\n"
"""What JSON takes for white space."""

LOOK_BACK = 256
"""So many of its last bytes an open stretch can always tell."""

_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that are a record, or that cannot be one for `reason`.

    `offset` counts the bytes before it. Above the limit `body` is None and `sha256` says what was skipped.
    `cut` marks what was still open when the bytes ended.
    """

    offset: int
    length: int
    body: bytes | None
    reason: str | None = None
    sha256: str | None = None
    cut: bool = False


def flaw(body: bytes) -> str | None:
    """Why these bytes cannot be a record, or None.

    Only the outside is looked at: what starts with `{` and ends with `}` passes, and whoever parses it decides.
    """
    first, last = body[:1], body[-1:]
    if first == b"{":
        return None if last == b"}" and len(body) > 1 else "its brackets do not match"
    if body in (b"null", b"true", b"false"):
        what = body.decode()
    elif first == b"[":
        what = "an array"
    elif first == b'"' and last == b'"' and len(body) > 1:
        what = "a string"
    elif _NUMBER.fullmatch(body):
        what = "a number"
    else:
        return "not JSON"
    return f"record is {what}, not an object"


class Open:
    """A stretch whose end is not known yet: kept up to the limit, above it only counted and hashed."""

    def __init__(self, offset: int, limit: int) -> None:
        self.offset = offset
        self.limit = limit
        self.length = 0
        self._parts: list[bytes] = []
        self._hash = hashlib.sha256()
        self.kept = True

    def add(self, part: bytes) -> None:
        self.length += len(part)
        if self.kept:
            self._parts.append(part)
            if self.length <= self.limit:
                return
            self.kept = False
            for part in self._parts:
                self._hash.update(part)
            self._parts.clear()
        else:
            self._hash.update(part)

    def tail(self) -> bytes:
        last = b""
        for part in reversed(self._parts):
            last = part[-LOOK_BACK:] + last
            if len(last) >= LOOK_BACK:
                break
        return last

    def joined(self) -> bytes:
        return b"".join(self._parts)

    def close(self, *, cut: bool = False, reason: str | None = None, strip: bytes = WHITE) -> Stretch:
        if not self.kept:
            limit = f"record is larger than the limit of {self.limit / (1 << 20):g} MiB"
            return Stretch(self.offset, self.length, None, limit, self._hash.hexdigest(), cut)
        body = self.joined().strip(strip)
        return Stretch(self.offset, len(body), body, reason or flaw(body), cut=cut)
