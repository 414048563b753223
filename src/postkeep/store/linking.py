"""Which media rows a file from elsewhere belongs to: by their URL, by the path or the MD5 they state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.store import Store, bulk
from postkeep.store.places import PLACES

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Place:
    """A media row as linking needs it; `sha256` is that of the file it has, None when it has none."""

    media_id: str
    md5_sum: str | None
    file_id: str | None
    sha256: str | None
    rendition: str | None
    rank: int | None
    file_rendition: str | None
    file_rank: int | None


def stated(store: Store) -> Iterator[tuple[str, str, str | None]]:
    """Every media row's id, URL and path, in short transactions; rows that come meanwhile may be left out."""
    for table, _ in PLACES.values():
        last = ""
        while True:
            with store.reading() as tx:
                rows = bulk.execute(
                    tx,
                    f"SELECT media_id, media_url, local_file_path FROM {table} WHERE media_id > ?"  # noqa: S608
                    " ORDER BY media_id LIMIT ?",
                    last,
                    _PAGE,
                ).all()
            if not rows:
                break
            last = rows[-1][0]
            yield from rows


def places(tx: Connection, media_ids: Iterable[str]) -> dict[str, Place]:
    """These media rows, by id."""
    wanted = list(media_ids)
    found = {}
    for prefix, (table, _) in PLACES.items():
        for row in bulk.among(
            tx,
            "SELECT m.media_id, m.md5_sum, m.file_id, f.sha256, m.rendition, m.rendition_rank,"  # noqa: S608
            f" m.file_rendition, m.file_rank FROM {table} m LEFT JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.media_id {in}",
            [each for each in wanted if each.startswith(prefix)],
        ):
            found[row[0]] = Place(*row)
    return found


def showing(tx: Connection, md5: Iterable[str]) -> dict[str, list[str]]:
    """The media rows (their ids) that state one of these MD5s or have a file with it, by MD5."""
    wanted = set(md5)
    # profile_media has no index of MD5s: its rows are reached through their files.
    statements = (
        "SELECT md5_sum, media_id FROM post_media WHERE md5_sum {in}",
        *(
            f"SELECT f.md5_sum, m.media_id FROM media_files f JOIN {table} m ON m.file_id = f.file_id"  # noqa: S608
            " WHERE f.md5_sum {in}"
            for table, _ in PLACES.values()
        ),
    )
    found: dict[str, dict[str, None]] = {}
    for statement in statements:
        for md5_sum, media_id in bulk.among(tx, statement, wanted):
            found.setdefault(md5_sum, {})[media_id] = None
    return {md5_sum: list(media_ids) for md5_sum, media_ids in found.items()}
