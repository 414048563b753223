"""Reads rows of the predecessor page by page, and makes typed values of what stands there; guesses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.adoption.aside import PREFIX, quoted
from postkeep.store.adoption.detect import BY_NAME, Columns

OldRow = Mapping[str, Any]
"""A row by column, as the driver gives its values; JSON is text."""

UNKNOWN_TYPE = "application/octet-stream"
"""The MIME type of a content of which no row tells one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No social network is older than 2003; a time beyond 2100 is another unit or a mistake.
_FIRST = int(datetime(2003, 1, 1, tzinfo=UTC).timestamp())
_LAST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_TRUE = ("1", "t", "true", "yes", "y", "on")
_FALSE = ("0", "f", "false", "no", "n", "off", "")
_LARGEST = 2**31 - 1
_NESTED = 5
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class OldTable:
    """How to read one table that was moved aside."""

    name: str
    key: str
    columns: tuple[str, ...]
    selected: str

    def pages(self, tx: Connection, size: int) -> Iterator[list[OldRow]]:
        """All rows by key, a page at a time."""
        return self._pages(tx, size, "1 = 1")

    def strays(self, tx: Connection, size: int) -> Iterator[list[OldRow]]:
        """The rows whose post is not there, by key, a page at a time."""
        there = f"SELECT 1 FROM {PREFIX}posts p WHERE p.post_id = {PREFIX}{self.name}.post_id"  # noqa: S608
        return self._pages(tx, size, f"NOT EXISTS ({there})")

    def _pages(self, tx: Connection, size: int, where: str) -> Iterator[list[OldRow]]:
        last: Any = None
        while True:
            after = "" if last is None else f" AND {self.key} > ?"
            rows = self._rows(
                bulk.execute(
                    tx,
                    f"SELECT {self.selected} FROM {PREFIX}{self.name} WHERE {where}{after}"  # noqa: S608
                    f" ORDER BY {self.key} LIMIT ?",
                    *(() if last is None else (last,)),
                    size,
                ).all()
            )
            if not rows:
                return
            yield rows
            last = rows[-1][self.key]

    def among(self, tx: Connection, column: str, values: Iterable[str]) -> list[OldRow]:
        """The rows whose column has one of these values, in no order."""
        return self._rows(
            bulk.among(
                tx,
                f"SELECT {self.selected} FROM {PREFIX}{self.name} WHERE {column} {{in}}",  # noqa: S608
                values,
            )
        )

    def count(self, tx: Connection) -> int:
        return int(tx.exec_driver_sql(f"SELECT count(*) FROM {PREFIX}{self.name}").scalar_one())  # noqa: S608

    def _rows(self, rows: Iterable[Any]) -> list[OldRow]:
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


def old_tables(columns: Columns) -> dict[str, OldTable]:
    """The predecessor's tables, by name."""
    return {name: _old_table(name, found) for name, found in columns.items()}


def _old_table(name: str, columns: Mapping[str, str]) -> OldTable:
    # Text keeps JSON as it was written, and times that no calendar of ours has, such as `infinity`.
    selected = ", ".join(
        f"{quoted(column)}::text"
        if kind in ("json", "jsonb", "uuid", "date") or kind.startswith("timestamp ")
        else quoted(column)
        for column, kind in columns.items()
    )
    return OldTable(name, BY_NAME[name].key, tuple(columns), selected)


# --- values -------------------------------------------------------------------------------------------


def as_time(value: Any) -> datetime | None:
    """An aware UTC time; naive ones are UTC, numbers are Unix time in seconds, milli- or microseconds."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        milliseconds = as_milliseconds(value)
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.replace(".", "", 1).isdecimal():
        return as_time(float(text))
    try:
        return as_time(datetime.fromisoformat(text.removesuffix(" UTC")))
    except (ValueError, OverflowError):
        return None


def _plain_number(value: Any) -> Any:
    """A number from its digits or from a decimal of the database's; anything else as it is."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value.strip())
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def as_milliseconds(value: Any) -> int | None:
    """Unix milliseconds from seconds, milli- or microseconds by their size; None outside 2003..2100."""
    value = _plain_number(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    for factor in (1000, 1, 0.001):
        milliseconds = value * factor
        if _FIRST * 1000 <= milliseconds < _LAST * 1000:
            return round(milliseconds)
    return None


def as_flag(value: Any) -> bool | None:
    """A truth value however it was stored; None where it is none."""
    if isinstance(value, bool) or value is None:
        return value
    text = str(value).strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None


def as_number(value: Any) -> int | None:
    """A number that fits our columns: 0..2^31-1, also from text; None where it is none."""
    if isinstance(value, bool):
        return None
    value = _plain_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None


def as_text(value: Any) -> str | None:
    """A text; numbers and times as they are written, bytes as UTF-8."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def replaced(text: str) -> str:
    """A text as databases can hold it: U+FFFD for every NUL and lone surrogate."""
    return _UNSTORABLE.sub("\ufffd", text)


def unwrapped(value: Any) -> Any:
    """What JSON text says, also where it is text in a JSON string; raises ValueError for what is no JSON."""
    for _ in range(_NESTED):
        if not isinstance(value, str):
            return value
        value = json.loads(value)
    return value


def innermost(text: str) -> str:
    """JSON text without the JSON strings around it; text that is no JSON string is returned as it is."""
    for _ in range(_NESTED):
        if not text.lstrip().startswith('"'):
            return text
        try:
            inner = json.loads(text)
        except ValueError:
            return text
        if not isinstance(inner, str):
            return text
        text = inner
    return text


__all__ = [
    "UNKNOWN_TYPE",
    "OldRow",
    "OldTable",
    "as_flag",
    "as_milliseconds",
    "as_number",
    "as_text",
    "as_time",
    "innermost",
    "old_tables",
    "replaced",
    "unwrapped",
]
