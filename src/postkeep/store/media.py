"""Media rows as fetching needs them: whose turn it is, what is known of the same asset, what came of a try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import CachedFile, MediaState, MediaType, Stage
from postkeep.store import bulk, families, renditions, schema, work
from postkeep.store.bulk import moment
from postkeep.store.caching import keep_files, mark_incomplete
from postkeep.store.places import PLACES
from postkeep.store.stored_files import FILE_COLUMNS, FILE_WIDTH, StoredFile, file_from


@dataclass(frozen=True, slots=True)
class Due:
    """A media row whose turn it is: what to request, and what a failure is judged by.

    `asset` is what is the same thing on the platform, however many rows show it; `owner` the post or profile
    that shows this one. `alternatives` are other names of it beside `url`, and `answered` the rendition that came
    under one of them before.
    """

    media_id: str
    platform: str
    url: str
    host: str
    media_key: str
    rendition: str | None
    rendition_rank: int | None
    expires_at: datetime | None
    state: MediaState
    error_kind: str | None
    fails: int
    asset: tuple[str, str, str | None]
    owner: str
    alternatives: tuple[str, ...] = ()
    answered: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """The content of a media row is in the cache; `incomplete` when its source has no more of it."""

    media_id: str
    file: CachedFile
    rendition: str | None
    rendition_rank: int | None
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that brought nothing: the row's state, and when the next try is due (None: never by itself)."""

    media_id: str
    url: str
    state: MediaState
    kind: str
    message: str
    due_at: datetime | None
    fails: int


def due(
    tx: Connection, host: str, now: datetime, *, limit: int, below: int, skip: Iterable[str] = ()
) -> list[Due]:
    """The next media of a host whose time has come, most urgent first, but for those in `skip`.

    Work whose media row is gone is removed on the next write, not here.
    """
    left_out = set(skip)
    rows = bulk.execute(
        tx,
        "SELECT subject, fails FROM work WHERE stage = ? AND host = ? AND priority < ? AND due_at <= ?"
        " ORDER BY priority, due_at LIMIT ?",
        str(Stage.FETCH),
        host,
        below,
        now,
        limit + len(left_out),
    ).all()
    fails = {subject: count for subject, count in rows if subject not in left_out}
    found: dict[str, Due] = {}
    for prefix, (table, owner) in PLACES.items():
        parent = "posts" if owner == "post_id" else "profiles"
        for row in bulk.among(
            tx,
            "SELECT m.media_id, o.platform, m.media_url, m.media_key, m.rendition, m.rendition_rank,"  # noqa: S608
            f" m.expires_at, m.download_state, m.error_kind, m.{owner}, m.alternatives, m.file_rendition"
            f" FROM {table} m"
            f" JOIN {parent} o ON o.{owner} = m.{owner} WHERE m.media_id {{in}}",
            [subject for subject in fails if subject.startswith(prefix)],
        ):
            answered = families.answered(row[10], row[11])
            found[row[0]] = Due(
                media_id=row[0],
                platform=row[1],
                url=row[2],
                host=host,
                media_key=row[3],
                rendition=row[4],
                rendition_rank=row[5],
                expires_at=moment(row[6]),
                state=MediaState(row[7]),
                error_kind=row[8],
                fails=fails[row[0]],
                asset=(row[1], row[3], answered or row[4]),
                owner=row[9],
                alternatives=families.names_in(row[10]),
                answered=answered,
            )
    return [found[subject] for subject in fails if subject in found][:limit]


def orphaned_work(tx: Connection) -> list[str]:
    """Subjects of fetch work whose media row is gone."""
    rows = bulk.execute(
        tx,
        "SELECT w.subject FROM work w WHERE w.stage = ?"
        " AND NOT EXISTS (SELECT 1 FROM post_media m WHERE m.media_id = w.subject)"
        " AND NOT EXISTS (SELECT 1 FROM profile_media m WHERE m.media_id = w.subject)",
        str(Stage.FETCH),
    ).all()
    return [subject for (subject,) in rows]


def cached_assets(
    tx: Connection, assets: Iterable[tuple[str, str, str | None]]
) -> dict[tuple[str, str, str | None], tuple[StoredFile, int | None]]:
    """Files in the cache that some row fetched for these assets, each with its rendition's rank."""
    wanted = set(assets)
    keys = {key for _, key, _ in wanted}
    found = {}
    for table, owner in PLACES.values():
        parent = "posts" if owner == "post_id" else "profiles"
        for row in bulk.among(
            tx,
            f"SELECT {FILE_COLUMNS}, o.platform, m.media_key, m.file_rendition, m.file_rank FROM {table} m"  # noqa: S608
            f" JOIN {parent} o ON o.{owner} = m.{owner} JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.media_key {in} AND f.cached_at IS NOT NULL",
            keys,
        ):
            platform, key, rendition, rank = row[FILE_WIDTH:]
            if (platform, key, rendition) in wanted:
                found[platform, key, rendition] = (file_from(row), rank)
    return found


def cached_otherwise(
    tx: Connection, assets: Iterable[tuple[str, str, str | None]]
) -> dict[tuple[str, str, str | None], tuple[StoredFile, str]]:
    """Files in the cache that came for these assets under another of their names, each with that rendition."""
    wanted = set(assets)
    found: dict[tuple[str, str, str | None], tuple[StoredFile, str]] = {}
    for table, owner in PLACES.values():
        parent = "posts" if owner == "post_id" else "profiles"
        for row in bulk.among(
            tx,
            f"SELECT {FILE_COLUMNS}, o.platform, m.media_key, m.rendition, m.file_rendition, m.alternatives"  # noqa: S608
            f" FROM {table} m JOIN {parent} o ON o.{owner} = m.{owner}"
            " JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.media_key {in} AND m.alternatives IS NOT NULL AND f.cached_at IS NOT NULL",
            {key for _, key, _ in wanted},
        ):
            platform, key, rendition, came, stored = row[FILE_WIDTH:]
            if (platform, key, rendition) in wanted and families.answered(stored, came) is not None:
                found[platform, key, rendition] = (file_from(row), came)
    return found


def store_arrivals(tx: Connection, arrivals: Sequence[Arrival], *, ids: IdFactory, now: datetime) -> None:
    """Give media rows their files, and take their work from the list, in one transaction."""
    if not arrivals:
        return
    files = keep_files(tx, (each.file for each in arrivals), ids=ids, now=now)
    mark_incomplete(tx, {each.file.digest.sha256 for each in arrivals if each.incomplete})
    changed = _changed_contents(tx, arrivals)
    for prefix, (table, _) in PLACES.items():
        bulk.update(
            tx,
            schema.metadata.tables[table],
            (
                "file_id",
                "local_file_path",
                "md5_sum",
                "file_size",
                "mime_type",
                "media_type",
                "width",
                "height",
                "archive_url",
                "file_rendition",
                "file_rank",
                "download_state",
                "error_kind",
                "error_message",
                "error_at",
                "updated_at",
            ),
            [
                (
                    *_facts(files[each.file.digest.sha256]),
                    each.rendition,
                    each.rendition_rank,
                    MediaState.FETCHED,
                    *changed.get(each.media_id, (None, None)),
                    now if each.media_id in changed else None,
                    now,
                    each.media_id,
                )
                for each in arrivals
                if each.media_id.startswith(prefix)
            ],
            key=["media_id"],
        )
    work.done(tx, Stage.FETCH, [each.media_id for each in arrivals])
    videos = [each.media_id for each in arrivals if each.file.kind.media_type is MediaType.VIDEO]
    renditions.queue_for(tx, videos, now)


def _changed_contents(tx: Connection, arrivals: Sequence[Arrival]) -> dict[str, tuple[str, str]]:
    """The rows whose source now gives other bytes for the same rendition: (error kind, message) of each.

    The file they had before stays known by its hash.
    """
    new = {each.media_id: each for each in arrivals}
    changed = {}
    for prefix, (table, _) in PLACES.items():
        for media_id, rendition, sha256 in bulk.among(
            tx,
            f"SELECT m.media_id, m.file_rendition, f.sha256 FROM {table} m"  # noqa: S608
            " JOIN media_files f ON f.file_id = m.file_id WHERE m.media_id {in}",
            [each for each in new if each.startswith(prefix)],
        ):
            arrival = new[media_id]
            if sha256 and sha256 != arrival.file.digest.sha256 and rendition == arrival.rendition:
                message = f"the source now gives other bytes; the earlier file had SHA-256 {sha256}"
                changed[media_id] = ("changed", message)
    return changed


def _facts(file: StoredFile) -> tuple[Any, ...]:
    return (
        file.file_id,
        file.path,
        file.md5_sum,
        file.size,
        file.kind.mime_type,
        file.kind.media_type,
        file.dimensions.width,
        file.dimensions.height,
        file.archive_url,
    )


def store_failures(tx: Connection, failures: Sequence[Failure], now: datetime) -> None:
    """Record tries that brought nothing. A row whose URL changed meanwhile is left alone: its try is not this one.

    A row that has a file keeps it and stays fetched; only the error is noted.
    """
    finished, later = [], []
    for each in failures:
        table = PLACES[each.media_id[:3]][0]
        changed = bulk.execute(
            tx,
            f"UPDATE {table} SET download_state = CASE WHEN file_id IS NULL THEN ? ELSE download_state END,"  # noqa: S608
            " error_kind = ?, error_message = ?, error_at = ?, updated_at = ?"
            " WHERE media_id = ? AND media_url = ?",
            str(each.state),
            each.kind,
            each.message[:500],
            now,
            now,
            each.media_id,
            each.url,
        )
        if changed.rowcount != 1:
            continue
        if each.due_at is None:
            finished.append(each.media_id)
        else:
            later.append((each.due_at, each.fails, each.media_id))
    work.done(tx, Stage.FETCH, finished)
    work.reschedule(tx, Stage.FETCH, later)
