"""What the library answers about archiving that goes on by itself."""

from __future__ import annotations

from dataclasses import dataclass

from postkeep.views.archives import ArchiveSummary


@dataclass(frozen=True, slots=True)
class WatchRound:
    """One look for what is new: the run it led to, if any, who archives instead, or what kept it from working."""

    summary: ArchiveSummary | None = None
    left_to: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """What was archived while somebody watched; `runs` had something to do, `error` is that of the last round."""

    place: str
    runs: int = 0
    archived: int = 0
    found: int = 0
    failed: int = 0
    bytes: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ImportArchived:
    """What became of an import's files: a run sent them, another process has them, or nothing was to do."""

    files: int
    summary: ArchiveSummary | None = None
    left_to: str | None = None
