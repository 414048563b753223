"""What a row is, alike on both databases, and sums of rows by which two tables are proven equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import JSON, Boolean, Float, LargeBinary, Table

from postkeep.store.types import Utc

Row = tuple[Any, ...]
"""The values of a row as both databases tell them when asked for `selected`, in the order of the columns."""

_BITS = 128


def selected(table: Table, dialect: str, columns: Sequence[str] = ()) -> str:
    """The SELECT list that makes both databases tell the same: times and JSON as text, booleans as 0 and 1.

    `columns` are all by default.
    """
    names = columns or table.columns.keys()
    return ", ".join(_spelled(f"{table.name}.{name}", table.c[name].type, dialect) for name in names)


def _spelled(name: str, kind: Any, dialect: str) -> str:
    if dialect == "sqlite":
        return name
    if isinstance(kind, Utc):
        return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    if isinstance(kind, Boolean):
        return f"{name}::int"
    return f"{name}::text" if isinstance(kind, JSON) else name


class Lines:
    """Makes one line of bytes of each row of a table; equal lines mean equal rows, on whatever database.

    JSON counts by its value: PostgreSQL keeps neither its blanks nor the order of its keys.
    """

    def __init__(self, table: Table) -> None:
        kinds = [column.type for column in table.columns]
        self._bytes = tuple(i for i, kind in enumerate(kinds) if isinstance(kind, LargeBinary))
        self._json = tuple(i for i, kind in enumerate(kinds) if isinstance(kind, JSON))
        self._floats = tuple(i for i, kind in enumerate(kinds) if isinstance(kind, Float))
        self._plain = not (self._bytes or self._json or self._floats)

    def of(self, rows: Iterable[Row]) -> list[bytes]:
        if self._plain:
            return [orjson.dumps(row, default=_odd) for row in rows]
        return [orjson.dumps(self._made_plain(row), default=_odd) for row in rows]

    def _made_plain(self, row: Row) -> list[Any]:
        values = list(row)
        for place in self._bytes:
            if isinstance(values[place], bytes):
                values[place] = f"{len(values[place])} {blake2b(values[place], digest_size=32).hexdigest()}"
        for place in self._json:
            if isinstance(values[place], str):
                values[place] = canonical_json(values[place])
        for place in self._floats:
            if isinstance(values[place], float):
                # SQLite keeps no minus before zero; JSON has no infinity.
                values[place] = repr(values[place] + 0.0)
        return values


def _odd(value: object) -> object:
    """A value no column should hold, which a SQLite file may hold all the same."""
    return [type(value).__name__, value.hex() if isinstance(value, bytes) else repr(value)]


@lru_cache(maxsize=64)
def canonical_json(text: str) -> str:
    """One spelling for all JSON texts of the same value; numbers are compared exactly, not as floats."""
    try:
        value = _distinct(json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refused))
    except (ValueError, RecursionError, ArithmeticError):
        return f"no JSON: {text}"
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _distinct(value: Any) -> Any:
    """The value with texts and numbers both spelled as texts that differ in their first letter."""
    match value:
        case str():
            return f"t{value}"
        case Decimal():
            return f"n{_number(value)}"
        case list():
            return [_distinct(each) for each in value]
        case dict():
            return {key: _distinct(each) for key, each in value.items()}
    return value


def _number(number: Decimal) -> str:
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    all_digits = "".join(map(str, digits))
    kept = all_digits.rstrip("0")
    return f"{'-' * sign}{kept}e{int(exponent) + len(all_digits) - len(kept)}"


def _refused(text: str) -> None:
    raise ValueError(text)


@dataclass(slots=True)
class Sum:
    """How many rows, and the sum of their digests: the order of rows changes neither."""

    rows: int = 0
    total: int = 0

    def add(self, lines: Sequence[bytes]) -> None:
        self.rows += len(lines)
        added = sum(int.from_bytes(blake2b(line, digest_size=_BITS // 8).digest()) for line in lines)
        self.total = (self.total + added) % (1 << _BITS)

    @property
    def checksum(self) -> str:
        """In hex; 0 for no rows."""
        return f"{self.total:0{_BITS // 4}x}"
