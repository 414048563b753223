"""What the library answers about a database as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpgradeSummary:
    """What an upgrade did: revision before (None: an empty database), revision after, how many steps."""

    before: str | None
    after: str
    steps: int


@dataclass(frozen=True, slots=True)
class BackupSummary:
    path: str
    bytes: int
