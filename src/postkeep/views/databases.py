"""What the library answers about a database as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postkeep.model import RunStatus


@dataclass(frozen=True, slots=True)
class AdoptedTable:
    """What became of a predecessor's table: `before` = `after` - `made` + `merged` + `set_aside`.

    `made` rows are new (posts that were split off, authors); those set aside are kept as JSON, for no table can
    hold them. `renamed` have another id than before.
    """

    table: str
    before: int
    after: int
    merged: int
    made: int
    set_aside: int
    renamed: int


@dataclass(frozen=True, slots=True)
class AdoptionFinding:
    """Something an adoption did or could not decide; `subject` is an id or a name."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class AdoptionSummary:
    """What adopting a predecessor's database did, or in a dry run would do.

    `backup` is the copy made before (None: there is none); `backup_command` says in a dry run how to make one
    where postkeep does not. `findings` counts them by kind, `examples` shows the first few of each.
    """

    tables: tuple[AdoptedTable, ...]
    media_queued: int
    findings: Mapping[str, int]
    examples: tuple[AdoptionFinding, ...]
    backup: str | None
    backup_command: str | None


@dataclass(frozen=True, slots=True)
class UpgradeSummary:
    """What an upgrade did: revision before (None: an empty database), revision after, how many steps.

    `settled` says in words what of views and access was set right; `adopted` is there after a predecessor's
    database. With `dry_run` nothing of it was kept.
    """

    before: str | None
    after: str
    steps: int
    settled: tuple[str, ...] = ()
    dry_run: bool = False
    adopted: AdoptionSummary | None = None


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
    """What a copy did. Only when `completed` the target may be used.

    `not_copied` are the tables and views in the source that are not postkeep's.
    """

    source: str
    target: str
    status: RunStatus
    rows: int
    written: int
    removed: int
    tables: tuple[CopiedTable, ...]
    not_copied: tuple[str, ...] = ()
