"""Writes what an adoption makes of old rows, and counts it, so that nothing can get lost unseen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from postkeep.errors import StoreError
from postkeep.ids import IdFactory, is_id
from postkeep.store import bulk, schema
from postkeep.store.adoption.detect import BY_NAME
from postkeep.store.adoption.findings import FindingKind, Findings
from postkeep.store.adoption.old_rows import OldTable
from postkeep.store.spelling import folded


@dataclass(slots=True)
class Tally:
    """What became of the rows of one table; `read` is the sum of kept, merged and set_aside.

    `made` are rows that no old row stands for; set_aside are rows nothing can hold, kept as JSON or derived.
    """

    read: int = 0
    kept: int = 0
    merged: int = 0
    set_aside: int = 0
    made: int = 0
    renamed: int = 0


class Writer:
    """The writing half of one adoption."""

    def __init__(self, tx: Connection, ids: IdFactory, findings: Findings, now: datetime) -> None:
        self.tx, self.ids, self.findings, self.now = tx, ids, findings, now
        self.tallies = {name: Tally() for name in BY_NAME}
        self._old_ids: dict[str, tuple[str, str]] = {}
        self._columns: dict[tuple[str, str], dict[str, Any]] = {}

    def id_for(self, table: str, old_id: str) -> str:
        """The id a row must have: its own, or a fresh one where its form is not ours."""
        prefix = BY_NAME[table].prefix
        return old_id if is_id(old_id, prefix) else self.ids.new(prefix)

    def renamed(self, table: str, old_id: str, new_id: str) -> None:
        """Remember under which id an old one is to be found, when that is another."""
        if old_id != new_id:
            self._old_ids[old_id] = (new_id, table)

    def keep_values(self, table: str, row_id: str, values: Mapping[str, Any]) -> None:
        """Keep values for which a row of ours has no place."""
        if values:
            self._columns.setdefault((table, row_id), {}).update(values)

    def set_aside(self, table: str, row_id: str, values: Mapping[str, Any], kind: FindingKind, why: str) -> None:
        """Keep a whole row as JSON, for no table of ours can hold it."""
        self.keep_values(table, row_id, {name: each for name, each in values.items() if each is not None})
        self.findings.add(kind, row_id, why)
        self.tallies[table].set_aside += 1

    def current(self, old_ids: Iterable[str | None]) -> dict[str, str]:
        """What these old ids are called now, those that did not change left out."""
        wanted = {each for each in old_ids if each}
        self.flush()
        rows = bulk.among(self.tx, "SELECT old_id, new_id FROM old_ids WHERE old_id {in}", wanted)
        return dict(tuple(row) for row in rows)

    def existing(self, table: str, ids: Iterable[str | None]) -> set[str]:
        """Which of these ids a table of ours has."""
        key = BY_NAME[table].key
        rows = bulk.among(
            self.tx,
            f"SELECT {key} FROM {table} WHERE {key} {{in}}",  # noqa: S608
            {each for each in ids if each},
        )
        return {found for (found,) in rows}

    def insert(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        bulk.insert(self.tx, table, columns, rows)

    def flush(self) -> None:
        """Write what is gathered of ids, values and findings."""
        bulk.insert(
            self.tx,
            schema.old_ids,
            ("old_id", "new_id", "table_name", "created_at"),
            [(old, new, table, self.now) for old, (new, table) in self._old_ids.items()],
            # Two tables may have had one id; whoever asks for it names the table.
            on_conflict="(old_id) DO NOTHING",
        )
        bulk.insert(
            self.tx,
            schema.adopted_columns,
            ("table_name", "row_id", "values_json"),
            [(*key, json.dumps(values, sort_keys=True, default=_plain)) for key, values in self._columns.items()],
        )
        self._old_ids.clear()
        self._columns.clear()
        self.findings.write(self.tx, self.now)

    def prove(self, tables: Mapping[str, OldTable]) -> None:
        """Count old and new rows; raises StoreError when any is not accounted for."""
        for name, tally in self.tallies.items():
            tally.read = tables[name].count(self.tx) if name in tables else 0
            told = tally.kept + tally.merged + tally.set_aside
            there = self.tx.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608
            if told != tally.read or there != tally.kept + tally.made:
                raise StoreError(
                    f"the upgrade lost count of `{name}` ({tally.read} rows before, {told} dealt with,"
                    f" {there} rows after); nothing was changed"
                )

    def link_authors(self) -> None:
        """Join posts to the profile of their author where only one has that name."""
        name, author = (folded(self.tx, column) for column in ("f.username", "posts.author_username"))
        self.tx.exec_driver_sql(
            "UPDATE posts SET author_profile_id = (SELECT min(f.profile_id) FROM profiles f"  # noqa: S608
            f" WHERE f.platform = posts.platform AND {name} = {author})"
            " WHERE author_profile_id IS NULL AND author_username IS NOT NULL"
            " AND 1 = (SELECT count(*) FROM profiles f"
            f" WHERE f.platform = posts.platform AND {name} = {author})"
        )

    def must_refer_to_what_is_there(self) -> None:
        """On SQLite, whose foreign keys are off meanwhile: raise StoreError when one dangles."""
        if self.tx.dialect.name != "sqlite":
            return
        for table in schema.metadata.tables:
            for row in self.tx.exec_driver_sql(f"PRAGMA foreign_key_check({table})"):
                raise StoreError(f"the upgrade left a row of `{table}` without its {row[2]}; nothing was changed")


def _plain(value: Any) -> Any:
    """What JSON has no form for, as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, (bytes, memoryview)) else str(value)


__all__ = ["Tally", "Writer"]
