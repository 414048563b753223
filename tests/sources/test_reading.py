from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postkeep.model import BadRecord, BadSource, ObservedSource, RawRecord, SourceDone
from postkeep.sources import read_sources
from postkeep.sources.decode import decode
from postkeep.sources.reading import Reading, SourceEvent
from postkeep.sources.stream import Limits

NOW = datetime(2025, 12, 1, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
ONE, TWO = b'{"id": 1}', b'{"id": [2, "x"]}'


def read(*arguments: str | Path, stdin: io.BufferedIOBase | None = None, **limits: int) -> list[SourceEvent]:
    reading = Reading(UTC_ZONE, lambda: NOW, Limits(**limits))
    return list(reading.read(arguments, stdin))  # type: ignore[arg-type]


def bodies(events: list[SourceEvent]) -> list[bytes | None]:
    return [event.body for event in events if isinstance(event, RawRecord | BadRecord)]


def reasons(events: list[SourceEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, BadRecord | BadSource)]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(content: bytes, name: str = "posts.json") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return written


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("whole", [1 << 20, 16])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["posts.json", "posts.jsonl", "posts.ndjson", "posts"])
@pytest.mark.parametrize(
    "content",
    [
        b" [" + ONE + b" ,\n" + TWO + b"]\n",
        ONE + b"\n" + TWO,
        ONE + b"\r\n\r\n" + TWO + b"\r\n",
        ONE + TWO + b"\n",
        b'{"search": {"q": "x"}, "matching_elements": [' + ONE + b"," + TWO + b"]}",
    ],
)
def test_every_format_is_known_by_its_content(
    write: Any, content: bytes, name: str, bom: bytes, whole: int, packed: bool
) -> None:
    if content.startswith(b'{"search"') and name.endswith(("jsonl", "ndjson")):
        # Where the name promises lines, only a bare brace says otherwise.
        content = content.replace(b'{"search"', b'{\n"search"')
    content = bom + content
    path = write(gzip.compress(content) if packed else content, name)
    events = read(path, whole=whole, chunk=5)
    assert bodies(events) == [ONE, TWO]
    assert events[-1] == SourceDone(str(path), 2)
    for number, event in enumerate(events[:-1], 1):
        assert isinstance(event, RawRecord)
        place = event.place
        assert (place.source, place.number) == (str(path), number)
        assert content[place.offset : place.offset + len(event.body)] == event.body


@pytest.mark.parametrize(
    ("content", "found", "done"),
    [
        (b"[]", 0, True),
        (b" \n[ ]\n", 0, True),
        (b'{\n "a": {\n  "b": 1\n }\n}\n', 1, True),
        (b'{\n "a": 1\n}\n{\n "a": 2\n}\n', 2, True),
        (b"[1, null]", 2, True),
        (b"null", 1, True),
    ],
)
def test_small_documents(write: Any, content: bytes, found: int, done: bool) -> None:
    path = write(content)
    events = read(path)
    assert len(bodies(events)) == found
    assert (events[-1] == SourceDone(str(path), found)) is done


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty .* failed scrape"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b" \n\t", "white space"),
        (b"\xef\xbb\xbf", "white space"),
        ('[{"a":1}]'.encode("utf-16"), "UTF-16"),
        ('[{"a":1}]'.encode("utf-16-le"), "UTF-16"),
        ('{"a":1}'.encode("utf-16-be"), "UTF-16"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PK\x03\x04" + bytes(9), "ZIP"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        (bytes(4096), "binary"),
    ],
)
def test_files_that_hold_no_json(write: Any, content: bytes, says: str) -> None:
    path = write(content)
    (event,) = read(path)
    assert isinstance(event, BadSource)
    assert event.source == str(path)
    assert re.search(says, event.reason)


def test_what_is_no_object_is_kept_with_its_bytes(write: Any) -> None:
    events = read(write(b'[null, {"a":1}, "x"]'))
    bad, good, also_bad, done = events
    assert isinstance(bad, BadRecord)
    assert (bad.body, bad.length, bad.reason) == (b"null", 4, "record is null, not an object")
    assert bad.sha256 == hashlib.sha256(b"null").hexdigest()
    assert isinstance(good, RawRecord)
    assert good.place.number == 2
    assert isinstance(also_bad, BadRecord)
    assert isinstance(done, SourceDone)
    assert done.records == 3


@pytest.mark.parametrize("whole", [1 << 20, 3])
def test_a_truncated_array_keeps_what_was_complete(write: Any, whole: int) -> None:
    content = json.dumps([{"id": number, "text": "a [b] {c} é"} for number in range(4)]).encode()
    complete = json.loads(content)
    for end in range(len(content)):
        events = read(write(content[:end]), whole=whole, chunk=7)
        arrived = [json.loads(event.body) for event in events if isinstance(event, RawRecord)]
        assert arrived == complete[: len(arrived)]
        last = events[-1]
        if isinstance(last, BadSource):
            assert end == 0 or "closing bracket" in last.reason
        else:
            *_, tail, last = events
            assert isinstance(tail, BadRecord)
            assert tail.reason == f"the file ends inside record {len(arrived) + 1}"
            assert tail.body == content[tail.place.offset : end].rstrip()
            assert last == SourceDone(tail.place.source, len(arrived) + 1)


def test_a_broken_line_names_its_record(write: Any) -> None:
    events = read(write(b'{"a":1}\nrubbish\n{"a":2}\n{"a":', "p.jsonl"))
    assert [type(event) for event in events] == [RawRecord, BadRecord, RawRecord, BadRecord, SourceDone]
    assert reasons(events) == ["not JSON", "the file ends inside record 4"]


@pytest.mark.parametrize("first", [b'{"a":', b"Run started", b'"a":1}', b"[1"])
def test_lines_are_recognised_behind_a_broken_one(write: Any, first: bytes) -> None:
    events = read(write(first + b'\n{"b":1}\n{"b":2}\n'))
    assert bodies(events)[-2:] == [b'{"b":1}', b'{"b":2}']


def test_a_line_before_the_array(write: Any) -> None:
    events = read(write(b"Run: succeeded, 2 posts\n[\n" + ONE + b",\n" + TWO + b"\n]\n"))
    assert bodies(events) == [b"Run: succeeded, 2 posts", ONE, TWO]


@pytest.mark.parametrize("name", ["p.json", "p.jsonl"])
@pytest.mark.parametrize("body", [b'{"a":"\x00"}', b'{"a":"\xff\xc3"}', b'{"a":' * 200 + b"1" + b"}" * 200])
def test_bytes_that_are_no_text_are_passed_on(write: Any, body: bytes, name: str) -> None:
    separator = b"\n" if name.endswith("l") else b","
    content = body + separator + ONE
    content = content if name.endswith("l") else b"[" + content + b"]"
    assert bodies(read(write(content, name))) == [body, ONE]


def test_a_long_string_and_a_record_above_the_limit(write: Any) -> None:
    ten = b'{"a":"' + b"x" * 10_000_000 + b'"}'
    large = b'{"a":"' + b"x" * (65 << 20) + b'"}'
    path = write(b"[" + b",".join([ONE, ten, large, TWO]) + b"]")
    first, long, skipped, last, done = read_sources([path], zone=UTC_ZONE, now=lambda: NOW)
    assert isinstance(first, RawRecord)
    assert isinstance(long, RawRecord)
    assert isinstance(last, RawRecord)
    assert (first.body, last.body, len(long.body)) == (ONE, TWO, len(ten))
    assert isinstance(skipped, BadRecord)
    assert (skipped.body, skipped.length) == (None, len(large))
    assert skipped.place.offset == 1 + len(ONE) + 1 + len(ten) + 1
    assert skipped.sha256 == hashlib.sha256(large).hexdigest()
    assert "larger than the limit of 64 MiB" in skipped.reason
    assert done == SourceDone(str(path), 4)


# --- packed ---

Packer = Callable[[bytes], bytes]
packers = pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])


@packers
def test_packed_is_known_by_its_bytes_and_may_have_members(write: Any, pack: Packer) -> None:
    packed = pack(b"[" + ONE) + pack(b"," + TWO + b"]") + bytes(512)
    for chunk in (1, 3, 1 << 20):
        events = read(write(packed, "posts.json"), chunk=chunk)
        assert bodies(events) == [ONE, TWO]
        assert isinstance(events[-1], SourceDone)


@packers
def test_a_truncated_file_keeps_what_came_before(write: Any, pack: Packer) -> None:
    content = b"[" + b",".join(json.dumps({"id": os.urandom(20).hex()}).encode() for _ in range(200)) + b"]"
    packed = pack(content)
    events = read(write(packed[: len(packed) // 2], "posts.json.gz"))
    *records, fragment, source = events
    assert len(records) > 50
    assert all(isinstance(event, RawRecord) for event in records)
    assert isinstance(fragment, BadRecord)
    assert fragment.reason == f"the file ends inside record {len(records) + 1}"
    assert isinstance(source, BadSource)
    assert "cut off" in source.reason


@packers
def test_a_file_cut_behind_its_last_byte_of_content_is_told(write: Any, pack: Packer) -> None:
    events = read(write(pack(b"[" + ONE + b"]")[:-6]))
    assert bodies(events) == [ONE]
    assert "cut off" in reasons(events)[0]


@packers
@pytest.mark.parametrize("tail", [b"rubbish", b"\0\0x"])
def test_what_follows_packed_bytes_is_told(write: Any, pack: Packer, tail: bytes) -> None:
    events = read(write(pack(b"[" + ONE + b"]") + tail))
    assert bodies(events) == [ONE]
    assert "not compressed" in reasons(events)[0]


@packers
def test_a_damaged_file_is_told(write: Any, pack: Packer) -> None:
    packed = bytearray(pack(b"[" + ONE + b"]"))
    packed[-7] ^= 0xFF
    events = read(write(bytes(packed)))
    assert "damaged" in reasons(events)[-1]
    assert isinstance(events[-1], BadSource)
    assert "damaged" in reasons(read(write(pack(b"")[:6] + b"\xff" * 50)))[0]


@packers
def test_a_bomb_is_stopped_and_its_first_records_stay(write: Any, pack: Packer) -> None:
    content = b"[" + ONE + b"," + TWO + b', {"a":"' + b"x" * 2_000_000
    events = read(write(pack(content)), unpacked=100_000, ratio=200, chunk=4096)
    assert bodies(events)[:2] == [ONE, TWO]
    assert isinstance(events[-1], BadSource)
    assert "compression ratio" in events[-1].reason
    # Either limit alone stops nothing.
    for limits in ({"unpacked": 100_000, "ratio": 5000}, {"unpacked": 10_000_000, "ratio": 2}):
        assert "compression ratio" not in str(read(write(pack(content)), chunk=4096, **limits))


# --- standard input ---


def test_standard_input_is_observed_now_and_read_once() -> None:
    for content in (b"[" + ONE + b"," + TWO + b"]", gzip.compress(ONE + b"\n" + TWO)):
        events = read("-", "-", stdin=io.BytesIO(content))
        assert bodies(events) == [ONE, TWO]
        assert events[-1] == SourceDone("-", 2)
        first = events[0]
        assert isinstance(first, RawRecord)
        assert (first.observation.at, first.observation.source) == (NOW, ObservedSource.MTIME)
        assert first.place.source == "-"


def test_standard_input_in_trouble() -> None:
    assert isinstance(read("-")[0], BadSource)
    assert "empty" in reasons(read("-", stdin=io.BytesIO()))[0]
    closed = io.BytesIO(ONE)
    closed.close()
    assert "closed file" in reasons(read("-", stdin=closed))[0]


# --- observation ---


def test_records_carry_what_the_path_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "20251125_101500" / "linkedin"
    folder.mkdir(parents=True)
    (folder / "dataset_ana%C3%AFs_2025-11-25_10-22-57-7.json").write_bytes(ONE)
    (folder / "other.json").write_bytes(b"[" + ONE + b",null]")
    (tmp_path / "link.json").symlink_to(folder / "dataset_ana%C3%AFs_2025-11-25_10-22-57-7.json")
    named = (datetime(2025, 11, 25, 10, 22, 57, 7000, tzinfo=UTC), ObservedSource.FILE_NAME)
    stamped = (datetime(2025, 11, 25, 10, 15, tzinfo=UTC), ObservedSource.FOLDER)

    def told(*arguments: str | Path) -> Iterator[tuple[datetime, ObservedSource, str | None]]:
        for event in read(*arguments):
            if isinstance(event, RawRecord | BadRecord):
                yield event.observation.at, event.observation.source, event.via

    assert list(told(folder)) == [(*named, "anaïs"), (*stamped, None), (*stamped, None)]
    assert list(told(tmp_path / "link.json")) == [(*named, "anaïs")]
    monkeypatch.chdir(folder)
    assert list(told("other.json")) == [(*stamped, None)] * 2
    (tmp_path / "plain.json").write_bytes(ONE)
    os.utime(tmp_path / "plain.json", ns=(0, 1_700_000_000_123_456_789))
    monkeypatch.chdir(tmp_path)
    at = datetime(2023, 11, 14, 22, 13, 20, 123_456, tzinfo=UTC)
    assert list(told(folder / ".." / ".." / "plain.json")) == [(at, ObservedSource.MTIME, None)]


# --- files that fail while they are read ---


class Failing(io.BytesIO):
    """Gives its bytes, and fails where they would end."""

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if not part:
            raise OSError(5, "Input/output error")
        return part


def test_a_read_error_keeps_what_came_before() -> None:
    for whole in (1 << 20, 3):
        events = read("-", stdin=Failing(b"[" + ONE + b"," + TWO + b',{"a":'), whole=whole, chunk=4)
        assert [type(event) for event in events] == [RawRecord, RawRecord, BadRecord, BadSource]
        assert reasons(events) == [
            "the file ends inside record 3",
            "it could not be read further: input/output error",
        ]
    (only,) = read("-", stdin=Failing(b""))
    assert isinstance(only, BadSource)


def test_closing_the_reading_closes_the_file(write: Any) -> None:
    events = read_sources([write(b"[" + ONE + b"," + TWO + b"]")], zone=UTC_ZONE, now=lambda: NOW)
    assert isinstance(next(events), RawRecord)
    assert isinstance(events, Iterator)
    events.close()  # type: ignore[attr-defined]  # an open file would be a ResourceWarning


def test_the_samples_of_a_scraper_pass_unchanged(write: Any) -> None:
    records = [{"urn": {"activity_urn": str(n)}, "text": '🙂 [x] "y" \\ {', "n": None} for n in range(50)]
    events = read(write(json.dumps(records, indent=2, ensure_ascii=False).encode()))
    assert [decode(body or b"").value for body in bodies(events)] == records
