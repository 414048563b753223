from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import ParseError
from postkeep.sources.decode import decode

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(), children, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a":"x\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"a":"x\x00y"}', {"a": "x\ufffdy"}),
        (rb'{"a\u0000":[{"b":["\u0000"]}]}', {"a\ufffd": [{"b": ["\ufffd"]}]}),
        (rb'{"a":"\ud83d"}', {"a": "\ufffd"}),
        (rb'{"a":"\udc00\ud83d"}', {"a": "\ufffd\ufffd"}),
        (rb'{"\ud800":1,"\ud801":2}', {"\ufffd": 2}),
        (b'{"a":"caf\xe9"}', {"a": "caf\ufffd"}),
        (b'{"a":"\xed\xa0\xbd"}', {"a": "\ufffd\ufffd\ufffd"}),
        (b'{"a":NaN,"b":[Infinity,-Infinity,1e999]}', {"a": None, "b": [None, None, None]}),
        (rb'"\u0000"', "\ufffd"),
    ],
)
def test_what_a_database_cannot_hold_is_replaced(body: bytes, value: object) -> None:
    decoded = decode(body)
    assert (decoded.value, decoded.altered) == (value, True)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a":"\ud83d\ude00"}', {"a": "😀"}),
        (rb'{"a":"\\u0000"}', {"a": "\\u0000"}),
        (b'{"a":"x\ny\x01"}', {"a": "x\ny\x01"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"null", None),
        (b'{"a":' * 200 + b"1" + b"}" * 200, None),
    ],
)
def test_what_can_be_kept_is_not_altered(body: bytes, value: object) -> None:
    decoded = decode(body)
    assert not decoded.altered
    if value is not None:
        assert decoded.value == value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":\xff}', "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        (b"[" * 100_000, "nested"),
        (b"[" * 5000 + b"]" * 5000, "nested"),
        (b'{"a":' * 1500 + b"1" + b"}" * 1500, "nested"),
        (b"9" * 10_000, "digits"),
        (b'{"a":[-' + b"9" * 10_000 + b"]}", "digits"),
    ],
)
def test_what_cannot_be_read_is_a_parse_error(body: bytes, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        decode(body)


def test_cleaning_does_not_depend_on_pythons_stack() -> None:
    depth = 900
    body = b'{"a":' * depth + rb'"\u0000"' + b"}" * depth
    value = decode(body).value
    for _ in range(depth):
        value = value["a"]
    assert value == "\ufffd"


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_reads_what_json_wrote(value: object) -> None:
    decoded = decode(json.dumps(value).encode())
    if "\\u0000" not in json.dumps(value):
        assert (decoded.value, decoded.altered) == (value, False)
    assert "\0" not in json.dumps(decoded.value, ensure_ascii=False)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3)), max_size=4))
def test_damaged_bytes_give_storable_values_or_a_parse_error(
    value: object, damage: list[tuple[int, bytes]]
) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    for place, patch in damage:
        place %= len(body) + 1
        body = body[:place] + patch + body[place + len(patch) :]
    try:
        decoded = decode(body)
    except ParseError:
        return
    text = json.dumps(decoded.value, ensure_ascii=False, allow_nan=False)
    assert "\0" not in text
    text.encode()
