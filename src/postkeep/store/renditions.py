"""Contents that were made of others: which videos want their sound, what came of it, and what depends on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import Role, Stage
from postkeep.store import bulk, removing, schema, work
from postkeep.store.bulk import moment
from postkeep.store.types import made_storable
from postkeep.views.joining import JoinedView

HOST = "here"
"""The host of this work, which asks nobody for anything."""

MADE = "made"
"""Why a content left the cache that can be made again."""


class RenditionKind(StrEnum):
    """What was made of a content."""

    JOINED = "joined"


_SHOWN_AS_IT_IS = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} o WHERE o.file_id = f.file_id)"  # noqa: S608
    for table in ("post_media", "profile_media", "file_urls")
)
DERIVED = (
    "(EXISTS (SELECT 1 FROM renditions d WHERE d.file_id IS NOT NULL AND d.file_id = f.file_id)"  # noqa: S608
    f" AND NOT ({_SHOWN_AS_IT_IS}))"
)
"""The condition, on media_files `f`, that a content was only made of others, and nobody shows it as it is."""

_SOUND = f"s.role = '{Role.AUDIO_TRACK}' AND s.file_id IS NOT NULL"
_VIDEO = (
    "v.post_id = s.post_id AND v.media_key = s.media_key AND v.media_type = 'video'"
    f" AND v.role <> '{Role.AUDIO_TRACK}' AND v.file_id IS NOT NULL"
)


# --- what is to do --------------------------------------------------------------------------------------


def queue_for(tx: Connection, media_ids: Iterable[str], now: datetime) -> None:
    """Queue the videos that one of these media rows is, or is the sound of, where both have come."""
    rows = bulk.among(
        tx,
        "SELECT DISTINCT v.file_id FROM post_media t JOIN post_media s ON s.post_id = t.post_id"  # noqa: S608
        f" AND s.media_key = t.media_key AND {_SOUND} JOIN post_media v ON {_VIDEO} WHERE t.media_id {{in}}",
        media_ids,
    )
    _queue(tx, rows, now, priority=0)


def queue_lost(tx: Connection, file_ids: Iterable[str], now: datetime) -> None:
    """Queue what these contents were made of, for they are no longer here."""
    rows = bulk.among(
        tx,
        "SELECT source_file_id FROM renditions WHERE file_id IS NOT NULL AND file_id {in}",
        file_ids,
    )
    _queue(tx, rows, now, priority=0)


def queue_page(tx: Connection, after: str, now: datetime, *, limit: int) -> str | None:
    """Ask for the joining of all videos among so many media after an id; returns the last id, None at the end."""
    end = bulk.execute(
        tx,
        "SELECT max(media_id), count(*) FROM (SELECT media_id FROM post_media WHERE media_id > ?"
        " ORDER BY media_id LIMIT ?) q",
        after,
        limit,
    ).one()
    if end[0] is None:
        return None
    rows = bulk.execute(
        tx,
        f"SELECT DISTINCT v.file_id FROM post_media s JOIN post_media v ON {_VIDEO}"  # noqa: S608
        f" WHERE s.media_id > ? AND s.media_id <= ? AND {_SOUND}"
        " AND NOT EXISTS (SELECT 1 FROM renditions r JOIN media_files j ON j.file_id = r.file_id"
        " WHERE r.source_file_id = v.file_id AND r.kind = ? AND r.beside_file_id = s.file_id"
        " AND j.cached_at IS NOT NULL)",
        after,
        end[0],
        RenditionKind.JOINED.value,
    ).all()
    _queue(tx, rows, now, priority=work.ASKED_FOR)
    return str(end[0]) if end[1] == limit else None


def _queue(tx: Connection, rows: Iterable[Any], now: datetime, *, priority: int) -> None:
    work.add(tx, Stage.JOIN, [(file_id, HOST) for (file_id,) in rows], now, priority=priority)


def waiting(tx: Connection) -> int:
    """How many videos are queued."""
    return work.waiting_of_host(tx, Stage.JOIN, HOST)


@dataclass(frozen=True, slots=True)
class Rendition:
    """What was made of a content, or tried: `file_id` and `made_at` of the last time it worked.

    `cached` says whether what was made is in the cache, `evicted` whether it left that on purpose.
    """

    rendition_id: str
    beside_file_id: str | None
    file_id: str | None
    error_kind: str | None
    cached: bool
    evicted: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A video whose turn it is: its sounds, the oldest place's first, and what was made of it before.

    `asked`: somebody waits for it.
    """

    source_file_id: str
    asked: bool
    sounds: tuple[str, ...]
    before: Rendition | None


def due(tx: Connection, *, limit: int, skip: Collection[str] = ()) -> list[Wanted]:
    """The next videos that are queued, but for those in `skip`."""
    rows = bulk.execute(
        tx,
        "SELECT subject, priority FROM work WHERE stage = ? AND host = ? ORDER BY priority, due_at LIMIT ?",
        str(Stage.JOIN),
        HOST,
        limit + len(skip),
    ).all()
    priorities = {subject: priority for subject, priority in rows if subject not in skip}
    sounds: dict[str, dict[str, None]] = {}
    for source, sound in bulk.among(
        tx,
        f"SELECT v.file_id, s.file_id FROM post_media v JOIN post_media s ON {_VIDEO} AND {_SOUND}"  # noqa: S608
        " WHERE v.file_id {in} ORDER BY s.media_id",
        priorities,
    ):
        sounds.setdefault(source, {})[sound] = None
    before = renditions(tx, priorities)
    return [
        Wanted(source, priority < 0, tuple(sounds.get(source, ())), before.get(source))
        for source, priority in priorities.items()
    ][:limit]


def renditions(tx: Connection, source_file_ids: Iterable[str]) -> dict[str, Rendition]:
    """What was joined of these contents, by the source."""
    rows = bulk.among(
        tx,
        "SELECT r.source_file_id, r.rendition_id, r.beside_file_id, r.file_id, r.error_kind,"
        " f.cached_at IS NOT NULL, f.evicted_at IS NOT NULL FROM renditions r"
        " LEFT JOIN media_files f ON f.file_id = r.file_id WHERE r.source_file_id {in} AND r.kind = ?",
        source_file_ids,
        RenditionKind.JOINED.value,
    )
    return {row[0]: Rendition(row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6])) for row in rows}


def done(tx: Connection, source_file_ids: Iterable[str]) -> None:
    work.done(tx, Stage.JOIN, source_file_ids)


# --- what came of it ------------------------------------------------------------------------------------


def begin(tx: Connection, source_file_id: str, *, ids: IdFactory, now: datetime) -> str | None:
    """The id of a video's rendition, whose row is there from now on; None when the video's is gone."""
    if not bulk.among(tx, "SELECT 1 FROM media_files WHERE file_id {in}", [source_file_id]):
        return None
    bulk.insert(
        tx,
        schema.renditions,
        ("rendition_id", "source_file_id", "kind", "created_at"),
        [(ids.new("ren"), source_file_id, RenditionKind.JOINED.value, now)],
        on_conflict="(source_file_id, kind) DO NOTHING",
    )
    return renditions(tx, [source_file_id])[source_file_id].rendition_id


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the rendition, what the sound was, and the content that came of it."""

    rendition_id: str
    beside_file_id: str
    file_id: str


def made(tx: Connection, each: Made, now: datetime) -> bool:
    """Note what was made, and drop what it takes the place of; False when the rendition is gone, or the sound."""
    if not bulk.among(tx, "SELECT 1 FROM media_files WHERE file_id {in}", [each.beside_file_id]):
        return False
    noted = _note(tx, each.rendition_id, (each.beside_file_id, each.file_id, now, None, None), now)
    if noted:
        _forget_former(tx, each, now)
    return noted


def failed(
    tx: Connection, rendition_id: str, beside_file_id: str, *, kind: str, message: str, now: datetime
) -> bool:
    """Note that this video and sound cannot be joined; as `made`."""
    message = made_storable(message)[:500]
    return _note(tx, rendition_id, (beside_file_id, None, None, kind, message), now)


def _note(tx: Connection, rendition_id: str, values: tuple[Any, ...], now: datetime) -> bool:
    row = bulk.execute(tx, "SELECT file_id FROM renditions WHERE rendition_id = ?", rendition_id).first()
    if row is None:
        return False
    columns = ("beside_file_id", "file_id", "made_at", "error_kind", "error_message")
    bulk.update(tx, schema.renditions, columns, [(*values, rendition_id)], key=["rendition_id"])
    if row[0] not in (None, values[1]):
        _drop(tx, row[0], now)
    return True


def _forget_former(tx: Connection, each: Made, now: datetime) -> None:
    """Forget what was made with the same sound of a video that no post shows with it any more."""
    former = bulk.execute(
        tx,
        "SELECT r.rendition_id, r.file_id FROM renditions r"  # noqa: S608
        " WHERE r.beside_file_id IS NOT NULL AND r.beside_file_id = ? AND r.rendition_id <> ? AND r.kind = ?"
        " AND NOT EXISTS (SELECT 1 FROM post_media v"
        f" JOIN post_media s ON {_VIDEO} AND {_SOUND} WHERE v.file_id = r.source_file_id)",
        each.beside_file_id,
        each.rendition_id,
        RenditionKind.JOINED.value,
    ).all()
    bulk.delete(tx, schema.renditions, ("rendition_id",), [(rendition_id,) for rendition_id, _ in former])
    for _, file_id in former:
        if file_id is not None:
            _drop(tx, file_id, now)


def _drop(tx: Connection, file_id: str, now: datetime) -> None:
    """Forget a content that nothing stands for any more, and queue the removal of its bytes."""
    row = bulk.execute(
        tx,
        "SELECT f.local_file_path FROM media_files f WHERE f.file_id = ?"  # noqa: S608
        f" AND NOT ({_SHOWN_AS_IT_IS})"
        " AND NOT EXISTS (SELECT 1 FROM renditions r WHERE r.file_id IS NOT NULL AND r.file_id = f.file_id)"
        " AND NOT EXISTS (SELECT 1 FROM renditions r WHERE r.source_file_id = f.file_id)"
        " AND NOT EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id)"
        " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.subject = f.file_id)",
        file_id,
    ).first()
    if row is not None:
        removing.queue_files(tx, [row[0]], now)
        bulk.delete(tx, schema.media_files, ("file_id",), [(file_id,)])


def take_up(tx: Connection, found: Iterable[Made], now: datetime) -> int:
    """Note what a process that died had put into place; returns how many renditions there still were."""
    return sum(made(tx, each, now) for each in found)


# --- what is shown --------------------------------------------------------------------------------------


def joined(tx: Connection, source_file_ids: Iterable[str]) -> Mapping[str, JoinedView]:
    """What was joined of these contents, or why it could not be, by the video's file id."""
    rows = bulk.among(
        tx,
        "SELECT r.source_file_id, f.local_file_path, f.cached_at IS NOT NULL, f.file_size, f.mime_type, f.width,"
        " f.height, f.duration, f.md5_sum, f.sha256, r.made_at, f.evicted_at, r.error_kind, r.error_message"
        " FROM renditions r LEFT JOIN media_files f ON f.file_id = r.file_id"
        " WHERE r.source_file_id {in} AND r.kind = ? AND (r.file_id IS NOT NULL OR r.error_kind IS NOT NULL)",
        source_file_ids,
        RenditionKind.JOINED.value,
    )
    return {row[0]: _joined(row) for row in rows}


def _joined(row: Sequence[Any]) -> JoinedView:
    cached = bool(row[2])
    evicted_at = None if cached else moment(row[11])
    return JoinedView(row[1], cached, *row[3:10], moment(row[10]), evicted_at, *row[12:14])  # type: ignore[call-arg]


def derived_among(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    """Which of these contents were only made of others."""
    rows = bulk.among(tx, f"SELECT f.file_id FROM media_files f WHERE f.file_id {{in}} AND {DERIVED}", file_ids)  # noqa: S608
    return {file_id for (file_id,) in rows}
