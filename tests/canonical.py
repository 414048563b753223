"""A database and its cache as plain lines that are equal when they hold the same: by natural keys, sorted.

Left out is what may differ between two runs that did the same work: ids, clock times of our own doing, tries,
runs and leases.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from postkeep.store import Store, bulk, schema

_LEFT_OUT_TABLES = {"download_runs", "run_posts", "leases"}
_CLOCK = {
    "created_at",
    "updated_at",
    "downloaded_at",
    "cached_at",
    "proven_at",
    "proven_mtime_ns",
    "proven_inode",
    "last_used_at",
    "error_at",
    "due_at",
    "fetched_at",
    "fails",
    "priority",
    "run_id",
    "quarantine_id",
}
_CLOCK_OF = {
    "posts": {"first_seen_at"},
    "quarantine": {"last_seen_at"},
    "unknown_keys": {"first_seen_at", "last_seen_at"},
    "tombstones": {"erased_at"},
    "creator_analytics": {"computed_at"},
    "renditions": {"made_at"},
}


def dump(store: Store, *, leave_out: frozenset[str] = frozenset()) -> list[str]:
    """Every row of every table that counts, one line each; `leave_out` names further columns `table.column`."""
    with store.reading() as tx:
        names = _natural_names(tx)
        lines = []
        for table in schema.metadata.sorted_tables:
            if table.name in _LEFT_OUT_TABLES:
                continue
            dropped = _CLOCK | _CLOCK_OF.get(table.name, set())
            columns = [
                column.name
                for column in table.columns
                if column.name not in dropped and f"{table.name}.{column.name}" not in leave_out
            ]
            rows = bulk.execute(tx, f"SELECT {', '.join(columns)} FROM {table.name}").all()
            for row in rows:
                shown = ", ".join(
                    f"{column}={_shown(column, value, names)}" for column, value in zip(columns, row, strict=True)
                )
                lines.append(f"{table.name}: {shown}")
    return sorted(lines)


def _natural_names(tx: Any) -> dict[str, str]:
    names: dict[str, str] = {}

    def learn(statement: str) -> None:
        for row in bulk.execute(tx, statement).all():
            names[row[0]] = "<" + "|".join(names.get(str(value), str(value)) for value in row[1:]) + ">"

    learn("SELECT post_id, platform, native_id FROM posts")
    learn("SELECT profile_id, platform, kind, coalesce(username, ''), coalesce(native_id, '') FROM profiles")
    learn("SELECT file_id, sha256 FROM media_files")
    learn("SELECT media_id, post_id, role, media_key, occurrence FROM post_media")
    learn("SELECT media_id, profile_id, role, media_key, occurrence FROM profile_media")
    learn("SELECT download_id, post_id, observed_at FROM data_downloads")
    learn("SELECT history_id, profile_id, observed_at FROM follower_history")
    learn("SELECT listing_id, record_sha256, observed_at FROM listings")
    learn("SELECT rendition_id, source_file_id, kind FROM renditions")
    return names


def _shown(column: str, value: Any, names: dict[str, str]) -> str:
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(bytes(value)).hexdigest()
    if isinstance(value, bool) or column in ("is_read", "is_marked", "is_active", "zone_assumed"):
        return str(bool(value))
    return names.get(str(value), repr(value))


def files(root: Path) -> dict[str, str]:
    """What lies in the cache's media folders: relative path to the SHA-256 of the bytes."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "media").rglob("*"))
        if path.is_file()
    }


def temporary_files(root: Path) -> list[str]:
    """What lies in the folders for temporary files and journals."""
    return [
        str(path.relative_to(root))
        for name in ("tmp", "journal")
        for path in sorted((root / name).rglob("*"))
        if path.is_file()
    ]
