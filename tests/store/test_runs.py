"""Runs say what was done, by whom, and how it ended, also when nobody was left to say it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest
from tests.records import EPOCH, gallery, image, post, raw
from tests.stages.test_ingest import ingest

from postkeep import processes
from postkeep.ids import IdFactory
from postkeep.model import RunStatus
from postkeep.store import Store, bulk, runs
from postkeep.store.runs import STALE, is_gone, this_process

NOW = EPOCH
DAY = timedelta(days=1)
IDS = IdFactory()


def start(store: Store, *, owner: str | None = None, at=NOW) -> str:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", at, {})
        if owner is not None:
            bulk.execute(tx, "UPDATE download_runs SET owner = ? WHERE run_id = ?", owner, run_id)
    return run_id


def status(store: Store, run_id: str) -> RunStatus:
    with store.reading() as tx:
        found = runs.get(tx, run_id)
    assert found is not None
    return found.status


def owner_of(process: psutil.Process) -> str:
    return f"{socket.gethostname()}:{processes.boot()}:{process.pid}:{processes.started(process.pid)}"


@pytest.fixture
def living():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield owner_of(psutil.Process(child.pid))
    child.communicate(b"\n")


@pytest.fixture
def dead() -> str:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        owner = owner_of(psutil.Process(child.pid))
        child.communicate(b"\n")
    return owner


def test_a_run_begins_and_ends_once(store):
    run_id = start(store)
    with store.writing() as tx:
        runs.finish(tx, run_id, RunStatus.PARTIAL, NOW + DAY, summary={"new": 3, "processed": 5}, error="why")
        runs.finish(tx, run_id, RunStatus.COMPLETED, NOW + 2 * DAY, summary={"new": 9})
        found = runs.get(tx, run_id)
        [(fetched, new)] = bulk.execute(tx, "SELECT posts_fetched, posts_new FROM download_runs").all()

    assert found is not None
    assert (found.kind, found.status, found.started_at, found.completed_at) == (
        "import", RunStatus.PARTIAL, NOW, NOW + DAY,
    )  # fmt: skip
    assert (found.error_message, dict(found.summary)) == ("why", {"new": 3, "processed": 5})
    assert (fetched, new) == (5, 3)


@pytest.mark.parametrize("run_id", ["run-00000000", "", "\0", "\udcff"])
def test_a_run_nobody_knows_is_none(store, run_id):
    with store.reading() as tx:
        assert runs.get(tx, run_id) is None


def test_runs_of_gone_processes_are_ended_and_no_others(store, living, dead):
    mine, theirs, lost = start(store), start(store, owner=living), start(store, owner=dead)
    earlier_self = f"{this_process()}1"
    predecessor = start(store, owner="")
    far = start(store, owner="another-host:1:2:3.00")
    quiet = start(store, owner="another-host:1:2:3.00", at=NOW - STALE - DAY)
    ended = start(store, owner=dead)
    with store.writing() as tx:
        runs.finish(tx, ended, RunStatus.COMPLETED, NOW, summary={})
        assert runs.abandoned(tx, NOW)
        gone = runs.end_abandoned(tx, NOW)
        assert not runs.abandoned(tx, NOW)
        assert runs.end_abandoned(tx, NOW) == []

    assert set(gone) == {lost, quiet}
    assert [status(store, each) for each in (mine, theirs, far, predecessor)] == [RunStatus.RUNNING] * 4
    assert [status(store, each) for each in (lost, quiet)] == [RunStatus.INTERRUPTED] * 2
    assert status(store, ended) is RunStatus.COMPLETED
    with store.reading() as tx:
        found = runs.get(tx, lost)
    assert found is not None
    assert (found.completed_at, found.error_message) == (NOW, "the process ended without finishing")
    assert is_gone(earlier_self, NOW, NOW)


def test_a_run_of_another_host_that_falls_silent_is_ended_after_a_while(store):
    far = start(store, owner="another-host:1:2:3.00")
    with store.writing() as tx:
        runs.beat(tx, far, NOW + STALE)
        assert runs.end_abandoned(tx, NOW + 2 * STALE) == []
        assert runs.end_abandoned(tx, NOW + 2 * STALE + timedelta(seconds=1)) == [far]


def test_a_process_number_that_was_given_out_again_is_another_process(living):
    host, boot, pid, started = living.split(":")
    assert not is_gone(living, None, NOW)
    assert is_gone(f"{host}:{boot}:{pid}:{int(started) - 60}", NOW, NOW)
    assert is_gone(f"{host}:{boot}:{os.getpid()}:1.00", NOW, NOW)
    assert is_gone(f"{host}:{boot}:{pid}:nonsense", NOW, NOW)
    assert is_gone("nonsense", None, NOW)
    assert not is_gone("nonsense", NOW, NOW)


def test_runs_come_newest_first_in_pages(store):
    made = [start(store, at=NOW + (n // 3) * DAY) for n in range(10)]
    with store.reading() as tx:
        everything = [run.run_id for run in runs.page(tx, limit=100)]
        assert everything == sorted(made, key=lambda each: (made.index(each) // 3, each), reverse=True)
        for size in (1, 2, 9, 10):
            found, before = [], None
            while page := runs.page(tx, limit=size, before=before):
                found += [run.run_id for run in page]
                before = (page[-1].started_at, page[-1].run_id)
            assert found == everything


def test_what_a_run_saw_is_kept_once_a_post_with_the_strongest_outcome(store):
    ingest(store, [raw(post(n), number=n + 1) for n in range(3)])
    run_id = start(store)
    with store.writing() as tx:
        a, b, c = [row[0] for row in bulk.execute(tx, "SELECT post_id FROM posts ORDER BY post_id").all()]
        runs.note_posts(
            tx, run_id, [(a, "unchanged", NOW), (a, "new", NOW), (b, "changed", NOW), (c, "unchanged", NOW)]
        )
        runs.note_posts(tx, run_id, [(a, "changed", NOW + DAY), (b, "unchanged", NOW - DAY), (c, "changed", NOW)])
        assert runs.posts_of(tx, run_id, limit=10) == [(a, "new"), (b, "changed"), (c, "changed")]
        assert runs.posts_of(tx, run_id, limit=1, after=a) == [(b, "changed")]
        times = bulk.execute(tx, "SELECT post_id, observed_at FROM run_posts WHERE run_id = ?", run_id).all()
        assert {post_id: bulk.moment(at) for post_id, at in times} == {a: NOW + DAY, b: NOW, c: NOW}
        runs.note_posts(tx, run_id, [])


def test_media_of_a_run_are_those_its_records_showed(store):
    tally = ingest(store, [raw(post(1, media=gallery(image("A"), image("B"))), at=NOW)])
    ingest(store, [raw(post(1, media=gallery(image("B"), image("C"))), at=NOW + DAY)])
    assert tally.new == 1
    with store.writing() as tx:
        bulk.execute(tx, "UPDATE post_media SET download_state = 'gone' WHERE media_key = 'B'")
        first, second = [
            row[0] for row in bulk.execute(tx, "SELECT r.run_id FROM run_posts r ORDER BY r.observed_at").all()
        ]
        one, two = runs.count_media(tx, first), runs.count_media(tx, second)

    # A is gone from the second record, C is not in the first.
    assert (one.found, one.cached, dict(one.states)) == (2, 0, {"gone": 1, "pending": 1})
    assert (two.found, dict(two.states)) == (2, {"gone": 1, "pending": 1})


def test_a_run_ends_whatever_its_error_says(store: Store) -> None:
    run_id = start(store)
    with store.writing() as tx:
        runs.finish(
            tx,
            run_id,
            RunStatus.FAILED,
            NOW,
            summary={"file": "half a \udc80 pair\x00"},
            error="a NUL\x00, \udc80",
        )
    with store.reading() as tx:
        found = runs.get(tx, run_id)
    assert found is not None
    assert found.status is RunStatus.FAILED
    assert found.error_message == "a NUL\ufffd, \ufffd"
    assert found.summary == {"file": "half a \ufffd pair\x00"}
