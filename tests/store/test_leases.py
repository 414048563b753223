"""One process at a time: a lease is taken, renewed, given up, and taken over from the dead alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.records import EPOCH
from tests.store.test_runs import dead, living

from postkeep.errors import LeaseLost, LeaseTaken
from postkeep.store import Store, bulk, leases
from postkeep.store.runs import STALE, this_process

__all__ = ["dead", "living"]

NOW = EPOCH
SECOND = timedelta(seconds=1)


def held(store: Store) -> list[tuple]:
    with store.reading() as tx:
        found = bulk.execute(tx, "SELECT name, owner, since, heartbeat_at FROM leases ORDER BY name").all()
    return [(name, owner, bulk.moment(since), bulk.moment(beat)) for name, owner, since, beat in found]


def hold(store: Store, owner: str, *, at=NOW) -> None:
    with store.writing() as tx:
        bulk.execute(tx, "INSERT INTO leases VALUES ('fetch', ?, ?, ?)", owner, at, at)


def take(store: Store, *, at=NOW, name: str = "fetch") -> None:
    with store.writing() as tx:
        leases.take(tx, name, at)


def test_a_lease_is_taken_renewed_and_given_up(store):
    take(store)
    assert held(store) == [("fetch", this_process(), NOW, NOW)]
    with store.writing() as tx:
        leases.renew(tx, "fetch", NOW + SECOND)
    assert held(store) == [("fetch", this_process(), NOW, NOW + SECOND)]
    with store.writing() as tx:
        leases.give_up(tx, "fetch")
        leases.give_up(tx, "fetch")
    assert held(store) == []
    take(store)


def test_leases_of_other_names_do_not_meet(store):
    take(store)
    take(store, name="archive")
    assert [name for name, *_ in held(store)] == ["archive", "fetch"]


def test_one_process_takes_it_once(store):
    take(store)
    with pytest.raises(LeaseTaken):
        take(store)


def test_what_a_process_could_not_give_back_it_takes_after_a_silence(store):
    take(store)
    with pytest.raises(LeaseTaken):
        take(store, at=NOW + STALE)
    take(store, at=NOW + STALE + SECOND)
    assert held(store) == [("fetch", this_process(), NOW + STALE + SECOND, NOW + STALE + SECOND)]


def test_the_living_keep_theirs(store, living):
    hold(store, living, at=NOW - timedelta(days=3))
    with pytest.raises(LeaseTaken) as taken:
        take(store)
    assert (taken.value.name, taken.value.owner) == ("fetch", living)
    assert held(store)[0][1] == living
    with store.writing() as tx:
        leases.give_up(tx, "fetch")
    assert held(store)[0][1] == living


def test_the_dead_s_is_taken_over_at_once(store, dead):
    hold(store, dead)
    take(store)
    assert held(store)[0][1] == this_process()


def test_another_host_s_is_taken_over_after_a_silence(store):
    hold(store, "another-host:1:2:3.00")
    with pytest.raises(LeaseTaken):
        take(store, at=NOW + STALE)
    take(store, at=NOW + STALE + SECOND)
    assert held(store)[0][1] == this_process()


def store_outcome(store: Store, name: str) -> None:
    with store.writing() as tx:
        bulk.execute(tx, "INSERT INTO tags (tag_id, name) VALUES ('tag-00000000', 'an outcome')")
        leases.renew(tx, name, NOW)


def test_who_lost_it_is_told_and_nothing_of_his_is_stored(store, living):
    hold(store, living)
    with pytest.raises(LeaseLost) as lost:
        store_outcome(store, "fetch")
    with pytest.raises(LeaseLost) as nobody:
        store_outcome(store, "archive")

    assert (lost.value.owner, nobody.value.owner) == (living, "nobody")
    assert held(store) == [("fetch", living, NOW, NOW)]
    with store.reading() as tx:
        assert bulk.execute(tx, "SELECT count(*) FROM tags").scalar() == 0
