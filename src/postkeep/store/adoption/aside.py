"""Moves the predecessor's tables out of the way of ours, and drops them when nothing needs them any more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, exc

from postkeep.errors import StoreError
from postkeep.store.adoption.detect import BY_NAME, Columns
from postkeep.store.adoption.findings import FindingKind, Findings
from postkeep.store.schema import metadata
from postkeep.store.sqlviews import VIEWS

PREFIX = "predecessor_"
"""What the names of old tables begin with while both stand beside each other."""


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A reference of somebody else's table to one of ours; SQLite keeps it, so that it has no definition.

    All are spelled as SQL takes them; without a column the key has several.
    """

    table: str
    column: str | None
    name: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """What `move_aside` left to be put right by `drop_old`."""

    tables: tuple[str, ...]
    incoming: tuple[_Incoming, ...]


def move_aside(tx: Connection, columns: Columns, findings: Findings) -> Aside:
    """Rename the old tables, so that their names are free; views on them go, and are findings.

    On SQLite foreign keys must be off. Raises StoreError when a table of somebody else has a name we need.
    """
    _must_be_free(tx, columns)
    tables = tuple(columns)
    _note_strangers(tx, tables, findings)
    take = _aside_sqlite if tx.dialect.name == "sqlite" else _aside_postgresql
    incoming = take(tx, tables, findings)
    for table, column in (
        ("data_downloads", "post_id"),
        ("post_media", "post_id"),
        ("post_media", "md5_sum"),
    ):
        if column in columns.get(table, {}):
            tx.exec_driver_sql(f"CREATE INDEX {PREFIX}by_{column}_of_{table} ON {PREFIX}{table} ({column})")
    return Aside(tables, incoming)


def drop_old(tx: Connection, aside: Aside, findings: Findings) -> None:
    """Drop the old tables, children first, and join somebody else's foreign keys to our tables."""
    for table in sorted(aside.tables, key=lambda name: name in ("posts", "profiles", "tags", "download_runs")):
        tx.exec_driver_sql(f"DROP TABLE {PREFIX}{table}")
    for key in aside.incoming:
        _follow(tx, key, findings)


def _follow(tx: Connection, key: _Incoming, findings: Findings) -> None:
    """Let somebody else's rows refer to the rows they referred to, under their ids of now."""
    subject = f"{key.table}.{key.column or key.name}"
    if key.column is not None:
        changed = tx.exec_driver_sql(
            f"UPDATE {key.table} SET {key.column} = (SELECT o.new_id FROM old_ids o"  # noqa: S608
            f" WHERE o.old_id = {key.table}.{key.column})"
            f" WHERE {key.column} IN (SELECT old_id FROM old_ids)"
        ).rowcount
        if changed:
            findings.add(FindingKind.FOREIGN_KEY, subject, f"{changed} of its values follow ids that changed")
    if not key.definition:
        return
    statement = f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name} {key.definition}"
    try:
        with tx.begin_nested():
            tx.exec_driver_sql(statement)
    except exc.IntegrityError:
        findings.add(
            FindingKind.FOREIGN_KEY,
            subject,
            f"its rows refer to some that are not there, so the foreign key is dropped; it was: {statement}",
        )


def _must_be_free(tx: Connection, columns: Columns) -> None:
    ours = set(metadata.tables) - set(columns)
    if taken := sorted(ours & set(_tables(tx))):
        raise StoreError(
            "the predecessor's database has tables of another program under names that postkeep needs"
            f" ({', '.join(taken)}): rename them first; nothing was changed"
        )


def _tables(tx: Connection) -> list[str]:
    if tx.dialect.name == "sqlite":
        text = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
    else:
        text = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return list(tx.exec_driver_sql(text).scalars())


def _note_strangers(tx: Connection, tables: Iterable[str], findings: Findings) -> None:
    for name in sorted(set(_tables(tx)) - set(tables) - set(metadata.tables) - {"alembic_version"}):
        findings.add(FindingKind.FOREIGN_TABLE, name, "this table is not the predecessor's; it stays as it is")


def _note_view(name: str, definition: str, findings: Findings) -> None:
    if name in VIEWS:
        findings.add(FindingKind.VIEW_REMADE, name, f"it is made anew, with its columns; it was: {definition}")
    else:
        why = f"it showed the predecessor's tables, and is gone; it was: {definition}"
        findings.add(FindingKind.VIEW_DROPPED, name, why)


# --- SQLite -------------------------------------------------------------------------------------------


def _aside_sqlite(tx: Connection, tables: tuple[str, ...], findings: Findings) -> tuple[_Incoming, ...]:
    incoming = tuple(
        _Incoming(quoted(stranger), quoted(column))
        for stranger, column in tx.exec_driver_sql(
            'SELECT m.name, f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f'
            " WHERE m.type = 'table' AND lower(f.\"table\") IN (SELECT value FROM json_each(?))"
            " AND m.name NOT IN (SELECT value FROM json_each(?)) ORDER BY 1, 2",
            (json.dumps(tables), json.dumps(tables)),
        ).all()
    )
    names = re.compile(rf"\b({'|'.join(BY_NAME)})\b", re.IGNORECASE)
    for kind, name, table, sql in tx.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('view', 'trigger', 'index')"
    ).all():
        if kind == "view" and names.search(sql):
            tx.exec_driver_sql(f"DROP VIEW {quoted(name)}")
            _note_view(name, sql, findings)
        elif kind == "trigger" and table in tables:
            tx.exec_driver_sql(f"DROP TRIGGER {quoted(name)}")
            findings.add(FindingKind.TRIGGER_DROPPED, name, f"it belonged to {table}; it was: {sql}")
        elif kind == "index" and table in tables and sql is not None:
            tx.exec_driver_sql(f"DROP INDEX {quoted(name)}")
    # As renaming was before SQLite 3.26: other tables go on referring to the name, and so to our tables.
    tx.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    for table in tables:
        tx.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {PREFIX}{table}")
        # SQLite lets a key be NULL; such a row gets an id like any other that has none of ours.
        key = BY_NAME[table].key
        tx.exec_driver_sql(
            f"UPDATE {PREFIX}{table} SET {key} = 'without-id-{table}-' || rowid WHERE {key} IS NULL"  # noqa: S608
        )
    tx.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    return incoming


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


# --- PostgreSQL ---------------------------------------------------------------------------------------

_VIEWS = """
    WITH RECURSIVE depending AS (
        SELECT oid FROM pg_class WHERE oid = ANY (%s::oid[])
        UNION
        SELECT r.ev_class FROM depending d
        JOIN pg_depend p ON p.refobjid = d.oid AND p.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = p.objid
    )
    SELECT c.oid::regclass::text, c.relname, c.relkind::text, pg_get_viewdef(c.oid) FROM depending d
    JOIN pg_class c ON c.oid = d.oid WHERE c.relkind IN ('v', 'm') ORDER BY 1"""

_TRIGGERS = """
    SELECT t.tgname, c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgrelid = ANY (%s::oid[]) AND NOT t.tgisinternal ORDER BY 1"""

_POLICIES = """
    SELECT tablename, policyname, permissive, cmd, array_to_string(roles, ', '), qual, with_check FROM pg_policies
    WHERE schemaname = current_schema() AND tablename = ANY (%s) ORDER BY 1, 2"""

_INDEXES = """
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%s::oid[]) ORDER BY 1"""

_INCOMING = """
    SELECT k.conrelid::regclass::text,
        CASE WHEN cardinality(k.conkey) = 1 THEN (SELECT quote_ident(a.attname) FROM pg_attribute a
            WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]) END,
        quote_ident(k.conname), pg_get_constraintdef(k.oid) FROM pg_constraint k
    WHERE k.contype = 'f' AND k.confrelid = ANY (%s::oid[]) AND NOT k.conrelid = ANY (%s::oid[]) ORDER BY 1, 2"""


def _aside_postgresql(tx: Connection, tables: tuple[str, ...], findings: Findings) -> tuple[_Incoming, ...]:
    oids = list(
        tx.exec_driver_sql(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p')",
            (list(tables),),
        ).scalars()
    )
    for full, name, kind, definition in tx.exec_driver_sql(_VIEWS, (oids,)).all():
        word = "MATERIALIZED VIEW" if kind == "m" else "VIEW"
        # One that was dropped with another is no longer there.
        tx.exec_driver_sql(f"DROP {word} IF EXISTS {full} CASCADE")
        _note_view(name, definition.strip(), findings)
    for name, table, definition in tx.exec_driver_sql(_TRIGGERS, (oids,)).all():
        findings.add(FindingKind.TRIGGER_DROPPED, name, f"it belonged to {table}; it was: {definition}")
    _note_policies(tx, tables, findings)
    incoming = tuple(_Incoming(*row) for row in tx.exec_driver_sql(_INCOMING, (oids, oids)).all())
    for key in incoming:
        tx.exec_driver_sql(f"ALTER TABLE {key.table} DROP CONSTRAINT {key.name}")
    for number, index in enumerate(tx.exec_driver_sql(_INDEXES, (oids,)).scalars().all()):
        tx.exec_driver_sql(f"ALTER INDEX {quoted(index)} RENAME TO {PREFIX}index_{number}")
    for table in tables:
        tx.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {PREFIX}{table}")
    return incoming


def _note_policies(tx: Connection, tables: tuple[str, ...], findings: Findings) -> None:
    """They go with their tables; who has access afterwards is for our own to say."""
    for table, name, permissive, command, roles, using, check in tx.exec_driver_sql(_POLICIES, (list(tables),)):
        was = f"CREATE POLICY {quoted(name)} ON {table} AS {permissive} FOR {command} TO {roles}"
        if using is not None:
            was += f" USING ({using})"
        if check is not None:
            was += f" WITH CHECK ({check})"
        findings.add(FindingKind.POLICY_DROPPED, f"{table}.{name}", f"it belonged to {table}; it was: {was}")
