"""The contents old media rows name by an MD5: one row each, said to be nowhere until somebody reads the bytes."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection

from postkeep.media.cache import cache_path
from postkeep.model import MediaType
from postkeep.stages.adoption.media import FileFacts, OldMedia, read_media
from postkeep.stages.adoption.reading import Reader
from postkeep.store import bulk, schema
from postkeep.store.adoption.findings import FindingKind, Findings
from postkeep.store.adoption.old_rows import UNKNOWN_TYPE, OldTable
from postkeep.store.adoption.staging import Staging
from postkeep.store.adoption.writing import Writer

_PAGE = 1000
_EXTENSIONS = {"image/jpeg": "jpg", "video/quicktime": "mov", "image/webp": "webp"}
_COLUMNS = (
    "md5_sum",
    "file_size",
    "mime_type",
    "extension",
    "media_type",
    "width",
    "height",
    "local_file_path",
    "archive_url",
)


@dataclass(slots=True)
class _Content:
    """What the rows of one MD5 say together."""

    file_id: str
    md5_sum: str
    media_type: MediaType
    size: int | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    archive_url: str | None = None
    new: bool = True

    def take(self, media: OldMedia) -> None:
        """Fill what is not known yet; rows come in any order, and the first that says something counts."""
        self.size = self.size or media.size
        stated = (media.mime_type or "").partition(";")[0].strip().lower()
        self.mime_type = self.mime_type or _kind(stated, media.path)
        if self.width is None or self.height is None:
            self.width, self.height = media.width, media.height
        self.archive_url = self.archive_url or media.archive_url

    def values(self) -> tuple[Any, ...]:
        mime, extension = self.mime_type or UNKNOWN_TYPE, _extension(self.mime_type)
        # Where the cache would put it. The old path, which may be stale, is kept beside.
        path = cache_path(self.media_type, self.md5_sum, extension)
        sides = (self.width, self.height)
        return (self.md5_sum, self.size or 0, mime, extension, self.media_type, *sides, path, self.archive_url)


def adopt_files(writer: Writer, old: OldTable, staging: Staging) -> None:
    """Make a row of media_files for each MD5 that any old row states; none is said to be cached."""
    if "md5_sum" not in old.columns:
        return
    unread = Findings()
    contents = archived = 0
    for page in old.pages(writer.tx, _PAGE):
        media = [
            read_media(Reader(old.name, each[old.key], each, unread), each[old.key], writer.now) for each in page
        ]
        media = [each for each in media if each.md5 is not None]
        found = _load(writer.tx, {each.md5 for each in media if each.md5})
        for each in media:
            md5 = each.md5 or ""
            if md5 not in found:
                found[md5] = _Content(writer.ids.new("fil"), md5, each.media_type)
                contents += 1
            found[md5].take(each)
        _store(writer, found.values())
    archived = _count(writer.tx, "archive_url IS NOT NULL")
    unclear = _count(writer.tx, "file_size = 0")
    if contents:
        why = (
            f"known by their MD5 alone, their bytes not read: {contents};"
            " `postkeep cache adopt DIR` brings them from the predecessor's cache"
        )
        writer.findings.add(FindingKind.BYTES_ELSEWHERE, "media_files", why)
    if archived:
        why = f"with an archive URL that was never proven, and counts as no copy until it is: {archived}"
        writer.findings.add(FindingKind.ARCHIVE_UNPROVEN, "media_files", why)
    if unclear:
        writer.findings.add(FindingKind.FILE_UNCLEAR, "media_files", f"without a known size: {unclear}")


def files_of(tx: Connection, md5s: Iterable[str | None]) -> dict[str, FileFacts]:
    """The contents of these MD5s."""
    rows = bulk.among(
        tx,
        "SELECT file_id, md5_sum, local_file_path, file_size, mime_type, width, height, archive_url"
        " FROM media_files WHERE md5_sum {in}",
        {each for each in md5s if each},
    )
    return {row[1]: FileFacts(*row) for row in rows}


def _load(tx: Connection, md5s: Iterable[str]) -> dict[str, _Content]:
    rows = bulk.among(
        tx,
        "SELECT file_id, md5_sum, media_type, file_size, mime_type, width, height, archive_url"
        " FROM media_files WHERE md5_sum {in}",
        md5s,
    )
    found = {}
    for row in rows:
        mime = None if row[4] == UNKNOWN_TYPE else row[4]
        found[row[1]] = _Content(
            row[0], row[1], MediaType(row[2]), row[3] or None, mime, row[5], row[6], row[7], new=False
        )
    return found


def _store(writer: Writer, contents: Iterable[_Content]) -> None:
    contents = list(contents)
    writer.insert(
        schema.media_files,
        ("file_id", *_COLUMNS, "created_at", "updated_at"),
        [(each.file_id, *each.values(), writer.now, writer.now) for each in contents if each.new],
    )
    bulk.update(
        writer.tx,
        schema.media_files,
        _COLUMNS,
        [(*each.values(), each.file_id) for each in contents if not each.new],
        key=["file_id"],
    )


def _kind(stated: str, path: str | None) -> str | None:
    """The MIME type a row tells, by its own column or by its path's extension."""
    if stated and stated != UNKNOWN_TYPE:
        return stated
    suffix = PurePosixPath(path or "").suffix.lower()
    return None if suffix in ("", ".bin") else mimetypes.guess_type(f"file{suffix}")[0]


def _extension(mime_type: str | None) -> str:
    guessed = _EXTENSIONS.get(mime_type or "") or mimetypes.guess_extension(mime_type or "") or ".bin"
    return guessed.removeprefix(".")


def _count(tx: Connection, where: str) -> int:
    return int(tx.exec_driver_sql(f"SELECT count(*) FROM media_files WHERE {where}").scalar_one())  # noqa: S608
