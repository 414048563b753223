"""Finds contents that stand for too many different media: pictures that say "removed", not what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.store import bulk
from postkeep.store.types import storable
from postkeep.views import PlaceholderView

LEAST_KEYS = 20
LEAST_OWNERS = 2
"""Under so many media keys, in so many posts and profiles: one post may well show its picture on every page."""

_CHUNK = 500

# From the indexes alone, so that of all the places only those of repeated files are read.
_REPEATED = (
    "SELECT file_id FROM (SELECT file_id FROM post_media WHERE file_id IS NOT NULL"  # noqa: S608
    " UNION ALL SELECT file_id FROM profile_media WHERE file_id IS NOT NULL) places"
    f" GROUP BY file_id HAVING count(*) >= {LEAST_KEYS}"
)
_COUNTED = (
    "SELECT file_id, count(DISTINCT media_key) AS shown_as, count(DISTINCT post_id) AS posts,"
    " count(DISTINCT profile_id) AS profiles FROM ("
    "SELECT file_id, media_key, post_id, NULL AS profile_id FROM post_media WHERE file_id {wanted}"
    " UNION ALL SELECT file_id, media_key, NULL, profile_id FROM profile_media WHERE file_id {wanted}) places"
    " GROUP BY file_id"
)
_LIKELY = f"shown_as >= {LEAST_KEYS} AND posts + profiles >= {LEAST_OWNERS}"
_COLUMNS = (
    "f.file_id, f.sha256, f.md5_sum, f.file_size, f.mime_type, f.local_file_path, f.cached_at IS NOT NULL,"
    " shown_as, posts, profiles"
)


def suspects(tx: Connection, file_ids: Iterable[str]) -> list[PlaceholderView]:
    """Those of these contents that are likely placeholders, the one with the most media keys first.

    Reads the places that show them and no others.
    """
    wanted, found = iter(file_ids), list[PlaceholderView]()
    while chunk := list(islice(wanted, _CHUNK)):
        repeated = bulk.among(
            tx,
            "SELECT file_id FROM media_files WHERE file_id {in} AND"  # noqa: S608
            " (SELECT count(*) FROM (SELECT 1 FROM post_media p WHERE p.file_id = media_files.file_id LIMIT"
            f" {LEAST_KEYS}) a) + (SELECT count(*) FROM (SELECT 1 FROM profile_media p"
            f" WHERE p.file_id = media_files.file_id LIMIT {LEAST_KEYS}) b) >= {LEAST_KEYS}",
            chunk,
        )
        for (file_id,) in repeated:
            found += _views(
                bulk.execute(
                    tx,
                    f"SELECT {_COLUMNS} FROM ({_COUNTED.format(wanted='= ?')}) counted"  # noqa: S608
                    f" JOIN media_files f ON f.file_id = counted.file_id WHERE {_LIKELY}",
                    file_id,
                    file_id,
                ).all()
            )
    return sorted(found, key=lambda each: (-each.media_keys, each.file_id))


def page(
    tx: Connection, *, limit: int, after: str | None = None, listed: Iterable[str] = ()
) -> list[PlaceholderView]:
    """A page of all likely placeholders, the one with the most media keys first.

    `after` is the file_id the page before ended with; NotFound is raised for one nobody knows. `listed` are the
    hashes that are kept out already.
    """
    where, start = "", tuple[Any, ...]()
    if after is not None:
        shown_as = _keys_of(tx, after)
        where = " AND (shown_as < ? OR (shown_as = ? AND f.file_id > ?))"
        start = (shown_as, shown_as, after)
    rows = bulk.execute(
        tx,
        f"SELECT {_COLUMNS} FROM ({_COUNTED.format(wanted=f'IN ({_REPEATED})')}) counted"  # noqa: S608
        f" JOIN media_files f ON f.file_id = counted.file_id WHERE {_LIKELY}{where}"
        " ORDER BY shown_as DESC, f.file_id LIMIT ?",
        *start,
        limit,
    ).all()
    return _views(rows, frozenset(listed))


def _keys_of(tx: Connection, file_id: str) -> int:
    known = storable(file_id) and bulk.execute(tx, "SELECT 1 FROM media_files WHERE file_id = ?", file_id).first()
    if not known:
        raise NotFound(f"there is no {file_id!r} to go on after")
    row = bulk.execute(tx, _COUNTED.format(wanted="= ?"), file_id, file_id).first()
    return int(row[1]) if row else 0


def _views(rows: Sequence[Any], listed: frozenset[str] = frozenset()) -> list[PlaceholderView]:
    return [
        PlaceholderView(
            file_id=row[0],
            sha256=row[1],
            md5=row[2],
            size=int(row[3]),
            mime_type=row[4],
            path=row[5],
            cached=bool(row[6]),
            media_keys=int(row[7]),
            posts=int(row[8]),
            profiles=int(row[9]),
            listed=row[1] in listed or row[2] in listed,
        )
        for row in rows
    ]
