"""What a store was proven to hold: objects as checking them, bringing them back and evicting ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import Kind, MediaType, ObjectState
from postkeep.store import bulk, schema
from postkeep.store.places import PLACES

PROVEN = (
    "EXISTS (SELECT 1 FROM archive_objects a WHERE a.file_id = f.file_id"  # noqa: S608
    f" AND a.state = '{ObjectState.PROVEN}')"
)
"""The condition, on media_files `f`, that some archive was proven to hold a content."""


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


KNOWN = (
    "a.file_id, a.key, a.etag, f.sha256, f.md5_sum, f.file_size, f.mime_type, f.extension, f.media_type,"
    " f.local_file_path, f.cached_at FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"
)
"""What `object_from` reads, and from where."""


def object_from(row: Any) -> KnownObject:
    """The object of a row of KNOWN."""
    kind = Kind(row[6], row[7], MediaType(row[8]))
    return KnownObject(row[0], row[1], row[2] or "", row[3], row[4], row[5], kind, row[9], row[10] is not None)


def proven_after(tx: Connection, place: str, key: str, *, limit: int) -> list[KnownObject]:
    """Proven objects of a store by key, byte for byte, after the given one."""
    rows = bulk.execute(
        tx,
        f"SELECT {KNOWN} WHERE a.store = ? AND a.state = ? AND a.key {_bytewise(tx)} > ?"
        f" ORDER BY a.key {_bytewise(tx)} LIMIT ?",
        place,
        str(ObjectState.PROVEN),
        key,
        limit,
    ).all()
    return [object_from(row) for row in rows]


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
        f"SELECT {KNOWN} WHERE a.file_id {{in}} AND a.store = ? AND a.state = ?",
        file_ids,
        place,
        str(ObjectState.PROVEN),
    )
    return [object_from(row) for row in rows]


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
        f"SELECT {KNOWN} WHERE a.key {{in}} AND a.store = ? AND a.state = ? AND a.error_kind IS NOT NULL"
        " AND f.cached_at IS NULL AND f.sha256 IS NOT NULL",
        keys,
        place,
        str(ObjectState.CLAIMED),
    )
    return [object_from(row) for row in rows]


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
