"""From arguments to raw records, one source after the other, whatever state the files are in."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from postkeep.model import BadRecord, BadSource, Observation, ObservedSource, Place, RawRecord, SourceDone
from postkeep.sources.lines import LineSplitter
from postkeep.sources.names import observe
from postkeep.sources.split import Splitter
from postkeep.sources.stream import ByteStream, Limits, said
from postkeep.sources.stretch import WHITE, Stretch, flaw
from postkeep.sources.tree import Found, Tree

STDIN = "-"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"[\0", b"{\0", b"\0[", b"\0{")
_FOREIGN = {b"PK\x03\x04": "a ZIP archive", b"\x28\xb5\x2f\xfd": "compressed with zstd", b"<": "a web page"}
_LINE_NAMES = re.compile(r"\.(?:jsonl|ndjson)(?:\.gz)?", re.IGNORECASE)
# No JSON document has a line that is an object and, without a comma, another object after it.
_TWO_LINES = re.compile(rb"^[ \t]*\{[^\n]*\}[ \t\r]*\n\s*\{", re.MULTILINE)
_BARE_BRACE = re.compile(rb"\{[ \t\r]*\n")

_elements = msgspec.json.Decoder(list[msgspec.Raw])

SourceEvent = RawRecord | BadRecord | BadSource | SourceDone


def read_sources(
    arguments: Sequence[str | Path],
    *,
    zone: ZoneInfo,
    now: Callable[[], datetime],
    stdin: BinaryIO | None = None,
) -> Iterator[SourceEvent]:
    """Read every record behind the arguments: files, folders with all below them, and `-` for `stdin`.

    Arguments are read in their order, folders in the order of names, and a file reached twice only once. Of a
    folder `.json`, `.jsonl` and `.ndjson` files are taken, each also with `.gz` or `.xz`; a file named itself is
    read whatever it is called, by its content. Stamps in names are read in `zone`. What cannot be read is an
    event, never an exception, and the rest goes on. Records come one by one, and memory is bounded by the largest.
    """
    yield from Reading(zone, now).read(arguments, stdin)


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is the same for all records of a source; `lines` says that its name promises one record a line."""

    shown: str
    observation: Observation
    via: str | None = None
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads sources within limits."""

    zone: ZoneInfo
    now: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)

    def read(self, arguments: Sequence[str | Path], stdin: BinaryIO | None) -> Iterator[SourceEvent]:
        """As read_sources."""
        tree = Tree()
        asked_stdin = False
        for argument in map(str, arguments):
            if argument != STDIN:
                for found in tree.find(argument):
                    if isinstance(found, BadSource):
                        yield found
                    else:
                        yield from self._file(found)
            elif not asked_stdin:
                asked_stdin = True
                if stdin is None:
                    yield BadSource(STDIN, "there is no standard input")
                else:
                    observation = Observation(self.now().astimezone(UTC), ObservedSource.MTIME)
                    yield from self._source(stdin, _Origin(STDIN, observation))

    def _file(self, found: Found) -> Iterator[SourceEvent]:
        try:
            file = found.path.open("rb")
        except FileNotFoundError:
            yield BadSource(found.shown, "it vanished before it could be read")
            return
        except (OSError, ValueError) as error:
            yield BadSource(found.shown, f"it cannot be read: {said(error)}")
            return
        with file:
            try:
                observation, via = self._observe(found.path, os.fstat(file.fileno()))
            except OSError as error:
                yield BadSource(found.shown, f"it cannot be read: {said(error)}")
                return
            lines = bool(_LINE_NAMES.search("".join(found.path.suffixes[-2:])))
            yield from self._source(file, _Origin(found.shown, observation, via, lines))

    def _observe(self, path: Path, stat: os.stat_result) -> tuple[Observation, str | None]:
        """By the path as it was named; where that tells nothing, by the path its links lead to."""
        try:
            mtime = _EPOCH + timedelta(microseconds=stat.st_mtime_ns // 1000)
        except OverflowError:
            # Some file systems keep times beyond the year 9999.
            mtime = self.now()
        # Without `..`, or the folder that was left again would count.
        named = observe(Path(os.path.abspath(path)), zone=self.zone, mtime=mtime)  # noqa: PTH100
        if named[0].known:
            return named
        return observe(Path(os.path.realpath(path)), zone=self.zone, mtime=mtime)

    def _source(self, file: BinaryIO, origin: _Origin) -> Iterator[SourceEvent]:
        stream = ByteStream(file, self.limits)
        chunks = iter(stream)
        head, ended = self._head(chunks)
        start = len(_BOM) if head.startswith(_BOM) else 0
        reason = None if stream.trouble else _not_ours(head, start, ended=ended)
        if reason is not None:
            yield BadSource(origin.shown, reason)
            return
        if ended and stream.trouble is None:
            whole = _whole_array(head, start, self.limits)
            if whole is not None:
                for number, stretch in enumerate(whole, 1):
                    yield _event(stretch, number, origin)
                yield SourceDone(origin.shown, len(whole))
                return
        splitter = self._splitter(head, start, origin)
        number = 0
        for stretch in _cut(splitter, head[start:], chunks):
            number += 1
            yield _event(stretch, number, origin)
        if stream.trouble is not None:
            yield BadSource(origin.shown, stream.trouble)
        elif splitter.unclosed:
            yield BadSource(
                origin.shown, "the file ends before its closing bracket; every complete record was read"
            )
        else:
            yield SourceDone(origin.shown, number)

    def _head(self, chunks: Iterator[bytes]) -> tuple[bytes, bool]:
        """The first bytes, and whether they are all; a usual file is read whole here."""
        gathered: list[bytes] = []
        size = 0
        for chunk in chunks:
            gathered.append(chunk)
            size += len(chunk)
            if size > self.limits.whole:
                return b"".join(gathered), False
        return b"".join(gathered), True

    def _splitter(self, head: bytes, start: int, origin: _Origin) -> Splitter | LineSplitter:
        text = head[start:].lstrip(WHITE)
        if text[:1] != b"[":
            promised = origin.lines and not _BARE_BRACE.match(text)
            if promised or _TWO_LINES.search(text):
                return LineSplitter(self.limits.record, offset=start)
        return Splitter(self.limits.record, offset=start)


def _cut(splitter: Splitter | LineSplitter, head: bytes, chunks: Iterator[bytes]) -> Iterator[Stretch]:
    yield from splitter.feed(head)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.end()


def _whole_array(buffer: bytes, start: int, limits: Limits) -> list[Stretch] | None:
    """The elements of a sound array, cut in C; None for anything else."""
    if len(buffer) > limits.record or buffer[start:].lstrip(WHITE)[:1] != b"[":
        return None
    try:
        elements = _elements.decode(memoryview(buffer)[start:])
    except (msgspec.DecodeError, RecursionError):
        return None
    found = []
    position = buffer.index(b"[", start) + 1
    for element in elements:
        body = bytes(element)
        # Only white space and a comma stand in between, so this looks no further than the next element.
        offset = buffer.index(body, position)
        position = offset + len(body)
        found.append(Stretch(offset, len(body), body, flaw(body)))
    return found


def _not_ours(head: bytes, start: int, *, ended: bool) -> str | None:
    """Why this is no JSON at all, by its first bytes."""
    if not head:
        return "the file is empty (0 bytes), as a failed scrape leaves it"
    if head.startswith(_UTF_16):
        return "the file is UTF-16; save it as UTF-8"
    text = head[start:].lstrip(WHITE)
    if not text:
        return "the file holds nothing but white space" if ended else None
    for magic, what in _FOREIGN.items():
        if text.startswith(magic):
            return f"the file is not JSON but {what}"
    if text[:1] not in b"[{" and b"\0" in text[:1024]:
        return "the file is not JSON but binary"
    return None


def _event(stretch: Stretch, number: int, origin: _Origin) -> RawRecord | BadRecord:
    place = Place(origin.shown, number, stretch.offset)
    if stretch.reason is None and stretch.body is not None:
        return RawRecord(stretch.body, place, origin.observation, origin.via)
    reason = stretch.reason or "not JSON"
    if stretch.cut and stretch.body is not None:
        reason = f"the file ends inside record {number}"
    sha256 = stretch.sha256 or hashlib.sha256(stretch.body or b"").hexdigest()
    return BadRecord(place, origin.observation, reason, stretch.length, sha256, stretch.body, origin.via)
