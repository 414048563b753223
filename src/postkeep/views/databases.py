"""What the library answers about a database as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from postkeep.model import RunStatus


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


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table of a copy: its rows in the source, and of those how many were written now or taken away.

    `checksum` is that of the source, whatever the order of its rows; `equal` is None where it was not proven yet
    that the target has the same.
    """

    table: str
    rows: int
    written: int
    removed: int
    checksum: str | None
    equal: bool | None


@dataclass(frozen=True, slots=True)
class CopySummary:
    """What a copy did. Only when `completed` the target may be used."""

    source: str
    target: str
    status: RunStatus
    rows: int
    written: int
    removed: int
    tables: tuple[CopiedTable, ...]
