"""The list of what is still to do: one row a subject, the next one found without looking at the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection
from tests.records import EPOCH, gallery, image, post, raw
from tests.stages.test_ingest import ingest
from tests.store.test_listing import counted

from postkeep.model import Stage
from postkeep.store import Store, bulk, media, work
from postkeep.store.work import ASKED_FOR

NOW = EPOCH
HOUR = timedelta(hours=1)


def rows(store: Store) -> dict[str, tuple]:
    with store.reading() as tx:
        found = bulk.execute(tx, "SELECT subject, host, priority, due_at, fails FROM work").all()
    return {row[0]: (row[1], row[2], bulk.moment(row[3]), row[4]) for row in found}


def another_stage(tx: Connection, subject: str, host: str) -> None:
    """Work of a stage this version does not have; stages share no row."""
    bulk.execute(
        tx, "INSERT INTO work (stage, subject, host, due_at) VALUES ('another', ?, ?, ?)", subject, host, NOW
    )


def add(store: Store, *subjects: str, host: str = "h", at=NOW, priority: int = 0) -> None:
    with store.writing() as tx:
        work.add(tx, Stage.FETCH, [(subject, host) for subject in subjects], at, priority=priority)


def test_adding_again_makes_due_afresh_and_never_less_urgent(store):
    add(store, "a", host="old", at=NOW + HOUR, priority=ASKED_FOR)
    with store.writing() as tx:
        bulk.execute(tx, "UPDATE work SET fails = 3")
    add(store, "a", host="new", at=NOW)

    assert rows(store) == {"a": ("new", ASKED_FOR, NOW, 0)}
    add(store, "b", priority=5)
    add(store, "b", priority=1)
    assert rows(store)["b"] == ("h", 1, NOW, 0)


def test_ensuring_keeps_the_time_and_the_tries_of_what_is_queued(store):
    add(store, "a", at=NOW + HOUR)
    with store.writing() as tx:
        bulk.execute(tx, "UPDATE work SET fails = 2")
        work.ensure(tx, Stage.FETCH, [("a", "other"), ("b", "h")], NOW, priority=ASKED_FOR)

    assert rows(store) == {"a": ("h", ASKED_FOR, NOW + HOUR, 2), "b": ("h", ASKED_FOR, NOW, 0)}


def test_rescheduling_is_ordinary_work_at_a_later_time(store):
    add(store, "a", "b", priority=ASKED_FOR)
    with store.writing() as tx:
        work.reschedule(tx, Stage.FETCH, [(NOW + HOUR, 2, "a"), (NOW, 1, "unknown")])

    assert rows(store) == {"a": ("h", 0, NOW + HOUR, 2), "b": ("h", ASKED_FOR, NOW, 0)}


def test_done_is_gone_and_counts_agree(store):
    add(store, "a", "b")
    add(store, "c", at=NOW + HOUR)
    add(store, "d", priority=ASKED_FOR)
    with store.writing() as tx:
        another_stage(tx, "a", "h")
        assert work.counts(tx, Stage.FETCH, NOW) == {"waiting": 4, "due": 3}
        assert [work.due_count(tx, Stage.FETCH, NOW, below=below) for below in (ASKED_FOR, 0, 1)] == [0, 1, 3]
        work.done(tx, Stage.FETCH, ["a", "c", "nobody"])
        work.done(tx, Stage.FETCH, [])
        assert work.counts(tx, Stage.FETCH, NOW) == {"waiting": 2, "due": 2}
        assert bulk.execute(tx, "SELECT count(*) FROM work WHERE stage = 'another'").scalar() == 1


def test_hosts_are_found_by_skipping_from_one_to_the_next(store):
    for host in ("b.test", "a.test", "c.test:8080"):
        add(store, *(f"{host} {n}" for n in range(50)), host=host)
    with store.writing() as tx:
        another_stage(tx, "x", "z.test")

    with counted(store) as sent, store.reading() as tx:
        assert work.hosts(tx, Stage.FETCH) == ["a.test", "b.test", "c.test:8080"]
    assert len(sent) == 4


def test_an_empty_list_has_no_hosts(store):
    with store.reading() as tx:
        assert work.hosts(tx, Stage.FETCH) == []


def test_asking_for_posts_hurries_what_is_due_and_nothing_else(store):
    ingest(store, [raw(post(n, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(4)], priority=0)
    with store.writing() as tx:
        media_of = dict(bulk.execute(tx, "SELECT media_key, media_id FROM post_media").all())
        posts = dict(bulk.execute(tx, "SELECT media_key, post_id FROM post_media").all())
        bulk.execute(tx, "UPDATE work SET due_at = ?", NOW)
        bulk.execute(tx, "UPDATE work SET due_at = ? WHERE subject = ?", NOW + HOUR, media_of["A1"])
        asked = [posts["A0"], posts["A1"]]
        assert work.ask_for(tx, Stage.FETCH, asked, NOW) == 1
        assert work.ask_for(tx, Stage.FETCH, asked, NOW) == 0
        assert work.ask_for(tx, Stage.FETCH, [], NOW) == 0

    found = rows(store)
    assert [found[media_of[f"A{n}"]][1] for n in range(4)] == [ASKED_FOR, 0, 0, 0]
    assert found[media_of["A1"]][2] == NOW + HOUR


def test_the_next_of_a_host_are_the_most_urgent_and_then_the_oldest(store):
    ingest(store, [raw(post(n, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(6)], priority=0)
    due = {0: NOW, 1: NOW - HOUR, 2: NOW - 2 * HOUR, 3: NOW + HOUR, 4: NOW, 5: NOW - HOUR}
    with store.writing() as tx:
        of = dict(bulk.execute(tx, "SELECT media_key, media_id FROM post_media").all())
        for n, at in due.items():
            bulk.execute(tx, "UPDATE work SET due_at = ? WHERE subject = ?", at, of[f"A{n}"])
        bulk.execute(tx, "UPDATE work SET priority = -1 WHERE subject = ?", of["A4"])
        bulk.execute(tx, "UPDATE work SET host = 'elsewhere' WHERE subject = ?", of["A5"])

        def keys(**more) -> list[str]:
            given = {"limit": 10, "below": 1, **more}
            return [each.media_key for each in media.due(tx, "media.licdn.com", NOW, **given)]

        assert keys() == ["A4", "A2", "A1", "A0"]
        assert keys(limit=2) == ["A4", "A2"]
        assert keys(limit=2, skip=[of["A4"], of["A1"]]) == ["A2", "A0"]
        assert keys(below=0) == ["A4"]
        assert media.due(tx, "nowhere", NOW, limit=5, below=1) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_search_for_the_next_work_reads_the_index(store):
    """A million rows of a paused host must stand in nobody's way."""
    with store.reading() as tx:
        plan = bulk.execute(
            tx,
            "EXPLAIN QUERY PLAN SELECT subject, fails FROM work WHERE stage = ? AND host = ? AND priority < ?"
            " AND due_at <= ? ORDER BY priority, due_at LIMIT ?",
            "fetch",
            "h",
            1,
            NOW,
            5,
        ).all()
    told = " ".join(str(row[-1]) for row in plan)
    assert "idx_work_next" in told
    assert "TEMP B-TREE" not in told


def test_work_whose_media_are_gone_is_found(store):
    ingest(store, [raw(post(1, media=gallery(image("A"))))])
    add(store, "med-00000000")
    with store.reading() as tx:
        assert media.orphaned_work(tx) == ["med-00000000"]
        assert [each.media_key for each in media.due(tx, "h", NOW + 10_000 * HOUR, limit=5, below=1)] == []
