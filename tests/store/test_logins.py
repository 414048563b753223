"""A database that lets nobody in: each reason is one clear line, and no password is ever told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url
from tests.servers.postgres import PostgresServer, administer
from tests.servers.proxy import Proxy
from tests.store.test_faults import posts, store_of

from postkeep import log
from postkeep.cli.run import run
from postkeep.errors import ConfigError, ExtraMissing, StoreBusy, StoreError
from postkeep.store import Store, migrate
from postkeep.store.postgresql import must_be_usable


@pytest.fixture
def guarded(own_server: PostgresServer, own_database_url: str) -> Iterator[str]:
    """That database for somebody with a password, one connection and no rights, asked for by TCP."""
    administer(own_server.url, "CREATE ROLE guarded LOGIN PASSWORD 'open sesame' CONNECTION LIMIT 1")
    own_server.let_in("local all guarded scram-sha-256")
    with Proxy(own_database_url) as proxy:
        yield make_url(proxy.url).set(username="guarded", password="open sesame").render_as_string(False)
    own_server.let_in()
    administer(own_database_url, "DROP OWNED BY guarded", "DROP ROLE guarded")


def told(url: str, capfd: pytest.CaptureFixture[str], home: Path, *command: str) -> str:
    """What the program says on stderr, in one line, with exit code 3."""
    try:
        code = run(["--home", str(home), "--database", url, *(command or ("posts", "list"))])
    finally:
        log.release_logging()
    said = capfd.readouterr()
    assert (code, said.out) == (3, ""), said
    [line] = said.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "hunter2"}, 'password authentication failed for user "guarded"'),
        ({"username": "guarded", "password": None}, "no password supplied"),
        ({"username": "nobody", "password": "hunter2"}, 'role "nobody" does not exist'),
        ({"database": "elsewhere"}, 'database "elsewhere" does not exist'),
        ({"port": 1}, "Connection refused"),
        ({"host": "db.invalid"}, "db.invalid"),
    ],
)
def test_a_login_that_fails_is_told_without_the_password(
    guarded: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    url = make_url(guarded).set(**{key: value for key, value in change.items() if value is not None})
    if change.get("password", "") is None:
        url = make_url(guarded)._replace(password=None)
    line = told(url.render_as_string(hide_password=False), capfd, tmp_path)
    assert line.startswith("postkeep: the database cannot be used: ")
    assert words in line
    assert "hunter2" not in line
    assert "sesame" not in line


def test_a_user_without_rights_is_told(
    own_database_url: str, guarded: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = told(guarded, capfd, tmp_path)
    assert line == (
        "postkeep: the database does not allow this to its user: permission denied for table alembic_version"
    )


def test_connections_that_are_all_taken_are_waited_for(
    guarded: str, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    administer(own_database_url, "GRANT SELECT ON posts TO guarded")
    taken = create_engine(make_url(guarded).set(drivername="postgresql+psycopg"))
    try:
        with store_of(guarded) as store:
            holder = taken.connect()
            with pytest.raises(StoreBusy, match=r"no free connection; try again later: .*too many connections"):
                posts(store)
        with store_of(guarded, patience=60) as store:
            # Another program gives its connection back while we wait.
            monkeypatch.setattr(
                "postkeep.store.engine.random.uniform", lambda *_: (holder.close(), taken.dispose(), 1)[2]
            )
            assert posts(store) == 0
    finally:
        taken.dispose()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_in_another_encoding_is_refused(own_server: PostgresServer, encoding: str) -> None:
    name = f"postkeep_{encoding.lower()}"
    administer(own_server.url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    try:
        with (
            store_of(own_server.url_of(name)) as store,
            pytest.raises(StoreError, match=f"{encoding}.* needs UTF8"),
        ):
            migrate.ensure_current(store)
    finally:
        administer(own_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(("number", "name"), [(140_012, "14.12"), (90_624, "9.6"), (100_001, "10.1")])
def test_an_old_server_is_refused(number: int, name: str) -> None:
    with pytest.raises(StoreError, match=rf"version {name}, postkeep needs 15 or later; nothing was changed"):
        must_be_usable(number, "UTF8")


@pytest.mark.parametrize("number", [150_000, 150_018, 180_001])
def test_a_server_that_is_new_enough_is_used(number: int) -> None:
    must_be_usable(number, "UTF8")
    must_be_usable(number, None)


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r"PostgreSQL needs the extra \[postgres\]: pip install"):
        Store("postgresql://me:hunter2@127.0.0.1/posts")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hun@ter2@127.0.0.1/posts",
        "postgresql://me:hun@ter2/x@127.0.0.1/posts",
        "postgresql://me:hunter2/posts",
        "postgresql://me:hunter2@127.0.0.1:port/posts",
    ],
)
def test_a_url_that_cannot_be_read_tells_no_part_of_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Store(url)
    assert "hun" not in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert caught.value.__cause__ is None
