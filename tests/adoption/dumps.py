"""A whole database as lines that are equal only when nothing of it changed: structure, rights and rows."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import make_url

_STRUCTURE = (
    "SELECT 'column', table_name, column_name, data_type, column_default, is_nullable"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "SELECT 'policy', tablename, policyname, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'",
    "SELECT 'table', relname, relrowsecurity, relacl::text, reloptions::text FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')",
    "SELECT 'comment', objoid::regclass::text, objsubid, description FROM pg_description"
    " WHERE classoid = 'pg_class'::regclass AND objoid IN"
    " (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
)
_SHOWN = 300


def dump(url: str) -> list[str]:
    """Sorted lines; long ones are cut and end in their hash."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        lines = _sqlite(Path(parsed.database or ""))
    else:
        lines = _postgresql(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    return sorted(_short(line) for line in lines)


def _short(line: str) -> str:
    if len(line) <= _SHOWN:
        return line
    return f"{line[:_SHOWN]}… {hashlib.sha256(line.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _sqlite(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        structure = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        lines = [repr(row) for row in structure]
        for kind, name, _, _ in structure:
            if kind == "table":
                lines += [f"{name}: {row!r}" for row in connection.execute(f'SELECT * FROM "{name}"')]
        return lines


def _postgresql(dsn: str) -> list[str]:
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        lines = [repr(row) for statement in _STRUCTURE for row in connection.execute(statement)]
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in tables:
            rows = connection.execute(f'SELECT t::text FROM "{name}" t')
            lines += [f"{name}: {row}" for (row,) in rows]
        return lines


__all__ = ["dump"]
