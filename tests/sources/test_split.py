from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.sources.lines import LineSplitter
from postkeep.sources.reading import _whole_array
from postkeep.sources.split import Splitter
from postkeep.sources.stream import Limits
from postkeep.sources.stretch import Stretch

LIMIT = 1 << 20

SPACE = st.text(" \t\r\n", max_size=3)
TEXT = st.text(st.sampled_from('{}[]",:\\/ab é\n😀\x7f'), max_size=12) | st.text(max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(TEXT, VALUES, max_size=5)
SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def fed(splitter: Splitter | LineSplitter, body: bytes, sizes: Sequence[int]) -> list[Stretch]:
    """The stretches of a body that comes in chunks of these sizes, again and again."""
    found: list[Stretch] = []
    position = turn = 0
    while position < len(body):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(body[position : position + size])
        position += size
        turn += 1
    return [*found, *splitter.end()]


def cut(body: bytes, size: int = 1 << 16) -> tuple[list[tuple[bytes | None, str | None]], bool]:
    splitter = Splitter(LIMIT)
    return [(s.body, s.reason) for s in fed(splitter, body, [size])], splitter.unclosed


@st.composite
def arrays(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """A JSON array and where its elements stand."""
    text = draw(SPACE).encode() + b"["
    places = []
    for number, record in enumerate(draw(st.lists(RECORDS, max_size=6))):
        written = json.dumps(
            record, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
        ).encode("utf-8", "surrogatepass")
        text += (b"," if number else b"") + draw(SPACE).encode()
        places.append((len(text), written))
        text += written + draw(SPACE).encode()
    return text + b"]" + draw(SPACE).encode(), places


@settings(max_examples=100, deadline=None)
@given(arrays(), SIZES)
def test_an_array_in_any_chunks_gives_its_elements(
    array: tuple[bytes, list[tuple[int, bytes]]], sizes: list[int]
) -> None:
    text, places = array
    splitter = Splitter(LIMIT)
    found = fed(splitter, text, sizes)
    assert [(s.offset, s.body) for s in found] == places
    assert not splitter.unclosed
    assert not any(s.reason for s in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 0, 2]), st.booleans())
def test_the_fast_way_gives_the_same_as_the_slow_one(
    values: list[object], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    fast = _whole_array(text, 0, Limits())
    assert fast is not None
    assert fast == fed(Splitter(LIMIT), text, [5])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(RECORDS, st.sampled_from(["\n", "\r\n", "\n\n", " \n"])), max_size=6), SIZES)
def test_lines_in_any_chunks_give_their_records(
    lines: list[tuple[dict[str, object], str]], sizes: list[int]
) -> None:
    text, places = b"", []
    for record, newline in lines:
        written = json.dumps(record).encode()
        places.append((len(text), written))
        text += written + newline.encode()
    assert [(s.offset, s.body) for s in fed(LineSplitter(LIMIT), text, sizes)] == places
    # And objects one after the other need no lines.
    assert [(s.offset, s.body) for s in fed(Splitter(LIMIT), text, sizes)] == places


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:\\ab1 \n', max_size=60).map(str.encode), SIZES, st.booleans())
def test_no_bytes_are_lost_or_told_twice(body: bytes, sizes: list[int], by_line: bool) -> None:
    splitter: Splitter | LineSplitter = LineSplitter(LIMIT) if by_line else Splitter(LIMIT)
    position = 0
    for stretch in fed(splitter, body, sizes):
        assert stretch.offset >= position
        assert stretch.body == body[stretch.offset : stretch.offset + stretch.length]
        assert stretch.length > 0
        between = body[position : stretch.offset]
        assert not between.strip(b" \t\r\n,[]" if not by_line else b" \t\r\n")
        position = stretch.offset + stretch.length
    assert not body[position:].strip(b" \t\r\n,[]")


@pytest.mark.parametrize("size", [1, 2, 3, 1 << 16])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'[{"a":1} xyz {"b":2}]', [b'{"a":1}', b"xyz", b'{"b":2}']),
        (b'[{"a":1},,{"b":2},]', [b'{"a":1}', b'{"b":2}']),
        (b'[{"a":1}, null, -1.5e3, "x,]{", [{}], {"b":2}]', None),
        (b'[{"a":1}] tail', [b'{"a":1}', b"tail"]),
        (b'[{"a":1}]]\n{"b":2}', [b'{"a":1}', b"]", b'{"b":2}']),
        (b'[{"a":1}][{"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b'[{"a":1}}, {"b":2}]', [b'{"a":1}', b"}", b'{"b":2}']),
        (b'[{"a":[1,2}, {"b":2}]', [b'{"a":[1,2}', b'{"b":2}']),
        (b'[{"a":1], {"b":2}]', [b'{"a":1', b'{"b":2}', b"]"]),
        (
            b'{"search":{"q":["a"]},"matching_elements" : [{"a":1},{"b":[2]}],"z":{"y":[1]}}',
            [b'{"a":1}', b'{"b":[2]}'],
        ),
        (b'{"matching_elements":[]}', []),
        (b'{"x":"\\"matching_elements\\":[","y":[{}]}', [b'{"x":"\\"matching_elements\\":[","y":[{}]}']),
        (b"42", [b"42"]),
        (b"not json\n{}", [b"not json", b"{}"]),
    ],
)
def test_neighbours_of_what_is_wrong_arrive(body: bytes, found: list[bytes] | None, size: int) -> None:
    stretches, unclosed = cut(body, size)
    if found is not None:
        assert [body for body, _ in stretches] == found
    else:
        assert [reason for _, reason in stretches] == [
            None,
            "record is null, not an object",
            "record is a number, not an object",
            "record is a string, not an object",
            "record is an array, not an object",
            None,
        ]
    assert not unclosed


def test_a_lost_closing_brace_costs_one_record() -> None:
    stretches, unclosed = cut(b'[{"a":{"b":1}, {"c":2},\n{"d":[{"e":1}, {"f":1}]}]')
    assert [body for body, _ in stretches] == [b'{"a":{"b":1}', b'{"c":2}', b'{"d":[{"e":1}, {"f":1}]}']
    assert not unclosed


def test_a_lost_quote_in_indented_text_costs_one_record() -> None:
    records = [{"a": f"text {number}", "b": {"c": "d"}} for number in range(5)]
    text = json.dumps(records, indent=2).encode().replace(b'text 1"', b"text 1")
    stretches, unclosed = cut(text)
    assert len(stretches) == 5
    assert [json.loads(stretches[n][0] or b"") for n in (0, 2, 3, 4)] == [records[n] for n in (0, 2, 3, 4)]
    assert not unclosed


@pytest.mark.parametrize("size", [1, 3, 1 << 16])
@pytest.mark.parametrize(
    ("body", "found", "unclosed"),
    [
        (b'[{"a":1},{"b":', [b'{"a":1}', b'{"b":'], False),
        (b'[{"a":1},{"b":"x\\', [b'{"a":1}', b'{"b":"x\\'], False),
        (b'[{"a":1},nul', [b'{"a":1}', b"nul"], False),
        (b'[{"a":1}', [b'{"a":1}'], True),
        (b'[{"a":1}, \n', [b'{"a":1}'], True),
        (b"[", [], True),
        (b'{"a":', [b'{"a":'], False),
        (b'{"matching_elements":[{"a":1}]', [b'{"a":1}'], True),
        (b'{"matching_elements":[{"a":1},', [b'{"a":1}'], True),
    ],
)
def test_a_truncated_file(body: bytes, found: list[bytes], unclosed: bool, size: int) -> None:
    splitter = Splitter(LIMIT)
    stretches = fed(splitter, body, [size])
    assert [s.body for s in stretches] == found
    assert splitter.unclosed is unclosed
    if not unclosed:
        assert stretches[-1].cut


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_what_is_above_the_limit_is_hashed_and_skipped(size: int) -> None:
    large = b'{"a":"' + b'x\\"' * 50 + b'"}'
    body = b'[{"a":1},' + large + b',{"b":2}]'
    first, skipped, last = fed(Splitter(100), body, [size])
    assert (first.body, last.body) == (b'{"a":1}', b'{"b":2}')
    assert (skipped.body, skipped.length, skipped.offset) == (None, len(large), 9)
    assert skipped.sha256 == hashlib.sha256(large).hexdigest()
    assert "limit" in (skipped.reason or "")
    first, skipped, last = fed(LineSplitter(100), b'{"a":1}\n' + large + b'\n{"b":2}\n', [size])
    assert (first.body, skipped.body, last.body) == (b'{"a":1}', None, b'{"b":2}')
    assert skipped.sha256 == hashlib.sha256(large).hexdigest()


@pytest.mark.parametrize("size", [1, 4, 1 << 16])
def test_a_broken_line_costs_only_itself(size: int) -> None:
    body = b'{"a":"lost quote}\n{"b":1\n\xff\xfe\n{"c":"\x00\xff"}\n\n[1]\n{"d":1}{"e":1}\r\n{"f":'
    found = fed(LineSplitter(LIMIT), body, [size])
    assert [(s.body, s.reason) for s in found] == [
        (b'{"a":"lost quote}', None),
        (b'{"b":1', "its brackets do not match"),
        (b"\xff\xfe", "not JSON"),
        (b'{"c":"\x00\xff"}', None),
        (b"[1]", "record is an array, not an object"),
        (b'{"d":1}', None),
        (b'{"e":1}', None),
        (b'{"f":', "the file ends inside it"),
    ]
    assert found[-1].cut


def test_depth_is_counted_and_not_climbed() -> None:
    deep = b'{"a":' * 200 + b"[" * 100_000 + b"]" * 100_000 + b"}" * 200
    assert cut(b"[" + deep + b',{"b":1}]')[0] == [(deep, None), (b'{"b":1}', None)]
    deeper = b'{"a":' + b"[" * 1_000_100 + b"]" * 1_000_100 + b"}"
    found = fed(Splitter(1 << 22), b"[" + deeper + b',{"b":1}]', [1 << 20])
    assert [s.body for s in found] == [deeper, b'{"b":1}']


@pytest.mark.parametrize("filling", [b"x", b'\\"', b"\\\\", b"{[", b"\\n"])
def test_long_strings(filling: bytes) -> None:
    record = b'{"a":"' + filling * (10_000_000 // len(filling)) + b'"}'
    found = fed(Splitter(1 << 24), b"[" + record + b"]", [1 << 20])
    assert [s.body == record for s in found] == [True]
