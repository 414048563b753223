"""Brings a database to the revision this program needs, all of it or nothing, one process at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL

from postkeep.errors import SchemaNewer, StoreBusy, StoreError
from postkeep.store import access, copies, sqlviews
from postkeep.store.adoption import detect
from postkeep.store.engine import Store

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision, oldest first: known without importing Alembic, which costs a quarter of a second."""

HEAD = REVISIONS[-1]
"""The revision this program reads and writes."""

PREDECESSOR = "predecessor"
"""What the revision of a predecessor's database is called in reports; it records none."""

LOCK_SECONDS = 5.0
"""How long an upgrade waits for another process's upgrade of the same SQLite file."""

_VERSION_TABLE = "alembic_version"
_POSTGRESQL_LOCK = 0x706F73746B656570  # "postkeep" in ASCII: one number for all who upgrade

# Alembic keeps the running upgrade in module globals.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What an upgrade did: revision before (None: an empty database), revision after, revisions applied.

    `settled` says in words what of views and access was not as it should be, and is now.
    """

    before: str | None
    after: str
    steps: tuple[str, ...]
    settled: tuple[str, ...] = ()


Adopt = Callable[[Connection, Callable[[], None]], None]
"""Turns a predecessor's tables into ours, in the transaction given; the function given makes ours, once the names
are free."""


class _NotKept(Exception):
    """Ends the transaction of a dry run."""


def revision(store: Store) -> str | None:
    """The revision the database says it has; None when it records none. Nothing is judged or changed."""
    with store.reading() as tx:
        return _recorded(tx) if _VERSION_TABLE in _table_names(tx) else None


def ensure_current(store: Store) -> None:
    """Make an empty database ready and make sure any other has the revision this program needs; idempotent.

    Raises SchemaNewer when a newer program wrote it, StoreError when it wants `postkeep db upgrade` first or
    is not postkeep's, StoreBusy when another process holds it for too long.
    """
    with store.reading() as tx:
        before = _judged(tx)
    if before is None:
        upgrade(store)
    elif before != HEAD:
        raise StoreError(
            f"the database has revision {before}, this postkeep needs {HEAD}: run `{upgrade_command(store.url)}`"
        )
    else:
        store.use_wal()


def upgrade(store: Store, *, adopt: Adopt | None = None, dry_run: bool = False) -> UpgradeReport:
    """Apply all missing revisions in one transaction; idempotent, and safe when several processes try at once.

    A predecessor's database is turned into ours by `adopt`, in the same transaction. With `dry_run` all is done
    and nothing kept. A SQLite file that is refused, or that only a dry run has seen, is the same byte for byte: it
    is switched to WAL when it is ours. Raises what `ensure_current` raises, except that an older revision is what
    it is for.
    """
    report: UpgradeReport | None = None
    with store.reading() as tx:
        if adopt is None or not _is_predecessor(tx):
            _judged(tx)
    # A dry run leaves no file behind; who upgrades meanwhile is kept out by its transaction.
    with _one_at_a_time, _upgrade_lock(None if dry_run else store.path):
        try:
            with _writing(store, adopting=adopt is not None) as tx:
                report = _upgraded(tx, adopt)
                if dry_run:
                    raise _NotKept
        except _NotKept:
            pass
        else:
            # The upgrade is done, whoever still holds the file; the next to open it switches it.
            with suppress(StoreBusy):
                store.use_wal()
    if report is None:
        raise AssertionError("unreachable")
    return report


def upgrade_command(url: URL) -> str:
    """The command that upgrades this database, whichever one the configuration names; without its password."""
    return f"postkeep --database {shlex.quote(copies.shown_place(url))} db upgrade"


def is_predecessor(store: Store) -> bool:
    """Whether the database is the predecessor's; raises StoreError when it only looks like it, and has no use."""
    with store.reading() as tx:
        return _is_predecessor(tx)


def _upgraded(tx: Connection, adopt: Adopt | None) -> UpgradeReport:
    if tx.dialect.name != "sqlite":
        # Bound to the transaction, so that it also holds behind a pooler that shares sessions.
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")
    if adopt is not None and _is_predecessor(tx):
        adopt(tx, lambda: _run_alembic(tx))
        return UpgradeReport(PREDECESSOR, HEAD, REVISIONS, _settled(tx, PREDECESSOR))
    before = _judged(tx)
    if before == HEAD:
        return UpgradeReport(before, HEAD, (), _settled(tx, before))
    _run_alembic(tx)
    done = REVISIONS.index(before) + 1 if before is not None else 0
    return UpgradeReport(before, HEAD, REVISIONS[done:], _settled(tx, before))


def _settled(tx: Connection, before: str | None) -> tuple[str, ...]:
    """Make views and access what they should be; views are news only where no step brought them."""
    views = sqlviews.settle(tx)
    return (*(views if before == HEAD else ()), *access.settle(tx))


def _loosen(dbapi: Any, _record: Any) -> None:
    dbapi.execute("PRAGMA foreign_keys = OFF")
    # SQLite keeps texts that are not UTF-8; their bytes are spelled out, or nothing of their rows could be read.
    dbapi.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")


@contextmanager
def _writing(store: Store, *, adopting: bool) -> Iterator[Connection]:
    """A transaction for the upgrade. Adopting renames and drops tables that others refer to, which SQLite takes
    for an order to delete rows unless foreign keys are off; and that only a connection of its own can be."""
    if not (adopting and store.is_sqlite):
        with store.writing() as tx:
            yield tx
        return
    with closing(Store(store.url.render_as_string(hide_password=False))) as loose:
        event.listen(loose.engine, "connect", _loosen)
        with loose.writing() as tx:
            yield tx


def _run_alembic(tx: Connection) -> None:
    # Quiet before it is imported: it already speaks while it loads its plug-ins.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": tx})
    config.set_main_option("script_location", "postkeep:migrations")
    command.upgrade(config, HEAD)


@contextmanager
def _upgrade_lock(path: Path | None) -> Iterator[None]:
    """A file beside a SQLite database; it stays, for removing it would let two processes lock two files."""
    if path is None:
        yield
        return
    beside = path.with_name(f"{path.name}-upgrade-lock")
    try:
        file = os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot open the lock file {beside}: {error.strerror}") from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreBusy(
                        f"another process is upgrading the database {path}; try again when it is done"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(file)


def _judged(tx: Connection) -> str | None:
    """The recorded revision, None for an empty database; raises for one that is not ours to touch."""
    names = _table_names(tx)
    recorded = _recorded(tx) if _VERSION_TABLE in names else None
    if recorded in REVISIONS:
        return recorded
    if recorded is not None:
        if "posts" in names:
            raise SchemaNewer(
                f"the database has revision {recorded}, newer than this postkeep's {HEAD}:"
                " upgrade the program; nothing was changed"
            )
        raise StoreError("the database belongs to another program; nothing was changed")
    if _is_predecessor(tx):
        command = upgrade_command(tx.engine.url)
        raise StoreError(
            f"the database is the predecessor's: `{command} --dry-run` says what would become of it, and"
            f" `{command}` makes it postkeep's; nothing was changed"
        )
    if in_the_way := _in_the_way(tx, names - {_VERSION_TABLE}):
        raise StoreError(
            f"the database holds tables of another program ({', '.join(in_the_way)}); nothing was changed"
        )
    return None


def _is_predecessor(tx: Connection) -> bool:
    """Whether there are posts without a migration history; raises StoreError when they are nobody's we know."""
    names = _table_names(tx)
    if "posts" not in names or (_VERSION_TABLE in names and _recorded(tx) is not None):
        return False
    if "raw_records" in names:
        raise StoreError(
            f"the database is postkeep's, but the table {_VERSION_TABLE} that says its revision is gone or empty:"
            " take it from a backup, together with its tables; nothing was changed"
        )
    detect.columns_of(tx)
    return True


def _in_the_way(tx: Connection, names: set[str]) -> list[str]:
    """A SQLite file with any table is somebody's; a PostgreSQL schema may be shared while no names meet."""
    if tx.dialect.name != "sqlite":
        from postkeep.store.schema import metadata

        names = names & set(metadata.tables)
    return sorted(names)[:5]


def _recorded(tx: Connection) -> str | None:
    recorded: str | None = tx.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()  # noqa: S608
    return recorded


def _table_names(tx: Connection) -> set[str]:
    if tx.dialect.name == "sqlite":
        statement = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
    else:
        statement = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return set(tx.exec_driver_sql(statement).scalars())


__all__ = [
    "HEAD",
    "LOCK_SECONDS",
    "PREDECESSOR",
    "REVISIONS",
    "Adopt",
    "UpgradeReport",
    "ensure_current",
    "is_predecessor",
    "revision",
    "upgrade",
    "upgrade_command",
]
