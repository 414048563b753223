"""A database that fails in mid-import: a wait or a clear line, no half batch, and the next run goes on."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import create_engine, event, make_url, text
from tests.canonical import dump
from tests.crash.test_disk import at
from tests.records import EPOCH, gallery, image, post, raw, stats
from tests.servers.postgres import PostgresServer, administer
from tests.servers.proxy import Proxy

from postkeep.errors import StoreBusy, StoreError, StoreInterrupted
from postkeep.ids import IdFactory
from postkeep.model import RawRecord, utc_now
from postkeep.platforms import load_platform
from postkeep.stages.ingest import Ingest, Tally
from postkeep.store import Store, migrate, runs
from postkeep.store.verify import verify_rows

IDS = IdFactory()
_POSTS, _BATCH = 30, 6
_PATIENCE = 0.3
sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

RECORDS = [
    raw(post(n % _POSTS, media=gallery(image(f"D{n}")), stats=stats(n)), at=EPOCH + timedelta(days=n // _POSTS))
    for n in range(2 * _POSTS)
]


class SmallBatches(Ingest):
    """Several batches where there would be one."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._batch_size = _BATCH

    def _resize(self, written: object) -> None:
        pass


def import_(store: Store, records: Iterable[RawRecord] = RECORDS) -> Tally:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    stage = SmallBatches(
        store, platforms=[load_platform("linkedin")], ids=IDS, run_id=run_id, clock=utc_now, priority=0
    )
    for _ in stage.feed(records):
        pass
    return stage.tally


def posts(store: Store) -> int:
    with store.reading() as tx:
        count: int = tx.execute(text("SELECT count(*) FROM posts")).scalar_one()
        return count


@pytest.fixture(scope="module")
def _known() -> dict[bool, list[str]]:
    return {}


@pytest.fixture
def undisturbed(request: pytest.FixtureRequest, tmp_path: Path, _known: dict[bool, list[str]]) -> list[str]:
    """What an import leaves that nobody disturbed, on the kind of database of the test."""
    params = getattr(request.node, "callspec", None)
    is_sqlite = params is not None and params.params.get("database_kind") == "sqlite"
    if is_sqlite not in _known:
        if is_sqlite:
            path = tmp_path / "undisturbed.db"
            path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
            url = f"sqlite:///{path}"
        else:
            server, template = map(request.getfixturevalue, ("postgres_url", "postgres_template"))
            name = f"{template}_undisturbed"
            administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
            url = make_url(server).set(database=name).render_as_string(hide_password=False)
        with store_of(url) as store:
            import_(store)
            _known[is_sqlite] = dump(store)
        if not is_sqlite:
            administer(server, f"DROP DATABASE {name} WITH (FORCE)")
    return _known[is_sqlite]


def check_goes_on(url: str, undisturbed: list[str]) -> None:
    """Assert that whole batches are there, and that the next run brings what is missing."""
    store = Store(url)
    try:
        assert posts(store) % _BATCH == 0
        assert verify_rows(store) == []
        import_(store)
        assert dump(store) == undisturbed
        assert verify_rows(store) == []
    finally:
        store.close()


@contextmanager
def store_of(url: str, *, patience: float = _PATIENCE) -> Iterator[Store]:
    store = Store(url, busy_seconds=patience)
    try:
        yield store
    finally:
        store.close()


# --- connections that end ---------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["batch_written", "batch_committed"])
def test_a_server_that_restarts_in_mid_import_is_waited_for(
    own_server: PostgresServer, own_database_url: str, undisturbed: list[str], moment: str
) -> None:
    with store_of(own_database_url, patience=20) as store:
        with at(moment, own_server.restart, number=2):
            tally = import_(store)
        assert (tally.processed, tally.new) == (2 * _POSTS, _POSTS)
        assert dump(store) == undisturbed
        assert verify_rows(store) == []


def test_a_server_that_stays_away_ends_the_import_with_its_batches_whole(
    own_server: PostgresServer, own_database_url: str, undisturbed: list[str]
) -> None:
    with (
        store_of(own_database_url) as store,
        at("batch_written", own_server.stop, number=3),
        pytest.raises(StoreError, match="the database cannot be used") as caught,
    ):
        import_(store)
    assert not isinstance(caught.value, StoreInterrupted), "whoever tries again then would try for ever"
    own_server.start()
    check_goes_on(own_database_url, undisturbed)


@postgresql_only
def test_a_connection_that_is_cut_in_a_batch_is_made_anew(database_url: str, undisturbed: list[str]) -> None:
    with Proxy(database_url) as proxy, store_of(proxy.url) as store:
        with at("batch_written", proxy.cut, number=2):
            tally = import_(store)
        assert tally.new == _POSTS
        assert dump(store) == undisturbed
        # The second cut falls between two transactions.
        proxy.cut()
        assert posts(store) == _POSTS


@postgresql_only
def test_a_batch_whose_commit_nobody_answered_is_stored_once(database_url: str, undisturbed: list[str]) -> None:
    with Proxy(database_url) as proxy, store_of(proxy.url) as store:
        with at("batch_written", proxy.keep_answer_of_commit, number=2):
            import_(store)
        assert proxy.connections > 1
        assert dump(store) == undisturbed
        assert verify_rows(store) == []


@postgresql_only
def test_a_line_that_stays_cut_ends_the_import(database_url: str, undisturbed: list[str]) -> None:
    def cut() -> None:
        proxy.shut = True
        proxy.cut()

    with Proxy(database_url) as proxy, store_of(proxy.url) as store:
        with at("batch_written", cut, number=2), pytest.raises(StoreError, match="cannot be used"):
            import_(store)
        proxy.shut = False
        assert posts(store) == _BATCH
    check_goes_on(database_url, undisturbed)


# --- others who write -----------------------------------------------------------------------------------


@contextmanager
def holding(url: str, postgresql: str) -> Iterator[Callable[[], None]]:
    """Gives what has another program lock the database, on PostgreSQL with this statement."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(
            sqlite3.connect(str(parsed.database), isolation_level=None, check_same_thread=False)
        ) as other:
            yield lambda: other.execute("BEGIN IMMEDIATE").fetchall() and None
        return
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield lambda: connection.execute(text(postgresql)) and None
    finally:
        engine.dispose()


def test_a_lock_that_another_program_keeps_is_waited_for_and_then_told(
    database_url: str, undisturbed: list[str]
) -> None:
    with (
        store_of(database_url) as store,
        holding(database_url, "LOCK TABLE posts IN SHARE MODE") as lock,
        at("batch_committed", lock, number=2),
        pytest.raises(StoreBusy, match="locked by another process; try again when it is done"),
    ):
        import_(store)
    check_goes_on(database_url, undisturbed)


def test_a_lock_that_is_given_back_in_time_is_no_error(database_url: str, undisturbed: list[str]) -> None:
    released = threading.Event()

    def lock_for_a_while() -> None:
        lock()
        threading.Thread(target=lambda: (released.wait(0.3), unlock())).start()

    with store_of(database_url, patience=20) as store:
        parsed = make_url(database_url)
        if store.is_sqlite:
            other = sqlite3.connect(str(parsed.database), isolation_level=None, check_same_thread=False)
            lock, unlock = (lambda: other.execute("BEGIN IMMEDIATE")), other.close
        else:
            engine = create_engine(database_url)
            connection = engine.connect()
            lock, unlock = (lambda: connection.execute(text("LOCK TABLE posts"))), connection.close
        with at("batch_committed", lock_for_a_while, number=2):
            tally = import_(store)
        if not store.is_sqlite:
            engine.dispose()
        assert tally.new == _POSTS
        assert dump(store) == undisturbed


@postgresql_only
def test_a_transaction_that_lost_a_race_is_done_again(database_url: str, undisturbed: list[str]) -> None:
    """With stricter isolation than ours PostgreSQL itself breaks it off: 40001, as a deadlock's 40P01."""
    raced: list[int] = []
    with store_of(database_url) as store:

        @event.listens_for(store.engine, "begin")
        def be_strict(connection: Any) -> None:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        @event.listens_for(store.engine, "before_cursor_execute")
        def race(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE download_runs") and len(raced) < 2:
                raced.append(1)
                administer(database_url, "UPDATE download_runs SET error_message = NULL")

        tally = import_(store)
        assert (len(raced), tally.new) == (2, _POSTS)
        assert dump(store) == undisturbed


@postgresql_only
def test_of_two_that_block_each_other_one_is_told_to_do_it_again(store: Store) -> None:
    with store.writing() as tx:
        tx.execute(text("INSERT INTO tags (tag_id, name) VALUES ('a', 'a'), ('b', 'b')"))
    touch = text("UPDATE tags SET description = 'x' WHERE tag_id = :id")
    both = threading.Barrier(2)
    interrupted: list[StoreInterrupted] = []

    def cross(first: str, second: str) -> None:
        try:
            with store.writing() as tx:
                tx.exec_driver_sql("SET LOCAL deadlock_timeout = '20ms'")
                tx.execute(touch, {"id": first})
                both.wait()
                tx.execute(touch, {"id": second})
        except StoreInterrupted as error:
            interrupted.append(error)

    pair = [threading.Thread(target=cross, args=names) for names in (("a", "b"), ("b", "a"))]
    for each in pair:
        each.start()
    for each in pair:
        each.join()
    assert ["deadlock detected" in str(each) for each in interrupted] == [True]


# --- no room ----------------------------------------------------------------------------------------------


@sqlite_only
def test_a_file_that_may_not_grow_ends_the_import(database_url: str, undisturbed: list[str]) -> None:
    with store_of(database_url) as store:
        with store.reading() as tx:
            pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()

        @event.listens_for(store.engine, "begin")
        def limit(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")

        with pytest.raises(StoreError, match=r"no room for the database to grow: .*full"):
            import_(store)
        assert posts(store) > 0
    check_goes_on(database_url, undisturbed)


@sqlite_only
def test_a_disk_that_takes_no_more_is_told_in_one_line(database_url: str, tmp_path: Path) -> None:
    """With the limit on files that a shell's `ulimit -f` sets, through the program itself."""
    source = tmp_path / "dataset_jane-doe_2025-03-01_08-00-00-000.json"
    source.write_bytes(orjson.dumps([post(n, text="x" * 5000 + str(n)) for n in range(400)]))
    path = str(make_url(database_url).database)
    command = [sys.executable, "-m", "postkeep", "--home", str(tmp_path / "home"), "--database", path]
    command += ["import", "--no-fetch", str(source)]
    most = Path(path).stat().st_size + 200_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    cramped = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    told = [line for line in cramped.stderr.splitlines() if line.startswith("postkeep: ")]
    assert (cramped.returncode, len(told)) == (3, 1), cramped.stderr
    assert "Traceback" not in cramped.stderr
    with store_of(database_url) as store:
        assert verify_rows(store) == []
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    with store_of(database_url) as store:
        assert posts(store) == 400


# --- a database that does not let us ------------------------------------------------------------------------


@postgresql_only
def test_a_database_that_takes_no_writes_can_be_read(database_url: str) -> None:
    name = make_url(database_url).database
    administer(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with store_of(database_url) as store:
        migrate.ensure_current(store)
        assert posts(store) == 0
        with pytest.raises(StoreError, match=r"takes no writes, .*read-only transaction"):
            import_(store)


@postgresql_only
def test_a_statement_that_the_server_cancels_ends_the_import(database_url: str, undisturbed: list[str]) -> None:
    with store_of(database_url) as store:

        @event.listens_for(store.engine, "before_cursor_execute")
        def linger(connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("INSERT INTO posts"):
                connection.exec_driver_sql("SET LOCAL statement_timeout = '10ms'")
                connection.exec_driver_sql("SELECT pg_sleep(10)")

        with pytest.raises(StoreBusy, match=r"cancelled a statement: .*statement timeout"):
            import_(store)
        assert posts(store) == 0
    check_goes_on(database_url, undisturbed)
