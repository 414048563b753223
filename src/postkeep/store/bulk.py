"""Rows in bulk at the driver's level, where compiling a statement per batch would cost more than the rows.

Statements are written once with `?` placeholders and `{in}` for a list; both dialects get their own spelling.
Where rows are many, PostgreSQL takes them by COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Table

from postkeep.store import staging
from postkeep.store.staging import Row
from postkeep.store.types import Utc, from_text, to_text

COPY_FROM = 10
"""From how many rows on COPY straight into a table is quicker than a statement for each."""

STAGE_FROM = 100
"""From how many rows on a temporary table is quicker, with what it costs to make and to drop."""


def among(tx: Connection, statement: str, values: Iterable[Any], *more: Any) -> list[Any]:
    """Run a SELECT whose `{in}` means "is one of `values`" (texts); `more` fills its later placeholders."""
    wanted = list(values)
    # Row by row the driver would be asked for each.
    return list(_chosen(tx, statement, wanted, more).all()) if wanted else []


def pages_among(
    tx: Connection, statement: str, values: Iterable[Any], *more: Any, size: int
) -> Iterator[Sequence[Any]]:
    """The rows of such a SELECT, so many at a time; those of the last page may be fewer."""
    wanted = list(values)
    if wanted:
        rows = _chosen(tx, statement, wanted, more)
        while page := rows.fetchmany(size):
            yield page


def _chosen(tx: Connection, statement: str, wanted: list[Any], more: Sequence[Any]) -> Any:
    if tx.dialect.name == "sqlite":
        text = statement.replace("{in}", "IN (SELECT value FROM json_each(?))")
        parameters = (orjson.dumps(wanted).decode(), *(_sqlite_value(each) for each in more))
    else:
        text = statement.replace("{in}", "= ANY(?)").replace("%", "%%").replace("?", "%s")
        parameters = (wanted, *more)
    return tx.exec_driver_sql(text, parameters)


def execute(tx: Connection, statement: str, *parameters: Any) -> Any:
    """Run one statement with `?` placeholders."""
    if tx.dialect.name == "sqlite":
        return tx.exec_driver_sql(statement, tuple(_sqlite_value(each) for each in parameters))
    return tx.exec_driver_sql(statement.replace("%", "%%").replace("?", "%s"), parameters)


def insert(
    tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], *, on_conflict: str = ""
) -> None:
    """Insert rows whose values stand in the order of `columns`; times are aware UTC datetimes.

    `on_conflict` is the clause after `ON CONFLICT`, e.g. `DO NOTHING` or `(key, columns) DO UPDATE SET ...`.
    """
    names = tuple(columns)
    if not on_conflict and _by_copy(tx, table, names, rows, COPY_FROM):
        staging.copy_rows(tx, table, names, rows)
    elif on_conflict and _by_copy(tx, table, names, rows, STAGE_FROM) and _mergeable(names, rows, on_conflict):
        staging.merge_rows(tx, table, names, rows, on_conflict)
    elif rows:
        statement, times = _insert_statement(tx.dialect.name, table, names, on_conflict)
        tx.exec_driver_sql(statement, _ready(tx, rows, times))


def update(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], *, key: Row) -> int:
    """Update rows by key: each row holds the values of `columns`, then those of the key columns.

    Returns how many rows of the table have these keys.
    """
    if not rows:
        return 0
    names, keys = tuple(columns), tuple(key)
    if _by_copy(tx, table, (*names, *keys), rows, STAGE_FROM) and _apart(names, keys, rows):
        return staging.update_rows(tx, table, names, keys, rows)
    statement, times = _update_statement(tx.dialect.name, table, names, keys)
    return int(tx.exec_driver_sql(statement, _ready(tx, rows, times)).rowcount)


def delete(tx: Connection, table: Table, key: Sequence[str], rows: Sequence[Row]) -> None:
    """Delete the rows with these keys."""
    if _by_copy(tx, table, tuple(key), rows, STAGE_FROM):
        staging.delete_rows(tx, table, tuple(key), rows)
    elif rows:
        where = " AND ".join(f"{name} = ?" for name in key)
        statement = _spelled(tx.dialect.name, f"DELETE FROM {table.name} WHERE {where}")  # noqa: S608
        tx.exec_driver_sql(statement, _ready(tx, rows, ()))


def moment(value: Any) -> datetime | None:
    """A time as the driver gave it."""
    if value is None:
        return None
    return from_text(value) if isinstance(value, str) else value.astimezone(UTC)


def known_moment(value: Any) -> datetime:
    """A time as the driver gave it, of a column that always has one."""
    time = moment(value)
    if time is None:
        raise AssertionError("this column always has a time")
    return time


def _by_copy(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], limit: int) -> bool:
    return len(rows) >= limit and tx.dialect.name == "postgresql" and staging.fits(table, columns, rows)


def _mergeable(columns: tuple[str, ...], rows: Sequence[Row], on_conflict: str) -> bool:
    """Whether one statement does what a statement for each row does: it must not meet its own rows again."""
    target = on_conflict.partition(" DO ")[0]
    if not target.startswith("("):
        return True
    return _all_differ(rows, [columns.index(name.strip()) for name in target.strip("()").split(",")])


def _apart(columns: tuple[str, ...], key: tuple[str, ...], rows: Sequence[Row]) -> bool:
    """Whether no row of an update can meet what another one set."""
    return not set(columns) & set(key) and _all_differ(rows, range(len(columns), len(columns) + len(key)))


def _all_differ(rows: Sequence[Row], places: Iterable[int]) -> bool:
    key = itemgetter(*places)
    return len({key(row) for row in rows}) == len(rows)


@lru_cache(maxsize=512)
def _insert_statement(
    dialect: str, table: Table, columns: tuple[str, ...], on_conflict: str
) -> tuple[str, tuple[int, ...]]:
    marks = ", ".join("?" * len(columns))
    text = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    if on_conflict:
        text += f" ON CONFLICT {on_conflict}"
    return _spelled(dialect, text), _time_places(table, columns)


@lru_cache(maxsize=512)
def _update_statement(
    dialect: str, table: Table, columns: tuple[str, ...], key: tuple[str, ...]
) -> tuple[str, tuple[int, ...]]:
    assignments = ", ".join(f"{name} = ?" for name in columns)
    where = " AND ".join(f"{name} = ?" for name in key)
    text = f"UPDATE {table.name} SET {assignments} WHERE {where}"  # noqa: S608
    return _spelled(dialect, text), _time_places(table, (*columns, *key))


def _time_places(table: Table, columns: Sequence[str]) -> tuple[int, ...]:
    return tuple(i for i, name in enumerate(columns) if isinstance(table.c[name].type, Utc))


def _spelled(dialect: str, text: str) -> str:
    return text if dialect == "sqlite" else text.replace("%", "%%").replace("?", "%s")


def _ready(tx: Connection, rows: Sequence[Row], times: tuple[int, ...]) -> list[tuple[Any, ...]]:
    if tx.dialect.name != "sqlite" or not times:
        return [tuple(row) for row in rows]
    texts = _Texts()
    ready = []
    for row in rows:
        values = list(row)
        for place in times:
            if (time := values[place]) is not None:
                values[place] = texts[time]
        ready.append(tuple(values))
    return ready


class _Texts(dict[datetime, str]):
    """Times as texts, each made once: rows of one batch share most of them."""

    def __missing__(self, time: datetime) -> str:
        text = self[time] = to_text(time)
        return text


def _sqlite_value(value: Any) -> Any:
    return to_text(value) if isinstance(value, datetime) else value
