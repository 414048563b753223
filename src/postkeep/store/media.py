"""Media rows and their files, as fetching, linking and verifying need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import (
    CachedFile,
    Digest,
    Dimensions,
    Kind,
    MediaState,
    MediaType,
    Proof,
    Stage,
)
from postkeep.store import bulk, families, renditions, schema, work
from postkeep.store.bulk import moment
from postkeep.store.types import storable

PLACES = {"med": ("post_media", "post_id"), "pfm": ("profile_media", "profile_id")}
"""The table and owner column of a media id's prefix."""

# Word for word the condition of the indexes: SQLite takes them for no other.
LOST = "download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"
"""What is true of the few places whose bytes are not to be had."""


UNREAD_PLATFORM = "no_parser"
"""The error kind of media whose platform no part of postkeep reads: nothing queues them."""


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
class StoredFile:
    """A row of media_files."""

    file_id: str
    sha256: str | None
    md5_sum: str
    path: str
    kind: Kind
    size: int
    dimensions: Dimensions
    cached_at: datetime | None
    proof: Proof | None
    archive_url: str | None = None


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


_FILE_COLUMNS = (
    "f.file_id, f.sha256, f.md5_sum, f.local_file_path, f.mime_type, f.extension, f.media_type, f.file_size,"
    " f.width, f.height, f.duration, f.cached_at, f.proven_size, f.proven_mtime_ns, f.proven_inode,"
    " f.archive_url"
)
_FILE_WIDTH = 16


def _file(values: Sequence[Any]) -> StoredFile:
    proof = None if values[12] is None else Proof(values[12], values[13], values[14])
    return StoredFile(
        file_id=values[0],
        sha256=values[1],
        md5_sum=values[2],
        path=values[3],
        kind=Kind(values[4], values[5], MediaType(values[6])),
        size=values[7],
        dimensions=Dimensions(values[8], values[9], values[10]),
        cached_at=moment(values[11]),
        proof=proof,
        archive_url=values[15],
    )


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
            f"SELECT {_FILE_COLUMNS}, o.platform, m.media_key, m.file_rendition, m.file_rank FROM {table} m"  # noqa: S608
            f" JOIN {parent} o ON o.{owner} = m.{owner} JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.media_key {in} AND f.cached_at IS NOT NULL",
            keys,
        ):
            platform, key, rendition, rank = row[_FILE_WIDTH:]
            if (platform, key, rendition) in wanted:
                found[platform, key, rendition] = (_file(row), rank)
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
            f"SELECT {_FILE_COLUMNS}, o.platform, m.media_key, m.rendition, m.file_rendition, m.alternatives"  # noqa: S608
            f" FROM {table} m JOIN {parent} o ON o.{owner} = m.{owner}"
            " JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.media_key {in} AND m.alternatives IS NOT NULL AND f.cached_at IS NOT NULL",
            {key for _, key, _ in wanted},
        ):
            platform, key, rendition, came, stored = row[_FILE_WIDTH:]
            if (platform, key, rendition) in wanted and families.answered(stored, came) is not None:
                found[platform, key, rendition] = (_file(row), came)
    return found


def files_by(tx: Connection, column: str, values: Iterable[str]) -> list[StoredFile]:
    """Files by one of sha256, md5_sum, file_id."""
    if column not in ("sha256", "md5_sum", "file_id"):
        raise ValueError(column)
    wanted = [value for value in values if storable(value)]
    rows = bulk.among(tx, f"SELECT {_FILE_COLUMNS} FROM media_files f WHERE f.{column} {{in}}", wanted)  # noqa: S608
    return [_file(row) for row in rows]


def files_of_posts(tx: Connection, post_ids: Iterable[str]) -> list[StoredFile]:
    """The contents these posts show that are said to be in the cache, each once."""
    rows = bulk.among(
        tx,
        f"SELECT DISTINCT {_FILE_COLUMNS} FROM post_media m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        " WHERE m.post_id {in} AND f.cached_at IS NOT NULL",
        post_ids,
    )
    return [_file(row) for row in rows]


def cached_files(tx: Connection, file_ids: Iterable[str]) -> list[StoredFile]:
    """Those of these contents that are said to be in the cache."""
    rows = bulk.among(
        tx,
        f"SELECT {_FILE_COLUMNS} FROM media_files f WHERE f.file_id {{in}} AND f.cached_at IS NOT NULL",  # noqa: S608
        file_ids,
    )
    return [_file(row) for row in rows]


def files_after(tx: Connection, file_id: str, *, limit: int) -> list[StoredFile]:
    """Files that are in the cache, by id, after the given one."""
    rows = bulk.execute(
        tx,
        f"SELECT {_FILE_COLUMNS} FROM media_files f WHERE f.file_id > ? AND f.cached_at IS NOT NULL"  # noqa: S608
        " ORDER BY f.file_id LIMIT ?",
        file_id,
        limit,
    ).all()
    return [_file(row) for row in rows]


def cached_count(tx: Connection) -> int:
    """How many contents the cache holds, by the rows."""
    return int(bulk.execute(tx, "SELECT count(*) FROM media_files WHERE cached_at IS NOT NULL").scalar())


def any_cached(tx: Connection) -> bool:
    """Whether the cache holds anything, by the rows; one look into an index."""
    # The order is that of the index: without one all rows may be read until one is cached.
    statement = "SELECT 1 FROM media_files WHERE cached_at IS NOT NULL ORDER BY last_used_at, file_id LIMIT 1"
    return bulk.execute(tx, statement).scalar() is not None


def cached_bytes(tx: Connection) -> int:
    """How many bytes the cache holds, by the rows."""
    statement = "SELECT coalesce(sum(file_size), 0) FROM media_files WHERE cached_at IS NOT NULL"
    return int(bulk.execute(tx, statement).scalar())


def keep_files(
    tx: Connection, files: Iterable[CachedFile], *, ids: IdFactory, now: datetime
) -> dict[str, StoredFile]:
    """Record contents as cached and proven now, one row each; returns them by SHA-256. Idempotent.

    A row that knew its content by the MD5 alone, from a predecessor's database, is that content's from now on.
    """
    by_sha = {each.digest.sha256: each for each in files}
    _identify(tx, by_sha.values())
    known = {each.sha256: each for each in files_by(tx, "sha256", by_sha)}
    new = {ids.new("fil"): each for sha, each in by_sha.items() if sha not in known}
    bulk.insert(
        tx,
        schema.media_files,
        ("file_id", *_CONTENT_COLUMNS, "created_at", *_PRESENCE_COLUMNS),
        [(file_id, *_content(each), now, *_presence(each, now, since=now)) for file_id, each in new.items()],
        # Another process may have brought the same content a moment ago.
        on_conflict="(sha256) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in _PRESENCE_COLUMNS if name != "cached_at"),
    )
    bulk.update(
        tx,
        schema.media_files,
        _PRESENCE_COLUMNS,
        [
            (*_presence(by_sha[sha], now, since=each.cached_at or now), sha)
            for sha, each in known.items()
            if sha is not None
        ],
        key=["sha256"],
    )
    moved = [
        (by_sha[sha].path, each.file_id) for sha, each in known.items() if sha and by_sha[sha].path != each.path
    ]
    for table, _ in PLACES.values():
        bulk.update(tx, schema.metadata.tables[table], ("local_file_path",), moved, key=["file_id"])
    return {each.sha256: each for each in files_by(tx, "sha256", by_sha) if each.sha256}


def _identify(tx: Connection, files: Iterable[CachedFile]) -> None:
    """Fill in rows whose content nobody had read, and the places that show them."""
    by_md5 = {each.digest.md5: each for each in files}
    unread = [each for each in files_by(tx, "md5_sum", by_md5) if each.sha256 is None]
    if not unread:
        return
    taken = {each.md5_sum for each in files_by(tx, "sha256", {each.digest.sha256 for each in by_md5.values()})}
    rows = [(by_md5[each.md5_sum], each.file_id) for each in unread if each.md5_sum not in taken]
    bulk.update(
        tx,
        schema.media_files,
        _CONTENT_COLUMNS,
        [(*_content(file), file_id) for file, file_id in rows],
        key=["file_id"],
    )
    for table, _ in PLACES.values():
        bulk.update(
            tx,
            schema.metadata.tables[table],
            ("local_file_path", "file_size", "mime_type", "width", "height"),
            [
                (
                    file.path,
                    file.digest.size,
                    file.kind.mime_type,
                    file.dimensions.width,
                    file.dimensions.height,
                    file_id,
                )
                for file, file_id in rows
            ],
            key=["file_id"],
        )


_CONTENT_COLUMNS = (
    "sha256",
    "md5_sum",
    "file_size",
    "mime_type",
    "extension",
    "media_type",
    "width",
    "height",
    "duration",
)
_PRESENCE_COLUMNS = (
    "local_file_path",
    "cached_at",
    "proven_at",
    "proven_size",
    "proven_mtime_ns",
    "proven_inode",
    "last_used_at",
    "quarantined_at",
    "evicted_at",
    "evicted_because",
    "updated_at",
)


def _content(file: CachedFile) -> tuple[Any, ...]:
    digest, kind, sides = file.digest, file.kind, file.dimensions
    named = (kind.mime_type, kind.extension, kind.media_type)
    return (digest.sha256, digest.md5, digest.size, *named, sides.width, sides.height, sides.duration)


def _presence(file: CachedFile, now: datetime, *, since: datetime) -> tuple[Any, ...]:
    proof = file.proof
    return (file.path, since, now, proof.size, proof.mtime_ns, proof.inode, now, None, None, None, now)


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


def mark_incomplete(tx: Connection, sha256s: Iterable[str]) -> None:
    """Say of contents that they have no end, and that their source has no more of them."""
    bulk.update(
        tx, schema.media_files, ("incomplete_at_source",), [(True, sha) for sha in sha256s], key=["sha256"]
    )


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


@dataclass(frozen=True, slots=True)
class Link:
    """Where a media row's bytes are to be had."""

    media_id: str
    url: str
    expires_at: datetime | None


def in_state(tx: Connection, prefix: str, state: MediaState, *, after: str, limit: int) -> list[Link]:
    """Media of one kind of place (a key of PLACES) that are LOST in this state, by id, after the given one."""
    table, _ = PLACES[prefix]
    rows = bulk.execute(
        tx,
        f"SELECT media_id, media_url, expires_at FROM {table} WHERE {LOST}"  # noqa: S608
        " AND download_state = ? AND media_id > ? ORDER BY media_id LIMIT ?",
        str(state),
        after,
        limit,
    ).all()
    return [Link(media_id, url, moment(expires)) for media_id, url, expires in rows]


def start_again(tx: Connection, media_ids: Sequence[str], now: datetime) -> None:
    """Put media back to `pending` and forget their errors; the caller queues their work."""
    for prefix, (table, _) in PLACES.items():
        bulk.update(
            tx,
            schema.metadata.tables[table],
            ("download_state", "error_kind", "error_message", "error_at", "updated_at"),
            [(MediaState.PENDING, None, None, None, now, each) for each in media_ids if each.startswith(prefix)],
            key=["media_id"],
        )


def mark_uncached(
    tx: Connection,
    file_ids: Sequence[str],
    now: datetime,
    *,
    quarantined: bool,
    hosts: Callable[[str], str],
    priority: int = 0,
) -> int:
    """Say that these contents are not in the cache (any more), and queue one of the rows that show each.

    What was made of others is queued to be made again. `hosts` maps a URL to the host its work is queued under.
    Returns how many fetches were queued.
    """
    bulk.update(
        tx,
        schema.media_files,
        ("cached_at", "proven_at", "proven_size", "proven_mtime_ns", "proven_inode", "quarantined_at"),
        [(None, None, None, None, None, now if quarantined else None, each) for each in file_ids],
        key=["file_id"],
    )
    queued: dict[str, tuple[str, str]] = {}
    for table, _ in PLACES.values():
        for file_id, media_id, url in bulk.among(
            tx,
            f"SELECT file_id, media_id, media_url FROM {table} WHERE file_id {{in}}"  # noqa: S608
            " ORDER BY expires_at IS NULL DESC, expires_at DESC, media_id",
            file_ids,
        ):
            queued.setdefault(file_id, (media_id, hosts(url)))
    work.add(tx, Stage.FETCH, queued.values(), now, priority=priority)
    renditions.queue_lost(tx, file_ids, now)
    return len(queued)


def refresh_proofs(tx: Connection, proofs: Sequence[tuple[str, Proof]], now: datetime) -> None:
    """Record that these files (file_id, proof) were hashed and found equal now."""
    bulk.update(
        tx,
        schema.media_files,
        ("proven_at", "proven_size", "proven_mtime_ns", "proven_inode"),
        [(now, p.size, p.mtime_ns, p.inode, file_id) for file_id, p in proofs],
        key=["file_id"],
    )


def files_of_url(tx: Connection, url: str, url_key: str) -> list[StoredFile]:
    """The files a URL was fetched into: without an owner, under its key, or for a post or profile."""
    if not storable(url):
        return []
    rows = bulk.execute(
        tx,
        f"SELECT {_FILE_COLUMNS} FROM file_urls u JOIN media_files f ON f.file_id = u.file_id"  # noqa: S608
        " WHERE u.url_key = ?",
        url_key,
    ).all()
    # The index knows media keys: a platform's own asset id is a part of the path, any other key is the URL's.
    without_query = url_key.partition("?")[0]
    keys = {url_key, without_query, *without_query.split("/")}
    for table, _ in PLACES.values():
        rows += bulk.among(
            tx,
            f"SELECT {_FILE_COLUMNS} FROM {table} m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
            " WHERE m.media_key {in} AND m.media_url = ?"
            " AND coalesce(m.rendition, '') = coalesce(m.file_rendition, '')",
            keys,
            url,
        )
    return [_file(row) for row in rows]


def keep_url(tx: Connection, url_key: str, url: str, file_id: str, now: datetime) -> None:
    """Remember which content a URL without an owner led to; the last fetch counts."""
    bulk.insert(
        tx,
        schema.file_urls,
        ("url_key", "url", "file_id", "fetched_at"),
        [(url_key, url, file_id, now)],
        on_conflict="(url_key) DO UPDATE SET url = excluded.url, file_id = excluded.file_id,"
        " fetched_at = excluded.fetched_at",
    )


def digest_of(file: StoredFile) -> Digest:
    """The digest a file's row states; a row without SHA-256 (adopted, never read) has none."""
    return Digest(file.md5_sum, file.sha256 or "", file.size)
