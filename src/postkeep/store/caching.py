"""Says of contents that they are in the cache, or not any more, and how much is in it by the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import CachedFile, Proof, Stage
from postkeep.store import bulk, renditions, schema, work
from postkeep.store.places import PLACES
from postkeep.store.stored_files import StoredFile, files_by


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


def _content(file: CachedFile) -> tuple[Any, ...]:
    digest, kind, sides = file.digest, file.kind, file.dimensions
    named = (kind.mime_type, kind.extension, kind.media_type)
    return (digest.sha256, digest.md5, digest.size, *named, sides.width, sides.height, sides.duration)


def _presence(file: CachedFile, now: datetime, *, since: datetime) -> tuple[Any, ...]:
    proof = file.proof
    return (file.path, since, now, proof.size, proof.mtime_ns, proof.inode, now, None, None, None, now)


def mark_incomplete(tx: Connection, sha256s: Iterable[str]) -> None:
    """Say of contents that they have no end, and that their source has no more of them."""
    bulk.update(
        tx, schema.media_files, ("incomplete_at_source",), [(True, sha) for sha in sha256s], key=["sha256"]
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
