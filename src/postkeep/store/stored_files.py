"""Rows of contents (media_files), found by hash, by what shows them, by the URL they came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import Digest, Dimensions, Kind, MediaType, Proof
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.places import PLACES
from postkeep.store.types import storable


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


FILE_COLUMNS = (
    "f.file_id, f.sha256, f.md5_sum, f.local_file_path, f.mime_type, f.extension, f.media_type, f.file_size,"
    " f.width, f.height, f.duration, f.cached_at, f.proven_size, f.proven_mtime_ns, f.proven_inode,"
    " f.archive_url"
)
"""What `file_from` reads, of media_files `f`."""
FILE_WIDTH = 16


def file_from(values: Sequence[Any]) -> StoredFile:
    """The file whose columns a row begins with; what follows them is the caller's."""
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


def digest_of(file: StoredFile) -> Digest:
    """The digest a file's row states; a row without SHA-256 (adopted, never read) has none."""
    return Digest(file.md5_sum, file.sha256 or "", file.size)


def files_by(tx: Connection, column: str, values: Iterable[str]) -> list[StoredFile]:
    """Files by one of sha256, md5_sum, file_id."""
    if column not in ("sha256", "md5_sum", "file_id"):
        raise ValueError(column)
    wanted = [value for value in values if storable(value)]
    rows = bulk.among(tx, f"SELECT {FILE_COLUMNS} FROM media_files f WHERE f.{column} {{in}}", wanted)  # noqa: S608
    return [file_from(row) for row in rows]


def files_of_posts(tx: Connection, post_ids: Iterable[str]) -> list[StoredFile]:
    """The contents these posts show that are said to be in the cache, each once."""
    rows = bulk.among(
        tx,
        f"SELECT DISTINCT {FILE_COLUMNS} FROM post_media m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        " WHERE m.post_id {in} AND f.cached_at IS NOT NULL",
        post_ids,
    )
    return [file_from(row) for row in rows]


def cached_files(tx: Connection, file_ids: Iterable[str]) -> list[StoredFile]:
    """Those of these contents that are said to be in the cache."""
    rows = bulk.among(
        tx,
        f"SELECT {FILE_COLUMNS} FROM media_files f WHERE f.file_id {{in}} AND f.cached_at IS NOT NULL",  # noqa: S608
        file_ids,
    )
    return [file_from(row) for row in rows]


def files_of_url(tx: Connection, url: str, url_key: str) -> list[StoredFile]:
    """The files a URL was fetched into: without an owner, under its key, or for a post or profile."""
    if not storable(url):
        return []
    rows = bulk.execute(
        tx,
        f"SELECT {FILE_COLUMNS} FROM file_urls u JOIN media_files f ON f.file_id = u.file_id"  # noqa: S608
        " WHERE u.url_key = ?",
        url_key,
    ).all()
    # The index knows media keys: a platform's own asset id is a part of the path, any other key is the URL's.
    without_query = url_key.partition("?")[0]
    keys = {url_key, without_query, *without_query.split("/")}
    for table, _ in PLACES.values():
        rows += bulk.among(
            tx,
            f"SELECT {FILE_COLUMNS} FROM {table} m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
            " WHERE m.media_key {in} AND m.media_url = ?"
            " AND coalesce(m.rendition, '') = coalesce(m.file_rendition, '')",
            keys,
            url,
        )
    return [file_from(row) for row in rows]


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
