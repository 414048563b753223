"""What Store says when its database is locked, read-only, full, damaged, gone or closed."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from postkeep.errors import ConfigError, StoreBusy, StoreClash, StoreError
from postkeep.store import Store, migrate
from postkeep.store.backup import backup
from postkeep.store.verify import verify_rows, verify_schema

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def read(store: Store) -> int:
    with store.reading() as tx:
        count: int = tx.execute(text("SELECT count(*) FROM tags")).scalar_one()
        return count


def write(store: Store, name: str = "one") -> None:
    with store.writing() as tx:
        tx.execute(text("INSERT INTO tags (tag_id, name) VALUES (:name, :name)"), {"name": name})


READERS: list[Callable[[Store], object]] = [
    read,
    migrate.revision,
    migrate.ensure_current,
    verify_schema,
    verify_rows,
]
ALL: list[Callable[[Store], object]] = [*READERS, write, migrate.upgrade]


@pytest.fixture
def impatient(database_url: str) -> Iterator[Store]:
    store = Store(database_url, busy_seconds=0.05)
    yield store
    store.close()


@contextmanager
def locked(store: Store, *statements: str) -> Iterator[None]:
    with closing(sqlite3.connect(str(store.path), isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement).fetchall()
        yield


# --- locked -------------------------------------------------------------------------------------------


@sqlite_only
def test_a_writer_keeps_writers_out_but_no_readers(impatient: Store) -> None:
    with locked(impatient, "BEGIN IMMEDIATE"):
        with pytest.raises(StoreBusy):
            write(impatient)
        with pytest.raises(StoreBusy):
            migrate.upgrade(impatient)
        for act in READERS:
            act(impatient)
    write(impatient)
    assert read(impatient) == 1


@sqlite_only
@pytest.mark.parametrize("act", ALL)
def test_a_file_held_exclusively(impatient: Store, act: Callable[[Store], object]) -> None:
    with (
        locked(impatient, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"),
        pytest.raises(StoreBusy),
    ):
        act(impatient)
    act(impatient)


@postgresql_only
@pytest.mark.parametrize("act", [read, write])
def test_a_table_held_exclusively(store: Store, act: Callable[[Store], object]) -> None:
    @event.listens_for(store.engine, "begin")
    def hurry(connection: Any) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")

    other = create_engine(store.url)
    try:
        with other.connect() as connection:
            connection.execute(text("LOCK TABLE tags IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(StoreBusy):
                act(store)
    finally:
        other.dispose()
    act(store)


# --- read-only ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [write])
def test_a_database_that_takes_no_writes(store: Store, act: Callable[[Store], object]) -> None:
    @event.listens_for(store.engine, "begin")
    def refuse(connection: Any) -> None:
        read_only = "PRAGMA query_only = ON" if store.is_sqlite else "SET TRANSACTION READ ONLY"
        connection.exec_driver_sql(read_only)

    for reader in READERS:
        reader(store)
    with pytest.raises(StoreError, match=r"read-?only") as caught:
        act(store)
    assert not isinstance(caught.value, StoreBusy)


@contextmanager
def nobody() -> Iterator[None]:
    """Root may write every file, so that a test of permissions has to be somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.db"
        made = Store(f"sqlite:///{path}")
        migrate.ensure_current(made)
        made.close()
        path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        Path(folder).chmod(0o555)
        try:
            with nobody(), pytest.raises(StoreError, match=r"posts\.db: Permission denied"):
                Store(f"sqlite:///{path}")
        finally:
            Path(folder).chmod(0o700)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot open the database"):
        Store(f"sqlite:///{tmp_path / 'file' / 'posts.db'}")


# --- full -----------------------------------------------------------------------------------------------


@pytest.fixture
def full(database_url: str) -> Iterator[Store]:
    """A database that may not grow by a single page."""
    store = Store(database_url)
    limit_pages(store, 1)  # no less than it has
    yield store
    store.close()


def limit_pages(store: Store, pages: int) -> None:
    @event.listens_for(store.engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()


def write_many(store: Store) -> None:
    for n in range(2000):
        write(store, f"{n:0200}")


def write_many_at_once(store: Store) -> None:
    rows = [{"n": f"{n:0200}"} for n in range(2000)]
    with store.writing() as tx:
        tx.execute(text("INSERT INTO tags (tag_id, name) VALUES (:n, :n)"), rows)


@sqlite_only
def test_a_full_database_keeps_what_it_has(full: Store) -> None:
    with pytest.raises(StoreError, match="full") as caught:
        write_many(full)
    assert not isinstance(caught.value, StoreBusy)
    assert 0 < read(full) < 2000
    for act in READERS:
        act(full)
    assert verify_rows(full) == []


@sqlite_only
def test_a_transaction_that_meets_a_full_database_leaves_nothing(full: Store) -> None:
    with pytest.raises(StoreError, match="full"):
        write_many_at_once(full)
    assert read(full) == 0


@sqlite_only
def test_an_upgrade_that_finds_no_room(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    limit_pages(store, 20)
    try:
        with pytest.raises(StoreError, match="full"):
            migrate.ensure_current(store)
        assert migrate.revision(store) is None
    finally:
        store.close()


# --- closed, gone, damaged, clashing -----------------------------------------------------------------------


@pytest.mark.parametrize("act", ALL)
def test_a_closed_store(store: Store, act: Callable[[Store], object]) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        act(store)
    store.close()


def hang_up(store: Store) -> None:
    """Have the server end the connection in the middle of a transaction."""
    other = create_engine(store.url, isolation_level="AUTOCOMMIT")
    try:
        with store.reading() as tx, other.connect() as connection:
            mine = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            tx.exec_driver_sql("SELECT 1")
    finally:
        other.dispose()


@postgresql_only
def test_a_server_that_hangs_up(store: Store) -> None:
    with pytest.raises(StoreError):
        hang_up(store)
    assert read(store) == 0, "the next transaction gets a new connection"


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    store = Store(f"postgresql://nobody@/none?host={tmp_path}")
    try:
        for act in ALL:
            with pytest.raises(StoreError):
                act(store)
    finally:
        store.close()


@pytest.mark.parametrize("act", ALL)
def test_a_file_that_is_no_database(tmp_path: Path, act: Callable[[Store], object]) -> None:
    path = tmp_path / "posts.db"
    path.write_bytes(b"Dear diary, " * 1000)
    store = Store(f"sqlite:///{path}")
    try:
        with pytest.raises(StoreError, match="damaged"):
            act(store)
    finally:
        store.close()
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_a_key_that_is_taken(store: Store) -> None:
    write(store)
    with pytest.raises(StoreClash):
        write(store)
    assert read(store) == 1


def write_and_fail(store: Store) -> None:
    with store.writing() as tx:
        tx.execute(text("INSERT INTO tags (tag_id, name) VALUES ('a', 'a')"))
        raise LookupError


def test_an_error_of_the_caller_rolls_back_and_stays_itself(store: Store) -> None:
    with pytest.raises(LookupError):
        write_and_fail(store)
    assert read(store) == 0


@pytest.mark.parametrize("url", ["", "posts.db", "mysql://me@host/posts"])
def test_a_url_that_means_nothing(url: str) -> None:
    with pytest.raises(ConfigError):
        Store(url)


@sqlite_only
def test_a_backup_of_a_closed_store(store: Store, tmp_path: Path) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        backup(store, tmp_path / "copy.db")


@postgresql_only
@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("CREATE VIEW on_tags AS SELECT * FROM tags", "DROP TABLE tags"), r"in the way.*view on_tags depends"),
        (("SET LOCAL search_path = nowhere", "CREATE TABLE here (a int)"), "no schema has been selected"),
        (("DO $$ BEGIN RAISE EXCEPTION 'not on my watch'; END $$",), r"in the way.*not on my watch"),
    ],
)
def test_what_others_made_is_named_when_it_is_in_the_way(
    store: Store, statements: tuple[str, ...], words: str
) -> None:
    with pytest.raises(StoreError, match=words), store.writing() as tx:
        tx.exec_driver_sql("; ".join(statements))
