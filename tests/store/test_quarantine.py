"""Records nobody could read are kept once each, with their bytes, until they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.records import EPOCH

from postkeep.ids import IdFactory
from postkeep.model import Observation, ObservedSource, Place
from postkeep.store import Store, bulk, quarantine
from postkeep.store.quarantine import Quarantined

NOW = EPOCH
HOUR = timedelta(hours=1)
IDS = IdFactory()


def bad(number: int = 1, **more: object) -> Quarantined:
    made = Quarantined(
        quarantine_id=IDS.new("qua"),
        place=Place("a.json", number, number * 10),
        observation=Observation(EPOCH - HOUR, ObservedSource.FILE_NAME, zone_assumed=True),
        length=5,
        sha256=f"sha256 {number}",
        reason="no id",
        field="urn",
        via="jane-doe",
        version="0.1",
        last_seen_at=NOW,
        codec="zstd",
        body=b"\x00packed\xff",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def put(store: Store, *rows: Quarantined, now=NOW) -> None:
    with store.writing() as tx:
        quarantine.put(tx, rows, run_id=None, now=now)


def load(store: Store, **more: object) -> list[Quarantined]:
    with store.reading() as tx:
        return quarantine.load(tx, **{"limit": 100, **more})  # type: ignore[arg-type]


def page(store: Store, **more: object) -> list[Quarantined]:
    with store.reading() as tx:
        return quarantine.page(tx, **{"limit": 100, **more})  # type: ignore[arg-type]


def test_a_record_comes_back_as_it_was_put(store):
    record = bad()
    put(store, record)

    assert load(store) == [record]
    assert page(store) == [replace(record, body=None)]


def test_seen_again_it_is_one_row_with_the_newer_reason(store):
    record = bad()
    put(store, record)
    put(store, bad(reason="another", field=None, version="0.2"), now=NOW + HOUR)

    [found] = load(store)
    assert (found.quarantine_id, found.reason, found.field) == (record.quarantine_id, "another", None)
    assert (found.version, found.last_seen_at, found.body) == ("0.2", NOW + HOUR, record.body)


def test_the_same_bytes_elsewhere_are_another_record(store):
    put(store, bad(1), bad(2), bad(1, place=Place("b.json", 1, 0)), bad(1, sha256="other"))
    with store.reading() as tx:
        assert quarantine.count(tx) == 4


def test_twice_in_one_batch_is_one(store):
    put(store, bad(1), bad(1))
    assert len(load(store)) == 1


def test_bytes_that_are_not_kept_are_counted_and_not_replayed(store):
    put(store, bad(1), bad(2, codec=None, body=None))

    assert [each.place.number for each in load(store)] == [1]
    assert [(each.place.number, each.codec) for each in page(store)] == [(1, "zstd"), (2, None)]
    with store.reading() as tx:
        assert (quarantine.count(tx), quarantine.count(tx, without_bytes=True)) == (2, 1)


@pytest.mark.parametrize("size", [1, 2, 6, 7, 8])
def test_pages_hold_every_record_once(store, size):
    put(store, *(bad(n) for n in range(7)))
    for read in (load, page):
        found: list[Quarantined] = []
        while some := read(store, limit=size, after=found[-1].quarantine_id if found else ""):
            assert len(some) <= size
            found += some
        assert [each.place.number for each in found] == list(range(7))


def test_what_was_read_is_closed_without_its_bytes_and_open_again_when_seen_again(store):
    one, two = bad(1), bad(2)
    put(store, one, two)
    with store.writing() as tx:
        quarantine.resolve(tx, [one.quarantine_id, "qua-00000000"], NOW)
        quarantine.resolve(tx, [], NOW)
        [(codec, body)] = bulk.execute(
            tx, "SELECT codec, body FROM quarantine WHERE quarantine_id = ?", one.quarantine_id
        ).all()

    assert (codec, body) == (None, None)
    assert [each.quarantine_id for each in load(store)] == [two.quarantine_id]
    assert [each.quarantine_id for each in page(store)] == [two.quarantine_id]

    put(store, bad(1), now=NOW + HOUR)
    assert [each.quarantine_id for each in page(store)] == [one.quarantine_id, two.quarantine_id]
    # Its bytes were given away when it was read, so seeing it again brings them back.
    assert [each.body for each in load(store)] == [one.body, two.body]
