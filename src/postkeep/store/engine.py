"""Connections and transactions: PRAGMAs, PostgreSQL settings, and the wrapping of driver errors."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from postkeep.errors import ConfigError, ExtraMissing, StoreBusy, StoreClash, StoreError

BUSY_SECONDS = 5.0
"""How long a writer waits for another process before it gives up with StoreBusy."""


def open_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Make the engine of a database URL; nothing is opened yet, but a SQLite file's folder is created.

    Raises ConfigError for a URL that cannot be read, ExtraMissing when the driver is not installed.
    """
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigError("the database URL cannot be read") from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, busy_seconds)
        case "postgresql" | "postgres":
            return _postgresql(parsed, busy_seconds)
        case other:
            raise ConfigError(f"the database URL begins with {other}://, not sqlite:// or postgresql://")


def _sqlite(url: URL, busy_seconds: float) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite would create the file readable by everybody; its side files copy the mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open the database {path}: {error.strerror}") from error
    engine = create_engine(url, connect_args={"timeout": busy_seconds, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        _switch_to_wal(connection, busy_seconds)
        for pragma in (
            "foreign_keys = ON",
            "synchronous = FULL",
            "wal_autocheckpoint = 16000",
            "cache_size = -32000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("begin", "")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _switch_to_wal(connection: Any, busy_seconds: float) -> None:
    """Two processes that open a new file together both want the switch; busy_timeout does not cover it."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _postgresql(url: URL, busy_seconds: float) -> Engine:
    try:
        options = f"-c timezone=UTC -c lock_timeout={round(busy_seconds * 1000)}"
        return create_engine(
            url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args={"options": options}
        )
    except ModuleNotFoundError as error:
        raise ExtraMissing("postgres", "PostgreSQL") from error


class Store:
    """One database: hands out read and write transactions, each short, none held across a wait.

    Safe to share between threads. Whoever opens it closes it.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.engine = open_engine(url, busy_seconds=busy_seconds)
        self.url = self.engine.url
        self._closed = False
        self._inode = self._file_now()

    def _file_now(self) -> tuple[int, int] | None:
        """Which file stands at the path of a SQLite database."""
        if self.path is None:
            return None
        try:
            state = self.path.stat()
        except OSError:
            return None
        return state.st_dev, state.st_ino

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.engine.url.database or "") if self.is_sqlite else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite it sees one state of the database and locks nobody out."""
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back by any error.

        Raises StoreBusy when another process holds the lock for too long, StoreClash when a unique key was
        taken by somebody else, StoreError when the database cannot be written (full disk, read-only).
        """
        with self._transaction("IMMEDIATE") as connection:
            yield connection
            if self._file_now() != self._inode:
                raise StoreError(f"the database {self.path} was removed or replaced while it was in use")

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        if self._closed:
            raise StoreError("the database is closed")
        with (
            wrapped(),
            self.engine.connect().execution_options(begin=mode) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close every connection; idempotent."""
        self._closed = True
        self.engine.dispose()


_BUSY_STATES = {"55P03", "40P01", "40001", "57014"}
"""PostgreSQL: lock not available, deadlock, serialization failure, cancelled by a timeout."""

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_MENDABLE_CODES = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_DAMAGED_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn driver errors a user can mend into StoreErrors; mistakes in our SQL stay what they are."""
    try:
        yield
    except exc.IntegrityError as error:
        raise StoreClash(f"the database refused a row: {_first_line(error)}") from error
    except exc.DBAPIError as error:
        if (mended := _mendable(error)) is not None:
            raise mended from error
        raise


def _mendable(error: exc.DBAPIError) -> StoreError | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _BUSY_CODES:
            return StoreBusy()
        if code in _DAMAGED_CODES:
            return StoreError(f"the database file is damaged: {_first_line(error)}")
        return (
            StoreError(f"the database cannot be used: {_first_line(error)}") if code in _MENDABLE_CODES else None
        )
    state = getattr(cause, "sqlstate", None)
    if state in _BUSY_STATES:
        return StoreBusy()
    # Class 08: connection; 53: resources; 57: operator; 28: authorisation; 3D: no such database.
    if state is None or state[:2] in ("08", "53", "57", "28", "3D", "25"):
        return StoreError(f"the database cannot be used: {_first_line(error)}")
    return None


def _first_line(error: exc.DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
