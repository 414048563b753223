"""A whole database copied to another: table by table from one state of it, in small steps, and proven at the end.

What is in the target is its own checkpoint: every run compares all rows and writes those that differ, so that a
copy which was broken off goes on, and one that was finished is brought up to date, by the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table

from postkeep.errors import StoreError
from postkeep.model import RunStatus
from postkeep.points import passing
from postkeep.stages.parts import Parts
from postkeep.store import Store, copies, leases, local, migrate, schema, verify
from postkeep.store.copies import Mark, shown_place
from postkeep.store.copying import OddRow, RowWriter, gone, is_refusal
from postkeep.store.sums import Sum
from postkeep.store.walking import Batch, Walk, hold_still
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.databases import CopiedTable, CopySummary

POINTS = ("copy_marked", "copy_batch_written", "copy_batch_committed", "copy_written", "copy_proven")
"""Moments of a copy at which crash tests end the process (see `points`)."""

_LEASE = "copy"
_BEAT = timedelta(seconds=20)
_NOT_COPIED = frozenset({schema.leases})
"""A lease says which process works on a database: none of the source's works on the copy."""


def run_copy(parts: Parts, to: str, *, stop: Stop, progress: OnProgress) -> CopySummary:
    """Copy the database to the empty one at `to` (a path or URL), or go on with a copy of this one there.

    Raises StoreError when the target holds anything else, which stays as it is, or does not take a row.
    """
    url = replace(parts.config, database=to).database_url
    local.must_be_local(url)
    _must_have_folder(url)
    with _named():
        target = Store(url)
    try:
        identity = _identity(parts)
        return _Copy(parts.store, target, identity, clock=parts.clock, stop=stop, progress=progress).run()
    finally:
        target.close()


def _must_have_folder(url: str) -> None:
    # A mistyped postgresql:// would else become folders.
    folder = Path(url.removeprefix("sqlite:///")).parent
    if url.startswith("sqlite:") and not folder.is_dir():
        raise StoreError(f"the target: there is no folder {folder}")


def _identity(parts: Parts) -> str:
    """The id by which a copy knows its source again, whatever the path or host it is reached by."""
    with parts.store.reading() as tx:
        known = copies.recall_identity(tx)
    if known is not None:
        return known
    with parts.store.writing() as tx:
        identity = copies.recall_identity(tx) or parts.ids.new("db")
        copies.remember_identity(tx, identity, parts.clock())
    return identity


@contextmanager
def _named() -> Iterator[None]:
    """Say of an error that it came from the target."""
    try:
        yield
    except StoreError as error:
        raise type(error)(f"the target: {error.message}") from error


@dataclass(slots=True)
class _Copied:
    """How far one table is."""

    table: Table
    rows: int
    there: int = 0
    written: int = 0
    removed: int = 0
    checksum: str | None = None
    equal: bool | None = None


class _Copy:
    def __init__(
        self,
        source: Store,
        target: Store,
        identity: str,
        *,
        clock: Callable[[], datetime],
        stop: Stop,
        progress: OnProgress,
    ) -> None:
        self._source, self._target = source, target
        self._clock, self._stop, self._progress = clock, stop, progress
        self._mark = Mark(identity, shown_place(source.url), migrate.HEAD)
        self._tables: list[_Copied] = []
        self._not_copied: tuple[str, ...] = ()
        self._beat_at = clock()
        self._done = 0
        self._writes = False

    def run(self) -> CopySummary:
        with _named():
            migrate.ensure_current(self._target)
        self._begin()
        try:
            status = self._all()
        finally:
            with suppress(StoreError), self._target.writing() as tx:
                leases.give_up(tx, _LEASE)
        return self._summary(status)

    def _all(self) -> RunStatus:
        with self._source.reading() as tx:
            hold_still(tx)
            self._not_copied = tuple(verify.of_others(tx))
            self._count(tx)
            for copied in self._tables:
                if not self._copy(tx, copied):
                    return RunStatus.CANCELLED
        passing("copy_written")
        if not self._prove():
            return RunStatus.CANCELLED
        if not all(copied.equal for copied in self._tables):
            return RunStatus.FAILED
        passing("copy_proven")
        self._finish()
        return RunStatus.COMPLETED

    # --- what the target is ---

    def _begin(self) -> None:
        """Make the target ours, or raise and leave it as it was."""
        with _named(), self._target.writing() as tx:
            mark = copies.recall_mark(tx)
            if copies.recall_identity(tx) == self._mark.source:
                raise StoreError("it is the source itself, or a backup of it; nothing was changed")
            if mark is None:
                _must_be_empty(tx)
            elif mark.source != self._mark.source:
                raise StoreError(f"it is a copy of another database ({mark.place}); nothing was changed")
            leases.take(tx, _LEASE, self._clock())
            if mark is None or mark.finished is None:
                copies.remember_mark(tx, self._mark, self._clock())
        if mark is not None and mark.finished is not None:
            self._begin_again(mark)
        passing("copy_marked")

    def _begin_again(self, mark: Mark) -> None:
        """A finished copy is nobody's own as long as nothing in it has changed."""
        try:
            used = self._changed_since(mark)
            if used is None:
                with self._writing() as tx:
                    copies.remember_mark(tx, self._mark, self._clock())
                return
        except BaseException:
            with suppress(StoreError), self._target.writing() as tx:
                leases.give_up(tx, _LEASE)
            raise
        with self._target.writing() as tx:
            leases.give_up(tx, _LEASE)
        raise StoreError(
            f"the target: the copy was finished at {mark.finished}, and {used} has changed there since: it is a"
            " database of its own now; nothing was changed"
        )

    def _changed_since(self, mark: Mark) -> str | None:
        """The first table that is not as it was copied; None for none."""
        if mark.revision != migrate.HEAD:
            return "its schema"
        total = sum(rows for rows, _ in mark.sums.values())
        done = 0
        with _named(), self._target.reading() as tx:
            for table in _tables():
                found = Sum()
                for found in _walk(tx, table).sum():
                    self._step("comparing", done + found.rows, total, table)
                done += found.rows
                if (found.rows, found.checksum) != tuple(mark.sums.get(table.name, (0, Sum().checksum))):
                    return table.name
        return None

    def _finish(self) -> None:
        sums = {str(each.table.name): (each.rows, each.checksum or "") for each in self._tables}
        now = self._clock()
        with self._writing() as tx:
            finished = f"{now:%Y-%m-%d %H:%M} UTC"
            copies.remember_mark(tx, replace(self._mark, finished=finished, sums=sums), now)

    # --- copying ---

    def _count(self, tx: Connection) -> None:
        with _named(), self._target.reading() as there:
            self._tables = [
                _Copied(table, _walk(tx, table).count(), _walk(there, table).count()) for table in _tables()
            ]

    def _copy(self, tx: Connection, copied: _Copied) -> bool:
        """Make a table what it is in the source; False when it was stopped before."""
        walk, writer, found = _walk(tx, copied.table), RowWriter(copied.table, self._target), Sum()
        total = sum(each.rows for each in self._tables)
        for batch in walk.batches():
            found.add(batch.lines)
            copied.written += self._write(writer, batch, fresh=not copied.there)
            self._writes = self._writes or copied.written > 0
            passing("copy_batch_committed")
            self._done += len(batch.rows)
            # One word for all that follows: each change of it begins the progress anew.
            self._step("copying" if self._writes else "comparing", self._done, total, copied.table)
            if self._stop():
                return False
        copied.checksum = found.checksum
        if copied.there:
            self._remove_gone(walk, writer, copied)
        return not self._stop()

    def _write(self, writer: RowWriter, batch: Batch, *, fresh: bool) -> int:
        try:
            with self._target.writing() as tx:
                leases.renew(tx, _LEASE, self._clock())
                if fresh:
                    writer.fill(tx, batch.rows)
                    written = len(batch.rows)
                else:
                    written = writer.amend(tx, batch)
                passing("copy_batch_written")
        except Exception as error:
            if is_refusal(error):
                raise writer.refused(batch, error) from error
            if isinstance(error, StoreError) and not isinstance(error, OddRow):
                raise type(error)(f"the target: {error.message}") from error
            raise
        self._beat_at = self._clock()
        return written

    def _remove_gone(self, walk: Walk, writer: RowWriter, copied: _Copied) -> None:
        with _named(), self._target.reading() as tx:
            there = _walk(tx, copied.table)
            if there.count() == copied.rows:
                # All of the source's rows are there, so these are they.
                return
            for keys in gone(there, walk):
                with self._writing() as writing:
                    writer.remove(writing, keys)
                copied.removed += len(keys)

    # --- proving ---

    def _prove(self) -> bool:
        """Read the target and compare its sums with those of what was read; False when it was stopped."""
        total, done = sum(each.rows for each in self._tables), 0
        with _named(), self._target.reading() as tx:
            for copied in self._tables:
                found = Sum()
                for found in _walk(tx, copied.table).sum():
                    self._step("verifying", done + found.rows, total, copied.table)
                    if self._stop():
                        return False
                done += found.rows
                copied.equal = (found.rows, found.checksum) == (copied.rows, copied.checksum)
        return True

    # --- telling ---

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _named(), self._target.writing() as tx:
            leases.renew(tx, _LEASE, self._clock())
            yield tx
        self._beat_at = self._clock()

    def _step(self, doing: str, done: int, total: int, table: Table) -> None:
        self._progress(Progress(doing, done, max(done, total), "rows", table.name))
        if self._clock() - self._beat_at > _BEAT:
            with self._writing():
                pass

    def _summary(self, status: RunStatus) -> CopySummary:
        tables = tuple(
            CopiedTable(str(each.table.name), each.rows, each.written, each.removed, each.checksum, each.equal)
            for each in self._tables
        )
        return CopySummary(
            source=self._mark.place,
            target=shown_place(self._target.url),
            status=status,
            rows=sum(each.rows for each in tables),
            written=sum(each.written for each in tables),
            removed=sum(each.removed for each in tables),
            tables=tables,
            not_copied=self._not_copied,
        )


def _tables() -> list[Table]:
    """What is copied, each table after those it refers to."""
    return [table for table in schema.metadata.sorted_tables if table not in _NOT_COPIED]


_ONLY: Mapping[Table, str] = {
    schema.remembered: "name NOT IN (" + ", ".join(f"'{name}'" for name in copies.OWN_NAMES) + ")"
}


def _walk(tx: Connection, table: Table) -> Walk:
    return Walk(tx, table, but=_ONLY.get(table, ""))


def _must_be_empty(tx: Connection) -> None:
    for table in _tables():
        if _walk(tx, table).count():
            raise StoreError(f"it is not empty (there are rows in {table.name}); nothing was changed")
