"""Bringing a database to what this version needs: revisions, and a predecessor's database as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from postkeep.errors import ConfigError
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.model import Platform, Stage
from postkeep.stages.adoption.reading import Records
from postkeep.stages.adoption.run import Adoption
from postkeep.store import Store, migrate, work
from postkeep.store.adoption import aside, detect, old_rows
from postkeep.store.adoption.findings import Findings, without_fresh_ids
from postkeep.store.adoption.writing import Writer
from postkeep.store.backup import backup, pg_dump_command
from postkeep.views import OnProgress, Progress
from postkeep.views.databases import AdoptedTable, AdoptionFinding, AdoptionSummary, UpgradeSummary

log = get_logger("upgrading")


def run_upgrade(
    store: Store,
    platforms: Sequence[Platform],
    *,
    ids: IdFactory,
    clock: Callable[[], datetime],
    zone: ZoneInfo,
    dry_run: bool,
    agreed: Callable[[str], bool],
    progress: OnProgress,
) -> UpgradeSummary:
    """Apply what is missing, in one transaction; a predecessor's database is adopted after a backup beside it.

    `zone` is that of time stamps that name none. PostgreSQL is not backed up: `agreed` is asked first, with the
    command that would. Raises ConfigError when it says no, StoreError and what a backup raises.
    """
    adopting = _Adopting(store, platforms, ids, clock, zone, dry_run=dry_run, progress=progress)
    if migrate.is_predecessor(store) and not dry_run and not store.is_sqlite:
        command = pg_dump_command(store.url, Path(f"postkeep-before-upgrade-{_stamp(clock())}.dump"))
        if not agreed(command):
            raise ConfigError(
                "postkeep does not back up PostgreSQL databases, and this upgrade changes every table of the"
                f" predecessor: make a backup ({command}), then run `{migrate.upgrade_command(store.url)} --yes`"
            )
    try:
        report = migrate.upgrade(store, adopt=adopting, dry_run=dry_run)
    except BaseException:
        adopting.forget_backup()
        raise
    return UpgradeSummary(
        report.before, report.after, len(report.steps), report.settled, dry_run, adopting.summary
    )


class _Adopting:
    """What `migrate.upgrade` calls for a predecessor's database; `summary` says what came of it."""

    def __init__(
        self,
        store: Store,
        platforms: Sequence[Platform],
        ids: IdFactory,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
        *,
        dry_run: bool,
        progress: OnProgress,
    ) -> None:
        self.store, self.platforms, self.ids, self.zone = store, platforms, ids, zone
        self.now = clock()
        self.dry_run, self.progress = dry_run, progress
        self.summary: AdoptionSummary | None = None
        self._backup: Path | None = None

    def __call__(self, tx: Connection, make_tables: Callable[[], None]) -> None:
        columns = detect.columns_of(tx)
        self._back_up()
        findings = Findings()
        moved = aside.move_aside(tx, columns, findings)
        make_tables()
        writer = Writer(tx, self.ids, findings, self.now)
        tables = old_rows.old_tables(columns)
        records = Records(self.platforms, self.zone)
        Adoption(writer, tables, records, platforms=self.platforms, told=self._told).run()
        writer.flush()
        writer.prove(tables)
        aside.drop_old(tx, moved, findings)
        writer.flush()
        writer.must_refer_to_what_is_there()
        self.summary = self._summary(tx, writer)
        log.info("database_adopted", dry_run=self.dry_run, backup=str(self._backup or ""), **findings.counts)

    def _back_up(self) -> None:
        """Copy a SQLite file. The transaction has begun and written nothing: the copy is what it begins with."""
        path = self.store.path
        if path is not None and not self.dry_run:
            named = path.with_name(f"{path.name}.before-upgrade-{_stamp(self.now)}")
            # One that was killed a moment ago has left its copy.
            more = (named.with_name(f"{named.name}-{number}") for number in count(2))
            target = next(each for each in chain([named], more) if not each.exists())
            self._backup = backup(self.store, target).path

    def forget_backup(self) -> None:
        """Remove the copy of a database that stayed as it was."""
        if self._backup is not None:
            self._backup.unlink(missing_ok=True)

    def _told(self, what: str, done: int, total: int) -> None:
        self.progress(Progress("upgrading", done, total, "rows", what))

    def _summary(self, tx: Connection, writer: Writer) -> AdoptionSummary:
        examples = writer.findings.examples
        # The ids that a dry run draws are not those that the upgrade will give.
        examples = without_fresh_ids(tx, examples) if self.dry_run else examples
        target = Path(f"postkeep-before-upgrade-{_stamp(self.now)}.dump")
        sqlite = self.store.is_sqlite
        return AdoptionSummary(
            tables=tuple(
                AdoptedTable(
                    name,
                    tally.read,
                    tally.kept + tally.made,
                    tally.merged,
                    tally.made,
                    tally.set_aside,
                    tally.renamed,
                )
                for name, tally in writer.tallies.items()
            ),
            media_queued=int(work.counts(tx, Stage.FETCH, self.now)["waiting"]),
            findings=dict(sorted(writer.findings.counts.items())),
            examples=tuple(AdoptionFinding(each.kind, each.subject, each.detail) for each in examples),
            backup=str(self._backup) if self._backup else None,
            # After the upgrade it would dump our tables under a name that says otherwise.
            backup_command=pg_dump_command(self.store.url, target) if self.dry_run and not sqlite else None,
        )


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
