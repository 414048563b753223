"""Databases to copy between: filled in every column of every table, and compared value by value."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    make_url,
    select,
)

from postkeep.config import Config
from postkeep.library import Library, open_library
from postkeep.store import Store, bulk, copies, schema
from postkeep.store.types import Utc
from tests.servers.postgres import administer

DATA = Path(__file__).parent / "data" / "linkedin"
TABLES = [table for table in schema.metadata.sorted_tables if table is not schema.leases]
ODD_TEXT = "é😀 \u202e'\"\\ \t\r\n\x01\x7f\ufffe %s ? $1 {x} ::int"
_numbers = itertools.count(1)


class Databases:
    """Makes databases of either kind, with our tables and no rows."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request, self._folder = request, folder
        self._made: list[str] = []
        self.stores: list[Store] = []

    def url(self, kind: str, *, bare: bool = False) -> str:
        """The URL of a new one; `bare` leaves out the tables, too."""
        number = next(_numbers)
        if kind == "sqlite":
            path = self._folder / f"database{number}.db"
            if not bare:
                shutil.copyfile(self._request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        server = self._request.getfixturevalue("postgres_url")
        name = f"postkeep_test_{os.getpid()}_moving_{number}"
        template = "template0 ENCODING 'UTF8'" if bare else self._request.getfixturevalue("postgres_template")
        administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made.append(name)
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    def store(self, url: str) -> Store:
        self.stores.append(Store(url))
        return self.stores[-1]

    def library(self, url: str) -> Library:
        return open_library(Config(self._folder / "home", url))

    def copy(self, source: str, target: str, **more: Any) -> Any:
        """One run of a copy."""
        with self.library(source) as library:
            return library.copy_to(target, **more)

    def contents(self, url: str) -> dict[str, list[tuple[Any, ...]]]:
        store = self.store(url)
        try:
            return contents(store)
        finally:
            store.close()

    def execute(self, url: str, *statements: str) -> None:
        """Change a database behind postkeep's back."""
        store = self.store(url)
        try:
            with store.writing() as tx:
                for statement in statements:
                    tx.exec_driver_sql(statement)
        finally:
            store.close()

    def drop(self) -> None:
        for store in self.stores:
            store.close()
        if self._made:
            server = self._request.getfixturevalue("postgres_url")
            administer(server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in self._made))


@contextmanager
def databases_for(request: pytest.FixtureRequest, folder: Path) -> Iterator[Databases]:
    made = Databases(request, folder)
    try:
        yield made
    finally:
        made.drop()


# --- rows in every table ------------------------------------------------------------------------


def fill(store: Store, rows: int = 4) -> None:
    """Rows in every table: the first has a value in every column, others lack what may be unknown.

    Made from the schema, so that a new table or column is copied in these tests by itself.
    """
    with store.writing() as tx:
        for table in TABLES:
            columns = tuple(table.columns.keys())
            made = [tuple(_value(table, column, i) for column in table.columns) for i in range(rows)]
            bulk.insert(tx, table, columns, made)


def _value(table: Table, column: Column[Any], i: int) -> Any:
    if column.nullable and i % 3 == 2:
        return None
    name = next((key.column.table.name for key in column.foreign_keys), table.name)
    is_key = column.primary_key or bool(column.foreign_keys)
    match column.type:
        case Utc():
            # From before our era of seconds to far beyond it, always with microseconds.
            return datetime(1902 + 60 * i, 3, 1, 23, 59, 59, 999_999 - i, tzinfo=UTC) + timedelta(days=i)
        case Boolean():
            return i % 2 == 0
        case BigInteger():
            return (1 << 63) - 1 - i if i % 2 == 0 else -(1 << 63) + i
        case Integer():
            return (1 << 31) - 1 - i if i % 2 == 0 else -(1 << 31) + i
        case Float():
            return (0.1, 1e308, -5e-324, 0.0)[i % 4]
        case LargeBinary():
            return bytes(range(256)) * (i * 1000) if i % 3 else b"\x00\xff"
        case JSON():
            return ("[]", '[ {"b": 1.50, "a": [null, true, "\\u00e9", 12345678901234567890]} ]')[i % 2]
    if column.name == "ai_analysis_status":
        return "completed"
    if is_key and (column.foreign_keys or len(table.primary_key) == 1):
        return f"{name}-{i:03}"
    if not column.nullable or is_key or _is_unique(table, column):
        return f"{column.name} {i} {ODD_TEXT}"
    if i % 3 == 1:
        return ""
    # PostgreSQL's indexes take no more than 2,704 bytes.
    is_large = i == 3 and column.name == "text_content"
    return f"{column.name} {ODD_TEXT} " + "x" * (1 << 20 if is_large else 1000)


def _is_unique(table: Table, column: Column[Any]) -> bool:
    return any(
        isinstance(each, UniqueConstraint) and each.columns.contains_column(column) for each in table.constraints
    )


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All that is copied, as Python values by way of SQLAlchemy's types: nothing of the copy's own code."""
    found = {}
    with store.reading() as tx:
        for table in TABLES:
            rows = [tuple(row) for row in tx.execute(select(table)).all()]
            if table is schema.remembered:
                rows = [row for row in rows if row[0] not in copies.OWN_NAMES]
            found[str(table.name)] = sorted(rows, key=repr)
    return found
