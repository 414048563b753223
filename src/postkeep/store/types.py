"""Column types that hold the same values on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import expression
from sqlalchemy.sql.compiler import SQLCompiler

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def to_text(moment: datetime) -> str:
    """An aware UTC time as SQLite keeps it: `YYYY-MM-DDTHH:MM:SS.ffffffZ`, which sorts as text."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)


def storable(text: str) -> bool:
    """Whether a database can hold this text, and so may be asked for it: no NUL, no lone surrogate."""
    return _UNSTORABLE.search(text) is None


def made_storable(text: str) -> str:
    """The text with a sign in place of whatever a database cannot hold."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time: TIMESTAMPTZ on PostgreSQL, fixed-width text on SQLite. Naive times are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time has no place in the database")
        value = value.astimezone(UTC)
        return to_text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return from_text(value) if isinstance(value, str) else value.astimezone(UTC)


def json_column() -> JSON:
    """JSONB on PostgreSQL, JSON text on SQLite."""
    return JSON().with_variant(JSONB(), "postgresql")


class now(expression.FunctionElement[datetime]):
    """The database's own clock, as a column default."""

    type = Utc()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "(strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "now()"


__all__ = ["Utc", "from_text", "json_column", "made_storable", "now", "storable", "to_text"]
