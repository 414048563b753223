"""Rows in bulk: whether they go one by one or by COPY, the same values arrive and the same errors are raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, exc, text

from postkeep.errors import StoreBusy, StoreClash, StoreError
from postkeep.model import Stage
from postkeep.store import Store, bulk, schema
from postkeep.store.bulk import COPY_FROM, STAGE_FROM, moment

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEW = 3
MANY = max(COPY_FROM, STAGE_FROM)
AWKWARD = (
    "",
    "tab\there",
    "line\nfeed\r\nand return",
    "\\N",
    "\\.",
    "back\\slash \\t \\n \\x41",
    "'single' \"double\" `tick`",
    "NULL",
    "{a,b}",
    "%s ? :name %%",
    "\b\v\f\x01\x7f",
    "ünïcödé 汉字 👩‍👩‍👧 \u2028",
    "long " * 200_000 + "end",
)
LOST = "cannot be used|was lost"
DO_UPDATE = "(name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"


@pytest.fixture(params=[FEW, MANY], ids=["few", "many"])
def count(request: pytest.FixtureRequest) -> int:
    """So few rows that each gets a statement, and so many that PostgreSQL takes them by COPY."""
    number: int = request.param
    return number


def remember(tx: Connection, values: Sequence[tuple[str, str]], on_conflict: str = "") -> None:
    rows = [(name, value, NOON) for name, value in values]
    bulk.insert(tx, schema.remembered, ("name", "value", "updated_at"), rows, on_conflict=on_conflict)


def remembered(store: Store) -> dict[str, str]:
    with store.reading() as tx:
        return dict(tuple(row) for row in bulk.execute(tx, "SELECT name, value FROM remembered"))


def named(count: int, value: str) -> list[tuple[str, str]]:
    return [(f"name {i}", value) for i in range(count)]


# --- values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_conflict", ["", "DO NOTHING", DO_UPDATE])
def test_awkward_texts_survive(store: Store, count: int, on_conflict: str) -> None:
    wanted = {**dict(named(count, "plain")), **dict(zip(map(str, range(99)), AWKWARD, strict=False))}
    with store.writing() as tx:
        remember(tx, list(wanted.items()), on_conflict)
    assert remembered(store) == wanted


def test_awkward_texts_survive_as_keys_and_in_updates(store: Store, count: int) -> None:
    # Half a megabyte is no key a database takes.
    texts = [*AWKWARD[:-1], *(f"more {i}" for i in range(count))]
    with store.writing() as tx:
        remember(tx, [(each, "before") for each in texts])
        changed = bulk.update(tx, schema.remembered, ("value",), [(each, each) for each in texts], key=["name"])
    assert changed == len(texts)
    assert remembered(store) == {each: each for each in texts}
    with store.writing() as tx:
        bulk.delete(tx, schema.remembered, ("name",), [(each,) for each in texts[:-1]])
    assert remembered(store) == {texts[-1]: texts[-1]}


FILE_COLUMNS = (
    "file_id",
    "sha256",
    "md5_sum",
    "file_size",
    "mime_type",
    "extension",
    "media_type",
    "width",
    "duration",
    "local_file_path",
    "incomplete_at_source",
    "cached_at",
    "proven_mtime_ns",
)


def a_file(number: int, **others: Any) -> tuple[Any, ...]:
    values = dict.fromkeys(FILE_COLUMNS, None) | {
        "file_id": f"fil-{number}",
        "md5_sum": "m",
        "file_size": 2**40 + number,
        "mime_type": "image/jpeg",
        "extension": "jpg",
        "media_type": "image",
        "local_file_path": f"{number}.jpg",
        "incomplete_at_source": False,
        **others,
    }
    return tuple(values.values())


@pytest.mark.parametrize("on_conflict", ["", "DO NOTHING"])
def test_numbers_times_flags_and_absent_values_survive(store: Store, count: int, on_conflict: str) -> None:
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    rows = [
        a_file(1, sha256="s", width=-5, duration=0.1, cached_at=at, proven_mtime_ns=-(2**62)),
        a_file(2, duration=3, incomplete_at_source=True, cached_at=datetime(1999, 12, 31, tzinfo=UTC)),
        *(a_file(number) for number in range(3, count + 3)),
    ]
    with store.writing() as tx:
        bulk.insert(tx, schema.media_files, FILE_COLUMNS, rows, on_conflict=on_conflict)
    with store.reading() as tx:
        found = bulk.execute(tx, f"SELECT {', '.join(FILE_COLUMNS)} FROM media_files").all()
    place = FILE_COLUMNS.index("cached_at")
    read = [(*row[:place], moment(row[place]), *row[place + 1 :]) for row in found]
    assert sorted(read) == sorted(rows)


RECORD_COLUMNS = ("sha256", "content_hash", "platform", "shape", "codec", "size", "body", "created_at")


@pytest.mark.parametrize("on_conflict", ["", "DO NOTHING"])
def test_bytes_survive(store: Store, count: int, on_conflict: str) -> None:
    bodies = {f"{i}": bytes([i % 256]) * (i % 7) + b"\x00\\x\n\xff" for i in range(count)}
    rows = [(key, "h", "linkedin", "s", "zstd", 1, body, NOON) for key, body in bodies.items()]
    with store.writing() as tx:
        bulk.insert(tx, schema.raw_records, RECORD_COLUMNS, rows, on_conflict=on_conflict)
    with store.reading() as tx:
        found = bulk.execute(tx, "SELECT sha256, body FROM raw_records").all()
    assert {key: bytes(body) for key, body in found} == bodies


@pytest.fixture
def a_post(store: Store) -> str:
    columns = ("post_id", "urn", "native_id", "posted_at_timestamp", "posted_at")
    with store.writing() as tx:
        bulk.insert(tx, schema.posts, columns, [("p-1", "u", "1", 0, NOON)])
    return "p-1"


def test_json_is_json_and_no_text_inside_json(store: Store, a_post: str, count: int) -> None:
    columns = ("media_id", "post_id", "media_type", "media_url", "role", "media_key", "ai_analysis_log")
    log = '[{"event": "a\\tb\\\\ \\"c\\" é"}]'
    with store.writing() as tx:
        for prefix, clause in (("a", ""), ("b", "DO NOTHING")):
            rows = [(f"{prefix}{i}", a_post, "image", "u", "own", f"{prefix}{i}", log) for i in range(count)]
            bulk.insert(tx, schema.post_media, columns, rows, on_conflict=clause)
        edits = [("[]", f"a{i}") for i in range(count)]
        bulk.update(tx, schema.post_media, ("ai_analysis_log",), edits, key=["media_id"])
    one = "ai_analysis_log #>> '{0,event}'" if not store.is_sqlite else "ai_analysis_log ->> '$[0].event'"
    with store.reading() as tx:
        found = bulk.execute(tx, f"SELECT substr(media_id, 1, 1), {one}, count(*) FROM post_media GROUP BY 1, 2")
        assert {tuple(row) for row in found} == {("a", None, count), ("b", 'a\tb\\ "c" é', count)}


def test_enums_are_their_values(store: Store, count: int) -> None:
    columns = ("stage", "subject", "host", "due_at")
    with store.writing() as tx:
        bulk.insert(tx, schema.work, columns, [(Stage.FETCH, f"{i}", "h", NOON) for i in range(count)])
        keys = [(Stage.FETCH, f"{i}") for i in range(1, count)]
        bulk.delete(tx, schema.work, ("stage", "subject"), keys)
        assert bulk.execute(tx, "SELECT stage, subject FROM work").all() == [("fetch", "0")]


# --- conflicts, keys, counts --------------------------------------------------------------------------


def test_what_is_there_stays_or_is_replaced_as_the_clause_says(store: Store, count: int) -> None:
    with store.writing() as tx:
        remember(tx, named(count // 2, "old"))
        remember(tx, named(count, "new"), "DO NOTHING")
    assert sorted(remembered(store).values()) == ["new"] * (count - count // 2) + ["old"] * (count // 2)
    with store.writing() as tx:
        remember(tx, named(count, "newest"), DO_UPDATE)
    assert remembered(store) == dict(named(count, "newest"))


@pytest.mark.parametrize("on_conflict", ["DO NOTHING", DO_UPDATE])
def test_one_key_twice_in_one_call(store: Store, count: int, on_conflict: str) -> None:
    with store.writing() as tx:
        remember(tx, [*named(count, "first"), ("name 0", "second")], on_conflict)
    wanted = "first" if on_conflict == "DO NOTHING" else "second"
    assert remembered(store) == {**dict(named(count, "first")), "name 0": wanted}


def test_counts_that_meet_in_one_call_add_up(store: Store, count: int) -> None:
    columns = ("platform", "shape", "key", "records", "first_seen_at", "last_seen_at")
    rows = [("p", "s", f"{i % (count - 1)}", 5, NOON, NOON) for i in range(count)]
    clause = "(platform, shape, key) DO UPDATE SET records = unknown_keys.records + excluded.records"
    with store.writing() as tx:
        bulk.insert(tx, schema.unknown_keys, columns, rows, on_conflict=clause)
        bulk.insert(tx, schema.unknown_keys, columns, rows[:-1], on_conflict=clause)
        found = dict(tuple(row) for row in bulk.execute(tx, "SELECT key, records FROM unknown_keys"))
    assert found == {**{f"{i}": 10 for i in range(1, count - 1)}, "0": 15}


def test_an_update_counts_the_rows_it_finds(store: Store, count: int) -> None:
    with store.writing() as tx:
        remember(tx, named(count, "same"))
        edits = [("same", name) for name, _ in named(count, "")]
        assert bulk.update(tx, schema.remembered, ("value",), edits, key=["name"]) == count
        edits = [("other", f"name {i}") for i in range(1, count + 1)]
        assert bulk.update(tx, schema.remembered, ("value",), edits, key=["name"]) == count - 1
        assert bulk.update(tx, schema.remembered, ("value",), [], key=["name"]) == 0
    assert remembered(store) == {**dict(named(count, "other")), "name 0": "same"}


def test_an_update_with_one_key_twice_ends_with_the_later_row(store: Store, count: int) -> None:
    with store.writing() as tx:
        remember(tx, named(count, "old"))
        edits = [("new", f"name {i}") for i in range(count)]
        edits += [("newest", "name 0")]
        assert bulk.update(tx, schema.remembered, ("value",), edits, key=["name"]) == count + 1
    assert remembered(store) == {**dict(named(count, "new")), "name 0": "newest"}


def test_an_update_by_what_several_rows_share_changes_them_all(store: Store, count: int) -> None:
    with store.writing() as tx:
        remember(tx, [*named(count, "shared"), *((f"alone {i}", f"{i}") for i in range(count))])
        edits = [("new", "shared"), *((f"new {i}", f"{i}") for i in range(count))]
        assert bulk.update(tx, schema.remembered, ("value",), edits, key=["value"]) == 2 * count
    assert remembered(store) == {**dict(named(count, "new")), **{f"alone {i}": f"new {i}" for i in range(count)}}


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=3)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=6)
STEPS = st.lists(st.tuples(st.sampled_from(["keep", "replace", "update", "delete"]), PAIRS), max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, limit=st.sampled_from([1, 2, 1000]))
def test_every_way_does_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, list[tuple[str, str]]]], limit: int
) -> None:
    monkeypatch.setattr(bulk, "COPY_FROM", limit)
    monkeypatch.setattr(bulk, "STAGE_FROM", limit)
    model: dict[str, str] = {}
    with store.writing() as tx:
        bulk.execute(tx, "DELETE FROM remembered")
        for act, pairs in steps:
            if act == "keep":
                remember(tx, pairs, "DO NOTHING")
                model = {**dict(reversed(pairs)), **model}
            elif act == "replace":
                remember(tx, pairs, DO_UPDATE)
                model |= dict(pairs)
            elif act == "update":
                edits = [(value, name) for name, value in pairs]
                found = bulk.update(tx, schema.remembered, ("value",), edits, key=["name"])
                assert found == sum(name in model for name, _ in pairs)
                model |= {name: value for name, value in pairs if name in model}
            else:
                bulk.delete(tx, schema.remembered, ("name",), [(name,) for name, _ in pairs])
                for name, _ in pairs:
                    model.pop(name, None)
    assert remembered(store) == model


@postgresql_only
def test_nothing_is_left_in_the_session(store: Store) -> None:
    seen = []
    with store.writing() as tx:
        for _ in range(2):
            remember(tx, named(MANY, "same"), DO_UPDATE)
            edits = [("new", name) for name, _ in named(MANY, "")]
            bulk.update(tx, schema.remembered, ("value",), edits, key=["name"])
            bulk.delete(tx, schema.remembered, ("name",), [(name,) for _, name in edits])
            seen += bulk.execute(tx, "SELECT relname FROM pg_class WHERE relpersistence = 't'").all()
            seen += bulk.execute(
                tx, "SELECT name FROM pg_prepared_statements WHERE statement LIKE ?", "%staged%"
            ).all()
    assert seen == []


# --- errors -------------------------------------------------------------------------------------------


def test_a_row_that_is_there_already_is_a_clash_and_nothing_is_written(store: Store, count: int) -> None:
    with store.writing() as tx:
        remember(tx, [("name 1", "mine")])
    with pytest.raises(StoreClash, match=r"(?i)unique"), store.writing() as tx:
        remember(tx, named(count, "theirs"))
    assert remembered(store) == {"name 1": "mine"}


def test_a_value_that_must_be_there_is_a_clash_in_a_merge(store: Store, count: int) -> None:
    rows: list[Any] = [*named(count, "theirs"), ("last", None)]
    with pytest.raises(StoreClash, match=r"(?i)not[ -]null"), store.writing() as tx:
        remember(tx, rows, DO_UPDATE)
    rows = [("p-none", f"{i}", "t", NOON, NOON) for i in range(count)]
    columns = ("post_id", "text_hash", "text_content", "first_seen_at", "last_seen_at")
    with pytest.raises(StoreClash, match=r"(?i)foreign key"), store.writing() as tx:
        bulk.insert(tx, schema.post_texts, columns, rows)
    assert remembered(store) == {}


@postgresql_only
@pytest.mark.parametrize("on_conflict", ["", "DO NOTHING"])
def test_a_number_too_large_is_refused_and_never_cut(store: Store, count: int, on_conflict: str) -> None:
    rows = [a_file(number, width=2**31) for number in range(count)]
    with pytest.raises(exc.DBAPIError) as caught, store.writing() as tx:
        bulk.insert(tx, schema.media_files, FILE_COLUMNS, rows, on_conflict=on_conflict)
    assert not isinstance(caught.value, exc.IntegrityError)
    # The connection goes back to the pool in order.
    with store.writing() as tx:
        remember(tx, named(count, "after"), on_conflict)


def backend_of(tx: Connection) -> int:
    return int(bulk.execute(tx, "SELECT pg_backend_pid()").scalar())


def cut(store: Store, backend: int) -> None:
    with store.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})


def every_way(tx: Connection) -> Iterator[None]:
    """Does one after another what the caller lets it."""
    remember(tx, named(MANY, "new"))
    yield
    remember(tx, named(MANY, "new"), DO_UPDATE)
    yield
    edits = [("newer", name) for name, _ in named(MANY, "")]
    bulk.update(tx, schema.remembered, ("value",), edits, key=["name"])
    yield
    bulk.delete(tx, schema.remembered, ("name",), [(name,) for _, name in edits])
    yield


@postgresql_only
@pytest.mark.parametrize("done", range(4))
def test_a_connection_cut_before_any_of_them(store: Store, done: int) -> None:
    def cut_off() -> None:
        with store.writing() as tx:
            steps = every_way(tx)
            for _ in range(done):
                next(steps)
            cut(store, backend_of(tx))
            next(steps)

    with pytest.raises(StoreError, match=LOST):
        cut_off()
    assert remembered(store) == {}
    with store.writing() as tx:
        for _ in every_way(tx):
            pass


class Interrupted(list[Any]):
    """Many rows; after the first of them something happens."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(range(MANY))
        self.act = act

    def __iter__(self) -> Iterator[Any]:
        yield ("first", "value", NOON)
        self.act()
        for i in range(2000):
            yield (f"{i}", "x" * 1000, NOON)


REMEMBERED = ("name", "value", "updated_at")


@postgresql_only
def test_a_connection_cut_in_the_middle_of_a_copy(store: Store) -> None:
    def cut_off() -> None:
        with store.writing() as tx:
            backend = backend_of(tx)
            bulk.insert(tx, schema.remembered, REMEMBERED, Interrupted(lambda: cut(store, backend)))

    with pytest.raises(StoreError, match=LOST):
        cut_off()
    assert remembered(store) == {}


@postgresql_only
def test_an_interruption_in_the_middle_of_a_copy_gives_the_connection_up(store: Store) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.writing() as tx:
        bulk.insert(tx, schema.remembered, REMEMBERED, Interrupted(interrupt))
    assert remembered(store) == {}
    with store.writing() as tx:
        remember(tx, named(MANY, "after"))
    assert remembered(store) == dict(named(MANY, "after"))


@postgresql_only
@pytest.mark.parametrize("on_conflict", ["", DO_UPDATE])
def test_a_table_that_somebody_holds_is_busy(store: Store, on_conflict: str) -> None:
    @event.listens_for(store.engine, "begin")
    def hurry(connection: Any) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")

    with store.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE remembered IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreBusy), store.writing() as tx:
            remember(tx, named(MANY, "new"), on_conflict)
    with store.writing() as tx:
        remember(tx, named(MANY, "new"), on_conflict)


@postgresql_only
@pytest.mark.parametrize("on_conflict", ["", DO_UPDATE])
def test_a_database_that_takes_no_writes_says_so(store: Store, on_conflict: str) -> None:
    @event.listens_for(store.engine, "begin")
    def refuse(connection: Any) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    with pytest.raises(StoreError, match=r"read-?only"), store.writing() as tx:
        remember(tx, named(MANY, "new"), on_conflict)


def test_times_keep_their_microseconds_and_their_order(store: Store, count: int) -> None:
    times = [NOON + timedelta(microseconds=i) for i in range(count)]
    columns = ("stage", "subject", "host", "due_at")
    with store.writing() as tx:
        bulk.insert(tx, schema.work, columns, [("fetch", f"{i:04}", "h", at) for i, at in enumerate(times)])
        edits = [(at + timedelta(days=1), "fetch", f"{i:04}") for i, at in enumerate(times)]
        bulk.update(tx, schema.work, ("due_at",), edits, key=["stage", "subject"])
        found = [moment(at) for (at,) in bulk.execute(tx, "SELECT due_at FROM work ORDER BY due_at, subject")]
    assert found == [at + timedelta(days=1) for at in times]
