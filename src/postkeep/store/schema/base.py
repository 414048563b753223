"""What all tables are made with: their names for keys, and the columns most of them have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, Index, MetaData, Text, text
from sqlalchemy.ext.compiler import compiles

from postkeep.store.types import Utc, now

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)


def own_id(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def required(name: str, type_: Any = Text) -> Column[Any]:
    return Column(name, type_, nullable=False)


def defaulted(name: str, type_: Any, default: Any) -> Column[Any]:
    return Column(name, type_, nullable=False, server_default=default)


def created() -> Column[Any]:
    return defaulted("created_at", Utc, now())


def updated() -> Column[Any]:
    return defaulted("updated_at", Utc, now())


def refers(name: str, target: str, *, on_delete: str = "CASCADE", required: bool = True) -> Column[Any]:
    return Column(name, Text, ForeignKey(target, ondelete=on_delete), nullable=not required)


def few(name: str, *columns: str, where: str) -> Index:
    """An index of the rows for which this is true; queries must say it in the same words.

    A column of the condition may come first, though it tells nothing: SQLite expects few rows of what is compared.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Folded(ColumnElement[str]):
    """A column of names in an index, the case of A to Z aside; `store.spelling` says it in the same words."""

    inherit_cache = True

    def __init__(self, column: str) -> None:
        self.column = column


@compiles(Folded)
def _plain(element: Folded, _compiler: Any, **_options: Any) -> str:
    return f"lower({element.column})"


@compiles(Folded, "postgresql")
def _of_postgresql(element: Folded, _compiler: Any, **_options: Any) -> str:
    # By its own collation PostgreSQL would fold other letters, too.
    return f'lower({element.column} COLLATE "C")'
