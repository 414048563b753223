"""Reads whole tables in the order of their keys and in batches of bounded size: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, LargeBinary, Table, Text, exc

from postkeep.errors import StoreError
from postkeep.store import bulk
from postkeep.store.sums import Lines, Row, Sum, selected
from postkeep.store.types import Utc

Key = tuple[Any, ...]

MOST_ROWS = 2000
MOST_BYTES = 4 << 20
"""Of a batch; one row may be larger."""
_A_PART = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that follow each other in the order of their keys, and their lines (see `sums.Lines`)."""

    rows: list[Row]
    lines: list[bytes]


def hold_still(tx: Connection) -> None:
    """Let a reading transaction see one state of the database until its end, however long that takes.

    To be called before anything is read. On SQLite every transaction is so.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            tx.exec_driver_sql(f"SET LOCAL {limit} = 0")


class Walk:
    """One table in one transaction. `but` is a condition (SQL) for the rows that count; empty means all."""

    def __init__(self, tx: Connection, table: Table, *, but: str = "") -> None:
        self.tx, self.table = tx, table
        self.key = tuple(column.name for column in table.primary_key)
        self._places = tuple(table.columns.keys().index(name) for name in self.key)
        self._lines = Lines(table)
        self._selected = selected(table, tx.dialect.name)
        self._but = but

    def count(self) -> int:
        where = f" WHERE {self._but}" if self._but else ""
        return int(bulk.execute(self.tx, f"SELECT count(*) FROM {self.table.name}{where}").scalar_one())  # noqa: S608

    def key_of(self, row: Row) -> Key:
        return tuple(row[place] for place in self._places)

    def batches(self) -> Iterator[Batch]:
        """All rows; raises StoreError, naming the row, for text that is no text."""
        after: Key | None = None
        while batch := self._next(after):
            after = self.key_of(batch.rows[-1])
            yield batch

    def key_batches(self) -> Iterator[list[Key]]:
        """The keys of all rows, in batches."""
        after: Key | None = None
        while True:
            result = self._execute(", ".join(self.key), after)
            keys = [tuple(row) for row in result.all()]
            if not keys:
                return
            after = keys[-1]
            yield keys

    def sum(self) -> Iterator[Sum]:
        """The sum of all rows, told anew after every batch; the last is that of the table."""
        found = Sum()
        for batch in self.batches():
            found.add(batch.lines)
            yield found
        yield found

    def with_keys(self, keys: Sequence[Key]) -> Batch:
        """The rows with these keys, in no order."""
        rows = self._looked_up(self._selected, self.key, keys)
        return Batch(rows, self._lines.of(rows))

    def known(self, keys: Sequence[Key]) -> set[Key]:
        """Those of the keys that rows have."""
        return set(self._looked_up(selected(self.table, self.tx.dialect.name, self.key), self.key, keys))

    def holders(self, columns: Sequence[str], values: Sequence[Row]) -> list[tuple[Row, Key]]:
        """Which rows have one of these values in these columns: the value, and the key."""
        wanted = selected(self.table, self.tx.dialect.name, (*columns, *self.key))
        rows = self._looked_up(wanted, columns, values)
        return [(row[: len(columns)], row[len(columns) :]) for row in rows]

    def _looked_up(self, wanted: str, columns: Sequence[str], values: Sequence[Row]) -> list[Row]:
        rows: list[Row] = []
        for start in range(0, len(values), MOST_ROWS):
            statement, parameters = self._lookup(wanted, columns, values[start : start + MOST_ROWS])
            rows += _tuples(bulk.execute(self.tx, statement, *parameters))
        return rows

    # --- statements ---

    def _execute(self, columns: str, after: Key | None, *, upto: Key | None = None, limit: int = 0) -> Any:
        names, marks = ", ".join(self.key), ", ".join("?" * len(self.key))
        conditions = [self._but] if self._but else []
        conditions += [f"({names}) > ({marks})"] if after is not None else []
        conditions += [f"({names}) <= ({marks})"] if upto is not None else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"SELECT {columns} FROM {self.table.name}{where} ORDER BY {names} LIMIT ?"  # noqa: S608
        return bulk.execute(self.tx, statement, *(after or ()), *(upto or ()), limit or MOST_ROWS)

    def _lookup(self, wanted: str, key: Sequence[str], values: Sequence[Row]) -> tuple[str, tuple[Any, ...]]:
        name = self.table.name
        same = " AND ".join(f"{name}.{column} = k.c{i}" for i, column in enumerate(key))
        named = ", ".join(f"c{i}" for i in range(len(key)))
        if self.tx.dialect.name == "sqlite":
            marks = ", ".join([f"({', '.join('?' * len(key))})"] * len(values))
            return (
                f"WITH k({named}) AS (VALUES {marks})"  # noqa: S608
                f" SELECT {wanted} FROM k CROSS JOIN {name} ON {same}",
                tuple(value for each in values for value in each),
            )
        arrays = ", ".join(f"?::{_array(self.table, column)}" for column in key)
        return (
            f"SELECT {wanted} FROM unnest({arrays}) AS k({named}) JOIN {name} ON {same}",  # noqa: S608
            tuple(list(column) for column in zip(*values, strict=True)),
        )

    # --- batches of bounded size ---

    def _next(self, after: Key | None) -> Batch | None:
        read = self._from_sqlite if self.tx.dialect.name == "sqlite" else self._from_postgresql
        rows = read(after)
        return Batch(rows, self._lines.of(rows)) if rows else None

    def _from_sqlite(self, after: Key | None) -> list[Row]:
        """SQLite hands out rows while it finds them: enough is enough."""
        rows: list[Row] = []
        size = 0
        try:
            result = self._execute(self._selected, after)
            while size < MOST_BYTES and (part := result.fetchmany(_A_PART)):
                found = [tuple(row) for row in part]
                rows += found
                size += sum(len(value) for row in found for value in row if isinstance(value, str | bytes))
            result.close()
        except exc.OperationalError as error:
            if "Could not decode to UTF-8" in str(error.orig):
                raise StoreError(self._undecodable(after)) from error
            raise
        return rows

    def _undecodable(self, after: Key | None) -> str:
        for key in [tuple(row) for row in self._execute(", ".join(self.key), after).all()]:
            try:
                self.with_keys([key])
            except exc.OperationalError as error:
                said = str(error.orig).partition(" with text")[0].removeprefix("Could not decode to UTF-8 ")
                return f"{told(self.table, key)}: {said} holds text that is not UTF-8"
        return f"{self.table.name}: a key holds text that is not UTF-8"

    def _from_postgresql(self, after: Key | None) -> list[Row]:
        """PostgreSQL sends all that was asked for, so it is asked first how much that would be."""
        sizes = " + ".join(_size(column.name, column.type) for column in self.table.columns)
        last, size = None, 0
        for *key, more in self._execute(f"{', '.join(self.key)}, {sizes}", after).all():
            size += more
            if last is not None and size > MOST_BYTES:
                break
            last = tuple(key)
        return [] if last is None else _tuples(self._execute(self._selected, after, upto=last))


def told(table: Table, key: Key) -> str:
    """A row, as an error names it."""
    return f"{table.name} {', '.join(' '.join(str(value).split()) for value in key)}"


def _tuples(result: Any) -> list[Row]:
    return [tuple(row) for row in result.all()]


def _size(name: str, kind: Any) -> str:
    # The length of texts and bytes is known without reading them, even where they are stored apart.
    measured = "octet_length" if isinstance(kind, Text | LargeBinary) else "pg_column_size"
    return f"coalesce({measured}({name}), 0)"


def _array(table: Table, column: str) -> str:
    match table.c[column].type:
        case Utc():
            return "timestamptz[]"
        case Integer():
            return "bigint[]"
        case Text():
            return "text[]"
    raise TypeError(f"{table.name}.{column}: no key of this type was ever needed")
