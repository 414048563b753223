"""Asking the archive what it still has, and bringing it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.config import ArchiveConfig
from postkeep.errors import ArchiveUnavailable, CacheFull
from postkeep.ids import IdFactory
from postkeep.model import utc_now
from postkeep.stages.archive.checking import Checking, CheckTally, Fault
from postkeep.stages.archive.restoring import Restoring
from postkeep.stages.archiving import Archives
from postkeep.stages.parts import Parts
from postkeep.store import archive_objects, archiving
from postkeep.store.archive_objects import KnownObject
from postkeep.store.verify import verify_rows
from postkeep.views import Progress
from postkeep.views.archives import StrangeObject
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import File, Kept, Place, Post, made

ONE = Post("one")
FILES = tuple(File(f"f{n}", size=100 + n, places=(Place(ONE),)) for n in range(7))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(store: object, tmp_path: Path) -> Kept:
    return made(store, tmp_path, *FILES)  # type: ignore[arg-type]


@pytest.fixture
def parts(kept: Kept, database_url: str, folder: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, kept.root, folder)
    archive_all(parts)
    yield parts
    parts.store.close()


def object_of(parts: Parts, kept: Kept, name: str) -> KnownObject:
    place = DirectoryArchive(_folder(parts.config.archive)).place
    with parts.store.reading() as tx:
        [found] = archive_objects.proven_objects(tx, place, [kept.file_ids[name]])
    return found


def _folder(config: ArchiveConfig) -> Path:
    assert config.directory is not None
    return config.directory


def check(parts: Parts, *, sample: float = 0.0) -> CheckTally:
    archive = DirectoryArchive(_folder(parts.config.archive))
    return Checking(parts.store, archive, prefix="", sample=sample, clock=utc_now).run()


def faults(tally: CheckTally) -> set[tuple[str, Fault]]:
    return {(each.known.key, each.fault) for each in tally.faults}


def test_an_archive_that_has_everything(parts: Parts, kept: Kept) -> None:
    tally = check(parts, sample=1.0)
    assert (tally.checked, tally.strangers, tally.faults) == (7, 0, [])
    assert tally.read == 7


def test_each_thing_that_can_be_wrong_is_told_apart(
    parts: Parts, kept: Kept, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone, cut, flipped = (object_of(parts, kept, name).key for name in ("f0", "f1", "f2"))
    (folder / gone).unlink()
    (folder / cut).write_bytes((folder / cut).read_bytes()[:-1])
    (folder / flipped).write_bytes(b"!" + (folder / flipped).read_bytes()[1:])
    (folder / "media" / "stranger.jpg").write_bytes(b"12345")

    with caplog.at_level("WARNING"):
        tally = check(parts, sample=1.0)

    # Whoever asked is told by the answer, and not by the log as well.
    assert caplog.records == []
    assert faults(tally) == {(gone, Fault.MISSING), (cut, Fault.SIZE), (flipped, Fault.DAMAGED)}
    assert (tally.checked, tally.strangers, tally.strange_bytes) == (7, 1, 5)


def test_a_check_knows_its_end_and_names_a_few_it_does_not_know(parts: Parts, kept: Kept, folder: Path) -> None:
    for number in range(25):
        (folder / "media" / f"stranger-{number:02}.jpg").write_bytes(b"!" * number)
    steps: list[Progress] = []
    archives = Archives(parts, DirectoryArchive(folder))
    check = archives.verify(sample=1.0, repair=False, stop=lambda: False, progress=steps.append)
    assert (check.read, check.strangers) == (7, 25)
    assert check.stranger_objects == tuple(
        StrangeObject(f"media/stranger-{number:02}.jpg", number) for number in range(20)
    )
    size = sum(each.size for each in FILES)
    assert (steps[0].done, steps[0].total) == (0, size)
    assert (steps[-1].done, steps[-1].total, steps[-1].unit, steps[-1].note) == (
        size, size, "bytes", "7 of 7 objects",
    )  # fmt: skip
    steps.clear()
    archives.verify(sample=0, repair=False, stop=lambda: False, progress=steps.append)
    assert [(each.done, each.total, each.unit) for each in (steps[0], steps[-1])] == [
        (0, 7, "objects"), (7, 7, "objects"),
    ]  # fmt: skip


def test_what_damage_a_folder_shows_by_itself(parts: Parts, kept: Kept, folder: Path) -> None:
    """As the help says: it has no tags, so that only its bytes tell of damage that left the size as it was."""
    flipped = object_of(parts, kept, "f2").key
    (folder / flipped).write_bytes(b"!" + (folder / flipped).read_bytes()[1:])
    assert faults(check(parts)) == set()
    assert faults(check(parts, sample=1.0)) == {(flipped, Fault.DAMAGED)}


def test_a_claim_that_is_not_proven_yet_is_no_stranger(parts: Parts, kept: Kept) -> None:
    with parts.store.writing() as tx:
        archiving.forget_proofs(
            tx, f"{_folder(parts.config.archive).as_uri()}", [kept.file_ids["f0"]], "missing", utc_now()
        )
    tally = check(parts)
    assert (tally.checked, tally.strangers) == (6, 0)


def restoring(parts: Parts, **more: object) -> Restoring:
    archive = DirectoryArchive(_folder(parts.config.archive))
    return Restoring(parts.store, parts.cache, archive, ids=IdFactory(), clock=utc_now, **more)  # type: ignore[arg-type]


def test_what_left_the_cache_comes_back_equal(parts: Parts, kept: Kept) -> None:
    assert kept.evictor(100, rule="archived").make_room(100).files == 7
    stage = restoring(parts)

    files = stage.bring([object_of(parts, kept, each.name) for each in FILES])

    assert len(files) == stage.tally.restored == 7
    assert stage.tally.bytes == sum(each.size for each in FILES)
    assert {each.name: kept.path(each).read_bytes() for each in FILES} == {
        each.name: each.content for each in FILES
    }
    kept.check(*FILES)
    assert verify_rows(kept.store) == []


def test_what_is_not_what_was_proven_does_not_come(parts: Parts, kept: Kept, folder: Path) -> None:
    kept.evictor(100, rule="archived").make_room(100)
    objects = [object_of(parts, kept, each.name) for each in FILES]
    (folder / objects[0].key).unlink()
    (folder / objects[1].key).write_bytes(b"!" + (folder / objects[1].key).read_bytes()[1:])
    (folder / objects[2].key).write_bytes((folder / objects[2].key).read_bytes() + b"more")
    (folder / objects[3].key).write_bytes(b"")
    stage = restoring(parts)

    stage.bring(objects)

    assert stage.tally.restored == 3
    assert kept.left() == {"f4", "f5", "f6"}
    assert {known.file_id for known, _ in stage.tally.failed} == {kept.file_ids[f"f{n}"] for n in range(4)}
    states = kept.rows(
        "SELECT state, archive_url IS NULL FROM archive_objects a JOIN media_files f USING (file_id)"
    )
    assert sorted((state, bool(nothing)) for state, nothing in states) == (
        [("claimed", True)] * 4 + [("proven", False)] * 3
    )
    assert [path for path in (kept.root / "tmp").rglob("*") if path.is_file()] == []
    assert verify_rows(kept.store) == []


def test_a_store_that_is_away_changes_nothing(parts: Parts, kept: Kept, folder: Path) -> None:
    kept.evictor(100, rule="archived").make_room(100)
    objects = [object_of(parts, kept, each.name) for each in FILES]
    away = folder.with_name("away")
    folder.rename(away)
    with pytest.raises(ArchiveUnavailable):
        restoring(parts).bring(objects)
    assert {state for (state,) in kept.rows("SELECT state FROM archive_objects")} == {"proven"}
    away.rename(folder)
    stage = restoring(parts)
    stage.bring(objects)
    assert stage.tally.restored == 7


def test_room_is_asked_for_first(parts: Parts, kept: Kept) -> None:
    kept.evictor(100, rule="archived").make_room(100)

    def none(size: int) -> None:
        assert size == sum(each.size for each in FILES)
        raise CacheFull

    with pytest.raises(CacheFull):
        restoring(parts, room=none).bring([object_of(parts, kept, each.name) for each in FILES])
    assert kept.left() == set()
