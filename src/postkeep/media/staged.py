"""Content on its way into the cache: what it is called before and after it has its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from postkeep.media.listing import FOLDERS
from postkeep.model import CachedFile, Digest, Dimensions, Kind, MediaType


def cache_path(media_type: MediaType, md5: str, extension: str) -> str:
    """Where content stands, relative to the cache root, with forward slashes."""
    return f"media/{FOLDERS[media_type]}/{md5}.{extension}"


def beside(path: str, digest: Digest) -> str:
    """Where content stands when other content with the same MD5 has its name."""
    stem, _, extension = path.rpartition(".")
    return f"{stem}-{digest.sha256[:8]}.{extension}"


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that are whole and written under a temporary name; give it to `commit` or to `discard`.

    `whole` is False when the end that the bytes' own format promises is missing.
    """

    temp: Path
    digest: Digest
    kind: Kind
    dimensions: Dimensions
    whole: bool = True

    @property
    def name(self) -> str:
        """The path it will have in the cache, unless other content with the same MD5 stands there."""
        return cache_path(self.kind.media_type, self.digest.md5, self.kind.extension)


@dataclass(frozen=True, slots=True)
class Committed:
    """A file in its place. `collision`: other content has the same MD5; `existed`: it was there already."""

    file: CachedFile
    collision: bool
    existed: bool
