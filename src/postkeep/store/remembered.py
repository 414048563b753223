"""Small facts the program keeps between runs, by name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk, schema


def recall(tx: Connection, name: str) -> str | None:
    """What was last remembered under a name; None for nothing."""
    value: str | None = bulk.execute(tx, "SELECT value FROM remembered WHERE name = ?", name).scalar()
    return value


def remember(tx: Connection, name: str, value: str, now: datetime) -> None:
    """Keep a value under a name, in place of what was there."""
    bulk.insert(
        tx,
        schema.remembered,
        ("name", "value", "updated_at"),
        [(name, value, now)],
        on_conflict="(name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )


def forget(tx: Connection, name: str) -> None:
    """Keep nothing under a name; idempotent."""
    bulk.delete(tx, schema.remembered, ("name",), [(name,)])
