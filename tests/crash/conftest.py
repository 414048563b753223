"""One media server and one corpus for all crash tests, and an undisturbed run of each kind to compare with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.crash.corpus import write_corpus
from tests.crash.world import Home, Undisturbed, World, watch
from tests.servers.media import MediaServer, made_up
from tests.servers.postgres import administer


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with MediaServer(default=made_up) as server:
        server.route("/broken/1.png", b"broken", "text/plain", status=500)
        yield World(write_corpus(tmp_path_factory.mktemp("crash") / "posts", server.url("")), server)


@pytest.fixture
def home(world: World, database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """An empty home whose database has all tables."""
    home = Home(tmp_path / "home", request.getfixturevalue("database_url"), world.server)
    yield home
    home.close()


@pytest.fixture
def undisturbed_of(
    world: World, database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[bool], Undisturbed]:
    """Gives the undisturbed run: of both observations in turn, or of both at once."""

    def find(at_once: bool) -> Undisturbed:
        key = (database_kind, at_once)
        if key not in world.known:
            sources = (world.corpus.folder,) if at_once else world.sources
            database = request.getfixturevalue("_reference_database")
            reference = Home(tmp_path / f"reference-{at_once}", database(at_once), world.server)
            try:
                world.known[key] = watch(reference, *sources)
            finally:
                reference.close()
        return world.known[key]

    return find


@pytest.fixture
def _reference_database(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[bool], str]]:
    made: list[str] = []

    def sqlite(at_once: bool) -> str:
        path = tmp_path / f"reference-{at_once}.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"

    def postgresql(at_once: bool) -> str:
        template = request.getfixturevalue("postgres_template")
        name = f"{template}_crash_{at_once}".lower()
        server = request.getfixturevalue("postgres_url")
        administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    yield sqlite if database_kind == "sqlite" else postgresql
    for name in made:
        administer(request.getfixturevalue("postgres_url"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def undisturbed(undisturbed_of: Callable[[bool], Undisturbed]) -> Undisturbed:
    """The undisturbed run of both observations, one import after the other."""
    return undisturbed_of(False)
