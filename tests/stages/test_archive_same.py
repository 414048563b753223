"""What answers and is not the archive, or not the same one: nothing is believed of it, and nothing forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.errors import ArchiveDenied
from postkeep.model import RunStatus
from postkeep.stages.archiving import Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store
from postkeep.store.archive_choice import OfPosts
from postkeep.views.archives import ArchiveCheck, RestoreSummary
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import File, Kept, Place, Post, made

FILES = tuple(File(name, places=(Place(Post("one")),)) for name in ("a", "b", "c"))


class Elsewhere(DirectoryArchive):
    """A folder that says to be reached at an address, as buckets are."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder)
        self._address = address

    @property
    def address(self) -> str:
        return self._address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return made(store, tmp_path, *FILES)


@pytest.fixture
def parts(kept: Kept, database_url: str, folder: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, kept.root, folder)
    yield parts
    parts.store.close()


def restore(parts: Parts, archive: DirectoryArchive) -> RestoreSummary:
    return Archives(parts, archive).restore(
        of=OfPosts(), limit=None, stop=lambda: False, progress=lambda step: None
    )


def verify(parts: Parts, archive: DirectoryArchive, *, all_lost: bool = False) -> ArchiveCheck:
    return Archives(parts, archive).verify(
        sample=0.0, repair=True, all_lost=all_lost, stop=lambda: False, progress=lambda step: None
    )


def send(parts: Parts, archive: DirectoryArchive) -> RunStatus:
    return Archives(parts, archive).run(
        post_id=None, media_id=None, limit=None, stop=lambda: False, progress=lambda step: None
    ).status  # fmt: skip


def proven(kept: Kept) -> int:
    [(number,)] = kept.rows("SELECT count(*) FROM archive_objects WHERE state = 'proven'")
    return int(number)


def archived_and_lost(kept: Kept, parts: Parts) -> None:
    archive_all(parts)
    for each in FILES:
        kept.path(each).unlink()


@pytest.mark.parametrize("instead", ["nothing", "something else"])
def test_what_is_not_the_archive_makes_us_forget_nothing(
    kept: Kept, parts: Parts, folder: Path, instead: str
) -> None:
    archived_and_lost(kept, parts)
    away = folder.with_name("not mounted")
    folder.rename(away)
    folder.mkdir()
    if instead == "something else":
        for path in away.rglob("*.png"):
            other = folder / path.relative_to(away)
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(b"<html>Please log in</html>")

    summary = restore(parts, DirectoryArchive(folder))

    assert (summary.status, summary.restored, proven(kept)) == (RunStatus.FAILED, 0, 3)
    assert summary.error is not None
    assert "Nothing was changed" in summary.error
    check = verify(parts, DirectoryArchive(folder))
    assert (check.status, len(check.faults), proven(kept)) == (RunStatus.FAILED, 3, 3)
    shutil.rmtree(folder)
    away.rename(folder)
    assert restore(parts, DirectoryArchive(folder)).restored == 3


def test_one_that_is_lost_among_others_is_noted(kept: Kept, parts: Parts, folder: Path) -> None:
    archived_and_lost(kept, parts)
    next(folder.rglob("*.png")).unlink()
    summary = restore(parts, DirectoryArchive(folder))
    assert (summary.status, summary.restored, len(summary.failed), proven(kept)) == (RunStatus.PARTIAL, 2, 1, 2)


def test_that_all_is_lost_is_noted_when_it_is_said(kept: Kept, parts: Parts, folder: Path) -> None:
    archived_and_lost(kept, parts)
    away = folder.with_name("away")
    folder.rename(away)
    folder.mkdir()
    restore(parts, DirectoryArchive(folder))
    assert len(verify(parts, DirectoryArchive(folder), all_lost=True).faults) == 3
    assert proven(kept) == 0

    # It was not lost after all.
    shutil.rmtree(folder)
    away.rename(folder)
    check = verify(parts, DirectoryArchive(folder))
    assert (check.back, check.faults, proven(kept)) == (3, (), 3)
    assert restore(parts, DirectoryArchive(folder)).restored == 3


def test_another_address_is_used_when_the_objects_were_found_there(kept: Kept, parts: Parts, folder: Path) -> None:
    here, there = Elsewhere(folder, "https://a.test"), Elsewhere(folder, "https://b.test")
    assert send(parts, here) is RunStatus.COMPLETED
    with pytest.raises(ArchiveDenied, match=r"at https://a\.test until now, and would be at https://b\.test"):
        Archives(parts, there).plan()
    assert send(parts, there) is RunStatus.FAILED
    assert restore(parts, there).status is RunStatus.FAILED
    with pytest.raises(ArchiveDenied):
        Archives(parts, there).link(kept.media_ids["a", 0], seconds=60)

    assert verify(parts, there).faults == ()

    assert Archives(parts, there).plan().proven == 3
    assert send(parts, there) is RunStatus.COMPLETED


def test_another_store_of_the_same_name_is_not_remembered(kept: Kept, parts: Parts, folder: Path) -> None:
    send(parts, Elsewhere(folder, "https://a.test"))
    for path in folder.rglob("*.png"):
        path.unlink()
    there = Elsewhere(folder, "https://b.test")
    assert len(verify(parts, there).faults) == 3
    assert proven(kept) == 3
    assert send(parts, there) is RunStatus.FAILED
