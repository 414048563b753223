"""Tells a predecessor's database from others by its tables and columns, and what it may be spelled like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.errors import StoreError


@dataclass(frozen=True, slots=True)
class Old:
    """A table of the predecessor: its key, the prefix of its ids, and the columns it cannot be without."""

    name: str
    key: str
    prefix: str
    needed: tuple[str, ...]


OLD_TABLES = (
    Old("posts", "post_id", "p", ("urn", "posted_at_timestamp")),
    Old("download_runs", "run_id", "run", ("started_at",)),
    Old("data_downloads", "download_id", "dl", ("post_id", "downloaded_at")),
    Old("profiles", "profile_id", "prf", ("username", "name")),
    Old("tags", "tag_id", "tag", ("name",)),
    Old("profile_tags", "profile_tag_id", "pft", ("profile_id", "tag_id")),
    Old("post_tags", "post_tag_id", "ptg", ("post_id", "tag_id")),
    Old("action_queue", "action_id", "act", ("action_type",)),
    Old("post_media", "media_id", "med", ("post_id", "media_type", "media_url")),
)
"""The nine tables; the first and data_downloads must be there, the others may be missing."""

_ALWAYS = ("posts", "data_downloads")

BY_NAME: Mapping[str, Old] = {old.name: old for old in OLD_TABLES}

Columns = Mapping[str, Mapping[str, str]]
"""Table -> column -> its type as the database names it, of the predecessor's tables that are there."""


def columns_of(tx: Connection) -> Columns:
    """The columns of the predecessor's tables.

    Raises StoreError, which says what is missing, when the tables are not the predecessor's.
    """
    found = {old.name: _columns(tx, old.name) for old in OLD_TABLES}
    for old in OLD_TABLES:
        columns = found[old.name]
        if not columns and old.name not in _ALWAYS:
            continue
        missing = [name for name in (old.key, *old.needed) if name not in columns]
        if missing:
            what = f"its table `{old.name}` lacks {', '.join(missing)}" if columns else f"it has no `{old.name}`"
            raise StoreError(
                "the database has a table `posts`, but it is neither postkeep's nor the predecessor's:"
                f" {what}; nothing was changed"
            )
    return {name: columns for name, columns in found.items() if columns}


def _columns(tx: Connection, table: str) -> dict[str, str]:
    if tx.dialect.name == "sqlite":
        rows = tx.exec_driver_sql("SELECT name, type FROM pragma_table_info(?)", (table,))
    else:
        rows = tx.exec_driver_sql(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relname = %s AND c.relkind IN ('r', 'p')"
            " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (table,),
        )
    return {name: kind.lower() for name, kind in rows.all()}
