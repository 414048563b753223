"""Where the fields of others name a profile: found without a lock, and taken out by key, a few rows at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.erasing import DoomedProfile

_LEAST: dict[str, Any] = {"position": -1}
_OF_PLATFORM = "EXISTS (SELECT 1 FROM posts p WHERE p.post_id = t.post_id AND p.platform = ?)"


@dataclass(frozen=True, slots=True)
class Naming:
    """A column that may name a profile: whole rows go, or the column alone becomes unknown (`blank`)."""

    table: str
    key: tuple[str, ...]
    column: str
    values: tuple[str, ...]
    platform: str
    blank: bool = False


def namings(doomed: DoomedProfile) -> Iterator[Naming]:
    """Everywhere a profile may be named: who is tagged, whose post is shared, who is mentioned, names of files."""
    who, platform = doomed.usernames, doomed.platform
    own, native = (doomed.profile_id,), (doomed.native_id,) if doomed.native_id else ()
    person = ("post_id", "role", "position")
    yield Naming("post_people", person, "profile_id", own, platform)
    yield Naming("post_people", person, "username", who, platform)
    yield Naming("post_people", person, "native_id", native, platform)
    yield Naming("post_mentions", ("post_id", "position"), "username", who, platform)
    yield Naming("post_originals", ("post_id",), "author_profile_id", own, platform)
    yield Naming("post_originals", ("post_id",), "author_username", who, platform)
    # The names of source files tell whose they are, where others were read from them, too.
    yield Naming("data_downloads", ("download_id",), "source_file_path", who, platform, blank=True)
    further = ("download_id", "record_sha256")
    yield Naming("snapshot_records", further, "source_file_path", who, platform, blank=True)
    yield Naming("download_runs", ("run_id",), "error_message", who, platform, blank=True)


def page(
    tx: Connection, naming: Naming, *, after: tuple[Any, ...] | None, limit: int
) -> tuple[list[tuple[Any, ...]], tuple[Any, ...] | None]:
    """Keys of rows that name it, and after which key to go on; None when that was all."""
    if not naming.values:
        return [], None
    last = tuple(_LEAST.get(each, "") for each in naming.key) if after is None else after
    found = _in_text(tx, naming, last, limit) if naming.blank else _in_column(tx, naming, last, limit)
    keys = [row[:-1] for row, told in found if told]
    return keys, found[-1][0][:-1] if len(found) == limit else None


def take_out(tx: Connection, naming: Naming, keys: Sequence[tuple[Any, ...]]) -> None:
    """Let these rows name nobody any more; idempotent."""
    table = schema.metadata.tables[naming.table]
    if naming.blank:
        bulk.update(tx, table, (naming.column,), [(None, *key) for key in keys], key=naming.key)
    else:
        bulk.delete(tx, table, naming.key, keys)


Found = list[tuple[tuple[Any, ...], bool]]


def _in_column(tx: Connection, naming: Naming, last: tuple[Any, ...], limit: int) -> Found:
    keys, order = _columns(naming)
    rows = bulk.among(
        tx,
        f"SELECT {keys}, t.{naming.column} FROM {naming.table} t WHERE t.{naming.column} IS NOT NULL"  # noqa: S608
        f" AND t.{naming.column} {{in}} AND ({keys}) > ({', '.join('?' * len(last))}) AND {_OF_PLATFORM}{order}",
        naming.values,
        *last,
        naming.platform,
        limit,
    )
    return [(tuple(row), True) for row in rows]


def _in_text(tx: Connection, naming: Naming, last: tuple[Any, ...], limit: int) -> Found:
    keys, order = _columns(naming)
    likes = [f"%{name.lower().translate(_LITERAL)}%" for name in naming.values]
    found = " OR ".join([f"lower(t.{naming.column}) LIKE ? ESCAPE '!'"] * len(likes))
    rows = bulk.execute(
        tx,
        f"SELECT {keys}, t.{naming.column} FROM {naming.table} t"  # noqa: S608
        f" WHERE ({keys}) > ({', '.join('?' * len(last))}) AND ({found}){order}",
        *last,
        *likes,
        limit,
    ).all()
    alone = re.compile("|".join(map(_alone, naming.values)), re.IGNORECASE)
    return [(tuple(row), alone.search(row[-1]) is not None) for row in rows]


_LITERAL = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})


def _alone(name: str) -> str:
    return rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"


def _columns(naming: Naming) -> tuple[str, str]:
    keys = ", ".join(f"t.{each}" for each in naming.key)
    return keys, f" ORDER BY {keys} LIMIT ?"
