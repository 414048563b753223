"""Copies a SQLite database while others read and write it; the copy is proven before it gets its name."""

from __future__ import annotations

import os
import secrets
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from postkeep.errors import IntegrityError, StoreBusy, StoreError
from postkeep.store.engine import Store

_PAGES_A_STEP = 1024


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The finished copy: its path, its size in bytes, its number of pages."""

    path: Path
    size: int
    pages: int


def backup(store: Store, target: Path, *, progress: Callable[[int, int], None] | None = None) -> BackupReport:
    """Copy the database as it is now to `target`, readable by its owner only; other processes keep working.

    `progress` is told pages done and pages in all. The copy is one ordinary file (no WAL beside it), and
    nothing is left behind when it fails. Raises StoreError when `target` exists or cannot be written, or for
    PostgreSQL, where it names the `pg_dump` command to run instead; IntegrityError when the copy is damaged,
    which means that the database is.
    """
    if store.path is None:
        raise StoreError(f"postkeep does not copy PostgreSQL databases; run: {pg_dump_command(store.url, target)}")
    if target.exists() or target.is_symlink():
        raise StoreError(f"{target} exists; a backup does not overwrite anything")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        # Made here and not by SQLite, which would let everybody read it.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        pages = _copy(store, part, progress)
        _flush(part)
        _name(part, target)
        _flush(target.parent)
        return BackupReport(target, target.stat().st_size, pages)
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreBusy() from error
        raise StoreError(f"cannot copy the database to {target}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError(store.path, f"The database is damaged ({error}), no copy was made:") from error
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror}") from error
    finally:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)


def _copy(store: Store, part: Path, progress: Callable[[int, int], None] | None) -> int:
    """Copy and prove; returns the number of pages."""

    def tell(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    with store.reading() as tx, closing(sqlite3.connect(part, isolation_level=None)) as copy:
        # Once it has read something, the transaction's state of the database stands still: a copy in steps
        # would otherwise start again after every write of another process, and never end beside a busy one.
        tx.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        source: Any = tx.connection.driver_connection
        source.backup(copy, pages=_PAGES_A_STEP, progress=tell, sleep=0.001)
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        faults = [line for (line,) in copy.execute("PRAGMA quick_check(5)")]
        if faults != ["ok"]:
            raise IntegrityError(str(store.path), f"The database is damaged ({faults[0]}), no copy was kept:")
        pages: int = copy.execute("PRAGMA page_count").fetchone()[0]
        return pages


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _name(part: Path, target: Path) -> None:
    """Give the copy its name, never over a file that came to be meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise StoreError(f"{target} exists; a backup does not overwrite anything") from None
    except OSError:
        # A file system without hard links: the earlier look has to do.
        part.rename(target)


def pg_dump_command(url: URL, target: Path) -> str:
    """The command that dumps this PostgreSQL database to `target`, without its password (pg_dump asks)."""
    query = {key: value for key, value in url.query.items() if key not in ("password", "sslpassword")}
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    where = bare.render_as_string(hide_password=False)
    return shlex.join(["pg_dump", "--format=custom", f"--file={target}", f"--dbname={where}"])
