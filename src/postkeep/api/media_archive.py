"""The archive by the contract's function names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from postkeep.api import default
from postkeep.library import archive_key


def upload_to_s3(local_path: str | Path, media_id: str) -> str:
    """Archive a local file as a medium's content; returns the object's stable name, `s3://bucket/key`.

    Returns only when the object was proven equal. What is archived already is not sent again. A medium without
    content gets this one. Raises NotFound for a medium nobody knows, FileMissing, FileDamaged when the medium has
    other content, NotMedia, ArchiveError (the content is queued then for the next archive run), ConfigError
    without an archive.
    """
    return default.library().archive_file(Path(local_path), media_id)


def generate_s3_key(media_id: str, extension: str, created_at: datetime | None = None) -> str:
    """`media/{year}/{month}/{media_id}.{ext}`, in UTC, by the time in the id; needs no library.

    An id of 8 hex digits holds no time: `created_at` (aware) stands in. `archive.prefix` is not in it. Raises
    ValueError without either, and for an extension that is none.
    """
    return archive_key(media_id, extension, created_at)


def verify_s3_upload(s3_url: str, expected_md5: str) -> bool:
    """Whether the object of this name is there and its content has this MD5.

    By the store's own tag where that is the MD5 of what it received, else by reading the object. Raises NotFound
    for a name of no object of the active archive, ArchiveError when it cannot be asked, ConfigError without one.
    """
    return default.library().archive_holds(s3_url, expected_md5)
