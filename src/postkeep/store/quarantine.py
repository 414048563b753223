"""Records that could not be read, kept with their bytes and the reason until a later version reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import Observation, ObservedSource, Place
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment


@dataclass(frozen=True, slots=True)
class Quarantined:
    quarantine_id: str
    place: Place
    observation: Observation
    length: int
    sha256: str
    reason: str
    field: str | None
    via: str | None
    version: str
    last_seen_at: datetime
    codec: str | None = None
    body: bytes | None = None


_COLUMNS = (
    "quarantine_id",
    "run_id",
    "source_file_path",
    "record_number",
    "byte_offset",
    "length",
    "sha256",
    "reason",
    "field",
    "via",
    "observed_at",
    "observed_source",
    "zone_assumed",
    "codec",
    "body",
    "version",
    "last_seen_at",
    "created_at",
)


def put(tx: Connection, rows: Iterable[Quarantined], *, run_id: str | None, now: datetime) -> None:
    """Keep records; one that is there already is only seen again (and open again if it was resolved)."""
    bulk.insert(
        tx,
        schema.quarantine,
        _COLUMNS,
        [
            (
                row.quarantine_id,
                run_id,
                row.place.source,
                row.place.number,
                row.place.offset,
                row.length,
                row.sha256,
                row.reason,
                row.field,
                row.via,
                row.observation.at,
                row.observation.source,
                row.observation.zone_assumed,
                row.codec,
                row.body,
                row.version,
                now,
                now,
            )
            for row in rows
        ],
        on_conflict="(source_file_path, record_number, sha256) DO UPDATE SET"
        " last_seen_at = excluded.last_seen_at, reason = excluded.reason, field = excluded.field,"
        " version = excluded.version, resolved_at = NULL,"
        # A record that was read once has given its bytes away.
        " codec = coalesce(quarantine.codec, excluded.codec), body = coalesce(quarantine.body, excluded.body)",
    )


def page(tx: Connection, *, limit: int, after: str = "") -> list[Quarantined]:
    """Open records by id, after the given one, without their bytes."""
    return _select(tx, "codec, NULL", "quarantine_id > ? AND resolved_at IS NULL", after, limit=limit)


def load(tx: Connection, *, limit: int, after: str = "") -> list[Quarantined]:
    """Open records by id with their packed bytes, for a replay; those whose bytes were too large are left out."""
    where = "quarantine_id > ? AND resolved_at IS NULL AND body IS NOT NULL"
    return _select(tx, "codec, body", where, after, limit=limit)


def _select(tx: Connection, packed: str, where: str, *parameters: Any, limit: int) -> list[Quarantined]:
    rows = bulk.execute(
        tx,
        "SELECT quarantine_id, source_file_path, record_number, byte_offset, length, sha256, reason, field, via,"  # noqa: S608
        f" observed_at, observed_source, zone_assumed, version, last_seen_at, {packed} FROM quarantine"
        f" WHERE {where} ORDER BY quarantine_id LIMIT ?",
        *parameters,
        limit,
    ).all()
    return [
        Quarantined(
            quarantine_id=row[0],
            place=Place(row[1], row[2], row[3]),
            observation=Observation(moment(row[9]), ObservedSource(row[10]), bool(row[11])),  # type: ignore[arg-type]
            length=row[4],
            sha256=row[5],
            reason=row[6],
            field=row[7],
            via=row[8],
            version=row[12],
            last_seen_at=moment(row[13]),  # type: ignore[arg-type]
            codec=row[14],
            body=None if row[15] is None else bytes(row[15]),
        )
        for row in rows
    ]


def count(tx: Connection, *, without_bytes: bool = False) -> int:
    """How many records wait in the quarantine, or only those whose bytes were too large to keep."""
    more = " AND body IS NULL" if without_bytes else ""
    return int(bulk.execute(tx, f"SELECT count(*) FROM quarantine WHERE resolved_at IS NULL{more}").scalar())  # noqa: S608


def resolve(tx: Connection, ids: Sequence[str], now: datetime) -> None:
    """Close records that were read after all; their bytes are in raw_records now."""
    bulk.update(
        tx,
        schema.quarantine,
        ("resolved_at", "codec", "body"),
        [(now, None, None, each) for each in ids],
        key=["quarantine_id"],
    )
