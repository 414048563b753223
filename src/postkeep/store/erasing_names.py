"""Where the fields of others name a profile: walked through by key without a lock, taken out a few at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.erasing import DoomedProfile
from postkeep.store.spelling import fold

_BEFORE: dict[str, Any] = {"position": -1}

# However they are spelled; other ids are told apart by case.
_USERNAMES = ("username", "author_username")

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """A table that may name a profile.

    `columns` are those that hold nothing but a name, with what they hold then: their rows go. Of `text`, a column
    that may tell a name, only the value goes.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, frozenset[str]], ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A page of a walk: the keys of rows that name the profile, and where to go on; None at the end."""

    keys: list[Key]
    after: Key | None


def namings(doomed: DoomedProfile) -> Iterator[Naming]:
    """Everywhere a profile may be named: who is tagged, who is mentioned, whose post is shared, names of files."""
    who, own = frozenset(map(fold, doomed.usernames)), frozenset({doomed.profile_id})
    native = frozenset(filter(None, [doomed.native_id]))
    people = (("profile_id", own), ("username", who), ("native_id", native))
    yield Naming("post_people", ("post_id", "role", "position"), people)
    yield Naming("post_mentions", ("post_id", "position"), (("username", who),))
    yield Naming("post_originals", ("post_id",), (("author_profile_id", own), ("author_username", who)))
    # The names of source files tell whose they are, where others were read from them, too.
    yield Naming("data_downloads", ("download_id",), text="source_file_path")
    yield Naming("snapshot_records", ("download_id", "record_sha256"), text="source_file_path")
    yield Naming("download_runs", ("run_id",), text="error_message")


def page(tx: Connection, naming: Naming, doomed: DoomedProfile, *, after: Key | None, limit: int) -> Named:
    """Look through the next rows of a table."""
    names = [naming.text] if naming.text else [name for name, _ in naming.columns]
    keys = ", ".join(naming.key)
    rows = bulk.execute(
        tx,
        f"SELECT {keys}, {', '.join(names)} FROM {naming.table}"  # noqa: S608
        f" WHERE ({keys}) > ({', '.join('?' * len(naming.key))}) ORDER BY {keys} LIMIT ?",
        *(after or [_BEFORE.get(each, "") for each in naming.key]),
        limit,
    ).all()
    width = len(naming.key)
    if naming.text:
        telling = _telling(doomed)
        found = [tuple(row[:width]) for row in rows if row[-1] is not None and telling.search(row[-1])]
    else:
        found = [tuple(row[:width]) for row in rows if _is_named(naming, row[width:])]
        found = _of_platform(tx, found, doomed.platform)
    return Named(found, tuple(rows[-1][:width]) if len(rows) == limit else None)


def take_out(tx: Connection, naming: Naming, keys: Sequence[Key]) -> None:
    """Let these rows name nobody any more; idempotent."""
    table = schema.metadata.tables[naming.table]
    if naming.text:
        bulk.update(tx, table, (naming.text,), [(None, *key) for key in keys], key=naming.key)
    else:
        bulk.delete(tx, table, naming.key, keys)


def _is_named(naming: Naming, values: Sequence[str | None]) -> bool:
    return any(
        (fold(value) if column in _USERNAMES else value) in among
        for (column, among), value in zip(naming.columns, values, strict=True)
        if value is not None
    )


def _of_platform(tx: Connection, keys: list[Key], platform: str) -> list[Key]:
    posts = bulk.among(
        tx, "SELECT post_id FROM posts WHERE post_id {in} AND platform = ?", {key[0] for key in keys}, platform
    )
    there = {post_id for (post_id,) in posts}
    return [key for key in keys if key[0] in there]


def _telling(doomed: DoomedProfile) -> re.Pattern[str]:
    names = "|".join(map(re.escape, doomed.usernames))
    # Without a name nothing tells it.
    return re.compile(rf"(?<![^\W_])(?:{names})(?![^\W_])" if names else r"(?!)", re.IGNORECASE)
