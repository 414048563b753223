"""Room is made by what can come back, the least recently used first, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postkeep.errors import CacheError
from postkeep.media.cache import Cache
from postkeep.stages import eviction
from postkeep.stages.eviction import finish_removals, note_use
from postkeep.store import Store, caching, keeping, listing, stored_files
from postkeep.store.verify import verify_rows
from tests.stages.kept import DAY, HOUR, IDS, NOW, File, Place, Post, made, post_id, profile_id
from tests.store.test_listing import counted

POST = Post("one")
LIVE = Place(POST)


def live(name: str, **more: object) -> File:
    return replace(File(name, places=(LIVE,)), **more)  # type: ignore[arg-type]


def test_the_least_recently_used_go_first_down_to_90_percent(store: Store, tmp_path: Path) -> None:
    files = [live(f"f{n}", used_at=NOW - (n + 2) * DAY) for n in range(10)]
    kept = made(store, tmp_path, *files)

    freed = kept.evictor(1000).make_room(1)

    assert (freed.files, freed.bytes, freed.room) == (1, 100, 100)
    assert kept.left() == {f"f{n}" for n in range(9)}
    freed = kept.evictor(1000).make_room(450)
    assert (freed.files, freed.room) == (4, 500)
    assert kept.left() == {f"f{n}" for n in range(5)}
    kept.check(*files)
    assert verify_rows(store) == []
    assert kept.rows("SELECT count(*), min(evicted_because) FROM media_files WHERE evicted_at IS NOT NULL") == [
        (5, "lru")
    ]
    assert kept.rows("SELECT DISTINCT download_state FROM post_media WHERE file_id IS NOT NULL") == [("fetched",)]


def test_what_was_never_used_goes_before_all(store: Store, tmp_path: Path) -> None:
    files = [live("old", used_at=NOW - 900 * DAY), live("never", used_at=None), live("nor", used_at=None)]
    kept = made(store, tmp_path, *files)
    kept.evictor(300).make_room(200)
    assert kept.left() == {"old"}
    kept.evictor(100).make_room(100)
    assert kept.left() == set()


def test_with_room_nothing_goes_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("a"))
    with counted(store) as sent:
        assert kept.evictor(1000).make_room(900).room == 900
    assert len(sent) == 1
    kept.check(live("a"))


def test_asking_for_more_than_may_go_removes_nothing(store: Store, tmp_path: Path) -> None:
    files = [live("a"), live("b"), File("dead")]
    kept = made(store, tmp_path, *files)

    freed = kept.evictor(300).make_room(201)

    assert (freed.files, freed.room) == (0, 0)
    kept.check(*files)
    message = kept.evictor(300).full().message
    assert "300 bytes" in message
    assert "200 B of it can make room" in message
    assert "cache.evict" not in message
    assert kept.evictor(300).make_room(200).files == 2


def test_without_an_archive_nothing_goes_by_default(store: Store, tmp_path: Path) -> None:
    files = [live("a"), live("b", archive_url="s3://bucket/key")]
    kept = made(store, tmp_path, *files)

    assert kept.evictor(200, rule="archived").make_room(1).files == 0
    kept.check(*files)
    message = kept.evictor(200, rule="archived").full().message
    assert "nothing in it may make room" in message
    assert 'set cache.evict = "lru" (200 B could make room)' in message


def test_only_advice_that_would_help_is_given(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, File("dead"))
    message = kept.evictor(100, rule="archived").full().message
    assert "raise cache.max_bytes" in message
    assert "cache.evict" not in message


# --- what stays -----------------------------------------------------------------------------------------

STAYING = {
    "used a moment ago": live("x", used_at=NOW - HOUR / 2),
    "shown by nobody": File("x"),
    "dead: expired": File("x", places=(replace(LIVE, expires_at=NOW - DAY),)),
    "dead: ends before the day is over": File("x", places=(replace(LIVE, expires_at=NOW + HOUR),)),
    "dead: gone": File("x", places=(replace(LIVE, error="http_404"),)),
    "dead: absent": File("x", places=(replace(LIVE, absent=True),)),
    "another rendition": File("x", places=(replace(LIVE, rendition="huge"),)),
    "cut short": live("x", incomplete=True),
    "an archive_url that nothing proves": File("x", archive_url="s3://bucket/key"),
    "a signed URL that is over": File("x", urls=("https://a.test/x.png?e=1600000000",)),
}
GOING = {
    "a link for ever": live("x"),
    "a long link": File("x", places=(replace(LIVE, expires_at=NOW + 30 * DAY),)),
    "one link of two": File("x", places=(replace(LIVE, absent=True), replace(LIVE, post=Post("two")))),
    "an avatar": File("x", places=(Place(None),)),
    "a URL": File("x", urls=("https://a.test/x.png",)),
    "a signed URL that lasts": File("x", urls=("https://a.test/x.png?e=4000000000",)),
    "new content behind the link": File("x", places=(replace(LIVE, error="changed"),)),
    "used an hour ago": live("x", used_at=NOW - HOUR - timedelta(seconds=1)),
}


@pytest.mark.parametrize("name", [*STAYING, *GOING])
def test_what_can_come_back_goes_and_all_else_stays(name: str, store: Store, tmp_path: Path) -> None:
    file = STAYING.get(name) or GOING[name]
    kept = made(store, tmp_path, file)
    kept.evictor(100).make_room(100)
    assert kept.left() == ({"x"} if name in STAYING else set())
    kept.check(file)


HELD = {
    "file": lambda kept: kept.file_ids["x"],
    "media": lambda kept: kept.media_ids["x", 0],
    "post": lambda _: post_id(POST),
    "profile": lambda _: profile_id("jane"),
    "platform": lambda _: "linkedin",
}


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("place", [LIVE, Place(None)], ids=["post", "avatar"])
def test_what_is_held_stays_until_the_hold_is_over(kind: str, place: Place, store: Store, tmp_path: Path) -> None:
    if kind == "post" and place.post is None:
        place = replace(LIVE, absent=True)
    file = File("x", places=(place,), urls=("https://a.test/x.png",))
    kept = made(store, tmp_path, file)
    subject = HELD[kind](kept)
    hold = kept.hold(kind, subject, until=NOW + DAY)
    kept.hold(kind, subject, released_at=NOW - HOUR)
    kept.hold(kind, subject, until=NOW)

    assert kept.evictor(100).make_room(100).files == 0
    kept.check(file)
    kept.now = NOW + 2 * DAY
    assert hold.until is not None
    assert kept.evictor(100).make_room(100).files == 1
    kept.check(file)


def test_a_hold_on_another_thing_holds_nothing(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("x"), File("y", places=(Place(Post("two", author="joe")),)))
    kept.hold("profile", profile_id("joe"))
    kept.hold("platform", "reddit")
    assert kept.evictor(200).make_room(100).files == 1
    assert kept.left() == {"y"}


# --- pages and plans ------------------------------------------------------------------------------------


def test_what_has_to_stay_does_not_stand_in_the_way(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(eviction, "_PAGE", 3)
    staying = [File(f"s{n}", used_at=None if n % 2 else NOW - 90 * DAY) for n in range(8)]
    going = [live(f"g{n}", used_at=None if n % 2 else NOW - 30 * DAY) for n in range(8)]
    kept = made(store, tmp_path, *staying, *going)
    freed = kept.evictor(1600).make_room(700)
    assert freed.files == 7
    assert {f"s{n}" for n in range(8)} <= kept.left()
    kept.check(*staying, *going)


def test_a_batch_is_a_fixed_number_of_statements(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, *(live(f"f{n}") for n in range(60)))
    numbers = []
    for need in (100, 5000):
        with counted(store) as sent:
            kept.evictor(6000).make_room(need)
        numbers.append(len(sent))
    assert len(kept.left()) == 10
    assert numbers[0] == numbers[1] <= 15


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("where", "start"),
    [
        ("f.last_used_at < ?", (NOW,)),
        ("f.last_used_at IS NULL AND f.file_id > ?", ("",)),
        ("(f.last_used_at, f.file_id) > (?, ?) AND f.last_used_at < ?", (NOW, "fil-0", NOW)),
    ],
)
def test_a_page_is_read_from_its_index(where: str, start: tuple[object, ...], store: Store) -> None:
    statement, parameters = keeping.page_statement(where, start, NOW, 500)
    with store.reading() as tx:
        plan = [row[3] for row in keeping.bulk.execute(tx, f"EXPLAIN QUERY PLAN {statement}", *parameters)]
    files = [line for line in plan if "media_files" in line or line.startswith(("SCAN f", "SEARCH f"))]
    assert any("idx_files_last_used_at" in line for line in files), plan
    assert not any("TEMP B-TREE" in line for line in plan), plan
    for table in ("m ", "p ", "o ", "h "):
        assert not any(line.startswith(f"SCAN {table}") for line in plan), plan


# --- use ------------------------------------------------------------------------------------------------


def test_a_use_is_noted_at_most_every_ten_minutes(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("a"), live("b"))
    ids = list(kept.file_ids.values())
    note_use(store, ids, NOW)
    with counted(store) as sent:
        note_use(store, ids, NOW + timedelta(minutes=9))
    assert [each.split()[0] for each in sent] == ["SELECT"]
    with counted(store) as sent:
        note_use(store, ids, NOW + timedelta(minutes=11))
    assert [each.split()[0] for each in sent] == ["SELECT", "UPDATE"]
    assert kept.evictor(200).make_room(1).files == 0


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_that_cannot_be_written_gives_files_out_all_the_same(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("a"))
    before = kept.rows("SELECT last_used_at FROM media_files")
    reader = Store(f"sqlite:///{store.path}", busy_seconds=0.01)
    with store.writing():
        note_use(reader, list(kept.file_ids.values()), NOW)
    reader.close()
    assert kept.rows("SELECT last_used_at FROM media_files") == before


def test_what_is_used_between_the_look_and_the_removal_stays(store: Store, tmp_path: Path, monkeypatch) -> None:
    """The page was read, then somebody asked for the file, then the removal began."""
    files = [live("a"), live("b")]
    kept = made(store, tmp_path, *files)
    alone = Cache.alone

    def used_first(cache: Cache):
        note_use(store, [kept.file_ids["a"]], NOW)
        kept.hold("file", kept.file_ids["b"])
        return alone(cache)

    monkeypatch.setattr(Cache, "alone", used_first)
    assert kept.evictor(200).make_room(200).files == 0
    kept.check(*files)


# --- what the rest makes of it --------------------------------------------------------------------------


def test_an_evicted_file_is_not_missing(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("a"))
    kept.evictor(100).make_room(100)
    with store.reading() as tx:
        assert listing.incomplete_posts(tx, NOW, after="", limit=9, since=None) == []
        assert listing.incomplete_media(tx, [post_id(POST)], NOW) == []
        assert listing.incomplete_of(tx, [post_id(POST)]) == 0
        [row] = stored_files.files_by(tx, "file_id", kept.file_ids.values())
        assert keeping.as_read(tx, [replace(row, cached_at=NOW)]) == []
    with store.writing() as tx:
        keeping.bulk.execute(tx, "UPDATE media_files SET evicted_at = NULL")
    with store.reading() as tx:
        assert len(listing.incomplete_posts(tx, NOW, after="", limit=9, since=None)) == 1
        assert len(listing.incomplete_media(tx, [post_id(POST)], NOW)) == 1
        assert listing.incomplete_of(tx, [post_id(POST)]) == 1


def test_what_comes_back_soon_was_missed(store: Store, tmp_path: Path) -> None:
    files = [live("a"), live("b", size=50), live("c")]
    kept = made(store, tmp_path, *files)
    kept.evictor(250).make_room(150)
    assert len(kept.left()) == 1
    shas = [sha for (sha,) in kept.rows("SELECT sha256 FROM media_files")]
    gone = sum(each.size for each in files if each.name not in kept.left())
    with store.reading() as tx:
        assert keeping.evicted_among(tx, [*shas, "unknown"], NOW + 29 * DAY) == (2, gone)
        assert keeping.evicted_among(tx, shas, NOW + 31 * DAY) == (0, 0)


def test_a_suggested_limit_is_whole_gibibytes_and_large_enough() -> None:
    gib = 1024**3
    assert keeping.suggested_limit(10 * gib, 1) == 11 * gib
    assert keeping.suggested_limit(10 * gib, gib) == 11 * gib
    assert keeping.suggested_limit(1, 1) == gib


# --- what breaks ----------------------------------------------------------------------------------------


def test_a_removal_that_broke_off_is_ended_by_the_next(store: Store, tmp_path: Path, monkeypatch) -> None:
    files = [live("a"), live("b")]
    kept = made(store, tmp_path, *files)

    def refuse(cache: Cache, path: str) -> bool:
        raise CacheError("the disk is mounted read-only")

    with monkeypatch.context() as patched:
        patched.setattr(Cache, "remove", refuse)
        with pytest.raises(CacheError):
            kept.evictor(200).make_room(200)
    assert (kept.left(), kept.path(files[0]).exists()) == (set(), True)

    finish_removals(store, kept.cache, NOW)

    kept.check(*files)
    with counted(store) as sent:
        finish_removals(store, kept.cache, NOW)
    assert len(sent) == 1


def test_what_came_back_meanwhile_is_not_removed(store: Store, tmp_path: Path, monkeypatch) -> None:
    files = [live("a"), live("b")]
    kept = made(store, tmp_path, *files)
    with monkeypatch.context() as patched:
        patched.setattr(Cache, "remove", lambda cache, path: (_ for _ in ()).throw(CacheError("no")))
        with pytest.raises(CacheError):
            kept.evictor(200).make_room(200)
    with store.writing() as tx:
        caching.keep_files(tx, [kept.write(files[0])], ids=IDS, now=NOW)

    finish_removals(store, kept.cache, NOW)

    assert kept.left() == {"a"}
    kept.check(*files)


def test_a_path_that_is_none_of_ours_stops_nobody(store: Store, tmp_path: Path) -> None:
    file = live("a")
    kept = made(store, tmp_path, file)
    with store.writing() as tx:
        keeping.begin_removal(tx, [("fil-00000000", "../../etc/passwd"), ("fil-00000001", "media/x/../../y")], NOW)
    finish_removals(store, kept.cache, NOW)
    kept.check(file)


def test_files_of_the_predecessor_s_folders_stay(store: Store, tmp_path: Path) -> None:
    kept = made(store, tmp_path, live("a"))
    with store.writing() as tx:
        keeping.bulk.execute(tx, "UPDATE media_files SET local_file_path = 'images/a.png'")
    assert kept.evictor(100).make_room(100).files == 0


def test_a_gone_file_is_not_an_error(store: Store, tmp_path: Path) -> None:
    file = live("a")
    kept = made(store, tmp_path, file)
    kept.path(file).unlink()
    assert kept.evictor(100).make_room(100).files == 1
    assert kept.rows("SELECT * FROM remembered") == []
