"""One line of the journal: a file, what it is, and for whom it was stored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

import orjson

from postkeep.media.staged import Staged
from postkeep.model import Digest, Dimensions, Kind, MediaType


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """For whom (`subject`, the media row's id) and from which URL key a file was stored, and what it is."""

    subject: str
    url_key: str
    path: str
    md5: str
    sha256: str
    size: int
    mime_type: str
    extension: str
    media_type: MediaType
    width: int | None = None
    height: int | None = None
    duration: float | None = None

    @classmethod
    def of(cls, subject: str, url_key: str, staged: Staged) -> JournalEntry:
        digest, kind, sides = staged.digest, staged.kind, staged.dimensions
        named = (kind.mime_type, kind.extension, kind.media_type)
        hashes = (digest.md5, digest.sha256, digest.size)
        return cls(subject, url_key, staged.name, *hashes, *named, sides.width, sides.height, sides.duration)

    @property
    def digest(self) -> Digest:
        return Digest(self.md5, self.sha256, self.size)

    @property
    def kind(self) -> Kind:
        return Kind(self.mime_type, self.extension, self.media_type)

    @property
    def dimensions(self) -> Dimensions:
        return Dimensions(self.width, self.height, self.duration)

    def line(self) -> bytes:
        """The entry as one line of JSON with its line feed."""
        try:
            return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError:
            # A lone surrogate of a scraper's JSON is nothing that UTF-8 can hold.
            return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> JournalEntry | None:
        """The entry in a line; None for one that was cut or that another version wrote."""
        try:
            found = json.loads(line)
            known = {field.name: found[field.name] for field in fields(cls)}
            entry = cls(**{**known, "media_type": MediaType(known["media_type"])})
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        texts = (
            entry.subject,
            entry.url_key,
            entry.path,
            entry.md5,
            entry.sha256,
            entry.mime_type,
            entry.extension,
        )
        sound = all(isinstance(text, str) for text in texts) and isinstance(entry.size, int)
        return entry if sound and (len(entry.md5), len(entry.sha256)) == (32, 64) else None
