"""Predecessor databases on both engines: a large one that is adopted once, and small ones to try things on."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from postkeep.cli.as_json import jsonable
from postkeep.config import Config
from postkeep.library import upgrade_database
from postkeep.store import Store
from tests.adoption.adopted import Adopted, Comparison
from tests.adoption.building import Built
from tests.adoption.corpus import SHORT, WHOLE, build
from tests.adoption.dumps import dump
from tests.adoption.predecessor import Variant
from tests.servers.postgres import administer

_numbers = itertools.count(1)
Json = dict[str, Any]


def new_database(server: str, *, template: str = "template0 ENCODING 'UTF8'") -> str:
    name = f"postkeep_test_{os.getpid()}_adoption_{next(_numbers)}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, url: str) -> None:
    administer(server, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def agreeing(command: str) -> bool:
    """Go on without a backup of PostgreSQL."""
    return "pg_dump" in command


@dataclass
class House:
    """A home with a database in it."""

    folder: Path
    url: str

    @property
    def config(self) -> Config:
        return Config(self.folder / "home", self.url)

    @property
    def path(self) -> Path | None:
        parsed = make_url(self.url)
        return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None

    def upgrade(self, *, dry_run: bool = False) -> Json:
        told: Json = jsonable(upgrade_database(self.config, dry_run=dry_run, agreed=agreeing))
        return told

    def read(self) -> Adopted:
        store = Store(self.url)
        try:
            return Adopted(store)
        finally:
            store.close()


@dataclass
class Whole(House):
    """The large database, announced and then adopted, and what was seen on the way."""

    built: Built
    rows: int
    before: list[str]
    announced: Json
    after_announcing: list[str]
    files_after_announcing: list[str]
    report: Json
    asked: list[Any]
    connected: int

    @cached_property
    def found(self) -> Adopted:
        return self.read()

    @cached_property
    def compared(self) -> Comparison:
        return Comparison(self.found, self.built.expected)


def sizes(*engines: str) -> list[Any]:
    """Parameters of `whole`: a short one of each engine, and the whole one in the long form."""
    whole = pytest.mark.long
    return [
        *(pytest.param((engine, SHORT), id=engine) for engine in engines),
        *(pytest.param((engine, WHOLE), id=f"{engine}-{WHOLE}", marks=whole) for engine in engines),
    ]


@pytest.fixture(scope="session", params=sizes("sqlite", "postgresql"))
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Thousands of rows with every defect, adopted; tests only read it."""
    engine, rows = request.param
    folder = tmp_path_factory.mktemp("adoption")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        built = build(sqlite=engine == "sqlite", rows=rows, base_url=base_url)
        if engine == "sqlite":
            path = folder / "home" / "old.db"
            path.parent.mkdir()
            built.old.to_sqlite(path)
            yield _adopt(House(folder, f"sqlite:///{path}"), built, rows, listener)
            return
        server = request.getfixturevalue("postgres_url")
        url = new_database(server)
        built.old.to_postgresql(url)
        yield _adopt(House(folder, url), built, rows, listener)
        drop_database(server, url)


def _adopt(house: House, built: Built, rows: int, listener: socket.socket) -> Whole:
    before = dump(house.url)
    asked: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        _guard(patch, asked)
        announced = house.upgrade(dry_run=True)
        after_announcing = dump(house.url)
        files = sorted(path.name for path in (house.path.parent.iterdir() if house.path else ()))
        report = house.upgrade()
    return Whole(
        house.folder,
        house.url,
        built,
        rows,
        before,
        announced,
        after_announcing,
        files,
        report,
        asked,
        _connections(listener),
    )


def _guard(patch: pytest.MonkeyPatch, asked: list[Any]) -> None:
    """Notes who asks for a name, opens a connection, or makes a fetcher."""

    def noting(name: str) -> Callable[..., Any]:
        def note(*given: Any, **named: Any) -> Any:
            asked.append((name, given))
            raise AssertionError(f"{name} while upgrading")

        return note

    patch.setattr(socket.socket, "connect", noting("connect"))
    patch.setattr(socket, "getaddrinfo", noting("getaddrinfo"))
    patch.setattr("postkeep.net.fetcher.Fetcher.__init__", noting("Fetcher"))


def _connections(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.fixture(scope="session")
def small_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Variant], tuple[Path, Built]]:
    """The file of a small database of a variant, to be copied."""
    made: dict[Variant, tuple[Path, Built]] = {}

    def make(variant: Variant) -> tuple[Path, Built]:
        if variant not in made:
            built = build(sqlite=True)
            path = tmp_path_factory.mktemp("small") / "old.db"
            built.old.to_sqlite(path, variant)
            made[variant] = path, built
        return made[variant]

    return make


@pytest.fixture(scope="session")
def small_postgresql(postgres_url: str) -> Iterator[Callable[[Variant], tuple[str, Built]]]:
    """The URL of a small database of a variant, to be copied."""
    made: dict[Variant, tuple[str, Built]] = {}

    def make(variant: Variant) -> tuple[str, Built]:
        if variant not in made:
            built = build(sqlite=False)
            url = new_database(postgres_url)
            built.old.to_postgresql(url, variant)
            made[variant] = url, built
        return made[variant]

    yield make
    for url, _ in made.values():
        drop_database(postgres_url, url)


@dataclass
class Small(House):
    built: Built


@pytest.fixture
def variant() -> Variant:
    """Parametrize it to have another."""
    return Variant()


@pytest.fixture
def small(database_kind: str, variant: Variant, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Small]:
    """At least one of every case, to do with as a test likes."""
    (tmp_path / "home").mkdir()
    if database_kind == "sqlite":
        template, built = request.getfixturevalue("small_sqlite")(variant)
        path = tmp_path / "home" / "old.db"
        shutil.copyfile(template, path)
        yield Small(tmp_path, f"sqlite:///{path}", built)
    else:
        template, built = request.getfixturevalue("small_postgresql")(variant)
        server = request.getfixturevalue("postgres_url")
        url = new_database(server, template=make_url(template).database)
        yield Small(tmp_path, url, built)
        drop_database(server, url)
