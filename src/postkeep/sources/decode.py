"""Reading a record's JSON, also where its text is damaged, into values every database can hold."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

import orjson

from postkeep.errors import ParseError
from postkeep.model import Json

_NUL = b"\\u0000"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"

# What orjson allows; the standard library's own limit differs from one Python to the next.
_DEEPEST = 1024
_TOO_DEEP = "it is too deeply nested"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record's value; `altered` says that something in it could not be kept as it was written."""

    value: Json
    altered: bool


def decode(body: bytes) -> Decoded:
    """Decode one record.

    NUL, lone surrogates and bytes that are not UTF-8 become U+FFFD each, NaN and infinite numbers None; of equal
    keys the last one counts. Raises ParseError, and nothing else, for what is no JSON, too deeply nested, or
    holds a number of thousands of digits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _cleaned(_tolerantly(body))
    return _cleaned(value) if _NUL in body else Decoded(value, altered=False)


def _tolerantly(body: bytes) -> Json:
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), strict=False)
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg} (character {error.pos})") from error
    except ValueError as error:
        raise ParseError("it holds a number with too many digits") from error
    except RecursionError as error:
        raise ParseError(_TOO_DEEP) from error


def _cleaned(value: Json) -> Decoded:
    """Replace what cannot be stored, in place and without recursion: the value is ours alone."""
    root = [value]
    altered = False
    todo: list[tuple[list[Json] | dict[str, Json], int]] = [(root, 0)]
    while todo:
        container, depth = todo.pop()
        if depth > _DEEPEST:
            raise ParseError(_TOO_DEEP)
        if isinstance(container, dict):
            if any(map(_UNSTORABLE.search, container)):
                altered = True
                pairs = [(_UNSTORABLE.sub(_REPLACEMENT, key), child) for key, child in container.items()]
                container.clear()
                container.update(pairs)
            places: list[tuple[Json, Json]] = list(container.items())
        else:
            places = list(enumerate(container))
        for place, child in places:
            if isinstance(child, (dict, list)):
                todo.append((child, depth + 1))
            elif isinstance(child, str) and _UNSTORABLE.search(child):
                container[place] = _UNSTORABLE.sub(_REPLACEMENT, child)
                altered = True
            elif isinstance(child, float) and not math.isfinite(child):
                container[place] = None
                altered = True
    return Decoded(root[0], altered)
