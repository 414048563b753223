"""Behind PgBouncer, where every transaction may have another session, and one server connection serves all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.crash.corpus import write_corpus
from tests.crash.world import Home
from tests.servers.media import MediaServer, made_up
from tests.servers.pgbouncer import pgbouncer
from tests.servers.postgres import PostgresServer, administer

from postkeep.errors import LeaseTaken, StoreClash
from postkeep.library import open_library
from postkeep.model import utc_now
from postkeep.store import Store, leases, migrate
from postkeep.store.verify import verify_schema

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def pooled(empty_database_url: str) -> Iterator[str]:
    """An empty database behind a pooler with a single connection for everybody."""
    with pgbouncer(empty_database_url, mode="transaction", connections=1) as url:
        yield url


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of these together, each in a thread of its own."""
    barrier = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [each.result() for each in [threads.submit(begin, act) for act in acts]]


def test_upgrades_and_leases_share_one_connection(pooled: str) -> None:
    stores = [Store(pooled) for _ in range(4)]

    def take(store: Store) -> bool:
        try:
            with store.writing() as tx:
                leases.take(tx, "fetch", utc_now())
        except (LeaseTaken, StoreClash):
            return False
        return True

    try:
        at_once(*[lambda store=store: migrate.ensure_current(store) for store in stores])
        assert verify_schema(stores[0]) == []
        assert sorted(at_once(*[lambda store=store: take(store) for store in stores])) == [
            False,
            False,
            False,
            True,
        ]
        # More than the five times after which psycopg would prepare a statement, in any of the sessions.
        for store in [*stores * 10]:
            with store.writing() as tx:
                leases.renew(tx, "fetch", utc_now())
        # What a transaction set does not meet the next one.
        with stores[0].reading() as tx:
            inside = tx.execute(text("SHOW lock_timeout")).scalar_one()
        with stores[1].engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            outside = raw.execute("SHOW lock_timeout").fetchone()[0]
        assert (inside, outside) == ("5s", "0")
    finally:
        for store in stores:
            store.close()


@pytest.mark.parametrize(("mode", "connections", "processes"), [("transaction", 1, 3), ("session", 6, 2)])
def test_processes_import_and_fetch_through_few_connections(
    database_url: str,
    empty_database_url: str,
    own_server: PostgresServer,
    tmp_path: Path,
    mode: str,
    connections: int,
    processes: int,
) -> None:
    with MediaServer(default=made_up) as server:
        server.route("/broken/1.png", b"broken", "text/plain", status=500)
        corpus = write_corpus(tmp_path / "posts", server.url(""))
        direct = Home(tmp_path / "direct", database_url, server)
        direct.run(corpus.folder)
        with pgbouncer(empty_database_url, mode=mode, connections=connections) as url:
            pooled = Home(tmp_path / "pooled", url, server)
            children = [pooled.start(corpus.folder, options=["--go"]) for _ in range(processes)]
            for child in children:
                child.hear("open")
            for child in children:
                child.tell()
            with open_library(pooled.config, read_only=True) as library:
                library.posts()
                library.media_list()
            assert [child.end() for child in children] == [0] * processes
            assert {path for path, count in pooled.requested(*children).items() if count > 1} == set()
            pooled.check(direct.state())
            with open_library(pooled.config, read_only=True) as library:
                assert len(library.posts(limit=100)) == library.totals().posts
                assert library.media_list(limit=5)
        direct.close()


def test_a_server_that_restarts_behind_the_pooler_is_waited_for(own_server: PostgresServer, pooled: str) -> None:
    store = Store(pooled)
    try:
        migrate.ensure_current(store)
        own_server.restart()
        administer(own_server.url, "SELECT 1")
        with store.reading() as tx:
            assert tx.execute(text("SELECT count(*) FROM posts")).scalar_one() == 0
    finally:
        store.close()
