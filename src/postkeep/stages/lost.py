"""Media whose content is known and was here, is no longer, and that no source brings back: a class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import MediaState, Stage
from postkeep.stages.hosts import host_of
from postkeep.store import archive_objects, bulk, work
from postkeep.store.bulk import moment
from postkeep.store.failures import Lost
from postkeep.store.places import PLACES, UNREAD_PLATFORM
from postkeep.store.types import storable
from postkeep.views import LOST

GONE = frozenset({"http_404", "http_410"})
"""The kinds that say that the source is gone, whoever asks."""

_GONE_HERE = "no longer here"

_IDLE = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {table} q WHERE q.file_id = f.file_id"  # noqa: S608
    " AND EXISTS (SELECT 1 FROM work w WHERE w.stage = 'fetch' AND w.subject = q.media_id))"
    for table, _ in PLACES.values()
)


def _files(where: str, evicted: str) -> str:
    """Contents that are not here, that a try did not bring, and that nothing is on its way for."""
    # One place is queued for all that show a content, and has the error; the few of them are found by an index.
    # "changed" is none: the new bytes came. What is of a platform nobody reads was never asked for.
    return " UNION ".join(
        f"SELECT t.file_id FROM {table} t JOIN media_files f ON f.file_id = t.file_id"  # noqa: S608
        " WHERE t.download_state = 'fetched' AND t.error_kind IS NOT NULL"
        f" AND t.error_kind NOT IN ('changed', '{UNREAD_PLATFORM}') AND f.cached_at IS NULL AND {where}"
        f" AND (f.evicted_at IS NULL OR (f.evicted_because IN ({evicted}) AND t.error_at > f.evicted_at))"
        f" AND {_IDLE}"
        for table, _ in PLACES.values()
    )


# What left the cache for room and was never asked for again may still be had; what an archive holds, or a policy
# took away, is not lost.
_LOST_FILES = _files("f.archive_url IS NULL", "'lru'")
# Asked for while the archive did not answer: not lost, and in no list of work either.
_LEFT_THERE = _files(f"f.sha256 IS NOT NULL AND {archive_objects.PROVEN}", "'lru', 'archived'")


@dataclass(frozen=True, slots=True)
class Tried:
    """A place whose bytes are lost, and the kind of the error its last try ended with, if it was tried itself."""

    place: Lost
    last_kind: str | None


def count(tx: Connection) -> tuple[int, str]:
    """How many places there are, of posts and profiles, and the id of the newest ("" for none)."""
    found, newest_id = 0, ""
    for table, _ in PLACES.values():
        number, newest_here = bulk.execute(tx, f"SELECT count(*), max(m.media_id) {_from(table)}").one()
        found += int(number)
        newest_id = max(newest_id, newest_here or "")
    return found, newest_id


def newest(tx: Connection, *, before: str | None, limit: int) -> list[Lost]:
    """A page, the newest media first; `before` is the media_id the page before ended with."""
    where = "" if before is None else " AND m.media_id < ?"
    return [each.place for each in _page(tx, where, () if before is None else (before,), limit, descending=True)]


def oldest(tx: Connection, media_ids: Sequence[str], *, after: str, limit: int) -> list[Tried]:
    """A page by id, after the given one; of these media alone, where some are given."""
    return _oldest(tx, media_ids, after, limit, _LOST_FILES)


def left_there(tx: Connection, media_ids: Sequence[str], *, after: str, limit: int) -> list[Tried]:
    """The same for what an archive holds and neither came from there nor from its source when it was asked for."""
    return _oldest(tx, media_ids, after, limit, _LEFT_THERE)


def _oldest(tx: Connection, media_ids: Sequence[str], after: str, limit: int, files: str) -> list[Tried]:
    ids = tuple(each for each in media_ids if storable(each))
    where = " AND m.media_id > ?"
    if media_ids:
        where += f" AND m.media_id IN ({', '.join('?' * len(ids)) or 'NULL'})"
    return _page(tx, where, (after, *ids), limit, descending=False, files=files)


def again(tx: Connection, rows: Sequence[Lost], now: datetime) -> None:
    """Queue these places as due now; their rows keep what they know."""
    work.add(
        tx,
        Stage.FETCH,
        [(each.media_id, host_of(each.url)) for each in rows],
        now,
        expiries={each.media_id: each.expires_at for each in rows},
    )


def _from(table: str, files: str = _LOST_FILES) -> str:
    return (
        f"FROM {table} m WHERE m.file_id IN ({files}) AND m.download_state = 'fetched'"
        f" AND coalesce(m.error_kind, '') <> '{UNREAD_PLATFORM}'"
    )


def _page(
    tx: Connection,
    where: str,
    parameters: Sequence[Any],
    limit: int,
    *,
    descending: bool,
    files: str = _LOST_FILES,
) -> list[Tried]:
    found: list[Tried] = []
    order = "DESC" if descending else "ASC"
    places = list(PLACES.values())
    for table, owner in reversed(places) if descending else places:
        if len(found) < limit:
            statement = (
                f"SELECT m.media_id, m.{owner}, m.media_url, m.error_kind, m.error_message, m.error_at,"
                f" m.expires_at {_from(table, files)}{where} ORDER BY m.media_id {order} LIMIT ?"
            )
            rows = bulk.execute(tx, statement, *parameters, limit - len(found)).all()
            found += [_tried(row) for row in rows]
    return found


def _tried(row: Sequence[Any]) -> Tried:
    place = Lost(
        media_id=row[0],
        owner=row[1],
        url=row[2],
        state=MediaState.FETCHED,
        kind=LOST,
        message=f"{_GONE_HERE}; its source: {row[4] or row[3]}" if row[3] else _GONE_HERE,
        error_at=moment(row[5]),
        expires_at=moment(row[6]),
        next_try_at=None,
        fails=0,
    )
    return Tried(place, row[3])


def by_id(tx: Connection, media_ids: Sequence[str]) -> list[Lost]:
    """Those of these media that are lost."""
    return [each.place for each in oldest(tx, media_ids, after="", limit=len(media_ids))] if media_ids else []
