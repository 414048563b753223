"""What is still to do: one row per stage and subject, only while something is to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from postkeep.model import Stage
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment

ASKED_FOR = -1
"""The priority of work somebody is waiting for; ordinary work has 0."""

LEAD = timedelta(days=365)
"""How long before its link expires something counts as due: what expires first is due first."""


def due_from(now: datetime, expires_at: datetime | None) -> datetime:
    """When something that may be done at once is due, so that the order of due times is that of urgency."""
    return now if expires_at is None else min(now, expires_at - LEAD)


def add(
    tx: Connection,
    stage: Stage,
    rows: Iterable[tuple[str, str]],
    due_at: datetime,
    *,
    priority: int = 0,
    expiries: Mapping[str, datetime | None] = MappingProxyType({}),
) -> None:
    """Queue subjects (subject, host) as due; what is queued already becomes due afresh, its fails forgotten.

    Subjects whose link expires sooner (`expiries`, by subject) come first.
    """
    bulk.insert(
        tx,
        schema.work,
        ("stage", "subject", "host", "priority", "due_at", "fails"),
        [(stage, subject, host, priority, due_from(due_at, expiries.get(subject)), 0) for subject, host in rows],
        on_conflict="(stage, subject) DO UPDATE SET host = excluded.host, due_at = excluded.due_at,"
        " priority = CASE WHEN excluded.priority < work.priority THEN excluded.priority ELSE work.priority END,"
        " fails = 0",
    )


def ensure(
    tx: Connection, stage: Stage, rows: Iterable[tuple[str, str]], due_at: datetime, *, priority: int
) -> None:
    """Queue subjects (subject, host) that are not queued, and put those that are before other work."""
    bulk.insert(
        tx,
        schema.work,
        ("stage", "subject", "host", "priority", "due_at", "fails"),
        [(stage, subject, host, priority, due_at, 0) for subject, host in rows],
        on_conflict="(stage, subject) DO UPDATE SET priority = excluded.priority",
    )


def ask_for(tx: Connection, stage: Stage, post_ids: Sequence[str], now: datetime) -> int:
    """Put the due work of these posts before all other; returns how much there is.

    Work that is not due keeps its time: asking does not wait and does not hurry a host that said "later".
    """
    due = bulk.among(
        tx,
        "SELECT w.subject FROM post_media m JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"
        " WHERE m.post_id {in} AND w.due_at <= ? AND w.priority > ?",
        post_ids,
        now,
        ASKED_FOR,
    )
    bulk.update(
        tx,
        schema.work,
        ("priority",),
        [(ASKED_FOR, stage, subject) for (subject,) in due],
        key=["stage", "subject"],
    )
    return len(due)


def hosts(tx: Connection, stage: Stage) -> list[str]:
    """Every host that has work, by skipping from one to the next in the index."""
    found: list[str] = []
    last = ""
    while True:
        row = bulk.execute(
            tx,
            "SELECT host FROM work WHERE stage = ? AND host > ? ORDER BY host LIMIT 1",
            str(stage),
            last,
        ).first()
        if row is None:
            return found
        last = row[0]
        found.append(last)


def due_count(tx: Connection, stage: Stage, now: datetime, *, below: int = 1) -> int:
    """How much is due with a priority number smaller than `below`, but for hosts that are left alone now."""
    return int(
        bulk.execute(
            tx,
            "SELECT count(*) FROM work WHERE stage = ? AND due_at <= ? AND priority < ?"
            " AND host NOT IN (SELECT host FROM hosts WHERE paused_until > ?)",
            str(stage),
            now,
            below,
            now,
        ).scalar()
    )


def due_of_host(tx: Connection, stage: Stage, host: str, now: datetime, *, below: int = 1) -> int:
    """How much of one host is due with a priority number smaller than `below`, left alone or not."""
    return int(
        bulk.execute(
            tx,
            "SELECT count(*) FROM work WHERE stage = ? AND host = ? AND priority < ? AND due_at <= ?",
            str(stage),
            host,
            below,
            now,
        ).scalar()
    )


def next_due(tx: Connection, stage: Stage, now: datetime, *, below: int = 1) -> datetime | None:
    """When the first of what is not due yet will be, hosts that are left alone considered; None for nothing."""
    found = bulk.execute(
        tx,
        "SELECT min(CASE WHEN h.paused_until > w.due_at THEN h.paused_until ELSE w.due_at END)"
        " FROM work w LEFT JOIN hosts h ON h.host = w.host WHERE w.stage = ? AND w.priority < ?"
        " AND (w.due_at > ? OR h.paused_until > ?)",
        str(stage),
        below,
        now,
        now,
    ).scalar()
    return moment(found)


def reschedule(tx: Connection, stage: Stage, rows: Sequence[tuple[datetime, int, str]]) -> None:
    """Move subjects (due_at, fails, subject) to a later time, as ordinary work."""
    bulk.update(
        tx,
        schema.work,
        ("due_at", "fails", "priority"),
        [(due_at, fails, 0, stage, subject) for due_at, fails, subject in rows],
        key=["stage", "subject"],
    )


def done(tx: Connection, stage: Stage, subjects: Iterable[str]) -> None:
    bulk.delete(tx, schema.work, ("stage", "subject"), [(stage, subject) for subject in subjects])


def done_for_files(tx: Connection, file_ids: Iterable[str]) -> None:
    """Take fetches from the list whose row shows one of these contents, for they are here now."""
    for table in ("post_media", "profile_media"):
        subjects = bulk.among(
            tx,
            f"SELECT m.media_id FROM {table} m JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"  # noqa: S608
            " WHERE m.file_id {in} AND coalesce(m.rendition, '') = coalesce(m.file_rendition, '')",
            file_ids,
        )
        done(tx, Stage.FETCH, [subject for (subject,) in subjects])


def counts(tx: Connection, stage: Stage, now: datetime) -> dict[str, Any]:
    """How much waits, and how much of it is due."""
    total, due = bulk.execute(
        tx,
        "SELECT count(*), coalesce(sum(CASE WHEN due_at <= ? THEN 1 ELSE 0 END), 0) FROM work WHERE stage = ?",
        now,
        str(stage),
    ).one()
    return {"waiting": int(total), "due": int(due)}


def waiting_of_host(tx: Connection, stage: Stage, host: str) -> int:
    """How much is still to do of one host, due or not."""
    return int(
        bulk.execute(tx, "SELECT count(*) FROM work WHERE stage = ? AND host = ?", str(stage), host).scalar()
    )
