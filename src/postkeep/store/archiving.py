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
from postkeep.store.spelling import fold, folded
from postkeep.store.types import storable

PROVEN = (
    "EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id"  # noqa: S608
    f" AND a.state = '{ObjectState.PROVEN}')"
)
"""The condition, on media_files `f`, that some archive was proven to hold a content."""


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


# --- what is to do ------------------------------------------------------------------------------------------


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


# --- what came of it ----------------------------------------------------------------------------------------


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


# --- counting -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanting:
    """Contents of the cache: how many a store was not proven to hold, their bytes, and how many it was."""

    files: int
    bytes: int
    proven: int


def wanting(tx: Connection, place: str, *, post_id: str | None, media_id: str | None) -> Wanting:
    """What of the cache, of a post or of one medium a store was not proven to hold."""
    only = ""
    parameters: tuple[str, ...] = ()
    if post_id is not None:
        only = " AND EXISTS (SELECT 1 FROM post_media m WHERE m.file_id = f.file_id AND m.post_id = ?)"
        parameters = (post_id,)
    if media_id is not None:
        table, _ = PLACES[media_id[:3]]
        only += f" AND f.file_id = (SELECT m.file_id FROM {table} m WHERE m.media_id = ?)"  # noqa: S608
        parameters = (*parameters, media_id)
    files, size, proven = bulk.execute(
        tx,
        "SELECT coalesce(sum(CASE WHEN there THEN 0 ELSE 1 END), 0),"  # noqa: S608
        " coalesce(sum(CASE WHEN there THEN 0 ELSE file_size END), 0),"
        " coalesce(sum(CASE WHEN there THEN 1 ELSE 0 END), 0) FROM ("
        "SELECT f.file_size, EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
        f" AND a.state = '{ObjectState.PROVEN}') AS there FROM media_files f"
        " WHERE f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL AND f.quarantined_at IS NULL"
        f" AND NOT {DERIVED}{only}) q",
        place,
        *parameters,
    ).one()
    return Wanting(int(files), int(size), int(proven))


def cached_file_of(tx: Connection, media_id: str) -> str | None:
    """The content in the cache that a media row shows."""
    if media_id[:3] not in PLACES:
        return None
    table, _ = PLACES[media_id[:3]]
    found: str | None = bulk.execute(
        tx,
        f"SELECT f.file_id FROM {table} m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        " WHERE m.media_id = ? AND f.cached_at IS NOT NULL AND f.sha256 IS NOT NULL",
        media_id,
    ).scalar()
    return found


# --- what stands there --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownObject:
    """A proven object, and the content it must equal; `cached` says whether its bytes are here, too."""

    file_id: str
    key: str
    etag: str
    sha256: str
    md5: str
    size: int
    kind: Kind
    path: str
    cached: bool


_KNOWN = (
    "a.file_id, a.key, a.etag, f.sha256, f.md5_sum, f.file_size, f.mime_type, f.extension, f.media_type,"
    " f.local_file_path, f.cached_at FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"
)


def _known(row: Any) -> KnownObject:
    kind = Kind(row[6], row[7], MediaType(row[8]))
    return KnownObject(row[0], row[1], row[2] or "", row[3], row[4], row[5], kind, row[9], row[10] is not None)


def proven_after(tx: Connection, place: str, key: str, *, limit: int) -> list[KnownObject]:
    """Proven objects of a store by key, byte for byte, after the given one."""
    rows = bulk.execute(
        tx,
        f"SELECT {_KNOWN} WHERE a.store = ? AND a.state = ? AND a.key {_bytewise(tx)} > ?"
        f" ORDER BY a.key {_bytewise(tx)} LIMIT ?",
        place,
        str(ObjectState.PROVEN),
        key,
        limit,
    ).all()
    return [_known(row) for row in rows]


def proven_total(tx: Connection, place: str) -> tuple[int, int]:
    """How many objects a store was proven to hold, and their bytes."""
    number, size = bulk.execute(
        tx,
        "SELECT count(*), coalesce(sum(f.file_size), 0) FROM archive_objects a"
        " JOIN media_files f ON f.file_id = a.file_id WHERE a.store = ? AND a.state = ?",
        place,
        str(ObjectState.PROVEN),
    ).one()
    return int(number), int(size)


def proven_objects(tx: Connection, place: str, file_ids: Iterable[str]) -> list[KnownObject]:
    """The proven objects of these contents."""
    rows = bulk.among(
        tx,
        f"SELECT {_KNOWN} WHERE a.file_id {{in}} AND a.store = ? AND a.state = ?",
        file_ids,
        place,
        str(ObjectState.PROVEN),
    )
    return [_known(row) for row in rows]


def absent_assets(tx: Connection, assets: Iterable[tuple[str, str, str | None]]) -> set[str]:
    """Contents (file ids) some archive was proven to hold that are not in the cache, and that a row shows as one
    of these assets (platform, media key, rendition)."""
    wanted = set(assets)
    found = set()
    for table, owner in PLACES.values():
        parent = "posts" if owner == "post_id" else "profiles"
        rows = bulk.among(
            tx,
            f"SELECT f.file_id, o.platform, m.media_key, m.file_rendition FROM {table} m"  # noqa: S608
            f" JOIN {parent} o ON o.{owner} = m.{owner} JOIN media_files f ON f.file_id = m.file_id"
            f" WHERE m.media_key {{in}} AND f.cached_at IS NULL AND f.sha256 IS NOT NULL AND {PROVEN}",
            {key for _, key, _ in wanted},
        )
        found |= {file_id for file_id, *asset in rows if tuple(asset) in wanted}
    return found


def absent(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    """Those of these contents that are not in the cache and that some archive was proven to hold."""
    rows = bulk.among(
        tx,
        "SELECT f.file_id FROM media_files f WHERE f.file_id {in} AND f.cached_at IS NULL"  # noqa: S608
        f" AND f.sha256 IS NOT NULL AND {PROVEN}",
        file_ids,
    )
    return {file_id for (file_id,) in rows}


def known_keys(tx: Connection, place: str, keys: Iterable[str]) -> set[str]:
    """Those of these keys that some content has in a store, proven or not."""
    rows = bulk.among(tx, "SELECT key FROM archive_objects WHERE key {in} AND store = ?", keys, place)
    return {key for (key,) in rows}


def missed_objects(tx: Connection, place: str, keys: Iterable[str]) -> list[KnownObject]:
    """The contents under these keys that no store is known to hold any more, and that are not in the cache."""
    rows = bulk.among(
        tx,
        f"SELECT {_KNOWN} WHERE a.key {{in}} AND a.store = ? AND a.state = ? AND a.error_kind IS NOT NULL"
        " AND f.cached_at IS NULL AND f.sha256 IS NOT NULL",
        keys,
        place,
        str(ObjectState.CLAIMED),
    )
    return [_known(row) for row in rows]


def _bytewise(tx: Connection) -> str:
    # Stores list keys by their bytes, whatever order a database's language has.
    return "" if tx.dialect.name == "sqlite" else 'COLLATE "C"'


def refresh_tags(tx: Connection, place: str, tags: Sequence[tuple[str, str]], now: datetime) -> None:
    """Note other tags (etag, file_id) of objects that were read back and found equal."""
    bulk.update(
        tx,
        schema.archive_objects,
        ("etag", "proof", "proven_at"),
        [(etag, "read_back", now, file_id, place) for etag, file_id in tags],
        key=["file_id", "store"],
    )


@dataclass(frozen=True, slots=True)
class OfPosts:
    """Which posts' media are meant: those for which all of this holds; with nothing said, all media there are.

    `author` is a username in whatever case.
    """

    post_id: str | None = None
    author: str | None = None
    platform: str | None = None
    posted_since: datetime | None = None

    def condition(self, tx: Connection) -> tuple[str, tuple[Any, ...]]:
        """A condition on media_files `f` that begins with AND, and its parameters; empty for all media."""
        told = (
            ("p.post_id = ?", self.post_id),
            (f"{folded(tx, 'p.author_username')} = ?", None if self.author is None else fold(self.author)),
            ("p.platform = ?", self.platform),
            ("p.posted_at >= ?", self.posted_since),
        )
        asked = [(condition, value) for condition, value in told if value is not None]
        if not asked:
            return "", ()
        conditions = " AND ".join(condition for condition, _ in asked)
        return (
            " AND EXISTS (SELECT 1 FROM post_media m JOIN posts p ON p.post_id = m.post_id"  # noqa: S608
            f" WHERE m.file_id = f.file_id AND {conditions})",
            tuple(value for _, value in asked),
        )


def held(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[str]:
    """Contents (file ids) that are said to be in the cache and are proven to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        "SELECT a.file_id FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"  # noqa: S608
        f" WHERE a.file_id > ? AND a.store = ? AND a.state = ? AND f.cached_at IS NOT NULL{only}"
        " ORDER BY a.file_id LIMIT ?",
        after,
        place,
        str(ObjectState.PROVEN),
        *parameters,
        limit,
    )
    return [file_id for (file_id,) in rows]


def restorable(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[KnownObject]:
    """Contents that are not in the cache and proven to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        f"SELECT {_KNOWN} WHERE a.file_id > ? AND a.store = ? AND a.state = ?"
        f" AND f.cached_at IS NULL{only} ORDER BY a.file_id LIMIT ?",
        after,
        place,
        str(ObjectState.PROVEN),
        *parameters,
        limit,
    ).all()
    return [_known(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Said:
    """A content that is not in the cache and whose row names an object that nothing proved; `sha256` None: its
    bytes were never read."""

    file_id: str
    url: str
    md5: str
    sha256: str | None
    path: str


# By the first characters: how a database compares text is its own affair.
_SAID = (
    "FROM media_files f WHERE f.cached_at IS NULL AND substr(f.archive_url, 1, ?) = ? AND f.file_id > ?"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id AND a.store = ?"
    f" AND a.state = '{ObjectState.PROVEN}')"
)


def _said_parameters(place: str, after: str) -> tuple[Any, ...]:
    start = f"{place}/"
    return (len(start), start, after, place)


def said(tx: Connection, place: str, after: str, *, limit: int, of: OfPosts) -> list[Said]:
    """Contents that are not here and said, without a proof, to be in this store, by file id."""
    only, parameters = of.condition(tx)
    rows = bulk.execute(
        tx,
        f"SELECT f.file_id, f.archive_url, f.md5_sum, f.sha256, f.local_file_path {_SAID}{only}"
        " ORDER BY f.file_id LIMIT ?",
        *_said_parameters(place, after),
        *parameters,
        limit,
    ).all()
    return [Said(*row) for row in rows]


def said_count(tx: Connection, place: str, *, of: OfPosts) -> int:
    """How many there are of these."""
    only, parameters = of.condition(tx)
    return int(
        bulk.execute(tx, f"SELECT count(*) {_SAID}{only}", *_said_parameters(place, ""), *parameters).scalar()
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """What of one kind of media is proven in a store, of what the database knows."""

    media_type: str
    files: int
    bytes: int
    archived: int
    archived_bytes: int
    cached_only: int
    failed: int


def shares(tx: Connection, place: str) -> list[Shares]:
    """Known, archived and failed contents by type; `cached_only` are here and not there."""
    rows = bulk.execute(
        tx,
        "SELECT f.media_type, count(*), sum(f.file_size),"  # noqa: S608
        " sum(CASE WHEN a.state = 'proven' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN a.state = 'proven' THEN f.file_size ELSE 0 END),"
        " sum(CASE WHEN f.cached_at IS NOT NULL AND coalesce(a.state, '') <> 'proven' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN a.error_at IS NOT NULL AND a.state <> 'proven' THEN 1 ELSE 0 END)"
        " FROM media_files f LEFT JOIN archive_objects a ON a.file_id = f.file_id AND a.store = ?"
        f" WHERE NOT {DERIVED} GROUP BY f.media_type ORDER BY f.media_type",
        place,
    ).all()
    return [Shares(row[0], *(int(each or 0) for each in row[1:])) for row in rows]


def restorable_count(tx: Connection, place: str, *, of: OfPosts) -> int:
    """How many contents are not in the cache and proven to be in this store."""
    only, parameters = of.condition(tx)
    statement = (
        "SELECT count(*) FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"  # noqa: S608
        f" WHERE a.store = ? AND a.state = ? AND f.cached_at IS NULL{only}"
    )
    return int(bulk.execute(tx, statement, place, str(ObjectState.PROVEN), *parameters).scalar())


def file_of(tx: Connection, media_id: str) -> str | None:
    """The content a media row shows, in the cache or not."""
    if media_id[:3] not in PLACES:
        return None
    table, _ = PLACES[media_id[:3]]
    found: str | None = bulk.execute(
        tx,
        f"SELECT file_id FROM {table} WHERE media_id = ?",  # noqa: S608
        media_id,
    ).scalar()
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """The content a media row shows, if any, and the rendition it is to have."""

    file_id: str | None
    rendition: str | None
    rendition_rank: int | None


def shown_by(tx: Connection, media_id: str) -> Shown | None:
    """What a media row shows; None for a row nobody knows."""
    if media_id[:3] not in PLACES or not storable(media_id):
        return None
    table, _ = PLACES[media_id[:3]]
    row = bulk.execute(
        tx,
        f"SELECT file_id, rendition, rendition_rank FROM {table} WHERE media_id = ?",  # noqa: S608
        media_id,
    ).first()
    return Shown(*row) if row is not None else None
