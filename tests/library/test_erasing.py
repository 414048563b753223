"""Erasing posts and profiles: nothing of them is left anywhere, nobody else loses anything, nothing comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.config import ArchiveConfig
from postkeep.errors import Held, LeaseTaken, NotFound
from postkeep.stages.ingest.candidate import decompress
from postkeep.store import Store, leases, schema
from tests.library.world import World, gallery
from tests.records import EPOCH, activity_id, author, post

ASSET = "C4E22AQ{}"


@pytest.fixture
def archived(here: World, tmp_path: Path) -> World:
    """The world with an archive of its own in a folder."""
    folder = tmp_path / "archive"
    folder.mkdir()
    with_archive(here, folder)
    return here


def with_archive(world: World, folder: Path | None) -> None:
    world.config = replace(world.config, archive=ArchiveConfig(directory=folder))
    world.library.config = world.config
    world.library._parts = replace(world.library._parts, config=world.config)


def objects(world: World) -> list[str]:
    folder = world.folder / "archive"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def everything(store: Store) -> Iterator[tuple[str, str]]:
    """Every text in every table, and every packed record as the text it was."""
    with store.reading() as tx:
        for table in schema.metadata.sorted_tables:
            for row in tx.execute(table.select()).mappings():
                for column, value in row.items():
                    if column == "body" and value is not None:
                        value = decompress(str(row["codec"]), bytes(value)).decode()
                    yield f"{table.name}.{column}", str(value)


def traces(store: Store, *names: str) -> set[tuple[str, str]]:
    """Where any of these texts still stands."""
    return {(where, name) for where, text in everything(store) for name in names if name in text}


def of(username: str, serial: int, *urls: str, **more: Any) -> dict[str, Any]:
    first = username.split("-")[0].title()
    number = activity_id(serial=serial)
    return post(
        serial,
        media=gallery(*urls) if urls else None,
        author=author(username, first, "Doe"),
        url=f"https://www.linkedin.com/posts/{username}_text-activity-{number}-AbCd",
        text=f"What {first} says in number {serial}",
        **more,
    )


def test_a_profile_goes_with_all_that_is_its_and_others_lose_nothing(archived: World) -> None:
    here = archived
    shared, mine, theirs = (here.asset(ASSET.format(name)) for name in ("shared", "mine", "theirs"))
    here.bring(of("jane-doe", 1, mine, shared), of("jane-doe", 2))
    path = here.write(of("joe-roe", 3, theirs, shared), user="joe-roe")
    here.library.import_([path])
    here.library.archive_media()
    assert (len(here.cached()), len(objects(here))) == (3, 3)

    told = here.library.erasing.profile("jane-doe", reason="asked to", dry_run=True)
    assert (told.going.posts, told.going.files, told.going.objects, told.going.records) == (2, 1, 1, 2)
    assert (told.staying.files, told.tombstones, told.dry_run) == (1, 4, True)
    assert len(here.cached()) == 3

    done = here.library.erasing.profile("jane-doe", reason="asked to")
    assert done.going == told.going
    assert done.staying == told.staying
    assert (done.removed.files, done.removed.objects, done.removed.files_waiting) == (1, 1, 0)
    assert (len(here.cached()), len(objects(here))) == (2, 2)
    ids = [activity_id(serial=serial) for serial in (1, 2)]
    assert traces(here.store, "jane-doe", "What Jane says", *ids) == set()
    assert here.rows("SELECT native_id FROM posts") == [(activity_id(serial=3),)]
    here.check()

    again = here.bring(of("jane-doe", 1, mine, shared), of("jane-doe", 2))
    assert (again.new, again.processed) == (0, 0)
    assert traces(here.store, "jane-doe", *ids) == set()

    assert here.library.erasing.readmit("jane-doe") == 3
    back = here.bring(of("jane-doe", 1, mine, shared))
    assert (back.new, len(here.cached())) == (1, 3)
    assert here.bring(of("jane-doe", 2)).new == 1


def test_erased_bytes_come_back_from_no_folder_and_no_leftover(here: World, tmp_path: Path) -> None:
    here.bring(of("jane-doe", 1, here.asset(ASSET.format("mine"))))
    [path] = here.cached()
    old = tmp_path / "old"
    old.mkdir()
    (old / "a.png").write_bytes((here.root / path).read_bytes())
    here.library.erasing.posts([activity_id(serial=1)], reason="asked to")
    assert here.cached() == {}

    adopted = here.library.adopt_cache(old)
    assert (adopted.adopted, here.cached()) == (0, {})
    (here.root / path).write_bytes((old / "a.png").read_bytes())
    here.library.verify_cache(repair=True)
    assert (here.cached(), here.rows("SELECT * FROM media_files")) == ({}, [])


def test_objects_wait_for_an_archive(archived: World) -> None:
    here, folder = archived, archived.folder / "archive"
    here.bring(of("jane-doe", 1, here.asset(ASSET.format("mine"))))
    here.library.archive_media()
    with_archive(here, None)
    removed = here.library.erasing.posts([activity_id(serial=1)], reason="asked to").removed
    assert (removed.files, removed.objects, removed.objects_waiting) == (1, 0, 1)
    assert "no archive is set up" in str(removed.waiting_for)

    with_archive(here, folder)
    assert here.library.erasing.finish().objects == 1
    assert (objects(here), here.queued()) == ([], 0)


@pytest.mark.parametrize("subject", ["post", "author", "file", "linkedin"])
def test_what_is_held_is_not_erased(here: World, subject: str) -> None:
    here.bring(of("jane-doe", 1, here.asset(ASSET.format("mine"))))
    [post_id], [profile_id], [file_id] = (
        [row[0] for row in here.rows(f"SELECT {name} FROM {table}")]
        for name, table in (("post_id", "posts"), ("profile_id", "profiles"), ("file_id", "media_files"))
    )
    names = {"post": post_id, "author": profile_id, "file": file_id, "linkedin": "platform:linkedin"}
    hold = here.library.add_hold(names[subject], reason="a case")
    before = list(everything(here.store))

    told = here.library.erasing.profile("jane-doe", reason="x", dry_run=True)
    assert [each.hold_id for each in told.holds] == [hold.hold_id]
    for erase in (
        here.library.erasing.profile,
        lambda name, **more: here.library.erasing.posts([post_id], **more),
    ):
        with pytest.raises(Held, match=hold.hold_id):
            erase("jane-doe", reason="x")
    kept = [each for each in everything(here.store) if not each[0].startswith(("download_runs.", "run_posts."))]
    assert kept == [each for each in before if not each[0].startswith(("download_runs.", "run_posts."))]

    here.library.release_hold(hold.hold_id)
    assert here.library.erasing.profile("jane-doe", reason="x").going.posts == 1


def test_a_process_that_fetches_is_not_disturbed(here: World) -> None:
    here.bring(of("jane-doe", 1))
    with here.store.writing() as tx:
        leases.take(tx, "fetch", EPOCH)
        tx.exec_driver_sql("UPDATE leases SET owner = 'elsewhere:1:1'")
    here.now_is(EPOCH)
    with pytest.raises(LeaseTaken):
        here.library.erasing.posts([activity_id(serial=1)], reason="x")
    assert here.rows("SELECT count(*) FROM posts") == [(1,)]


def test_what_is_not_there_cannot_be_erased(here: World) -> None:
    for erase in (
        lambda: here.library.erasing.posts(["p-67c2f6c0000000001"], reason="x"),
        lambda: here.library.erasing.profile("nobody", reason="x"),
        lambda: here.library.erasing.readmit("nobody"),
    ):
        with pytest.raises(NotFound):
            erase()


def test_who_shares_an_erased_post_keeps_his_own_words(here: World) -> None:
    original = of("jane-doe", 1)
    here.bring(original)
    quote = of("joe-roe", 2, kind="quote", reshared_post=original)
    here.library.import_([here.write(quote, user="joe-roe")], fetch=False)
    assert here.rows("SELECT count(*) FROM post_originals") == [(1,)]

    done = here.library.erasing.posts([activity_id(serial=1)], reason="x")

    assert (done.staying.dropped, done.going.posts) == (1, 1)
    assert traces(here.store, "What Jane says", activity_id(serial=1)) == set()
    assert here.rows("SELECT text_content FROM posts") == [("What Joe says in number 2",)]
    here.check()
