"""What the library answers about the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from postkeep.model import MediaType, RunStatus


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """What an archive run would send to `place`; `proven` files of the cache are there already."""

    place: str
    files: int
    bytes: int
    proven: int


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """What an archive run did. `archived` were proven, `found` of them without an upload; `bytes` went up.

    `waiting` is what is left for a later run, due or not.
    """

    run_id: str
    status: RunStatus
    place: str
    due: int
    archived: int
    found: int
    failed: int
    bytes: int
    waiting: int
    kinds: Mapping[str, int]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveShare:
    """Contents of one media type: what is known, what is proven there, what is here only, what failed."""

    media_type: MediaType
    files: int
    bytes: int
    archived: int
    archived_bytes: int
    cached_only: int
    failed: int


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """How the library stands to its archive, by its own rows; nothing is asked of the store."""

    place: str
    shares: tuple[ArchiveShare, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class ShownBy:
    """A row that shows a content: a medium, and the post or profile it belongs to."""

    media_id: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class ArchiveFailure:
    """A file whose latest try to archive it failed. `path` is its place in the cache, `key` its name in the store.

    `next_at` None: it is not tried again by itself. `shown_by` are the first few of `shown_count` rows.
    """

    file_id: str
    path: str
    key: str
    kind: str
    message: str | None
    failed_at: datetime | None
    next_at: datetime | None
    shown_by: tuple[ShownBy, ...]
    shown_count: int


@dataclass(frozen=True, slots=True)
class ArchiveFault:
    """An object that is not what it was proven to be (missing, size, damaged); `cached`: its bytes are here."""

    url: str
    fault: str
    file_id: str
    cached: bool


@dataclass(frozen=True, slots=True)
class StrangeObject:
    """An object in the store that nobody here knows."""

    key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveCheck:
    """What a check of the archive found. `checked` proven objects were looked at, `read` of them read back.

    `strangers` are objects nobody here knows, `stranger_objects` the first 20 of them by key. With a repair,
    faulty contents that are in the cache are queued to go up again, none of the faulty ones is called archived any
    more, and what was missed and is `back` is again.
    """

    run_id: str
    status: RunStatus
    place: str
    checked: int
    read: int
    strangers: int
    strange_bytes: int
    faults: tuple[ArchiveFault, ...]
    queued: int
    error: str | None = None
    back: int = 0
    stranger_objects: tuple[StrangeObject, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What came back from the archive: `restored` of `due`, and what did not come, with the reason."""

    run_id: str
    status: RunStatus
    place: str
    due: int
    restored: int
    bytes: int
    failed: tuple[tuple[str, str], ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveStep:
    """One thing that makes a store fit to be an archive, and how it went."""

    name: str
    what: str
    done: bool
    note: str


@dataclass(frozen=True, slots=True)
class ArchiveLink:
    """A link that opens an archived medium for `seconds`; None for one that does not end."""

    media_id: str
    url: str
    seconds: int | None
