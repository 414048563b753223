"""Killed at whatever moment, the next run ends where an undisturbed one does, and asks for nothing it has."""

from __future__ import annotations

import os
import random
import time

import pytest

from postkeep.points import POINTS
from tests.crash.world import Home, Undisturbed, World

# Another seed tries other moments: CRASH_SEED=7 make test-long
SEED = int(os.environ.get("CRASH_SEED", "2611"))
_QUICK, _ALL = 6, 100
_QUICK_POSTGRES, _ALL_POSTGRES = 2, 20
_POSTGRES_POINTS = ("batch_written", "batch_committed", "outcomes_written", "outcomes_committed")
_LATER = 4
_COMMITS = 3
_MORE = range(_COMMITS, 40)

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def _chance(*names: object) -> random.Random:
    return random.Random(f"{SEED} {names}")


def _kill_at(home: Home, world: World, moment: str) -> None:
    child = home.start(*world.sources, options=["--kill-at", moment])
    assert child.end() == -9, f"{moment} was never passed"


def _kill_after(home: Home, world: World, seconds: float) -> None:
    child = home.start(*world.sources)
    child.hear("open")
    time.sleep(seconds)
    child.kill()
    assert child.end() in (-9, 0)


def _mend(home: Home, world: World, undisturbed: Undisturbed, *, interrupted: set[int]) -> None:
    """Run again, to the end, and compare; `interrupted` is how many runs may have been cut."""
    complete = home.complete()
    child = home.run(*world.sources)
    runs = home.runs()
    assert runs.count("interrupted") in interrupted
    requested = home.requested(child)
    assert complete.isdisjoint(requested)
    assert {path for path, count in requested.items() if count > 1} <= {"/dead/1.png", "/broken/1.png"}
    home.check(undisturbed.state)


def _at_point(home: Home, world: World, undisturbed: Undisturbed, moment: str) -> None:
    _kill_at(home, world, moment)
    was_over = moment.startswith("run_finished")
    _mend(home, world, undisturbed, interrupted={0 if was_over else 1})


def _at_random(home: Home, world: World, undisturbed: Undisturbed, number: int) -> None:
    chance = _chance("moment", number)
    # Every third is killed twice before it may finish.
    kills = [chance.uniform(0, undisturbed.seconds) for _ in range(2 if number % 3 == 2 else 1)]
    print(f"seed {SEED}, killed after {', '.join(f'{each:.3f}' for each in kills)} seconds")
    for seconds in kills:
        _kill_after(home, world, seconds)
    _mend(home, world, undisturbed, interrupted=set(range(len(kills) + 1)))


# --- at each point ---------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_the_first_passing_of_a_point(
    home: Home, world: World, undisturbed: Undisturbed, point: str
) -> None:
    _at_point(home, world, undisturbed, f"{point}:1")


@on_sqlite
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_later_passing_of_a_point(
    home: Home, world: World, undisturbed: Undisturbed, point: str
) -> None:
    _at_point(home, world, undisturbed, undisturbed.later(point, _chance(point)))


@pytest.mark.long
@on_sqlite
@pytest.mark.parametrize("number", range(_LATER))
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_other_passings_of_a_point(
    home: Home, world: World, undisturbed: Undisturbed, point: str, number: int
) -> None:
    _at_point(home, world, undisturbed, undisturbed.later(point, _chance(point, number)))


@on_sqlite
@pytest.mark.parametrize("number", [*range(_COMMITS), *(pytest.param(n, marks=pytest.mark.long) for n in _MORE)])
def test_killed_before_a_commit(home: Home, world: World, undisturbed: Undisturbed, number: int) -> None:
    """Between any two transactions, and with all of the second one written: also where no point has a name."""
    _kill_at(home, world, undisturbed.later("commit", _chance("commit", number)))
    _mend(home, world, undisturbed, interrupted={0, 1})


@on_postgresql
@pytest.mark.parametrize("point", _POSTGRES_POINTS)
def test_killed_at_a_point_on_postgresql(home: Home, world: World, undisturbed: Undisturbed, point: str) -> None:
    _at_point(home, world, undisturbed, undisturbed.later(point, _chance(point)))


@pytest.mark.long
@on_postgresql
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point_on_postgresql(
    home: Home, world: World, undisturbed: Undisturbed, point: str
) -> None:
    _at_point(home, world, undisturbed, f"{point}:1")


@on_sqlite
def test_killed_at_each_point_in_turn(home: Home, world: World, undisturbed: Undisturbed) -> None:
    """One home, one death after the other, each coming a little further."""
    for point in ("batch_committed", "file_renamed", "outcomes_committed"):
        _kill_at(home, world, f"{point}:2")
    _mend(home, world, undisturbed, interrupted={3})


@on_sqlite
@pytest.mark.parametrize("point", ["outcomes_committed", "journal_settled", "lease_given_up"])
def test_killed_when_all_was_fetched(home: Home, world: World, point: str) -> None:
    """The next run has nothing to fetch, and still leaves no temporary file, journal or lease of the dead one."""
    few = world.corpus.few
    child = home.start(few, options=["--kill-at", f"{point}:1"])
    assert child.end() == -9
    assert home.select("SELECT subject FROM work") == []
    complete = home.state()
    again = home.run(few)
    assert not home.requested(again)
    assert home.runs() == ["interrupted", "completed"]
    home.check(complete)


# --- at random -------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("number", range(_QUICK), ids=lambda n: f"{n}-of-seed-{SEED}")
def test_killed_at_a_random_moment(home: Home, world: World, undisturbed: Undisturbed, number: int) -> None:
    _at_random(home, world, undisturbed, number)


@pytest.mark.long
@on_sqlite
@pytest.mark.parametrize("number", range(_QUICK, _ALL), ids=lambda n: f"{n}-of-seed-{SEED}")
def test_killed_at_many_random_moments(home: Home, world: World, undisturbed: Undisturbed, number: int) -> None:
    _at_random(home, world, undisturbed, number)


@on_postgresql
@pytest.mark.parametrize("number", range(_QUICK_POSTGRES), ids=lambda n: f"{n}-of-seed-{SEED}")
def test_killed_at_a_random_moment_on_postgresql(
    home: Home, world: World, undisturbed: Undisturbed, number: int
) -> None:
    _at_random(home, world, undisturbed, number)


@pytest.mark.long
@on_postgresql
@pytest.mark.parametrize("number", range(_QUICK_POSTGRES, _ALL_POSTGRES), ids=lambda n: f"{n}-of-seed-{SEED}")
def test_killed_at_many_random_moments_on_postgresql(
    home: Home, world: World, undisturbed: Undisturbed, number: int
) -> None:
    _at_random(home, world, undisturbed, number)
