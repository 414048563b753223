"""Connections and transactions of both databases, and how long one waits for either."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from postkeep.errors import ConfigError, StoreClash, StoreError
from postkeep.store.faults import may_pass, not_to_be_had, wrapped
from postkeep.store.postgresql import open_postgresql

BUSY_SECONDS = 5.0
"""How long a transaction waits for another process's lock, or for a database that is starting anew."""
_PAUSE_SECONDS = 0.1
_TRIES = 5

Made = TypeVar("Made")


def open_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Make the engine of a database URL; nothing is opened yet, but a SQLite file's folder is created.

    Raises ConfigError for a URL that cannot be read, ExtraMissing when the driver is not installed.
    """
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        # Nothing of the URL is told: what cannot be read may be a password.
        raise ConfigError("the database URL cannot be read") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, busy_seconds)
        case "postgresql" | "postgres":
            return open_postgresql(parsed, busy_seconds)
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


class Store:
    """One database: hands out read and write transactions, each short, none held across a wait.

    Safe to share between threads. Whoever opens it closes it.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.engine = open_engine(url, busy_seconds=busy_seconds)
        self.url = self.engine.url
        self._busy_seconds = busy_seconds
        self._known = False
        self._closed = False
        self._in_wal = False
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

    def use_wal(self) -> None:
        """Switch a SQLite file to WAL, which marks it for good; for a file that is known to be ours. Idempotent.

        Raises StoreBusy when another process holds it for too long.
        """
        if self._in_wal or not self.is_sqlite:
            return

        @event.listens_for(self.engine, "connect")
        def switch(connection: Any, _record: Any) -> None:
            _switch_to_wal(connection, self._busy_seconds)

        # In the pool are connections from before.
        self.engine.dispose()
        with self.reading():
            self._in_wal = True

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite it sees one state of the database and locks nobody out."""
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back by any error.

        Raises StoreBusy when another process holds the lock for too long, StoreClash when a unique key was
        taken by somebody else, StoreInterrupted when the database broke the transaction off (a lost connection,
        a deadlock), StoreError when the database cannot be written (full disk, read-only).
        """
        with self._transaction("IMMEDIATE") as connection:
            yield connection
            self.must_be_there()

    def must_be_there(self) -> None:
        """Raise StoreError when the file of a SQLite database is no longer the one at its path."""
        if self._file_now() != self._inode:
            raise StoreError(f"the database {self.path} was removed or replaced while it was in use")

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        if self._closed:
            raise StoreError("the database is closed")
        connection, transaction = self._begin(mode)
        with wrapped(), connection, transaction:
            yield connection

    def _begin(self, mode: str) -> tuple[Connection, RootTransaction]:
        """Begin a transaction; where nothing is lost by trying again, a database that comes back is waited for."""
        deadline = time.monotonic() + self._busy_seconds
        pause = 0.0
        while True:
            try:
                begun = self._begin_once(mode)
            except exc.DBAPIError as error:
                if not may_pass(error, known=self._known) or time.monotonic() + pause > deadline:
                    # Whoever ends what has failed now does not wait as long once more.
                    self._known = False
                    raise not_to_be_had(error) from error
            else:
                self._known = True
                return begun
            # At once for a connection that had died while it lay idle; then with chance, for others wait as well.
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(1.0, 2 * pause or _PAUSE_SECONDS)

    def _begin_once(self, mode: str) -> tuple[Connection, RootTransaction]:
        connection = self.engine.connect()
        try:
            return connection, connection.execution_options(begin=mode).begin()
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close every connection; idempotent."""
        self._closed = True
        self.engine.dispose()


def despite_clashes(attempt: Callable[[], Made]) -> Made:
    """Do a thing that looks and writes, again when somebody else was quicker with the same key.

    Raises StoreClash after five times.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return attempt()
        except StoreClash:
            if not tries_left:
                raise
    raise AssertionError("unreachable")
