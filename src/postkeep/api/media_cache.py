"""The media cache by the predecessors' function names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from postkeep.api import default
from postkeep.errors import FileDamaged, FileMissing
from postkeep.library import (
    dimensions_of,
    guess_media_type,
    hash_bytes,
    hash_file,
    relative_cache_path,
)
from postkeep.model import MediaType
from postkeep.views import FileView, human_size


class CachedMedia(TypedDict):
    """A file in the cache; `local_path` is absolute."""

    md5_sum: str
    local_path: str
    file_size: int
    mime_type: str
    media_type: str
    width: int | None
    height: int | None
    extension: str
    url: str


class FailedMedia(TypedDict):
    """A URL that brought no file, and why."""

    url: str
    error: str


class TypeStats(TypedDict):
    count: int
    size: int


class CacheStats(TypedDict):
    total_files: int
    total_size: int
    by_type: dict[str, TypeStats]


def calculate_md5(file_path: str | Path) -> str:
    """The MD5 of a file, in lowercase hex; raises OSError when it cannot be read."""
    return hash_file(Path(file_path))


def calculate_md5_from_bytes(data: bytes) -> str:
    """The MD5 of bytes, in lowercase hex."""
    return hash_bytes(data)


def detect_media_type(url: str, mime_type: str | None = None) -> str:
    """image, video or document, by the MIME type, else by the URL's extension, else image.

    A guess for planning only: what a file is, is read from its bytes.
    """
    return str(guess_media_type(url, mime_type))


def get_media_cache_path(media_type: str, md5_sum: str, extension: str) -> Path:
    """Where content of this MD5 stands in the default library's cache, whether it is there or not."""
    relative = relative_cache_path(MediaType(media_type), md5_sum, extension.lstrip("."))
    return default.library().config.cache_root / relative


def download_and_cache_media(media_url: str, media_type: str | None = None, timeout: float = 30) -> CachedMedia:
    """Bring a URL into the cache, or give out what it brought before, proven.

    `timeout` limits the whole transfer, in seconds. `media_type` is what the caller expects; the bytes decide.
    Raises FetchError (its subclass says why) or CacheError.
    """
    return _cached(default.library().fetch_url(media_url, timeout=timeout), media_url)


def download_multiple_media(
    urls: Sequence[str], max_workers: int = 5, timeout: float = 30
) -> list[CachedMedia | FailedMedia]:
    """Bring URLs into the cache, `max_workers` at a time: one entry for each URL, in order.

    A failure is an entry with `url` and `error`; raises only CacheError, when the cache cannot be written.
    """
    outcomes = default.library().fetch_urls(urls, at_once=max_workers, timeout=timeout)
    return [
        _cached(each.file, each.url)
        if each.file is not None
        else FailedMedia(url=each.url, error=each.error or "unknown")
        for each in outcomes
    ]


def verify_cached_media(local_path: str | Path, expected_md5: str) -> bool:
    """Whether the file is there and its content has this MD5; always hashes."""
    try:
        return hash_file(Path(local_path)) == expected_md5.lower()
    except OSError:
        return False


def find_cached_by_md5(md5_sum: str) -> CachedMedia | None:
    """The proven file of this MD5; None when there is none, or its content is not what it was."""
    try:
        found = default.library().find_file(md5=md5_sum)
    except (FileDamaged, FileMissing):
        return None
    return None if found is None else _cached(found, "")


def find_cached_by_url(url: str) -> CachedMedia | None:
    """The proven file this URL was cached as, by us or by the predecessor; None when there is none."""
    try:
        found = default.library().find_file(url=url)
    except (FileDamaged, FileMissing):
        return None
    return None if found is None else _cached(found, url)


def get_cached_image_path(url: str) -> Path | None:
    """The absolute path of the file this URL was cached as, proven; None when there is none."""
    found = find_cached_by_url(url)
    return None if found is None else Path(found["local_path"])


def get_cache_stats() -> CacheStats:
    """Files and bytes in the cache, in all and by media type."""
    stats = default.library().media_stats()
    return CacheStats(
        total_files=stats.files,
        total_size=stats.bytes,
        by_type={name: TypeStats(count=each.files, size=each.bytes) for name, each in stats.by_type.items()},
    )


def format_size(bytes: int) -> str:
    """A number of bytes as people read it: 0 B, 1.5 KB, 20.0 MB (1 KB = 1024 bytes)."""
    return human_size(bytes)


def get_image_dimensions(file_path: str | Path) -> tuple[int | None, int | None]:
    """Width and height in pixels as the file's header states them; None for what it does not state."""
    return dimensions_of(Path(file_path))


def _cached(view: FileView, url: str) -> CachedMedia:
    return CachedMedia(
        md5_sum=view.md5,
        local_path=view.path,
        file_size=view.size,
        mime_type=view.mime_type,
        media_type=str(view.media_type),
        width=view.width,
        height=view.height,
        extension=view.extension,
        url=view.url or url,
    )
