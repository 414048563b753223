"""What could not be archived, by the rows, found by pages of keys: so few fail that no index is kept for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import ObjectState, Stage
from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.places import PLACES

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class FailedObject:
    """A content that some try did not archive; `next_at` None: not tried again by itself."""

    key: str
    file_id: str
    path: str
    kind: str
    message: str | None
    failed_at: datetime | None
    next_at: datetime | None


def failed_after(tx: Connection, place: str, key: str, *, limit: int) -> list[FailedObject]:
    """Contents of a store whose latest try failed, by key in the database's own order, after the given one."""
    found: list[Any] = []
    while len(found) < limit:
        last = bulk.execute(
            tx,
            "SELECT max(key) FROM (SELECT key FROM archive_objects WHERE store = ? AND key > ?"
            " ORDER BY key LIMIT ?) few",
            place,
            key,
            _AT_ONCE,
        ).scalar()
        if last is None:
            break
        found += bulk.execute(
            tx,
            "SELECT a.key, a.file_id, f.local_file_path, a.error_kind, a.error_message, a.error_at"
            " FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"
            " WHERE a.store = ? AND a.key > ? AND a.key <= ? AND a.error_kind IS NOT NULL AND a.state <> ?"
            " ORDER BY a.key LIMIT ?",
            place,
            key,
            last,
            str(ObjectState.PROVEN),
            limit - len(found),
        ).all()
        key = last
    next_at = _next_tries(tx, [row[1] for row in found])
    return [
        FailedObject(key, file_id, path, kind, message, moment(at), next_at.get(file_id))
        for key, file_id, path, kind, message, at in found
    ]


def _next_tries(tx: Connection, file_ids: Iterable[str]) -> dict[str, datetime | None]:
    rows = bulk.among(
        tx, "SELECT subject, due_at FROM work WHERE subject {in} AND stage = ?", file_ids, str(Stage.ARCHIVE)
    )
    return {subject: moment(due_at) for subject, due_at in rows}


def shown_by(tx: Connection, file_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """The media ids, each with its post or profile, that show these contents; the oldest ids first."""
    wanted, shown = list(file_ids), dict[str, list[tuple[str, str]]]()
    for table, owner in PLACES.values():
        rows = bulk.among(
            tx,
            f"SELECT file_id, media_id, {owner} FROM {table} WHERE file_id {{in}}",  # noqa: S608
            wanted,
        )
        for file_id, media_id, its in rows:
            shown.setdefault(file_id, []).append((media_id, its))
    return {file_id: sorted(pairs) for file_id, pairs in shown.items()}
