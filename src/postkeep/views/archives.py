"""What the library answers about the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postkeep.model import RunStatus


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
