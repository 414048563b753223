"""Hosts that asked to be left alone, or were not well: until when, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.bulk import moment


@dataclass(frozen=True, slots=True)
class HostState:
    """What is remembered of a host between runs.

    `failures` are those in a row, `pauses` how often it was left alone without a success in between.
    """

    host: str
    paused_until: datetime | None = None
    reason: str | None = None
    failures: int = 0
    pauses: int = 0


_COLUMNS = "host, paused_until, reason, failures, pauses"


def states(tx: Connection) -> dict[str, HostState]:
    """Every host something is remembered of, by name."""
    rows = bulk.execute(tx, f"SELECT {_COLUMNS} FROM hosts ORDER BY host").all()  # noqa: S608
    return {row[0]: HostState(row[0], moment(row[1]), *row[2:]) for row in rows}


def keep(tx: Connection, changed: Iterable[HostState], now: datetime) -> None:
    """Remember these states; a host that is well again is forgotten."""
    changed = list(changed)
    well = [each.host for each in changed if not each.failures and not each.pauses and not each.paused_until]
    bulk.delete(tx, schema.hosts, ("host",), [(host,) for host in well])
    bulk.insert(
        tx,
        schema.hosts,
        ("host", "paused_until", "reason", "failures", "pauses", "updated_at"),
        [
            (each.host, each.paused_until, each.reason, each.failures, each.pauses, now)
            for each in changed
            if each.host not in well
        ],
        on_conflict="(host) DO UPDATE SET paused_until = excluded.paused_until, reason = excluded.reason,"
        " failures = excluded.failures, pauses = excluded.pauses, updated_at = excluded.updated_at",
    )


def resume(tx: Connection, host: str) -> bool:
    """Forget what stands against a host; False when nothing did. Idempotent."""
    return bool(bulk.execute(tx, "DELETE FROM hosts WHERE host = ?", host).rowcount)
