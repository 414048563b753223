"""Databases for every test that wants one: the same tests run on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from postkeep.store import Store, migrate
from tests.servers.postgres import PostgresServer, administer, postgres_server


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """How tests are given to processes; asked only when there are several."""
    from tests.sharing import Sharing

    return Sharing(config, log)


# Read before the fixture below hides it.
_TEST_DSN = os.environ.get("POSTKEEP_TEST_DSN", "")
_TEMPLATE = "template"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own settings and library stay out of the tests, and the tests out of theirs."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    for name in list(os.environ):
        if name.startswith(("POSTKEEP_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process's own, which a test may stop as long as it starts it again."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A PostgreSQL server's own database, where others can be made: POSTKEEP_TEST_DSN, else a private one."""
    if _TEST_DSN:
        return make_url(_TEST_DSN).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    server: PostgresServer = request.getfixturevalue("own_server")
    return server.url


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _name(purpose: str) -> str:
    """A name no other worker and no other run on a shared server uses."""
    return f"postkeep_test_{os.getpid()}_{purpose}"


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of an upgraded database that new ones are copied from; nobody may be connected to it."""
    name = _name(_TEMPLATE)
    administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    _upgrade(_database(postgres_url, name))
    yield name
    administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded SQLite file that new ones are copied from."""
    path = tmp_path_factory.mktemp("sqlite") / f"{_TEMPLATE}.db"
    _upgrade(f"sqlite:///{path}")
    return path


def _upgrade(url: str) -> None:
    store = Store(url)
    try:
        migrate.upgrade(store)
    finally:
        store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Both kinds in turn; `@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)` takes one."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        yield from _postgresql(request.getfixturevalue("postgres_url"), "template0 ENCODING 'UTF8'")


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and no rows."""
    if database_kind == "sqlite":
        path = tmp_path / "postkeep.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template = request.getfixturevalue("postgres_template")
        yield from _postgresql(request.getfixturevalue("postgres_url"), template)


def _postgresql(url: str, template: str) -> Iterator[str]:
    name = _name(str(next(_numbers)))
    administer(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _database(url, name)
    administer(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_database_url(own_server: PostgresServer) -> Iterator[str]:
    """The URL of a database with all tables on a PostgreSQL server that the test may stop."""
    name = _name(str(next(_numbers)))
    administer(own_server.url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    url = _database(own_server.url, name)
    _upgrade(url)
    yield url
    own_server.start()
    administer(own_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with all tables and no rows; tests may close it themselves."""
    store = Store(database_url)
    yield store
    store.close()
