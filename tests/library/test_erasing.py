"""Erasing posts and profiles: nothing of them is left anywhere, nobody else loses anything, nothing comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from postkeep.config import ArchiveConfig
from postkeep.errors import Held, LeaseTaken, NotFound
from postkeep.library import Library
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
    assert (told.staying.files, told.tombstones, told.dry_run) == (1, 3, True)
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

    assert here.library.erasing.readmit("jane-doe") >= 1
    assert [here.library.erasing.readmit(each) for each in ids] == [1, 1]
    assert here.library.erasing.tombstones() == []
    back = here.bring(of("jane-doe", 1, mine, shared), of("jane-doe", 2))
    assert back.new == 2
