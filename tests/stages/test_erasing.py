"""Pages that tell of others, too; whatever was told, nothing of the erased is left; and a death at each step."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postkeep import points
from postkeep.errors import Held, NotFound
from postkeep.ids import IdFactory
from postkeep.model import Observation, ObservedSource, Place, RawRecord, RunStatus, utc_now
from postkeep.sources.decode import decode
from postkeep.stages.copying import run_copy
from postkeep.stages.erasing import Asked, erase, finish, readmit
from postkeep.stages.erasing.names import Names, cut
from postkeep.stages.erasing.sieve import Sieve
from postkeep.stages.ingest import Ingest
from postkeep.stages.parts import Parts
from postkeep.store import Store, bulk, erasing_records, runs
from postkeep.store.verify import verify_rows
from postkeep.views.erasing import Erasure
from tests.canonical import dump, files
from tests.library.test_erasing import everything, traces
from tests.pages import Pages, day, entry, page, raw
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import File, Post, made
from tests.stages.kept import Place as Shown

IDS = IdFactory()
sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def parts(database_url: str, tmp_path: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, tmp_path / "cache", tmp_path / "archive")
    yield parts
    parts.store.close()


def ingest(store: Store, *records: Any, **more: Any) -> Any:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    stage = Ingest(store, platforms=[Pages()], ids=IDS, run_id=run_id, clock=utc_now, **more)
    for _ in stage.feed(records):
        pass
    return stage.tally


def erased(parts: Parts, asked: Asked, **more: Any) -> Erasure:
    told = {"reason": "asked to", "dry_run": False, "stop": lambda: False, "progress": lambda step: None} | more
    return erase(parts, [Pages()], asked, **told)


def rows(store: Store, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with store.reading() as tx:
        return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]


def bodies(store: Store) -> list[Any]:
    return [orjson.loads(text) for where, text in everything(store) if where == "raw_records.body"]


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("7123456789", True),
        ("urn:li:activity:7123456789", True),
        ("https://www.linkedin.com/posts/jane-doe_text-activity-7123456789-AbCd?utm=x", True),
        ("3_7123456789", True),
        ("71234567890", False),
        ("Jane-Doe", True),
        ("@jane-doe", True),
        ("https://www.linkedin.com/in/jane%2Ddoe/", True),
        ("https://www.linkedin.com/posts/jane-doe_other-activity-8", True),
        ("jane-doe-2", False),
        ("jane-doe_2", False),
        ("jane", False),
        ("thanks to @jane-doe and 7123456789", False),
    ],
)
def test_names_are_found_where_they_stand_for_somebody(text: str, named: bool) -> None:
    names = Names(posts=["7123456789"], people=["jane-doe"])
    assert names.in_text(text) is named
    assert names.in_document({"a": [1, {"b": text}]}) is named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("https://cdn.example/4401122334.jpg", True),
        ("https://cdn.example/a/3700000000000000777_4401122334.jpg?x=1", True),
        ("paula.paints.json.xz", True),
        ("x/paula.paints.MP4", True),
        ("paula.paints.more", False),
        ("x.paula.paints", False),
        ("44011223341.jpg", False),
        ("a_paula.jpg", False),
    ],
)
def test_names_are_found_before_an_ending(text: str, named: bool) -> None:
    names = Names(people=["4401122334", "paula.paints"])
    assert names.in_text(text) is named
    assert names.in_words(f'{{"unknown": "{text}"') is named
    assert Sieve(names).passes(text.encode()) or not named


def test_a_number_is_a_name_too() -> None:
    assert Names(posts=["71"]).in_document({"pk": 71})
    assert not Names(posts=["1"]).in_document({"pk": True, "share": 1.0})


def test_only_elements_of_lists_are_cut() -> None:
    names = Names(posts=["1"], people=["ann"])
    document = {"posts": [{"id": "1"}, {"id": "2", "tagged": ["ann", "bob"]}], "more": None}
    assert cut(document, names) == {"posts": [{"id": "2", "tagged": ["bob"]}], "more": None}
    assert cut({"owner": "ann", "posts": []}, names) is None


NAMES = st.text(st.sampled_from("abK7ſé_-.%/ \U0001f600"), min_size=1, max_size=5) | st.sampled_from(
    ["7123456789", "jane-doe", "C_x-9", "straße", "\u212aim"]
)
WRITTEN = st.one_of(
    NAMES,
    NAMES.map(quote),
    NAMES.map(str.upper),
    st.tuples(NAMES, NAMES).map("_".join),
    NAMES.map("https://a.example/posts/{}_x?u=%3A1".format),
    NAMES.map("urn:li:activity:{}".format),
    st.integers(7123456788, 7123456790),
)


@settings(deadline=None, max_examples=400, derandomize=True)
@given(
    posts=st.lists(NAMES, max_size=3),
    people=st.lists(NAMES, max_size=3),
    more=st.integers(0, 30),
    document=st.recursive(WRITTEN, lambda each: st.lists(each) | st.dictionaries(NAMES, each), max_leaves=6),
    ascii_only=st.booleans(),
)
def test_the_sieve_keeps_back_nothing_that_names_somebody(posts, people, more, document, ascii_only):
    names = Names(posts=[*posts, *(f"nobody{n}" for n in range(more))], people=people)
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if names.in_document(decode(body).value):
        assert Sieve(names).passes(body)


def test_the_sieve_keeps_others_back():
    one = Sieve(Names(posts=["7123456789"], people=["jane-doe"]))
    many = Sieve(Names(posts=map(str, range(7123456789, 7123456889)), people=["jane-doe"]))
    for sieve in (one, many):
        assert not sieve.passes(b'{"id": "712345678", "by": "jane-doerr", "n": 71234567890}')
        assert sieve.passes(b'{"u": "https%3A%2F%2Fx%2Fin%2FJane%2DDoe"}')


# --- pages ----------------------------------------------------------------------------------------------


def test_a_page_is_kept_without_the_erased_post(parts: Parts) -> None:
    store = parts.store
    told = page(entry(3), entry(2, text="A secret", media=[{"key": "m2"}]), entry(1), account={"followers": 5})
    ingest(store, raw(told))
    [id_of] = [row[0] for row in rows(store, "SELECT post_id FROM posts WHERE native_id = '2'")]

    done = erased(parts, Asked(posts=[id_of]))

    assert (done.going.posts, done.going.records, done.staying.cut, done.staying.dropped) == (1, 0, 1, 0)
    [left] = bodies(store)
    assert [each["id"] for each in left["posts"]] == ["3", "1"]
    assert left["account"] == {"followers": 5}
    assert rows(store, "SELECT count(*), count(record_sha256) FROM data_downloads") == [(2, 2)]
    assert traces(store, "A secret", "m2") == set()
    assert verify_rows(store) == []

    # An account remembers the record that told its numbers last, kept or not.
    left_out = frozenset({"follower_history.record_sha256"})
    before = dump(store, leave_out=left_out)
    again = ingest(store, raw(told))
    assert (again.new, again.refused, dump(store, leave_out=left_out)) == (0, 1, before)
    assert ingest(store, raw(told), readmit=True).new == 1


def test_a_page_of_an_erased_owner_goes_and_the_others_on_it_stay(parts: Parts) -> None:
    store = parts.store
    told = page(entry(1), entry(2, author="bob"), account={"followers": 5, "biography": "A life"})
    ingest(store, raw(told), raw(page(entry(9, tagged=["ann"]), owner="joe", owner_id="88"), at=day(1)))
    done = erased(parts, Asked(profile="ann"))
    assert (done.going.posts, done.staying.dropped, done.staying.cut, done.going.profiles) == (1, 1, 1, 1)
    assert rows(store, "SELECT native_id FROM posts ORDER BY 1") == [("2",), ("9",)]
    assert rows(store, "SELECT count(*) FROM post_people") == [(0,)]
    assert {name for (name,) in rows(store, "SELECT username FROM profiles")} == {"bob", "joe"}
    assert traces(store, "A life", "'ann'", '"ann"', "Text 1") == set()
    assert verify_rows(store) == []


# --- stopping -------------------------------------------------------------------------------------------


def stopping_after(times: int) -> Any:
    asked = iter(range(times))
    return lambda: next(asked, None) is None


def told_world(store: Store) -> tuple[Any, ...]:
    told = (
        raw(page(entry(1, media=[{"key": "m1"}]), entry(2), account={"followers": 5})),
        raw(page(entry(9, author="joe", tagged=["ann"]), owner="joe", owner_id="88"), at=day(1)),
    )
    ingest(store, *told)
    return told


@sqlite_only
def test_stopped_between_any_two_steps_nothing_comes_in_and_finish_ends_it(
    database_url: str, tmp_path: Path
) -> None:
    parts = parts_of(database_url, tmp_path / "cache", tmp_path / "archive")
    stopped = 0
    for times in range(0, 80, 5):
        told = told_world(parts.store)
        done = erased(parts, Asked(profile="ann"), stop=stopping_after(times))
        again = ingest(parts.store, *told)
        assert (again.new, again.refused) == (0, 2)
        if done.status is RunStatus.CANCELLED:
            stopped += 1
            assert rows(parts.store, "SELECT count(*) FROM profiles WHERE username = 'ann'") == [(1,)]
        left = finish(parts, [Pages()], stop=lambda: False, progress=lambda step: None)
        assert (left.begun, left.files_waiting) == (0, 0)
        assert traces(parts.store, "'ann'", '"ann"', "Text 1") == set()
        assert rows(parts.store, "SELECT native_id FROM posts") == [("9",)]
        assert verify_rows(parts.store) == []
        if done.status is RunStatus.COMPLETED:
            break
        ingest(parts.store, *told, readmit=True)
    assert done.status is RunStatus.COMPLETED
    assert stopped > 2
    parts.store.close()


def test_posts_that_are_half_erased_are_ended_by_the_same_call(parts: Parts) -> None:
    told_world(parts.store)
    ids = [each for (each,) in rows(parts.store, "SELECT post_id FROM posts ORDER BY native_id")]

    def die(name: str) -> None:
        if name == "rows_erased":
            raise KeyboardInterrupt

    points.watch(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            erased(parts, Asked(posts=ids[:2]))
    finally:
        points.watch(None)
    assert erased(parts, Asked(posts=ids[:2])).status is RunStatus.COMPLETED
    assert rows(parts.store, "SELECT native_id FROM posts") == [("9",)]
    with pytest.raises(NotFound):
        erased(parts, Asked(posts=ids[:1]))


def test_a_post_is_looked_for_only_where_it_can_stand(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    told_world(parts.store)
    single = [raw(page(entry(n), owner=None, owner_id=None), at=day(n % 7)) for n in range(100, 140)]
    ingest(parts.store, *single)
    read: list[str] = []
    load = erasing_records.load

    def noting(tx: Any, hashes: Any) -> Any:
        read.extend(hashes)
        return load(tx, hashes)

    monkeypatch.setattr(erasing_records, "load", noting)
    [[post_id]] = rows(parts.store, "SELECT post_id FROM posts WHERE native_id = '1'")
    erased(parts, Asked(posts=[post_id]), dry_run=True)
    # That which tells of it, and of the pages the other one is no page of several posts.
    assert len(read) == 1
    read.clear()
    erased(parts, Asked(profile="ann"), dry_run=True)
    assert len(read) == 42


# --- whatever was told ----------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b"])
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(10_001, 10_005), "author": st.sampled_from(["quill-one", "quill-two", "quill-three"])},
        optional={
            "tagged": st.lists(st.sampled_from(["quill-one", "quill-four"]), max_size=2, unique=True),
            "media": st.lists(st.sampled_from(["m-1", "m-2", "m-3"]), max_size=2, unique=True),
        },
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each["id"],
)


@sqlite_only
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(told=st.lists(st.tuples(ENTRIES, st.sampled_from(["quill-one", "quill-two"])), min_size=1, max_size=3))
def test_nothing_of_an_erased_profile_is_left(
    told: list[Any], sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, database_kind: str
) -> None:
    folder = tmp_path_factory.mktemp("world")
    shutil.copyfile(sqlite_template, folder / "x.db")
    parts = parts_of(f"sqlite:///{folder / 'x.db'}", folder / "cache", folder / "archive")
    store = parts.store
    authors: dict[int, str] = {}
    for at, (entries, owner) in enumerate(told):
        posts = []
        for each in entries:
            who = authors.setdefault(each["id"], each["author"])
            media = [{"key": key} for key in each.get("media", ())]
            more = {"author": who, "media": media, "tagged": each.get("tagged", [])}
            posts.append(entry(each["id"], text=f"{who} wrote this {each['id']}", **more))
        ingest(store, raw(page(*posts, owner=owner, owner_id=None), at=day(at), name=f"dataset_{owner}_{at}.json"))
    others = sorted(str(number) for number, who in authors.items() if who != "quill-one")
    known = rows(store, "SELECT profile_id FROM profiles WHERE username = 'quill-one'")
    for (found,) in known:
        dry = erased(parts, Asked(profile=found), dry_run=True)
        done = erased(parts, Asked(profile=found))
        assert (done.going, done.staying, done.tombstones) == (dry.going, dry.staying, dry.tombstones)
        mine = [str(number) for number, who in authors.items() if who == "quill-one"]
        assert traces(store, "quill-one", "Quill-One", *mine) == set()
    assert [row[0] for row in rows(store, "SELECT native_id FROM posts ORDER BY 1")] == (
        others if known else sorted(map(str, authors))
    )
    assert verify_rows(store) == []
    store.close()
    content = (folder / "x.db").read_bytes()
    assert not known or b"quill-one" not in content


# --- a death at each step -------------------------------------------------------------------------------


def kept_world(store: Store, folder: Path) -> Any:
    one, two, joes = Post("one"), Post("two"), Post("joes", author="joe")
    return made(
        store,
        folder,
        File("a", places=(Shown(one),)),
        File("b", places=(Shown(two), Shown(joes))),
        File("c", places=(Shown(two),)),
        File("d", places=(Shown(profile="jane"),)),
    )


@pytest.mark.parametrize("moment", points.ERASING_POINTS)
@pytest.mark.parametrize("number", [1, 2])
def test_a_death_leaves_nothing_that_the_next_run_does_not_end(
    moment: str, number: int, store: Store, database_url: str, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    kept = kept_world(store, tmp_path)
    kept.cache.close()
    with store.writing() as tx:
        bulk.execute(
            tx,
            "INSERT INTO quarantine (quarantine_id, source_file_path, record_number, byte_offset, length, sha256,"
            " reason, via, observed_at, observed_source, version, last_seen_at)"
            " VALUES ('qua-1', 'x.json', 1, 0, 1, 'x', 'broken', 'jane', ?, 'mtime', '0', ?)",
            utc_now(),
            utc_now(),
        )
        [joes] = bulk.execute(tx, "SELECT post_id FROM posts WHERE native_id = 'joes'").one()
        bulk.execute(tx, "INSERT INTO post_mentions VALUES (?, 0, 'Jane', 'jane', NULL)", joes)
        bulk.execute(tx, "INSERT INTO post_people VALUES (?, 'tagged', 0, 'Jane', 'jane', NULL, NULL)", joes)
    parts = parts_of(database_url, kept.root, archive)
    archive_all(parts)
    command = [sys.executable, "-m", "tests.stages.erasing", database_url, str(kept.root), str(archive), "jane"]
    died = subprocess.run([*command, moment, str(number)], capture_output=True, check=False, timeout=60)
    assert died.returncode in (-9, 0), died.stderr.decode()
    # Rows that are there still have their bytes.
    for (path,) in rows(store, "SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL"):
        assert (kept.root / path).exists()
    if number == 1 and rows(store, "SELECT 1 FROM profiles WHERE username = 'jane'"):
        assert subprocess.run([*command, "", "0"], check=False, timeout=60).returncode == 0
    else:
        assert subprocess.run([*command, "finish", "0"], check=False, timeout=60).returncode == 0
    assert rows(store, "SELECT username FROM profiles") == [("joe",)]
    assert rows(store, "SELECT native_id FROM posts") == [("joes",)]
    assert rows(store, "SELECT count(*) FROM work") == [(0,)]
    for table in ("quarantine", "post_mentions", "post_people"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows(store, "SELECT name FROM remembered WHERE name LIKE 'erasing:%'") == []
    [path] = [path for (path,) in rows(store, "SELECT local_file_path FROM media_files")]
    assert list(files(kept.root)) == [path]
    assert len([each for each in archive.rglob("*") if each.is_file()]) == 1
    assert verify_rows(store) == []
    parts.store.close()


# --- what was made of contents, and other copies -----------------------------------------------------------


def rendered(store: Store, number: int, source: str, beside: str | None, file: str) -> None:
    with store.writing() as tx:
        bulk.execute(
            tx,
            "INSERT INTO renditions (rendition_id, source_file_id, beside_file_id, kind, file_id)"
            " VALUES (?, ?, ?, 'joined', ?)",
            f"rnd-{number}",
            source,
            beside,
            file,
        )


def test_what_was_made_of_an_erased_file_goes_with_it_unless_somebody_shows_it(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    jane, joe = Post("janes"), Post("joes", author="joe")
    kept = made(
        store,
        tmp_path,
        File("video", places=(Shown(jane),)),
        File("sound", places=(Shown(jane),)),
        File("joined"),
        File("shared video", places=(Shown(jane), Shown(joe))),
        File("shared joined"),
        File("joes video", places=(Shown(joe),)),
        File("joined with sound"),
        File("made, and shown", places=(Shown(joe),)),
    )
    kept.cache.close()
    ids = kept.file_ids
    rendered(store, 1, ids["video"], ids["sound"], ids["joined"])
    rendered(store, 2, ids["shared video"], None, ids["shared joined"])
    rendered(store, 3, ids["joes video"], ids["sound"], ids["joined with sound"])
    rendered(store, 4, ids["sound"], None, ids["made, and shown"])
    parts = parts_of(database_url, kept.root, tmp_path / "archive")

    told = erased(parts, Asked(profile="jane"), dry_run=True)
    done = erased(parts, Asked(profile="jane"))

    left = {"shared video", "shared joined", "joes video", "made, and shown"}
    assert {file_id for (file_id,) in rows(store, "SELECT file_id FROM media_files")} == {
        ids[each] for each in left
    }
    assert rows(store, "SELECT rendition_id FROM renditions") == [("rnd-2",)]
    assert len(files(kept.root)) == len(left)
    assert (told.going.files, done.going.files, done.removed.files) == (4, 4, 4)
    assert told.going == done.going
    parts.store.close()


def test_a_hold_on_what_was_made_of_a_file_forbids_erasing(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    kept = made(store, tmp_path, File("video", places=(Shown(Post("janes")),)), File("joined"))
    kept.cache.close()
    rendered(store, 1, kept.file_ids["video"], None, kept.file_ids["joined"])
    parts = parts_of(database_url, kept.root, tmp_path / "archive")
    with store.writing() as tx:
        bulk.execute(
            tx,
            "INSERT INTO holds (hold_id, subject_kind, subject, reason, held_by, since)"
            " VALUES ('hld-1', 'file', ?, 'a case', 'me', ?)",
            kept.file_ids["joined"],
            utc_now(),
        )
    with pytest.raises(Held, match="hld-1"):
        erased(parts, Asked(profile="jane"))
    assert rows(store, "SELECT count(*) FROM tombstones") == [(0,)]
    parts.store.close()


def test_who_wrote_with_somebody_keeps_the_post_without_him(parts: Parts) -> None:
    told = raw(page(entry(9, author="joe", coauthors=["Ann"]), owner="joe", owner_id="88"))
    ingest(parts.store, raw(page(entry(1))), told)
    done = erased(parts, Asked(profile="ann"))
    assert (done.going.posts, rows(parts.store, "SELECT native_id FROM posts")) == (1, [("9",)])
    assert rows(parts.store, "SELECT count(*) FROM post_people") == [(0,)]
    again = ingest(parts.store, told)
    assert (again.new, again.refused) == (0, 0)
    assert rows(parts.store, "SELECT count(*) FROM post_people") == [(0,)]
    assert traces(parts.store, '"ann"', "'ann'", "Ann") == set()


def test_erasing_by_one_name_leaves_whoever_has_it_elsewhere(parts: Parts) -> None:
    ingest(parts.store, raw(page(entry(1))))
    with parts.store.writing() as tx:
        bulk.execute(
            tx,
            "INSERT INTO profiles (profile_id, username, name, platform, kind)"
            " VALUES ('prf-2', 'ann', 'Ann', 'reddit', 'redditor')",
        )
    with pytest.raises(NotFound):
        erased(parts, Asked(profile="ann"))
    erased(parts, Asked(profile="ann", platform="instagram"))
    assert rows(parts.store, "SELECT platform, username FROM profiles") == [("reddit", "ann")]


def test_a_former_name_is_erased_with_whoever_bore_it(parts: Parts) -> None:
    ingest(parts.store, raw(page(entry(1))), raw(page(entry(2), owner="anna"), at=day(1)))
    assert rows(parts.store, "SELECT count(*) FROM profiles") == [(1,)]
    erased(parts, Asked(profile="anna"))
    assert traces(parts.store, '"ann"', "'ann'", "anna") == set()
    for name in ("ann", "anna", "annabel"):
        assert ingest(parts.store, raw(page(entry(3), owner=name))).refused == 1


def test_a_copy_of_the_database_refuses_the_same(parts: Parts, tmp_path: Path) -> None:
    told = raw(page(entry(1), entry(2)))
    ingest(parts.store, told)
    erased(parts, Asked(profile="ann"))
    target = f"sqlite:///{tmp_path / 'copy.db'}"
    run_copy(parts, target, stop=lambda: False, progress=lambda step: None)
    copied = Store(target)
    assert ingest(copied, told).refused == 2
    copied.close()


# --- an import beside it ---------------------------------------------------------------------------------


def at_moment(moment: str, act: Any) -> None:
    """Do this once, when an erasing passes that moment."""
    left = iter([act])

    def hook(name: str) -> None:
        if name == moment and (once := next(left, None)) is not None:
            once()

    points.watch(hook)


@pytest.mark.parametrize("moment", ["erasing_scoped", "names_erased"])
def test_what_an_import_brings_meanwhile_is_erased_too(parts: Parts, moment: str) -> None:
    ingest(parts.store, raw(page(entry(1))))
    joes = page(entry(9, author="joe", tagged=["ann"]), owner="joe", owner_id="88")
    late = [raw(page(entry(2, text="Late words"), account={"followers": 5})), raw(joes)]
    at_moment(moment, lambda: ingest(parts.store, *late, readmit=moment != "erasing_scoped"))
    ingest(parts.store, raw(joes))
    try:
        done = erased(parts, Asked(profile="ann"))
    finally:
        points.watch(None)
    assert done.going.posts == 2
    assert rows(parts.store, "SELECT native_id FROM posts") == [("9",)]
    assert "Late words" not in {text for _, text in everything(parts.store)}
    assert rows(parts.store, "SELECT count(*) FROM work WHERE stage = 'fetch'") == [(0,)]
    assert ingest(parts.store, raw(page(entry(1), entry(2)))).refused == 2
    assert verify_rows(parts.store) == []


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_an_erasing_waits_for_imports_that_looked_before_it(parts: Parts) -> None:
    ingest(parts.store, raw(page(entry(1))))
    looked, go = threading.Event(), threading.Event()

    def hold(name: str) -> None:
        if name == "batch_written":
            looked.set()
            assert go.wait(60)

    points.watch(hold)
    try:
        with ThreadPoolExecutor(2) as pool:
            coming = pool.submit(ingest, parts.store, raw(page(entry(2))))
            assert looked.wait(60)
            erasing = pool.submit(erased, parts, Asked(profile="ann"))
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while rows(parts.store, waiting) == [(0,)]:
                assert not erasing.done()
            go.set()
            assert coming.result().new == 1
            assert erasing.result().going.posts == 2
    finally:
        go.set()
        points.watch(None)
    assert rows(parts.store, "SELECT count(*) FROM posts") == [(0,)]


def test_posts_that_lost_their_author_are_erased_by_his_name(parts: Parts) -> None:
    told = raw(page(entry(1, text="Left behind"), entry(2)))
    ingest(parts.store, told)
    ingest(parts.store, raw(page(entry(9), owner="joe", owner_id="88")))
    with parts.store.writing() as tx:
        bulk.execute(tx, "DELETE FROM profiles WHERE username = 'ann'")
    assert erased(parts, Asked(profile="ann"), dry_run=True).going.posts == 2
    done = erased(parts, Asked(profile="instagram/Ann"))
    assert (done.going.posts, done.going.profiles) == (2, 0)
    assert traces(parts.store, "Left behind", "'ann'", '"ann"') == set()
    assert rows(parts.store, "SELECT native_id FROM posts") == [("9",)]
    with pytest.raises(NotFound, match="it was erased"):
        erased(parts, Asked(profile="ann"))
    with pytest.raises(NotFound, match="profiles list --search"):
        erased(parts, Asked(profile="nobody"))


def test_who_is_there_is_erased_with_posts_that_only_name_him(parts: Parts) -> None:
    ingest(parts.store, raw(page(entry(1), entry(2))))
    with parts.store.writing() as tx:
        bulk.execute(tx, "UPDATE posts SET author_profile_id = NULL WHERE native_id = '2'")
    assert erased(parts, Asked(profile="ann")).going.posts == 2


def test_readmitting_somebody_lifts_all_that_was_erased_with_him(parts: Parts) -> None:
    told = raw(page(entry(1), entry(2), account={"followers": 5}))
    ingest(parts.store, told, raw(page(entry(9), owner="joe", owner_id="88")))
    erased(parts, Asked(profile="joe"))
    erased(parts, Asked(profile="ann"))
    assert readmit(parts, "https://www.instagram.com/ann/", platform=None) == 4
    again = ingest(parts.store, told)
    assert (again.new, again.refused) == (2, 0)
    assert rows(parts.store, "SELECT username FROM profiles") == [("ann",)]
    with pytest.raises(NotFound, match="erase list"):
        readmit(parts, "ann", platform=None)
    assert readmit(parts, "88", platform="instagram") == 3


def test_the_report_names_source_files_and_what_lies_beside_them(parts: Parts, tmp_path: Path) -> None:
    names = ["x_UTC.json.xz", "x_UTC_1.jpg", "ann_77.json.xz", "ann_2025.jpg", "joe.json", "anna.jpg", "other.jpg"]
    for name in names:
        (tmp_path / name).touch()
    at = {name: str(tmp_path / name) for name in names}
    ingest(
        parts.store,
        raw(page(entry(1)), name=at["x_UTC.json.xz"]),
        raw(page(entry(9, tagged=["ann"]), owner="joe", owner_id="88"), name=at["joe.json"]),
    )
    told = erased(parts, Asked(profile="ann"), dry_run=True)
    done = erased(parts, Asked(profile="ann"))
    assert set(told.elsewhere) == set(done.elsewhere) == set(at.values()) - {at["anna.jpg"], at["other.jpg"]}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"user":{"username":"ann", "id":"4401122334"', False),
        (b'{"unknown":{"username":"Ann"}}', False),
        (b'{"unknown":{"pk":4401122334}}', False),
        (b'{"unknown":"https://cdn.example/4401122334.jpg"}', False),
        (b'{"unknown":"https://instagram.com/ann/?x=1"}', False),
        (b'{"unknown":"thanks to @ann and 4401122334"}', True),
        (b'{"unknown":"anna"}', True),
    ],
)
def test_a_record_nobody_can_read_is_not_kept_when_it_names_the_erased(
    parts: Parts, body: bytes, kept: bool
) -> None:
    ingest(parts.store, raw(page(entry(1), owner_id="4401122334")))
    bad = RawRecord(body, Place("bad.json", 1, 0), Observation(day(1), ObservedSource.MTIME))
    erased(parts, Asked(profile="ann"))
    tally = ingest(parts.store, bad)
    assert (tally.errors, rows(parts.store, "SELECT count(*) FROM quarantine")) == (1, [(int(kept),)])
    assert any("names what was erased" in line for line in tally.problems) is not kept
    ingest(parts.store, bad, readmit=True)
    assert rows(parts.store, "SELECT count(*) FROM quarantine") == [(1,)]
