"""A copy holds what its source holds, to the last byte, or it is not called one."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.moving import DATA, TABLES, Databases, databases_for, fill

from postkeep import points
from postkeep.errors import LeaseTaken, StoreError
from postkeep.model import RunStatus
from postkeep.stages import copying
from postkeep.store import Store, bulk, leases, schema, walking
from postkeep.store.sums import Sum, canonical_json
from postkeep.store.verify import verify_schema
from postkeep.store.walking import Walk

KINDS = ("sqlite", "postgresql")
NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
WAYS = [(one, other) for one in KINDS for other in KINDS]


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    with databases_for(request, tmp_path) as made:
        yield made


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_ROWS", 3)


@pytest.fixture
def at() -> Iterator[Callable[[str, int, Callable[[], None]], None]]:
    """Do something when a point is passed for the nth time."""
    deeds: dict[tuple[str, int], Callable[[], None]] = {}
    counts: dict[str, int] = {}

    def passed(name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
        deeds.pop((name, counts[name]), lambda: None)()

    def at(point: str, number: int, deed: Callable[[], None]) -> None:
        assert point in copying.POINTS
        deeds[point, number] = deed

    points.watch(passed)
    yield at
    points.watch(None)
    assert deeds == {}, "a point was not passed"


def filled(databases: Databases, kind: str, rows: int = 4) -> str:
    url = databases.url(kind)
    fill(databases.store(url), rows)
    return url


def stopping_after(batches: int) -> Callable[[], bool]:
    left = iter(range(batches))
    return lambda: next(left, None) is None


# --- what arrives -------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_every_value_of_every_table_arrives(databases: Databases, one: str, other: str) -> None:
    source, target = filled(databases, one), databases.url(other, bare=True)
    before = databases.contents(source)
    for table in TABLES:
        for i, column in enumerate(table.columns):
            assert any(row[i] is not None for row in before[table.name]), f"{column} is never there"

    summary = databases.copy(source, target)

    assert summary.status is RunStatus.COMPLETED
    assert summary.rows == summary.written == sum(map(len, before.values()))
    assert {each.table for each in summary.tables} == set(before)
    assert databases.contents(target) == before == databases.contents(source)


def test_what_was_imported_is_the_same_there_and_back(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "MOST_ROWS", 25)
    source, there, back = databases.url("sqlite"), databases.url("postgresql"), databases.url("sqlite")
    with databases.library(source) as library:
        assert library.import_([str(DATA)], fetch=False).errors == 0
    before = databases.contents(source)
    assert len(before["raw_records"]) > 20

    sums = [databases.copy(source, there).tables, databases.copy(there, back).tables]

    assert databases.contents(there) == databases.contents(back) == before
    told = [[(each.table, each.rows, each.checksum) for each in tables] for tables in sums]
    assert told[0] == told[1]
    for url in (there, back):
        with databases.library(url) as library:
            assert library.verify_database() == []
            assert library.import_([str(DATA)], fetch=False).new == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_ours_is_named_and_stays(databases: Databases, kind: str) -> None:
    source, target = filled(databases, kind), databases.url("sqlite")
    databases.execute(source, "CREATE TABLE notes (a int)", "CREATE VIEW mine AS SELECT a FROM notes")

    summary = databases.copy(source, target)

    assert summary.status is RunStatus.COMPLETED
    assert summary.not_copied == ("mine", "notes")
    assert databases.copy(target, databases.url("sqlite")).not_copied == ()


def test_leases_stay_where_they_are(databases: Databases) -> None:
    source, target = databases.url("sqlite"), databases.url("sqlite")
    with databases.store(source).writing() as tx:
        leases.take(tx, "fetch", datetime.now(UTC))

    databases.copy(source, target)

    with databases.store(target).reading() as tx:
        assert bulk.execute(tx, "SELECT count(*) FROM leases").scalar() == 0


# --- one state of the source --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_is_copied_as_it_was_at_the_beginning(
    databases: Databases, kind: str, small_batches: None, at: Any
) -> None:
    source, target = filled(databases, kind), databases.url("sqlite")
    before = databases.contents(source)
    change = "UPDATE work SET priority = 7"
    at("copy_batch_committed", 1, lambda: databases.execute(source, change, "DELETE FROM posts"))

    assert databases.copy(source, target).status is RunStatus.COMPLETED

    assert databases.contents(target) == before != databases.contents(source)
    assert databases.copy(source, target).removed > 0
    assert databases.contents(target) == databases.contents(source)


@pytest.mark.parametrize(("one", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_copy_that_goes_on_becomes_what_the_source_is_now(
    databases: Databases, one: str, other: str, small_batches: None
) -> None:
    source, target = filled(databases, one, 8), databases.url(other)
    assert databases.copy(source, target, stop=stopping_after(40)).status is RunStatus.CANCELLED
    databases.execute(
        source,
        "DELETE FROM posts WHERE post_id = 'posts-001'",
        "DELETE FROM media_files WHERE file_id = 'media_files-000'",
        "UPDATE profiles SET headline = 'another' WHERE profile_id = 'profiles-004'",
        "UPDATE tags SET description = NULL WHERE tag_id = 'tags-000'",
    )
    swap(databases, source)

    assert databases.copy(source, target).status is RunStatus.COMPLETED

    assert databases.contents(target) == databases.contents(source)
    assert databases.copy(source, target).written == 0


def swap(databases: Databases, url: str) -> None:
    """Let two rows far apart exchange their unique names."""
    store = databases.store(url)
    with store.writing() as tx:
        names = {
            key: bulk.execute(tx, "SELECT name FROM tags WHERE tag_id = ?", key).scalar()
            for key in ("tags-001", "tags-007")
        }
        for key, name in (
            ("tags-001", "in between"),
            ("tags-007", names["tags-001"]),
            ("tags-001", names["tags-007"]),
        ):
            bulk.execute(tx, "UPDATE tags SET name = ? WHERE tag_id = ?", name, key)


# --- what the target may be ---------------------------------------------------------------------


def test_an_unfinished_copy_is_not_used_by_mistake(
    databases: Databases, tmp_path: Path, small_batches: None
) -> None:
    source, target = filled(databases, "sqlite"), databases.url("sqlite")
    databases.copy(source, target, stop=stopping_after(5))

    with pytest.raises(StoreError) as refused, databases.library(target):
        pass

    paths = [url.removeprefix("sqlite:///") for url in (source, target)]
    assert f"postkeep --database {paths[0]} db copy --to {paths[1]}" in refused.value.message
    first = databases.copy(source, target)
    assert 0 < first.written < first.rows
    with databases.library(target) as library:
        assert library.totals().posts == 4


def test_a_finished_copy_is_brought_up_to_date(databases: Databases) -> None:
    source, target = filled(databases, "postgresql"), databases.url("sqlite")
    databases.copy(source, target)
    databases.execute(source, "UPDATE posts SET is_read = NOT is_read", "DELETE FROM holds")

    again = databases.copy(source, target)

    assert (again.status, again.written, again.removed) == (RunStatus.COMPLETED, 4, 4)
    assert databases.contents(target) == databases.contents(source)


def test_going_on_compares_until_something_is_to_be_copied(databases: Databases, small_batches: None) -> None:
    source, target = filled(databases, "sqlite"), databases.url("sqlite")

    def phases() -> list[str]:
        words: list[str] = []
        databases.copy(source, target, progress=lambda step: words.append(step.doing))
        return [word for word, _ in itertools.groupby(words)]

    assert phases() == ["copying", "verifying"]
    assert phases() == ["comparing", "verifying"]
    databases.execute(source, "UPDATE posts SET is_read = NOT is_read WHERE post_id = 'posts-003'")
    assert phases() == ["comparing", "copying", "verifying"]


def test_a_copy_that_was_used_is_left_alone(databases: Databases) -> None:
    source, target = filled(databases, "sqlite"), databases.url("postgresql")
    databases.copy(source, target)
    databases.execute(target, "UPDATE tags SET color = 'red' WHERE tag_id = 'tags-002'")
    before = databases.contents(target)

    for _ in range(2):
        with pytest.raises(StoreError, match="tags has changed there since"):
            databases.copy(source, target)

    assert databases.contents(target) == before
    with databases.library(target) as library:
        assert library.totals().posts == 4


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_somebody_elses_is_refused_and_unchanged(databases: Databases, kind: str) -> None:
    source, other = filled(databases, "sqlite"), filled(databases, "sqlite")
    used, alien, copied = databases.url(kind), databases.url(kind, bare=True), databases.url(kind)
    databases.execute(used, "INSERT INTO tags (tag_id, name) VALUES ('tag-1', 'mine')")
    databases.execute(alien, "CREATE TABLE posts (id INTEGER)", "INSERT INTO posts VALUES (1)")
    databases.copy(other, copied)
    before = {url: everything(databases, url) for url in (used, alien, copied)}

    for target, reason in (
        (used, "it is not empty (there are rows in tags)"),
        (alien, "posts"),
        (copied, "it is a copy of another database"),
        (source, "it is the source itself"),
    ):
        with pytest.raises(StoreError) as refused:
            databases.copy(source, target)
        assert refused.value.message.startswith("the target: ")
        assert reason in refused.value.message

    assert {url: everything(databases, url) for url in before} == before


def test_a_postgresql_schema_may_be_shared_and_a_file_may_not(databases: Databases) -> None:
    source = filled(databases, "sqlite")
    shared, alien = databases.url("postgresql", bare=True), databases.url("sqlite", bare=True)
    for url in (shared, alien):
        databases.execute(url, "CREATE TABLE x (a int)", "INSERT INTO x VALUES (1)")

    assert databases.copy(source, shared).status is RunStatus.COMPLETED
    with pytest.raises(StoreError, match=r"another program \(x\)"):
        databases.copy(source, alien)

    assert ("x", ["(1,)"]) in everything(databases, shared)
    assert everything(databases, alien) == [("x", ["(1,)"])]
    assert verify_schema(databases.store(shared)) == []


def everything(databases: Databases, url: str) -> list[Any]:
    """All rows of all tables, ours or not."""
    store = databases.store(url)
    with store.reading() as tx:
        listed = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if store.is_sqlite
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        names = sorted(tx.exec_driver_sql(listed).scalars())
        return [(name, sorted(map(repr, tx.exec_driver_sql(f"SELECT * FROM {name}").all()))) for name in names]


def test_one_process_at_a_time_copies(databases: Databases) -> None:
    source, target = filled(databases, "sqlite"), databases.url("sqlite")
    with databases.store(target).writing() as tx:
        leases.take(tx, "copy", datetime.now(UTC))

    with pytest.raises(LeaseTaken):
        databases.copy(source, target)

    assert databases.contents(target)["posts"] == []


def test_a_folder_that_is_not_there_is_not_made(databases: Databases, tmp_path: Path) -> None:
    source = databases.url("sqlite")
    with pytest.raises(StoreError, match="there is no folder"):
        databases.copy(source, str(tmp_path / "postgresql:" / "posts"))
    assert not (tmp_path / "postgresql:").exists()


# --- proving ------------------------------------------------------------------------------------

TAMPERED = {
    "a changed value": ("media_files", "UPDATE media_files SET duration = 0.1000001 WHERE duration = 0.1"),
    "a changed byte": ("raw_records", "UPDATE raw_records SET body = {byte} WHERE sha256 = 'raw_records-000'"),
    "an empty text": ("holds", "UPDATE holds SET released_at = NULL WHERE hold_id = 'holds-000'"),
    "a missing row": ("post_hashtags", "DELETE FROM post_hashtags WHERE post_id = 'posts-001'"),
    "another row": ("tags", "INSERT INTO tags (tag_id, name) VALUES ('tag-1', 'mine')"),
    "changed JSON": ("post_media", "UPDATE post_media SET ai_analysis_log = '[1]' WHERE post_id = 'posts-000'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_differs_in_the_target_is_found_and_mended(databases: Databases, kind: str, at: Any) -> None:
    source, target = filled(databases, "sqlite"), databases.url(kind)
    byte = "x'00fe'" if kind == "sqlite" else "'\\x00fe'"
    changes = [statement.format(byte=byte) for _, statement in TAMPERED.values()]
    at("copy_written", 1, lambda: databases.execute(target, *changes))

    summary = databases.copy(source, target)

    assert summary.status is RunStatus.FAILED
    assert {each.table for each in summary.tables if not each.equal} == {table for table, _ in TAMPERED.values()}
    with pytest.raises(StoreError, match="unfinished copy"), databases.library(target):
        pass
    mended = databases.copy(source, target)
    assert (mended.status, mended.written, mended.removed) == (RunStatus.COMPLETED, 5, 1)
    assert databases.contents(target) == databases.contents(source)


# --- rows that cannot be copied -----------------------------------------------------------------

ODD = [
    ("UPDATE tags SET name = x'ff' WHERE tag_id = 'tags-001'", "tags tags-001: name is b'\\xff', which is no"),
    ("UPDATE holds SET since = '2025-03-01 10:00:00' WHERE hold_id = 'holds-002'", "holds holds-002: since is"),
    ("UPDATE posts SET is_read = 2 WHERE post_id = 'posts-003'", "posts posts-003: is_read is 2, which"),
    ("UPDATE post_media SET ai_analysis_log = '[NaN]' WHERE media_id = 'post_media-000'", "which is no JSON"),
    ("UPDATE work SET fails = 'many' WHERE host LIKE 'host 2%'", "fails is 'many', which is no whole number"),
    ("UPDATE posts SET url = CAST(x'61ff' AS TEXT) WHERE post_id = 'posts-001'", "posts posts-001: column 'url'"),
]  # fmt: skip
ODD_FOR_POSTGRESQL = [
    ("UPDATE tags SET name = 'a' || char(0) WHERE tag_id = 'tags-001'", "tags tags-001: the target cannot hold"),
    ("UPDATE post_media SET ai_analysis_log = '[\"\\u0000\"]' WHERE post_id = 'posts-001'", "post_media-001: the"),
    ("UPDATE post_media SET width = 2147483648 WHERE post_id = 'posts-001'", "which is no whole number of 32"),
    ("UPDATE posts SET urn = hex(randomblob(9000)) WHERE post_id = 'posts-002'", "posts-002: the target cannot"),
    ("UPDATE post_links SET post_id = 'nobody' WHERE post_id = 'posts-003'", "post_links nobody"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "statement", "said"),
    [*(("sqlite", *each) for each in ODD), *(("postgresql", *each) for each in ODD_FOR_POSTGRESQL)],
)
def test_an_odd_row_stops_the_copy_and_is_named(
    databases: Databases, kind: str, statement: str, said: str
) -> None:
    source, target = filled(databases, "sqlite"), databases.url(kind)
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"), isolation_level=None)) as file:
        assert file.execute(statement).rowcount == 1

    with pytest.raises(StoreError) as stopped:
        databases.copy(source, target)

    assert said in stopped.value.message
    assert "\n" not in stopped.value.message


def test_nul_passes_where_it_can(databases: Databases) -> None:
    source, target = filled(databases, "sqlite"), databases.url("sqlite")
    databases.execute(source, "UPDATE tags SET name = 'a' || char(0) || 'b' WHERE tag_id = 'tags-001'")
    databases.copy(source, target)
    assert databases.contents(target) == databases.contents(source)


# --- walking and summing ------------------------------------------------------------------------


@pytest.mark.parametrize("database_kind", KINDS, indirect=True)
def test_batches_are_small_when_rows_are_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"{i:04}", "c", "linkedin", "s", "none", 1, b"x" * 100_000, 1, datetime.now(UTC)) for i in range(60)]
    rows += [(f"{i:04}", "c", "linkedin", "s", "none", 1, b"", 1, datetime.now(UTC)) for i in range(60, 200)]
    with store.writing() as tx:
        bulk.insert(tx, schema.raw_records, tuple(schema.raw_records.columns.keys()), rows)
    monkeypatch.setattr(walking, "MOST_BYTES", 1_000_000)
    monkeypatch.setattr(walking, "MOST_ROWS", 100)

    with store.reading() as tx:
        walk = Walk(tx, schema.raw_records)
        batches = list(walk.batches())
        keys = [key for batch in walk.key_batches() for key in batch]

    assert [row[0] for batch in batches for row in batch.rows] == [row[0] for row in rows]
    assert keys == [(row[0],) for row in rows]
    assert max(sum(len(row[6]) for row in batch.rows) for batch in batches) < 3_000_000
    assert all(len(batch.rows) <= 100 for batch in batches)


times = st.integers(-(10**15), 10**17).map(
    lambda each: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=each)
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    with databases_for(request, tmp_path_factory.mktemp("both")) as made:
        yield [made.store(made.url(kind)) for kind in KINDS]


rows_of = {
    "profiles": st.fixed_dictionaries(
        {"profile_id": texts, "name": texts, "is_active": st.booleans(), "observed_at": times}
    ),
    "media_files": st.fixed_dictionaries(
        {
            "file_id": texts,
            "file_size": st.integers(-(1 << 63), (1 << 63) - 1),
            "duration": st.floats(allow_nan=False),
        }
    ),
    "raw_records": st.fixed_dictionaries({"sha256": texts, "body": st.binary(max_size=20)}),
}


@settings(max_examples=25, deadline=None)
@given(st.one_of(*(st.tuples(st.just(table), rows) for table, rows in rows_of.items())))
def test_both_databases_tell_the_same_of_equal_rows(both: list[Store], row: tuple[str, dict[str, Any]]) -> None:
    table = schema.metadata.tables[row[0]]
    required = [each.name for each in table.columns if not each.nullable and each.server_default is None]
    clocks = {name: NOON for name in ("created_at", "updated_at") if name in table.columns}
    values = {name: 1 if name == "size" else "" for name in required} | clocks | row[1]
    told = []
    for store in both:
        with suppress(_Undone), store.writing() as tx:
            bulk.insert(tx, table, tuple(values), [tuple(values.values())])
            told.append([line for batch in Walk(tx, table).batches() for line in batch.lines])
            raise _Undone
    assert [len(lines) for lines in told] == [1, 1]
    assert told[0] == told[1]


class _Undone(Exception):
    pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, json_values)
def test_json_has_one_spelling_for_each_value(one: Any, other: Any) -> None:
    spelled = canonical_json(json.dumps(one))
    assert canonical_json(json.dumps(one, indent=2, sort_keys=True, ensure_ascii=False)) == spelled
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True) and one != other:
        assert canonical_json(json.dumps(other)) != spelled


def test_numbers_in_json_are_compared_exactly() -> None:
    same = {canonical_json(f"[{each}]") for each in ("100", "1e2", "100.000", "1.0E+2", "0.1e3")}
    assert len(same) == 1
    assert (
        len({canonical_json(each) for each in ('["1"]', "[1]", "[1.0000000000000000001]", "[true]", '["n1e0"]')})
        == 5
    )


@given(st.lists(st.binary(max_size=5), unique=True, max_size=6), st.randoms())
def test_a_sum_knows_no_order_but_every_row(lines: list[bytes], chance: Any) -> None:
    mixed = lines.copy()
    chance.shuffle(mixed)
    one, other = Sum(), Sum()
    one.add(lines)
    for line in mixed:
        other.add([line])
    assert one == other
    more = Sum(one.rows, one.total)
    more.add([b"another row"])
    assert more.checksum != one.checksum
