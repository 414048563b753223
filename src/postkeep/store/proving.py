"""Rows of cached contents as proving needs them: read in lean pages, changed only if nobody else did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from postkeep.model import CachedFile, Proof
from postkeep.store import bulk, schema
from postkeep.store.types import storable


class Known(Protocol):
    """What proving a content asks of its row, whoever read it."""

    @property
    def file_id(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def md5_sum(self) -> str: ...
    @property
    def proof(self) -> Proof | None: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of media_files; `cached` says whether the content is in the cache, `evicted_because` why it left."""

    file_id: str
    path: str
    sha256: str | None
    md5_sum: str
    size: int
    extension: str
    media_type: str
    cached: bool
    evicted_because: str | None
    proof: Proof | None


_COLUMNS = (
    "file_id, local_file_path, sha256, md5_sum, file_size, extension, media_type, cached_at IS NOT NULL,"
    " evicted_because, proven_size, proven_mtime_ns, proven_inode"
)


def _kept(row: Sequence[Any]) -> Kept:
    proof = None if row[9] is None else Proof(row[9], row[10], row[11])
    return Kept(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bool(row[7]), row[8], proof)


def cached_after(tx: Connection, file_id: str, *, limit: int) -> list[Kept]:
    """Contents that are in the cache, by id, after the given one."""
    rows = bulk.execute(
        tx,
        f"SELECT {_COLUMNS} FROM media_files WHERE file_id > ? AND cached_at IS NOT NULL"  # noqa: S608
        " ORDER BY file_id LIMIT ?",
        file_id,
        limit,
    )
    return [_kept(row) for row in rows]


def by_hash(tx: Connection, *, md5: Iterable[str] = (), sha256: Iterable[str] = ()) -> list[Kept]:
    """Contents with one of these MD5s or one of these SHA-256s, in the cache or not."""
    found = {}
    for column, values in (("md5_sum", md5), ("sha256", sha256)):
        wanted = {value for value in values if storable(value)}
        for row in bulk.among(tx, f"SELECT {_COLUMNS} FROM media_files WHERE {column} {{in}}", wanted):  # noqa: S608
            found[row[0]] = _kept(row)
    return list(found.values())


def paths_by_md5(tx: Connection, md5: Iterable[str]) -> set[str]:
    """Where the rows say that contents with these MD5s are in the cache."""
    statement = "SELECT local_file_path FROM media_files WHERE md5_sum {in} AND cached_at IS NOT NULL"
    return {path for (path,) in bulk.among(tx, statement, md5)}


def twins(tx: Connection, *, limit: int) -> list[Kept]:
    """Contents that share their MD5 with another, by MD5."""
    rows = bulk.execute(
        tx,
        f"SELECT {_COLUMNS} FROM media_files WHERE md5_sum IN"  # noqa: S608
        " (SELECT md5_sum FROM media_files GROUP BY md5_sum HAVING count(*) > 1)"
        " AND sha256 IS NOT NULL ORDER BY md5_sum, file_id LIMIT ?",
        limit,
    )
    return [_kept(row) for row in rows]


def refresh(tx: Connection, proofs: Sequence[tuple[Known, Proof]], now: datetime) -> None:
    """Record that these contents were hashed and found equal now, where their files are still named as read."""
    bulk.update(
        tx,
        schema.media_files,
        ("proven_at", "proven_size", "proven_mtime_ns", "proven_inode"),
        [(now, p.size, p.mtime_ns, p.inode, file.file_id, file.path) for file, p in proofs],
        key=["file_id", "local_file_path"],
    )


def unchanged(tx: Connection, files: Iterable[Known]) -> set[str]:
    """The ids of those contents whose rows still say what was read: cached, at this path, by this proof.

    Their rows are locked until the transaction ends: what is concluded from the reading holds for them.
    """
    read = {file.file_id: (file.path, file.proof) for file in files}
    lock = "" if tx.dialect.name == "sqlite" else " FOR UPDATE"
    statement = (
        f"SELECT {_COLUMNS} FROM media_files WHERE file_id {{in}}"  # noqa: S608
        f" AND cached_at IS NOT NULL ORDER BY file_id{lock}"
    )
    now = (_kept(row) for row in bulk.among(tx, statement, read))
    return {each.file_id for each in now if read[each.file_id] == (each.path, each.proof)}


def correct_kind(tx: Connection, files: Iterable[CachedFile], now: datetime) -> None:
    """Let the rows of these contents, and of the media that show them, say what the bytes are."""
    found = {each.digest.sha256: each for each in files}
    ids = {
        file_id: found[sha256]
        for file_id, sha256 in bulk.among(tx, "SELECT file_id, sha256 FROM media_files WHERE sha256 {in}", found)
    }
    bulk.update(
        tx,
        schema.media_files,
        ("mime_type", "extension", "media_type", "width", "height", "duration", "updated_at"),
        [
            (
                each.kind.mime_type,
                each.kind.extension,
                each.kind.media_type,
                each.dimensions.width,
                each.dimensions.height,
                each.dimensions.duration,
                now,
                file_id,
            )
            for file_id, each in ids.items()
        ],
        key=["file_id"],
    )
    for table in (schema.post_media, schema.profile_media):
        bulk.update(
            tx,
            table,
            ("mime_type", "media_type", "width", "height", "updated_at"),
            [
                (
                    each.kind.mime_type,
                    each.kind.media_type,
                    each.dimensions.width,
                    each.dimensions.height,
                    now,
                    file_id,
                )
                for file_id, each in ids.items()
            ],
            key=["file_id"],
        )
