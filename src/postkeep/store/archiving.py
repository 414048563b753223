"""What the archive stage reads and writes: contents that want a second home, their claims, and their proofs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.errors import ObjectMissing
from postkeep.ids import IdFactory
from postkeep.model import Kind, MediaType, ObjectState, Stage
from postkeep.store import bulk, costs, schema, work
from postkeep.store.bulk import moment
from postkeep.store.places import PLACES
from postkeep.store.renditions import DERIVED


@dataclass(frozen=True, slots=True)
class Wanted:
    """A content whose turn it is: where it is here, what it must equal, and what it may be called there.

    `media_id` and `created_at` are those of the oldest row that shows it; `key` and `state` are of the object
    that was claimed for it before, if any.
    """

    file_id: str
    path: str
    sha256: str
    md5: str
    size: int
    kind: Kind
    cached: bool
    archive_url: str | None
    fails: int
    media_id: str | None
    created_at: datetime | None
    key: str | None
    state: ObjectState | None

    @property
    def can_go_up(self) -> bool:
        """Whether its bytes are here, or somebody's object is said to hold them already."""
        return self.cached or self.state is ObjectState.FOREIGN or self.archive_url is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a content is about to be stored under."""

    file_id: str
    key: str
    state: ObjectState = ObjectState.CLAIMED


@dataclass(frozen=True, slots=True)
class ProvenObject:
    """An object that was proven equal to a content; `url` is its stable name."""

    file_id: str
    key: str
    url: str
    proof: str
    etag: str
    part_size: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A try that proved nothing; `due_at` None: never by itself."""

    file_id: str
    kind: str
    message: str
    due_at: datetime | None
    fails: int


def queue_all(tx: Connection, place: str, now: datetime, *, post_id: str | None = None) -> None:
    """Make every content in the cache due that this store was not proven to hold, or only a post's; idempotent.

    What waits for another store, or for its next try, is due here now. Contents whose bytes were never read have
    nothing a proof could be made with; what was made of others can be made again.
    """
    of_post = "" if post_id is None else (
        " AND EXISTS (SELECT 1 FROM post_media m WHERE m.file_id = f.file_id AND m.post_id = ?)"
    )  # fmt: skip
    bulk.execute(
        tx,
        "INSERT INTO work (stage, subject, host, priority, due_at, fails)"  # noqa: S608
        " SELECT ?, f.file_id, ?, 0, ?, 0 FROM media_files f"
        " WHERE f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL AND f.quarantined_at IS NULL"
        f" AND NOT EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
        f" AND a.state = '{ObjectState.PROVEN}') AND NOT {DERIVED}{of_post}"
        " ON CONFLICT (stage, subject) DO UPDATE SET host = excluded.host, due_at = excluded.due_at, fails = 0"
        " WHERE work.host <> excluded.host OR work.due_at > excluded.due_at",
        str(Stage.ARCHIVE),
        place,
        now,
        place,
        *(() if post_id is None else (post_id,)),
    )


def queue(tx: Connection, place: str, file_ids: Iterable[str], now: datetime) -> None:
    """Queue these contents as due now."""
    work.add(tx, Stage.ARCHIVE, [(file_id, place) for file_id in file_ids], now)


def due(tx: Connection, place: str, now: datetime, *, limit: int, skip: Iterable[str] = ()) -> list[Wanted]:
    """The next contents whose time has come, but for those in `skip`."""
    left_out = set(skip)
    rows = bulk.execute(
        tx,
        "SELECT subject, fails FROM work WHERE stage = ? AND host = ? AND due_at <= ?"
        " ORDER BY priority, due_at LIMIT ?",
        str(Stage.ARCHIVE),
        place,
        now,
        limit + len(left_out),
    ).all()
    fails = {subject: count for subject, count in rows if subject not in left_out}
    found = wanted(tx, place, fails)
    return [found[subject] for subject in fails if subject in found][:limit]


def wanted(tx: Connection, place: str, fails: Mapping[str, int]) -> dict[str, Wanted]:
    """What is known of these contents, by file id; those without a row or a hash are left out."""
    oldest: dict[str, tuple[datetime, str]] = {}
    for table, _ in PLACES.values():
        for file_id, media_id, created in bulk.among(
            tx,
            f"SELECT file_id, media_id, created_at FROM {table} WHERE file_id {{in}}",  # noqa: S608
            fails,
        ):
            at = moment(created)
            assert at is not None, "created_at is never NULL"
            oldest[file_id] = min(oldest.get(file_id, (at, media_id)), (at, media_id))
    # `among` wants the list before all other parameters.
    rows = bulk.among(
        tx,
        "WITH wanted AS (SELECT w.file_id FROM media_files w WHERE w.file_id {in})"
        " SELECT f.file_id, f.local_file_path, f.sha256, f.md5_sum, f.file_size, f.mime_type, f.extension,"
        " f.media_type, f.cached_at, f.archive_url, f.created_at, a.key, a.state"
        " FROM wanted JOIN media_files f ON f.file_id = wanted.file_id"
        " LEFT JOIN archive_objects a ON a.file_id = f.file_id AND a.store = ? WHERE f.sha256 IS NOT NULL",
        fails,
        place,
    )
    return {row[0]: _wanted(row, fails[row[0]], oldest.get(row[0])) for row in rows}


def _wanted(row: Any, fails: int, oldest: tuple[datetime, str] | None) -> Wanted:
    created_at, media_id = oldest if oldest is not None else (moment(row[10]), None)
    return Wanted(
        file_id=row[0],
        path=row[1],
        sha256=row[2],
        md5=row[3],
        size=row[4],
        kind=Kind(row[5], row[6], MediaType(row[7])),
        cached=row[8] is not None,
        archive_url=row[9],
        fails=fails,
        media_id=media_id,
        created_at=created_at,
        key=row[11],
        state=ObjectState(row[12]) if row[12] else None,
    )


def claim(
    tx: Connection, place: str, claims: Sequence[Claim], *, ids: IdFactory, now: datetime
) -> dict[str, tuple[str, ObjectState]]:
    """Reserve keys; returns the key and state each content has now, which may be those of an earlier claim.

    A content has one object in a store and a key one content: whoever comes second gets the first one's.
    """
    bulk.insert(
        tx,
        schema.archive_objects,
        ("object_id", "file_id", "store", "key", "state", "claimed_at"),
        [(ids.new("obj"), each.file_id, place, each.key, each.state, now) for each in claims],
        on_conflict="DO NOTHING",
    )
    rows = bulk.among(
        tx,
        "SELECT file_id, key, state FROM archive_objects WHERE file_id {in} AND store = ?",
        [each.file_id for each in claims],
        place,
    )
    return {file_id: (key, ObjectState(state)) for file_id, key, state in rows}


def reclaim(tx: Connection, place: str, claims: Sequence[Claim]) -> None:
    """Give contents another key than that of an object which turned out to be something else."""
    bulk.update(
        tx,
        schema.archive_objects,
        ("key", "state"),
        [(each.key, each.state, each.file_id, place) for each in claims],
        key=["file_id", "store"],
    )


def record_proven(tx: Connection, place: str, objects: Sequence[ProvenObject], now: datetime) -> set[str]:
    """Say that these contents are archived; returns those (file ids) of which it could be said.

    A claim that somebody else moved meanwhile is left as it is, and its content is not called archived.
    """
    kept: list[ProvenObject] = []
    for each in objects:
        changed = bulk.execute(
            tx,
            "UPDATE archive_objects SET state = ?, proof = ?, etag = ?, part_size = ?,"
            " uploaded_at = coalesce(uploaded_at, ?), proven_at = ?, error_kind = NULL, error_message = NULL,"
            " error_at = NULL WHERE file_id = ? AND store = ? AND key = ?",
            str(ObjectState.PROVEN),
            each.proof,
            each.etag,
            each.part_size,
            now,
            now,
            each.file_id,
            place,
            each.key,
        )
        if changed.rowcount == 1:
            kept.append(each)
    rows = [(each.url, now, each.file_id) for each in kept]
    for table in (schema.media_files, schema.post_media, schema.profile_media):
        bulk.update(tx, table, ("archive_url", "updated_at"), rows, key=["file_id"])
    done = {each.file_id for each in kept}
    work.done(tx, Stage.ARCHIVE, done)
    return done


def record_refused(tx: Connection, place: str, refused: Sequence[Refused], now: datetime) -> None:
    """Note tries that proved nothing, and when the next is due."""
    bulk.update(
        tx,
        schema.archive_objects,
        ("error_kind", "error_message", "error_at"),
        [(each.kind, each.message[:500], now, each.file_id, place) for each in refused],
        key=["file_id", "store"],
    )
    work.done(tx, Stage.ARCHIVE, [each.file_id for each in refused if each.due_at is None])
    work.reschedule(
        tx,
        Stage.ARCHIVE,
        [(each.due_at, each.fails, each.file_id) for each in refused if each.due_at is not None],
    )


def forget_proofs(tx: Connection, place: str, file_ids: Sequence[str], reason: str, now: datetime) -> None:
    """Say that these contents are no longer known to be archived: their object is missing or something else.

    Their claim stays, so that they go up under the same key; `archive_url` goes from every row.
    """
    bulk.update(
        tx,
        schema.archive_objects,
        ("state", "proof", "proven_at", "error_kind", "error_message", "error_at"),
        [(ObjectState.CLAIMED, None, None, reason, None, now, each, place) for each in file_ids],
        key=["file_id", "store"],
    )
    for table in (schema.media_files, schema.post_media, schema.profile_media):
        bulk.update(
            tx, table, ("archive_url", "updated_at"), [(None, now, each) for each in file_ids], key=["file_id"]
        )
    if reason == ObjectMissing.kind:
        # What is not there is not paid for.
        costs.end_storage(tx, place, file_ids, now)
