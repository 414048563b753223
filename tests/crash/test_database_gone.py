"""The database goes away while files arrive: what arrived is not asked for again, and the next run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postkeep.store import bulk
from tests.crash.world import Child, Home, Undisturbed, World
from tests.servers.postgres import PostgresServer
from tests.store.test_faults import holding

Find = Callable[[bool], Undisturbed]
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@contextmanager
def disturbed(home: Home, world: World, moment: str, *, patience: float) -> Iterator[Child]:
    """An import that waits at this moment while the block disturbs it, and has ended after the block."""
    child = home.start(world.corpus.folder, options=["--hold-at", moment, "--patience", str(patience)])
    child.hear("hold")
    yield child
    if child.process.poll() is None:
        child.tell()
    child.end()


def go_on(home: Home, world: World, undisturbed: Undisturbed) -> None:
    """Import again, asking for nothing that is in the cache, and compare."""
    complete = home.complete()
    child = home.run(world.corpus.folder)
    assert complete.isdisjoint(home.requested(child))
    # Whether the host's last answer was its failure depends on what was left to ask for.
    with home.store() as store, store.writing() as tx:
        bulk.execute(tx, "DELETE FROM hosts WHERE paused_until IS NULL")
    home.check(undisturbed.state)


@pytest.fixture
def far(world: World, own_database_url: str, tmp_path: Path) -> Iterator[Home]:
    """A home whose database is on a server that may be stopped."""
    home = Home(tmp_path / "far", own_database_url, world.server)
    yield home
    home.close()


@on_postgresql
@pytest.mark.parametrize(
    "moment",
    [
        "outcomes_written:2",
        *(
            pytest.param(m, marks=pytest.mark.long)
            for m in ("batch_written:2", "file_journaled:1", "file_renamed:30")
        ),
    ],
)
def test_a_server_that_goes_away(
    far: Home, world: World, undisturbed_of: Find, own_server: PostgresServer, moment: str
) -> None:
    undisturbed = undisturbed_of(True)
    with disturbed(far, world, moment, patience=0.3) as child:
        own_server.stop()
    assert child.end() == 1
    assert not child.runs, "it said that it was done"
    own_server.start()
    go_on(far, world, undisturbed)


@on_postgresql
@pytest.mark.parametrize("moment", ["batch_written:2", pytest.param("outcomes_written:1", marks=pytest.mark.long)])
def test_a_server_that_restarts(
    far: Home, world: World, undisturbed_of: Find, own_server: PostgresServer, moment: str
) -> None:
    """An import only waits; a fetch may end with a clear error, but loses nothing."""
    undisturbed = undisturbed_of(True)
    with disturbed(far, world, moment, patience=60) as child:
        own_server.restart()
    if moment.startswith("batch"):
        assert child.end() == 0
    go_on(far, world, undisturbed)


def test_a_table_that_another_program_keeps_locked(home: Home, world: World, undisturbed_of: Find) -> None:
    undisturbed = undisturbed_of(True)
    with (
        holding(home.config.database_url, "LOCK TABLE work") as lock,
        disturbed(home, world, "outcomes_committed:1", patience=0.3) as child,
    ):
        lock()
        child.tell()
        assert child.end() == 1
    go_on(home, world, undisturbed)
