"""The ledger outlives what it is about, and says nothing twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.stages.kept import IDS, File, Kept, Place, Post, made, post_id

from postkeep.costing import Asked
from postkeep.errors import StoreError
from postkeep.store import Store, bulk, costs, migrate
from postkeep.store.archiving import Claim, ProvenObject, claim, record_proven
from postkeep.store.costs import Entry, Seller
from postkeep.store.verify import verify_rows, verify_schema
from postkeep.views.costs import CostKind

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
SELLER = Seller("s3", "s3://bucket")
FILES = (File("a", places=(Place(Post("one")), Place(Post("two")))), File("b"))


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return made(store, tmp_path, *FILES)


def spans(kept: Kept) -> list[tuple[Any, ...]]:
    rows = kept.rows("SELECT began_at, ended_at FROM costs WHERE kind = 'storage' ORDER BY began_at")
    return [tuple(bulk.moment(each) for each in row) for row in rows]


def test_storage_begins_and_ends_once(kept: Kept) -> None:
    sizes = dict.fromkeys(kept.file_ids.values(), 100)
    for day in range(3):
        with kept.store.writing() as tx:
            costs.begin_storage(tx, SELLER, sizes, ids=IDS, now=NOON + timedelta(days=day))
    assert spans(kept) == [(NOON, None)] * 2
    for day in (3, 4):
        with kept.store.writing() as tx:
            costs.end_storage(tx, "s3://other", sizes, NOON)
            costs.end_storage(tx, SELLER.place, sizes, NOON + timedelta(days=day))
            costs.end_missing(tx, SELLER.place, sizes)
    assert spans(kept) == [(NOON, NOON + timedelta(days=3))] * 2
    with kept.store.writing() as tx:
        costs.begin_storage(tx, SELLER, sizes, ids=IDS, now=NOON + timedelta(days=9))
    assert spans(kept)[2:] == [(NOON + timedelta(days=9), None)] * 2


def test_requests_are_for_the_content_whose_key_they_name(kept: Kept) -> None:
    file_id = kept.file_ids["a"]
    asked = [Asked("media/a.png", "put", 3, 300), Asked("media/gone.png", "head", 1, 0), Asked(None, "list", 2, 0)]
    with kept.store.writing() as tx:
        claim(tx, SELLER.place, [Claim(file_id, "media/a.png")], ids=IDS, now=NOON)
        costs.enter_requests(tx, SELLER, asked, ids=IDS, now=NOON)
    assert kept.rows("SELECT operation, quantity, size, file_id FROM costs ORDER BY operation") == [
        ("head", 1, 0, None), ("list", 2, 0, None), ("put", 3, 300, file_id),
    ]  # fmt: skip
    with kept.store.reading() as tx:
        [first, second] = costs.uses_by_post(tx, [post_id(Post("one")), post_id(Post("two")), "p-00000000"])
    assert first[1:] == second[1:]
    assert (first[1], first[2].operation, first[2].quantity, first[2].begin) == (2, "put", 3, date(2025, 3, 10))


def test_a_row_outlives_the_post_and_the_file_it_was_for(kept: Kept) -> None:
    charged = Entry("ai", "a-model", "answer", 1, NOON, charged=Decimal("0.30"), currency="EUR")
    with kept.store.writing() as tx:
        costs.begin_storage(tx, SELLER, {kept.file_ids["a"]: 100}, ids=IDS, now=NOON)
        costs.enter(
            tx, [Entry("ai", "a-model", "answer", 1, NOON, post_id=post_id(Post("one"))), charged], ids=IDS
        )
    with kept.store.writing() as tx:
        bulk.execute(tx, "DELETE FROM posts")
        bulk.execute(tx, "DELETE FROM media_files WHERE file_id = ?", kept.file_ids["a"])
    with kept.store.reading() as tx:
        uses = sorted(costs.uses(tx), key=lambda each: (each.kind, each.charged is None))
        assert costs.uses_by_profile(tx) == []
    assert [(each.kind, each.size, each.charged) for each in uses] == [
        ("ai", 0, Decimal("0.30")), ("ai", 0, None), (CostKind.STORAGE, 100, None),
    ]  # fmt: skip


def test_days_are_those_of_utc(kept: Kept) -> None:
    late = datetime.fromisoformat("2025-03-31T23:59:59.999999+00:00")
    with kept.store.writing() as tx:
        costs.enter(
            tx,
            [Entry(CostKind.REQUEST, "s3", "put", 1, each) for each in (late, late + timedelta(microseconds=1))],
            ids=IDS,
        )
    with kept.store.reading() as tx:
        assert sorted(each.begin for each in costs.uses(tx)) == [date(2025, 3, 31), date(2025, 4, 1)]


def test_an_upgrade_takes_in_what_is_archived(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(empty_database_url)
    monkeypatch.setattr(migrate, "HEAD", "0005")
    migrate.upgrade(store)
    kept = made(store, tmp_path, *FILES)
    file_id = kept.file_ids["a"]
    with store.writing() as tx:
        claims = [Claim(file_id, "a"), Claim(kept.file_ids["b"], "b")]
        claim(tx, SELLER.place, claims, ids=IDS, now=NOON)
        record_proven(tx, SELLER.place, [ProvenObject(file_id, "a", "s3://bucket/a", "etag", "", None)], NOON)
    monkeypatch.undo()
    migrate.upgrade(store)
    assert kept.rows("SELECT kind, source, place, operation, quantity, size, file_id FROM costs") == [
        ("storage", SELLER.place, SELLER.place, "storage", 1, 100, file_id)
    ]  # fmt: skip
    assert spans(kept) == [(NOON, None)]
    assert verify_schema(store) == []
    assert verify_rows(store) == []
    with store.writing() as tx:
        costs.begin_storage(tx, SELLER, {file_id: 100}, ids=IDS, now=NOON)
    assert len(spans(kept)) == 1
    store.close()


def test_a_closed_database_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"), store.reading() as tx:
        costs.uses(tx)
