"""Media whose bytes are not to be had: counted by class, listed, and put back on the list of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import MediaState, Stage
from postkeep.store import bulk, schema, work
from postkeep.store.bulk import moment
from postkeep.store.places import LOST, PLACES
from postkeep.store.types import storable

STATES = (
    MediaState.RETRY,
    MediaState.FAILED,
    MediaState.REFUSED,
    MediaState.UNSUPPORTED,
    MediaState.GONE,
    MediaState.EXPIRED,
)
"""The states of media without bytes, those that time may mend first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them are meant; what is empty leaves all."""

    states: tuple[MediaState, ...] = ()
    kinds: tuple[str, ...] = ()
    media_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """A place for media that has no bytes, and what the last try said. `owner` is a post's or a profile's id."""

    media_id: str
    owner: str
    url: str
    state: MediaState
    kind: str | None
    message: str | None
    error_at: datetime | None
    expires_at: datetime | None
    next_try_at: datetime | None
    fails: int


def classes(tx: Connection, wanted: Wanted) -> list[tuple[str, str | None, int, str]]:
    """(state, error kind, how many, the id of the newest) of each class, from the indexes alone."""
    found: dict[tuple[str, str | None], tuple[int, str]] = {}
    for table, _ in PLACES.values():
        where, parameters = _where(wanted)
        rows = bulk.execute(
            tx,
            f"SELECT m.download_state, m.error_kind, count(*), max(m.media_id) FROM {table} m"  # noqa: S608
            f" WHERE {LOST}{where} GROUP BY m.download_state, m.error_kind",
            *parameters,
        ).all()
        for state, kind, count, newest in rows:
            before, other = found.get((state, kind), (0, ""))
            found[state, kind] = (before + int(count), max(newest, other))
    return [(state, kind, count, newest) for (state, kind), (count, newest) in found.items()]


def newest(tx: Connection, wanted: Wanted, *, before: str | None, limit: int) -> list[Lost]:
    """A page, the newest media first; `before` is the media_id the page before ended with."""
    found: list[Lost] = []
    for table, owner in reversed(PLACES.values()):
        where, parameters = _where(wanted)
        if before is not None:
            where += " AND m.media_id < ?"
            parameters += (before,)
        found += _page(tx, table, owner, f"{LOST}{where} ORDER BY m.media_id DESC", parameters, limit - len(found))
    return found


def oldest(tx: Connection, wanted: Wanted, *, after: str, limit: int, lock: bool = False) -> list[Lost]:
    """A page by id, after the given one; with `lock` nobody else can change these rows in this transaction."""
    found: list[Lost] = []
    # On SQLite a transaction that writes is alone.
    locking = " FOR UPDATE OF m" if lock and tx.dialect.name != "sqlite" else ""
    for table, owner in PLACES.values():
        where, parameters = _where(wanted)
        found += _page(
            tx,
            table,
            owner,
            f"{LOST}{where} AND m.media_id > ? ORDER BY m.media_id",
            (*parameters, after),
            limit - len(found),
            locking,
        )
    return found


def known(tx: Connection, media_ids: Iterable[str]) -> set[str]:
    """Those of the ids that some place for media has."""
    wanted = [each for each in media_ids if storable(each)]
    return {
        media_id
        for table, _ in PLACES.values()
        for (media_id,) in bulk.among(tx, f"SELECT media_id FROM {table} WHERE media_id {{in}}", wanted)  # noqa: S608
    }


def by_id(tx: Connection, media_ids: Iterable[str]) -> Iterator[Lost]:
    """These media, in no order."""
    wanted = list(media_ids)
    for table, owner in PLACES.values():
        for row in bulk.among(tx, f"{_select(table, owner)} WHERE m.media_id {{in}}", wanted):
            yield _lost(row)


def again(tx: Connection, rows: Sequence[tuple[Lost, str]], now: datetime) -> None:
    """Begin anew with these places (each with the host of its URL): nothing tried, nothing spent, due now.

    They must have been locked by `oldest` in this transaction.
    """
    for prefix, (table, _) in PLACES.items():
        bulk.update(
            tx,
            schema.metadata.tables[table],
            ("download_state", "error_kind", "error_message", "error_at", "updated_at"),
            [
                (MediaState.PENDING, None, None, None, now, each.media_id)
                for each, _ in rows
                if each.media_id.startswith(prefix)
            ],
            key=["media_id"],
        )
    work.add(
        tx,
        Stage.FETCH,
        [(each.media_id, host) for each, host in rows],
        now,
        expiries={each.media_id: each.expires_at for each, _ in rows},
    )


def _where(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    conditions, parameters = "", tuple[Any, ...]()
    for column, values in (
        ("m.download_state", wanted.states),
        ("m.error_kind", wanted.kinds),
        ("m.media_id", wanted.media_ids),
    ):
        texts = tuple(str(each) for each in values if storable(str(each)))
        if values:
            conditions += f" AND {column} IN ({', '.join('?' * len(texts)) or 'NULL'})"
            parameters += texts
    return conditions, parameters


# Joined to a page whose length it does not know, SQLite would read all work for a filter first.
_WORK = "(SELECT w.{} FROM work w WHERE w.stage = 'fetch' AND w.subject = m.media_id)"


def _select(table: str, owner: str) -> str:
    return (
        f"SELECT m.media_id, m.{owner}, m.media_url, m.download_state, m.error_kind, m.error_message,"  # noqa: S608
        f" m.error_at, m.expires_at, {_WORK.format('due_at')}, {_WORK.format('fails')} FROM {table} m"
    )


def _page(
    tx: Connection, table: str, owner: str, rest: str, parameters: Sequence[Any], limit: int, locking: str = ""
) -> list[Lost]:
    if limit <= 0:
        return []
    rows = bulk.execute(tx, f"{_select(table, owner)} WHERE {rest} LIMIT ?{locking}", *parameters, limit).all()
    return [_lost(row) for row in rows]


def _lost(row: Sequence[Any]) -> Lost:
    return Lost(
        media_id=row[0],
        owner=row[1],
        url=row[2],
        state=MediaState(row[3]),
        kind=row[4],
        message=row[5],
        error_at=moment(row[6]),
        expires_at=moment(row[7]),
        next_try_at=moment(row[8]),
        fails=int(row[9] or 0),
    )
