"""COPY for PostgreSQL: straight into a table, or into a temporary one that is merged into it by one statement.

A temporary table lives no longer than the statement that merges it, so nothing is left in a session that others
share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

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
    exc,
)
from sqlalchemy.util import is_exit_exception

from postkeep.store.types import Utc

Row = Sequence[Any]

# Binary COPY casts nothing: each value must come as its column's own type. The more special classes come first.
_TYPES: tuple[tuple[type[Any], str], ...] = (
    (Utc, "timestamptz"),
    (Text, "text"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Boolean, "bool"),
    (Float, "float8"),
    (LargeBinary, "bytea"),
    # As bytes: a version and then the text, which comes ready-made and is not to be encoded once more.
    (JSON, "bytea"),
)
_JSONB_VERSION = b"\x01"
_BOUNDS = {"int4": 2**31, "int8": 2**63}


class _Shape(NamedTuple):
    """What rows of some columns are copied with."""

    listed: str
    types: tuple[str, ...]
    json: tuple[int, ...]
    bounds: tuple[tuple[int, int], ...]


def fits(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> bool:
    """Whether every whole number has room in its column: one that has not, the driver would cut without a word."""
    for place, bound in _shape(table, columns).bounds:
        numbers = [number for row in rows if (number := row[place]) is not None]
        if numbers and not (-bound <= min(numbers) and max(numbers) < bound):
            return False
    return True


def copy_rows(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows whose values stand in the order of `columns`; one that is there already is an IntegrityError."""
    with _cursor(tx, f"COPY {table.name}") as cursor:
        _copy(cursor, table.name, _shape(table, columns), rows)


def merge_rows(
    tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], on_conflict: str
) -> None:
    """Insert rows by way of a temporary table; `on_conflict` is the clause after `ON CONFLICT`."""
    listed = _shape(table, columns).listed
    _through_staging(
        tx,
        table,
        columns,
        rows,
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM {_name(table)} ON CONFLICT {on_conflict}",  # noqa: S608
    )


def update_rows(
    tx: Connection, table: Table, columns: tuple[str, ...], key: tuple[str, ...], rows: Sequence[Row]
) -> int:
    """Set `columns` in the rows with these keys, each key given once; returns how many rows have them."""
    assignments = ", ".join(f"{name} = staged.{name}" for name in columns)
    return _through_staging(
        tx,
        table,
        (*columns, *key),
        rows,
        f"UPDATE {table.name} SET {assignments} FROM {_name(table)} staged WHERE {_same(table, key)}",  # noqa: S608
    )


def delete_rows(tx: Connection, table: Table, key: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Delete the rows with these keys."""
    _through_staging(
        tx,
        table,
        key,
        rows,
        f"DELETE FROM {table.name} USING {_name(table)} staged WHERE {_same(table, key)}",  # noqa: S608
    )


def _name(table: Table) -> str:
    return f"pg_temp.staged_{table.name}"


def _same(table: Table, key: Sequence[str]) -> str:
    return " AND ".join(f"{table.name}.{name} = staged.{name}" for name in key)


def _through_staging(
    tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], merge: str
) -> int:
    shape, name = _shape(table, columns), _name(table)
    with _cursor(tx, merge) as cursor:
        # Neither is prepared: a plan made for one table would be kept for another of the same name.
        cursor.execute(
            f"CREATE TEMPORARY TABLE {name.removeprefix('pg_temp.')} ON COMMIT DROP"  # noqa: S608
            f" AS SELECT {shape.listed} FROM {table.name} WITH NO DATA",
            prepare=False,
        )
        _copy(cursor, name, shape, rows)
        # One round trip; the count is that of the first statement.
        cursor.execute(f"{merge}; DROP TABLE {name}", prepare=False)
        return int(cursor.rowcount)


def _copy(cursor: Any, target: str, shape: _Shape, rows: Sequence[Row]) -> None:
    with cursor.copy(f"COPY {target} ({shape.listed}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(shape.types)
        write = copy.write_row
        for row in _with_json(rows, shape.json) if shape.json else rows:
            write(row)


def _with_json(rows: Sequence[Row], places: Sequence[int]) -> Iterator[Row]:
    for row in rows:
        values = list(row)
        for place in places:
            if (text := values[place]) is not None:
                values[place] = _JSONB_VERSION + text.encode()
        yield values


@lru_cache(maxsize=256)
def _shape(table: Table, columns: tuple[str, ...]) -> _Shape:
    types = tuple(_type(table, name) for name in columns)
    json = tuple(i for i, name in enumerate(columns) if isinstance(table.c[name].type, JSON))
    bounds = tuple((i, _BOUNDS[name]) for i, name in enumerate(types) if name in _BOUNDS)
    return _Shape(", ".join(columns), types, json, bounds)


def _type(table: Table, column: str) -> str:
    kind = table.c[column].type
    return next(name for known, name in _TYPES if isinstance(kind, known))


@contextmanager
def _cursor(tx: Connection, statement: str) -> Iterator[Any]:
    """The driver's own cursor in this transaction, whose errors come as those of ordinary statements do."""
    raw: Any = tx.connection.driver_connection
    driver = tx.dialect.loaded_dbapi
    try:
        with raw.cursor() as cursor:
            yield cursor
    except driver.Error as error:
        lost = tx.dialect.is_disconnect(error, raw, None)
        if lost:
            tx.invalidate(error)
        raise exc.DBAPIError.instance(
            statement, None, error, driver.Error, connection_invalidated=lost, dialect=tx.dialect
        ) from error
    except BaseException as error:
        # Cut off in the middle of the conversation: nobody knows what the server will say next.
        if is_exit_exception(error):
            tx.invalidate(error)
        raise
