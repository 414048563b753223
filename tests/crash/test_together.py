"""Several imports on one database: nobody fails, nothing is asked for twice, and the dead hold nothing up."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from postkeep.library import open_library
from postkeep.model import utc_now
from postkeep.stages.fetching import FETCH_LEASE
from postkeep.store import leases
from tests.crash.corpus import TWINS
from tests.crash.world import Home, Undisturbed, World

Find = Callable[[bool], Undisturbed]

_BATCH, _RENAMED = 5, 40
_HOSTS = 2
_CROWD = 4
"""Batches that may wait for their storing before no more comes."""


@pytest.mark.parametrize("number", range(2))
def test_two_at_the_same_moment(home: Home, world: World, undisturbed_of: Find, number: int) -> None:
    undisturbed = undisturbed_of(True)
    pair = [home.start(world.corpus.folder, options=["--go"]) for _ in range(2)]
    for child in pair:
        child.hear("open")
    for child in pair:
        child.tell()
    assert [child.end() for child in pair] == [0, 0]
    assert {path for path, count in home.requested(*pair).items() if count > 1} == set()
    assert home.runs() == ["partial", "partial"]
    home.check(undisturbed.state)


def test_while_one_fetches_others_follow_or_leave(home: Home, world: World, undisturbed_of: Find) -> None:
    undisturbed = undisturbed_of(True)
    fetching = home.start(world.corpus.folder, options=["--hold-at", "lease_taken:1"])
    fetching.hear("hold")
    following = home.start(world.corpus.folder)
    following.hear("open")
    leaving = home.start(world.corpus.folder, options=["--no-wait"])
    # The one that fetches is still held, so this one did not wait for it.
    assert leaving.end() == 0
    assert leaving.runs[0]["followed"] is not None
    assert not home.requested(leaving, following, fetching)
    fetching.tell()
    assert [fetching.end(), following.end()] == [0, 0]
    assert following.runs[0]["followed"] is None
    assert set(home.requested(fetching).values()) == {1}
    assert not home.requested(following)
    home.check(undisturbed.state)


def test_a_killed_ones_work_is_taken_over(home: Home, world: World, undisturbed_of: Find) -> None:
    """At once: the process that follows was there already when the other died, and does the rest."""
    undisturbed = undisturbed_of(True)
    options = ["--batch", str(_BATCH), "--hold-at", f"file_renamed:{_RENAMED}"]
    dying = home.start(world.corpus.folder, options=options)
    dying.hear("hold")
    following = home.start(world.corpus.folder)
    following.hear("open")
    complete = home.complete()
    assert len(complete) >= _RENAMED - len(TWINS)
    dying.kill()
    assert dying.end() == -9
    assert following.end() == 0
    assert complete.isdisjoint(home.requested(following))
    twice = {path for path, count in home.requested(dying, following).items() if count > 1}
    # The batch that was being put into place, what was gathered meanwhile, and what was under way.
    under_way = 2 * _HOSTS * home.config.fetch.per_host
    assert len(twice) <= 2 * (_CROWD * _BATCH + under_way)
    # The one that followed had begun before, and only beginnings look for the dead.
    with open_library(home.config):
        pass
    assert sorted(home.runs()) == ["interrupted", "partial"]
    home.check(undisturbed.state)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_lease_of_a_killed_one_nobody_has_waited_for(home: Home, world: World, undisturbed_of: Find) -> None:
    """A parent that never asks how its child ended leaves a process number that is still taken, by nobody."""
    undisturbed = undisturbed_of(True)
    dying = home.start(world.corpus.folder, options=["--hold-at", "lease_taken:1"])
    dying.hear("hold")
    dying.kill()
    after = home.start(world.corpus.folder, options=["--no-wait"])
    assert after.end() == 0
    assert after.runs[0]["followed"] is None
    assert dying.end() == -9
    home.check(undisturbed.state)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_two_that_take_the_lease_in_one_instant(home: Home, world: World) -> None:
    """PostgreSQL lets both write before either has committed: the second is told so, and must not fail."""
    with home.store() as store:
        leaving = home.start(world.corpus.few, options=["--no-wait"])
        with store.writing() as tx:
            leases.take(tx, FETCH_LEASE, utc_now())
            _wait_for_a_lock(home)
        assert leaving.end() == 0
        assert leaving.runs[0]["followed"] is not None
        with store.writing() as tx:
            leases.give_up(tx, FETCH_LEASE)


def _wait_for_a_lock(home: Home) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        if home.select(waiting)[0][0]:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waited for the lease")
