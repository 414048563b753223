"""Names what could not be archived, and why, so that somebody can mend it."""

from __future__ import annotations

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.store import archive_failures
from postkeep.store.types import storable
from postkeep.views.archives import ArchiveFailure, ShownBy

_FEW = 5


def failures(tx: Connection, place: str, *, limit: int, after: str | None) -> list[ArchiveFailure]:
    """A page of what a store was not brought to hold, by key; raises NotFound for an `after` that is no key."""
    if after is not None and not storable(after):
        raise NotFound(f"{after!r} is no key of an archive")
    failed = archive_failures.failed_after(tx, place, after or "", limit=limit)
    shown = archive_failures.shown_by(tx, [each.file_id for each in failed])
    return [
        ArchiveFailure(
            file_id=each.file_id,
            path=each.path,
            key=each.key,
            kind=each.kind,
            message=each.message,
            failed_at=each.failed_at,
            next_at=each.next_at,
            shown_by=tuple(ShownBy(*pair) for pair in shown.get(each.file_id, [])[:_FEW]),
            shown_count=len(shown.get(each.file_id, [])),
        )
        for each in failed
    ]
