"""Makes the rows of a table those of the same table in another database, whatever was there before.

A row is written only where it differs: what has been copied already is its own checkpoint, and what changed in the
source since then is found the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isnan
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    exc,
)

from postkeep.errors import StoreClash, StoreError, StoreInterrupted
from postkeep.store import bulk
from postkeep.store.engine import Store
from postkeep.store.sums import Row
from postkeep.store.types import Utc, from_text, to_text
from postkeep.store.walking import Batch, Key, Walk, told

_TIMES_KEPT = 20_000


class RowWriter:
    """Writes rows of one table, as `Walk` reads them, to another database."""

    def __init__(self, table: Table, target: Store) -> None:
        self._table, self._target = table, target
        self._columns = tuple(table.columns.keys())
        self._key = tuple(column.name for column in table.primary_key)
        self._uniques = _uniques(table)
        changed = ", ".join(f"{name} = excluded.{name}" for name in self._columns if name not in self._key)
        does = f"UPDATE SET {changed}" if changed else "NOTHING"
        self._upsert = f"({', '.join(self._key)}) DO {does}"
        self._ready = _Ready(table, integers_of_sql=not target.is_sqlite)

    def fill(self, tx: Connection, rows: Sequence[Row]) -> None:
        """Insert rows into a table that was empty."""
        bulk.insert(tx, self._table, self._columns, self._ready.of(rows))

    def amend(self, tx: Connection, batch: Batch) -> int:
        """Write those rows that are not there already in the same words; returns how many.

        A row that is in the way (it has what another may have only once) is deleted: it has a later turn, or is
        gone from the source.
        """
        there = Walk(tx, self._table)
        known = there.with_keys([there.key_of(row) for row in batch.rows])
        lines = {there.key_of(row): line for row, line in zip(known.rows, known.lines, strict=True)}
        rows = [
            row for row, line in zip(batch.rows, batch.lines, strict=True) if lines.get(there.key_of(row)) != line
        ]
        if not rows:
            return 0
        ready = self._ready.of(rows)
        bulk.delete(tx, self._table, self._key, list(self._in_the_way(there, rows)))
        bulk.insert(tx, self._table, self._columns, ready, on_conflict=self._upsert)
        return len(rows)

    def _in_the_way(self, there: Walk, rows: Sequence[Row]) -> set[Key]:
        found: set[Key] = set()
        for columns in self._uniques:
            places = [self._columns.index(name) for name in columns]
            wanted = {
                values: there.key_of(row)
                for row in rows
                if None not in (values := tuple(row[place] for place in places))
            }
            found.update(key for value, key in there.holders(columns, list(wanted)) if wanted[value] != key)
        return found

    def remove(self, tx: Connection, keys: Sequence[Key]) -> None:
        bulk.delete(tx, self._table, self._key, keys)

    def refused(self, batch: Batch, error: Exception) -> StoreError:
        """Which row of a batch that was refused the target refuses, found by trying each and undoing it."""
        for row in batch.rows:
            try:
                with self._target.writing() as tx:
                    bulk.insert(tx, self._table, self._columns, self._ready.of([row]), on_conflict=self._upsert)
                    raise _Undone
            except _Undone:
                continue
            except REFUSED as found:
                key = tuple(row[self._columns.index(name)] for name in self._key)
                return StoreError(f"{told(self._table, key)}: the target cannot hold this row: {said(found)}")
        return StoreError(f"{self._table.name}: the target refused a row: {said(error)}")


class OddRow(StoreError):
    """A row of the source holds what its column is not meant to hold."""


class _Undone(Exception):
    """Takes back a transaction that was only a trial."""


REFUSED = (StoreClash, exc.DBAPIError)
"""What a database raises that does not want a row."""


def is_refusal(error: Exception) -> bool:
    """Whether the row was to blame, and not the connection."""
    return isinstance(error, REFUSED) and not isinstance(error, StoreInterrupted)


def said(error: Exception) -> str:
    text = error.message if isinstance(error, StoreError) else str(getattr(error, "orig", error))
    lines = text.strip().splitlines()
    return lines[0].removeprefix("the database refused a row: ") if lines else type(error).__name__


def gone(there: Walk, source: Walk) -> Iterator[list[Key]]:
    """The keys of the target's rows that the source does not have, in batches."""
    for keys in there.key_batches():
        known = source.known(keys)
        if lost := [key for key in keys if key not in known]:
            yield lost


def _uniques(table: Table) -> list[tuple[str, ...]]:
    constraints = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    indexes = [each.columns for each in table.indexes if each.unique]
    return sorted(tuple(column.name for column in columns) for columns in (*constraints, *indexes))


# --- values -------------------------------------------------------------------------------------


class _Ready:
    """Makes of rows as they are read what `bulk` writes; raises StoreError, naming the row, for odd values.

    SQLite lets anything stand anywhere. What a column is not meant to hold would arrive as something else, or in
    a database where the program that reads it stumbles.
    """

    def __init__(self, table: Table, *, integers_of_sql: bool) -> None:
        self._table = table
        self._places = [(i, column.name, column.type) for i, column in enumerate(table.columns)]
        self._key = [table.columns.keys().index(column.name) for column in table.primary_key]
        self._bounded = integers_of_sql
        self._times: dict[str, datetime] = {}

    def of(self, rows: Sequence[Row]) -> list[list[Any]]:
        if len(self._times) >= _TIMES_KEPT:
            self._times.clear()
        ready = [list(row) for row in rows]
        for place, name, kind in self._places:
            values = [row[place] for row in rows]
            if not self._are_sound(values, kind):
                self._blame(rows, place, name, kind)
            if isinstance(kind, Utc):
                for row in ready:
                    if (value := row[place]) is not None:
                        row[place] = self._times[value]
            elif isinstance(kind, Boolean):
                for row in ready:
                    if (value := row[place]) is not None:
                        row[place] = bool(value)
        return ready

    def _are_sound(self, values: Sequence[Any], kind: Any) -> bool:
        if set(map(type, values)) - {type(None)} - {_python_type(kind)}:
            return False
        known = {value for value in values if value is not None} if not isinstance(kind, Text) else set()
        match kind:
            case Utc():
                return all(map(self._is_time, known))
            case JSON():
                return all(map(_is_json, known))
            case Boolean():
                return all(value in (0, 1) for value in known)
            case Integer() if self._bounded:
                most = 1 << (63 if isinstance(kind, BigInteger) else 31)
                return all(-most <= value < most for value in known)
            case Float() if not self._bounded:
                # SQLite would make it NULL.
                return not any(map(isnan, known))
        return True

    def _is_time(self, text: str) -> bool:
        if text in self._times:
            return True
        try:
            moment = from_text(text)
        except ValueError:
            return False
        if moment.tzinfo is None or to_text(moment) != text:
            return False
        self._times[text] = moment
        return True

    def _blame(self, rows: Sequence[Row], place: int, name: str, kind: Any) -> None:
        for row in rows:
            if not self._are_sound([row[place]], kind):
                where = told(self._table, tuple(row[each] for each in self._key))
                shown = repr(row[place])
                shown = shown if len(shown) <= 60 else f"{shown[:59]}…"
                raise OddRow(f"{where}: {name} is {shown}, which is no {_noun(kind)}")
        raise AssertionError("no row of the batch is odd by itself")


def _is_json(text: str) -> bool:
    if text == "[]":
        return True
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _python_type(kind: Any) -> type:
    match kind:
        case Boolean() | Integer():
            return int
        case Float():
            return float
        case LargeBinary():
            return bytes
    return str


def _noun(kind: Any) -> str:
    match kind:
        case Utc():
            return "time as postkeep writes it (YYYY-MM-DDTHH:MM:SS.ffffffZ)"
        case JSON():
            return "JSON that PostgreSQL takes"
        case Boolean():
            return "truth value"
        case BigInteger():
            return "whole number of 64 bits"
        case Integer():
            return "whole number of 32 bits"
        case Float():
            return "number"
        case LargeBinary():
            return "stretch of bytes"
    return "text"
