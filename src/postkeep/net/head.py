"""Reads an answer's head: at once what every answer needs, the rest when somebody asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from postkeep.errors import FetchError, NotMedia, Truncated

_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([1-9][0-9]{2})(?![0-9])")
_LENGTHS = re.compile(rb"^content-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_LENGTH = re.compile(rb"[0-9]+")
_MOST_DIGITS = 18
_CHUNKED = "chunked"
_BLANKS = (b"\r", b"\n")


class Headers(Mapping[str, str]):
    """An answer's headers: names lowercase, several of one name joined, of several Locations the first."""

    __slots__ = ("_lines", "_read")

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"Headers({self._all()!r})"

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = _read(self._lines)
            self._lines = ()
        return self._read


class Head:
    """The status of the last answer, and its headers."""

    __slots__ = ("_lower", "headers", "status")

    def __init__(self, status: int, lines: Sequence[bytes]) -> None:
        self.status = status
        self.headers = Headers(lines)
        self._lower = b"".join(lines).lower()

    def length(self, url: str) -> int | None:
        """The declared length, where there is one that counts; raises Truncated for lengths that contradict."""
        if b"transfer-encoding" in self._lower and _CHUNKED in self.headers.get("transfer-encoding", "").lower():
            return None
        lengths = set(_LENGTHS.findall(self._lower))
        if len(lengths) > 1:
            raise Truncated("the lengths it declares contradict each other", url=url)
        length = lengths.pop() if lengths else b""
        if not _LENGTH.fullmatch(length):
            return None
        # libcurl passes over what it cannot count; to us it is only too much.
        return int(length) if len(length.lstrip(b"0")) <= _MOST_DIGITS else 10**_MOST_DIGITS

    def encoding(self) -> str | None:
        """The encoding of the body, of which none was asked for; None when it has none."""
        if b"-encoding" not in self._lower:
            return None
        for name, plain in (("content-encoding", "identity"), ("transfer-encoding", _CHUNKED)):
            for each in self.headers.get(name, "").split(","):
                encoding = each.strip().lower()
                if encoding not in ("", "identity", plain):
                    return encoding[:20]
        return None


def read_head(lines: Sequence[bytes]) -> Head | None:
    """The first complete head that is not an interim answer's; what comes behind it are trailers."""
    start = 0
    for end, line in enumerate(lines):
        if not line.startswith(_BLANKS):
            continue
        found = _STATUS.match(lines[start])
        if not found:
            return None
        if not found[1].startswith(b"1"):
            return Head(int(found[1]), lines[start + 1 : end])
        start = end + 1
    return None


def check_encoding(head: Head, url: str) -> None:
    """Raise NotMedia for a body that is packed in a way that was not asked for."""
    if encoding := head.encoding():
        raise NotMedia(f"an encoded body ({encoding}) that was not asked for", url=url)


def unreadable(url: str) -> FetchError:
    return NotMedia("an answer whose head cannot be read", url=url)


def _read(lines: Sequence[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, found, value = line.decode("latin-1").partition(":")
        if not found:
            continue
        name, value = name.strip().lower(), value.strip()
        if name not in headers:
            headers[name] = value
        elif name != "location":
            headers[name] = f"{headers[name]}, {value}"
    return headers
