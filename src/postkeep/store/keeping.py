"""What may leave the cache and what must stay: the facts a decision needs, and the marks it leaves on the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from postkeep.store import archive_objects, bulk, remembered, schema
from postkeep.store.bulk import moment
from postkeep.store.renditions import DERIVED
from postkeep.store.stored_files import StoredFile

IN_USE = timedelta(hours=1)
"""So long after its last use a file is taken to be in somebody's hands."""
USE_NOTED = timedelta(minutes=10)
"""A use is written down at most so often; well below IN_USE, or a file in use could look idle."""
LINK_MARGIN = timedelta(days=1)
"""A link that ends sooner is not relied on to bring a file back."""
MISSED_WITHIN = timedelta(days=30)
"""What is fetched again so soon after it made room was wanted: the cache is too small."""
_GIB = 1024**3
_REMOVING = "cache.removing"

# An archive_url alone proves nothing.
_PROVEN_IN_ARCHIVE = archive_objects.PROVEN

_HOLD = "SELECT 1 FROM holds h WHERE h.released_at IS NULL AND (h.until IS NULL OR h.until > ?) AND h.subject IN"
_HELD = (
    f"(EXISTS ({_HOLD} (f.file_id))"  # noqa: S608
    " OR EXISTS (SELECT 1 FROM post_media m JOIN posts p ON p.post_id = m.post_id WHERE m.file_id = f.file_id"
    f" AND EXISTS ({_HOLD} (m.media_id, m.post_id, p.author_profile_id, p.platform)))"
    " OR EXISTS (SELECT 1 FROM profile_media m JOIN profiles o ON o.profile_id = m.profile_id"
    f" WHERE m.file_id = f.file_id AND EXISTS ({_HOLD} (m.media_id, m.profile_id, o.platform))))"
)
# A noted error is that of the last try: whatever it was, the link did not bring the bytes. Only "changed" is
# none, for the row then shows the new content. Another rendition than the file's is another content.
_ALIVE = (
    "m.absent_since IS NULL AND m.download_state = 'fetched' AND (m.expires_at IS NULL OR m.expires_at > ?)"
    " AND (m.error_kind IS NULL OR m.error_kind = 'changed')"
    " AND coalesce(m.rendition, '') = coalesce(m.file_rendition, '')"
)
_LINKED = (
    f"(EXISTS (SELECT 1 FROM post_media m WHERE m.file_id = f.file_id AND {_ALIVE})"  # noqa: S608
    f" OR EXISTS (SELECT 1 FROM profile_media m WHERE m.file_id = f.file_id AND {_ALIVE}))"
)
_MADE = (
    f"({DERIVED} AND EXISTS (SELECT 1 FROM renditions r WHERE r.file_id IS NOT NULL AND r.file_id = f.file_id"  # noqa: S608
    # The inner `f` is what it was made of.
    " AND NOT EXISTS (SELECT 1 FROM media_files f WHERE f.file_id IN (r.source_file_id, r.beside_file_id)"
    f" AND f.cached_at IS NULL AND NOT {_LINKED} AND NOT {_PROVEN_IN_ARCHIVE})))"
)
_FACTS = (
    "f.file_id, f.sha256, f.local_file_path, f.file_size, f.last_used_at, f.incomplete_at_source,"
    f" {_HELD}, {_LINKED}, {_PROVEN_IN_ARCHIVE}, {_MADE}"
)
# Files that still lie in the predecessor's folders are not ours to take away.
_CACHED = "f.cached_at IS NOT NULL AND f.quarantined_at IS NULL AND f.local_file_path LIKE 'media/%'"

Lasts = Callable[[str, datetime], bool]
"""Whether a URL still leads somewhere at a time, as far as the URL itself tells."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A content in the cache, and what speaks for and against its leaving.

    `linked`: its source still has it; `archived`: a copy in an archive was proven equal; `made`: it was only made
    of others, which are here or could come back.
    """

    file_id: str
    sha256: str | None
    path: str
    size: int
    last_used_at: datetime | None
    incomplete: bool
    held: bool
    linked: bool
    archived: bool
    made: bool = False


Key = tuple[datetime | None, str]


def by_use(tx: Connection, after: Key | None, now: datetime, *, limit: int, lasts: Lasts) -> list[Kept]:
    """A page of contents nobody uses, the least recently used first; `after` is the last row's key."""
    rows: list[Any] = []
    start: tuple[Any, ...]
    idle = now - IN_USE
    if after is None or after[0] is None:
        # What was never used: the two databases sort it to different ends, so it is asked for by itself.
        rows = _page(tx, "f.last_used_at IS NULL AND f.file_id > ?", (after[1] if after else "",), now, limit)
        after = None
    if len(rows) < limit:
        where, start = "f.last_used_at < ?", (idle,)
        if after is not None:
            where, start = f"(f.last_used_at, f.file_id) > (?, ?) AND {where}", (*after, idle)
        rows += _page(tx, where, start, now, limit - len(rows))
    return _kept(tx, rows, now, lasts)


def key_of(kept: Kept) -> Key:
    return (kept.last_used_at, kept.file_id)


def _page(tx: Connection, where: str, start: Sequence[Any], now: datetime, limit: int) -> list[Any]:
    statement, parameters = page_statement(where, start, now, limit)
    return sorted(bulk.execute(tx, statement, *parameters).all(), key=lambda row: (row[4], row[0]))


def page_statement(where: str, start: Sequence[Any], now: datetime, limit: int) -> tuple[str, tuple[Any, ...]]:
    """The query of a page by use, its rows in no order, with its parameters."""
    return _facts_of_page(where, "f.last_used_at, f.file_id"), (*_times(now), *start, limit)


def _facts_of_page(where: str, order: str) -> str:
    # The page is cut first, so that it costs what it holds: PostgreSQL would gather the facts of all files.
    return (
        f"SELECT {_FACTS} FROM (SELECT f.* FROM media_files f WHERE {_CACHED} AND {where}"  # noqa: S608
        f" ORDER BY {order} LIMIT ?) f"
    )


def made_of_others(tx: Connection, after: str, now: datetime, *, limit: int, lasts: Lasts) -> list[Kept]:
    """A page of contents nobody uses that were made of others, by id."""
    where = (
        "f.file_id > ? AND (f.last_used_at IS NULL OR f.last_used_at < ?)"
        " AND f.file_id IN (SELECT file_id FROM renditions WHERE file_id IS NOT NULL AND file_id > ?)"
    )
    start = (after, now - IN_USE, after)
    rows = bulk.execute(tx, _facts_of_page(where, "f.file_id"), *_times(now), *start, limit).all()
    return _kept(tx, sorted(rows, key=lambda row: str(row[0])), now, lasts)


def by_id(tx: Connection, after: str, now: datetime, *, limit: int, lasts: Lasts) -> list[Kept]:
    """A page of all contents in the cache, in use or not, by id."""
    statement = _facts_of_page("f.file_id > ?", "f.file_id")
    rows = bulk.execute(tx, statement, *_times(now), after, limit).all()
    return _kept(tx, sorted(rows, key=lambda row: str(row[0])), now, lasts)


def locked(tx: Connection, file_ids: Iterable[str], now: datetime, *, lasts: Lasts) -> list[Kept]:
    """The same facts of these contents, which nobody can change before the transaction's end; no new hold either.

    Call it in a writing transaction; on SQLite that alone keeps others out.
    """
    if tx.dialect.name == "sqlite":
        lock = ""
    else:
        lock = " FOR UPDATE OF f"
        bulk.execute(tx, "LOCK TABLE holds IN SHARE MODE")
    # `among` wants the list before all other parameters.
    rows = bulk.among(
        tx,
        f"WITH wanted AS (SELECT w.file_id FROM media_files w WHERE w.file_id {{in}})"  # noqa: S608
        f" SELECT {_FACTS} FROM media_files f WHERE f.file_id IN (SELECT file_id FROM wanted) AND {_CACHED}"
        f" ORDER BY f.last_used_at, f.file_id{lock}",
        file_ids,
        *_times(now),
    )
    return _kept(tx, rows, now, lasts)


def _times(now: datetime) -> tuple[datetime, ...]:
    """The parameters of _FACTS: when holds must last to be active, and links to be alive."""
    return (now, now, now, *(now + LINK_MARGIN,) * 4)


def _kept(tx: Connection, rows: Iterable[Any], now: datetime, lasts: Lasts) -> list[Kept]:
    found = [
        Kept(row[0], row[1], row[2], row[3], moment(row[4]), *(bool(each) for each in row[5:10])) for row in rows
    ]
    # URLs without an owner have no columns that tell their end.
    alone = [each.file_id for each in found if not each.linked]
    alive = {
        file_id
        for file_id, url in bulk.among(tx, "SELECT file_id, url FROM file_urls WHERE file_id {in}", alone)
        if lasts(url, now + LINK_MARGIN)
    }
    return [replace(each, linked=True) if each.file_id in alive else each for each in found]


# --- marks ----------------------------------------------------------------------------------------------


def mark_removed(tx: Connection, leaving: Iterable[tuple[str, str]], now: datetime) -> None:
    """Say that these contents (file_id, because) are no longer in the cache, on purpose: nothing is queued."""
    bulk.update(
        tx,
        schema.media_files,
        (
            "cached_at",
            "proven_at",
            "proven_size",
            "proven_mtime_ns",
            "proven_inode",
            "evicted_at",
            "evicted_because",
            "updated_at",
        ),
        [(None, None, None, None, None, now, because, now, file_id) for file_id, because in leaving],
        key=["file_id"],
    )


def begin_removal(tx: Connection, leaving: Sequence[tuple[str, str]], now: datetime) -> None:
    """Remember which files (file_id, path) are about to be unlinked, so that whoever comes next can end it."""
    remembered.remember(tx, _REMOVING, orjson.dumps(leaving).decode(), now)


def end_removal(tx: Connection) -> None:
    remembered.forget(tx, _REMOVING)


def unfinished(tx: Connection) -> list[tuple[str, str]]:
    """The files (file_id, path) a removal that broke off may have left, but for those that came back since."""
    noted = remembered.recall(tx, _REMOVING)
    if noted is None:
        return []
    left = [(file_id, path) for file_id, path in orjson.loads(noted)]
    back = bulk.among(
        tx,
        "SELECT file_id, local_file_path FROM media_files WHERE file_id {in} AND cached_at IS NOT NULL",
        [file_id for file_id, _ in left],
    )
    return sorted(set(left) - {(file_id, path) for file_id, path in back})


def is_unfinished(tx: Connection) -> bool:
    """Whether a removal is under way, or broke off."""
    return remembered.recall(tx, _REMOVING) is not None


def touch(tx: Connection, file_ids: Iterable[str], now: datetime) -> None:
    """Note that these files are used now."""
    rows = [(now, each) for each in file_ids]
    bulk.update(tx, schema.media_files, ("last_used_at",), rows, key=["file_id"])


def used_long_ago(tx: Connection, file_ids: Iterable[str], now: datetime) -> list[str]:
    """Those of these files whose use was not noted within the last ten minutes."""
    rows = bulk.among(
        tx,
        "SELECT file_id FROM media_files WHERE file_id {in} AND (last_used_at IS NULL OR last_used_at < ?)",
        file_ids,
        now - USE_NOTED,
    )
    return [file_id for (file_id,) in rows]


def as_read(tx: Connection, files: Iterable[StoredFile]) -> list[str]:
    """The file_ids of those that are in the cache since the time their rows said when they were read.

    What left on purpose meanwhile is not missing, and what came back is another file.
    """
    read = {each.file_id: each.cached_at for each in files}
    rows = bulk.among(tx, "SELECT file_id, cached_at FROM media_files WHERE file_id {in}", read)
    return [file_id for file_id, at in rows if at is not None and moment(at) == read[file_id]]


# --- what it tells of the limit -------------------------------------------------------------------------


def evicted_among(tx: Connection, sha256s: Iterable[str], now: datetime) -> tuple[int, int]:
    """How many of these contents (files, bytes) made room within the last 30 days and are not back yet.

    Ask before the files are kept: that forgets when they left.
    """
    rows = bulk.among(
        tx,
        "SELECT file_size FROM media_files WHERE sha256 {in} AND cached_at IS NULL AND evicted_at > ?"
        " AND evicted_because IN ('lru', 'archived')",
        sha256s,
        now - MISSED_WITHIN,
    )
    return len(rows), sum(size for (size,) in rows)


def suggested_limit(limit: int, refetched: int) -> int:
    """A limit, in bytes and whole GiB, at which what was fetched again would not have had to leave."""
    return -(-(limit + refetched) // _GIB) * _GIB
