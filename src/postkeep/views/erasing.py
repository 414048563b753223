"""What the library answers about what is erased, what was, and what is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postkeep.model import RunStatus


@dataclass(frozen=True, slots=True)
class ErasedCounts:
    """What goes: `records` are stored records that only told of it, `quarantined` those nobody could read.

    `files` and `bytes` are contents that nobody else shows, `objects` those of them in archives.
    """

    posts: int = 0
    profiles: int = 0
    media: int = 0
    files: int = 0
    bytes: int = 0
    objects: int = 0
    records: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class StayingCounts:
    """What stays because others refer to it: contents others show, and records that tell of others, too.

    Of those records `cut` are kept without what is erased; from the `dropped` ones all that was read of the others
    stays, but not their bytes.
    """

    files: int = 0
    bytes: int = 0
    cut: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ErasingHold:
    """A hold that forbids erasing."""

    hold_id: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Removals:
    """What was removed of files and objects just now, and what is still queued.

    `waiting_for` says why objects wait: no archive is set up, another one is, or it did not answer. `begun` is how
    many posts and profiles are half erased.
    """

    files: int = 0
    objects: int = 0
    files_waiting: int = 0
    objects_waiting: int = 0
    waiting_for: str | None = None
    begun: int = 0


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or in a dry run would be.

    `elsewhere` names places that may still hold it and that nobody but people can clean: log files, source files,
    files outside the cache. Older backups are never known.
    """

    run_id: str | None
    status: RunStatus
    dry_run: bool
    reason: str
    subjects: tuple[str, ...]
    going: ErasedCounts
    staying: StayingCounts
    holds: tuple[ErasingHold, ...]
    removed: Removals
    tombstones: int
    log_files: tuple[str, ...]
    elsewhere: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TombstoneView:
    """Something erased that is not to come back; `id_hash` is all that is kept of its name."""

    kind: str
    platform: str
    id_hash: str
    reason: str
    erased_at: datetime


class Fact(StrEnum):
    """In what way a post is gone: a later list lacks it, the platform says so, or only we could not get it."""

    MISSING = "missing"
    DELETED = "deleted"
    REMOVED = "removed"
    PRIVATE = "private"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class GonePost:
    """A post with one fact; `since` is when that was first seen, `listing` the kinds of list that lack it."""

    post_id: str
    platform: str
    native_id: str
    author: str | None
    posted_at: datetime
    text: str | None
    fact: Fact
    since: datetime | None
    listing: str | None = None
    media: int = 0
