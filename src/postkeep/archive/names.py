"""What archived objects are called: keys inside a store, and the stable names that rows keep.

A name (`s3://bucket/key`, `gs://bucket/key`, `az://account/container/key`, `file:///folder/key`) is never a link;
links are made when somebody asks for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

_NEW_ID = re.compile(r"[a-z]{1,3}-([0-9a-f]{8})[0-9a-f]{9}")
_OLD_KEY = re.compile(r"(?:.*/)?cache/\d{4}/\d{2}/([0-9a-f]{32})\.([A-Za-z0-9]{1,8})")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_LONGEST_KEY = 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
UNDER_WAY = ".under-way"
"""Where an archive in a folder keeps what is not whole yet, so no key has such a part."""


@dataclass(frozen=True, slots=True)
class Name:
    """Where an object is, apart from how to get there: `scheme` s3, gs, az or file, the bucket or folder, the key.

    In Azure the bucket is `account/container`.
    """

    scheme: str
    place: str
    key: str

    def __str__(self) -> str:
        if self.scheme == "file":
            return Path(self.place, self.key).as_uri()
        return f"{self.scheme}://{self.place}/{quote(self.key, safe='/')}"


def key_for(media_id: str, extension: str, created_at: datetime | None = None, *, prefix: str = "") -> str:
    """`media/{year}/{month}/{media_id}.{ext}` by the time in the id, in UTC.

    An id of 8 hex digits holds no time: `created_at` (aware) stands in. Raises ValueError without either, and for
    an extension that is none.
    """
    extension = extension.lower().lstrip(".")
    if not _EXTENSION.fullmatch(extension):
        raise ValueError(f"{extension!r} is no file extension")
    if (timed := _NEW_ID.fullmatch(media_id)) is not None:
        moment = datetime.fromtimestamp(int(timed.group(1), 16), UTC)
    elif created_at is None or created_at.tzinfo is None:
        raise ValueError(f"the id {media_id} holds no time: an aware created_at is needed")
    else:
        moment = created_at.astimezone(UTC)
    key = f"media/{moment:%Y}/{moment:%m}/{media_id}.{extension}"
    return f"{prefix}/{key}" if prefix else key


def read_name(url: str) -> Name | None:
    """The parts of a stable name; None for anything else, such as a link of a CDN."""
    parts = urlsplit(url)
    if parts.scheme in ("s3", "gs") and parts.netloc and parts.path.strip("/") and not parts.query:
        return Name(parts.scheme, parts.netloc, unquote(parts.path.lstrip("/")))
    if parts.scheme == "az" and parts.netloc and not parts.query:
        container, _, key = parts.path.lstrip("/").partition("/")
        return Name("az", f"{parts.netloc}/{container}", unquote(key)) if container and key else None
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        path = Path(unquote(parts.path))
        return Name("file", str(path.parent), path.name)
    return None


def can_stand(key: str) -> bool:
    """Whether every kind of store can hold an object of this key, and hand it out again under the same one."""
    if not key or _CONTROL.search(key) or len(key.encode()) > _LONGEST_KEY:
        return False
    return {"", ".", "..", UNDER_WAY}.isdisjoint(key.split("/"))


def key_in(url: str, place: str) -> str | None:
    """The key of an object of this very store (`s3://bucket`, `file:///folder`) by its stable name, else None.

    A key that no store can hold, or that the way to one might read otherwise, is none.
    """
    key = url.removeprefix(f"{place}/")
    if key == url or "?" in key:
        return None
    key = unquote(key)
    return key if can_stand(key) and "\\" not in key and "%" not in key else None


def md5_in(key: str) -> str | None:
    """The MD5 that a key of the predecessor's layout (`cache/{YYYY}/{MM}/{md5}.{ext}`) names its content by."""
    found = _OLD_KEY.fullmatch(key)
    return found.group(1) if found else None
