"""What changes beneath an archive: another store, files that are lost, damaged or gone, and what comes back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.model import RunStatus
from postkeep.stages.archiving import Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store, archive_queue, bulk
from postkeep.store.archive_choice import OfPosts
from postkeep.views.archives import RestoreSummary
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import File, Kept, Place, Post, made, post_id

EARLY = Post("early", author="jane", posted_at=datetime(2024, 1, 1, tzinfo=UTC))
LATE = Post("late", author="joe", posted_at=datetime(2025, 1, 1, tzinfo=UTC), platform="reddit")
FILES = (
    File("a", places=(Place(EARLY),)),
    File("b", places=(Place(EARLY), Place(LATE))),
    File("c", places=(Place(LATE),)),
)


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


def at(parts: Parts, folder: Path) -> Parts:
    """The same library with its archive elsewhere."""
    return replace(parts, config=replace(parts.config, archive=replace(parts.config.archive, directory=folder)))


def waiting(parts: Parts, folder: Path) -> int:
    return Archives(parts, DirectoryArchive(folder)).status().waiting


def restore(parts: Parts, folder: Path, of: OfPosts | None = None, *, limit: int | None = None) -> RestoreSummary:
    archives = Archives(parts, DirectoryArchive(folder))
    return archives.restore(of=of or OfPosts(), limit=limit, stop=lambda: False, progress=lambda step: None)


def cached(kept: Kept) -> set[str]:
    rows = {file_id for (file_id,) in kept.rows("SELECT file_id FROM media_files WHERE cached_at IS NOT NULL")}
    here = {each.name for each in FILES if kept.path(each).is_file()}
    assert rows == {kept.file_ids[name] for name in here}
    return here


def test_what_waited_for_another_store_goes_to_this_one(kept: Kept, parts: Parts, folder: Path) -> None:
    elsewhere = folder.with_name("mistyped")
    assert archive_all(at(parts, elsewhere)).status is RunStatus.FAILED
    assert waiting(parts, elsewhere) == 3
    # Looking for what is new for this one, nothing of the other's counts.
    assert waiting(parts, folder) == 0
    with parts.store.reading() as tx:
        assert len(archive_queue.new_files(tx, DirectoryArchive(folder).place, limit=10)) == 3
    summary = archive_all(parts)
    assert (summary.due, summary.archived, summary.waiting) == (3, 3, 0)


def test_what_is_archived_here_does_not_wait_because_another_store_failed(
    kept: Kept, parts: Parts, folder: Path
) -> None:
    archive_all(parts)
    assert archive_all(at(parts, folder.with_name("mistyped"))).waiting == 3
    assert waiting(parts, folder) == 0
    assert archive_all(parts).waiting == 0


def test_by_hand_what_failed_is_tried_at_once_and_fails_again(kept: Kept, parts: Parts, folder: Path) -> None:
    kept.path(FILES[0]).write_bytes(b"!" * 100)
    first, second = archive_all(parts), archive_all(parts)
    assert (first.status, first.archived, first.failed) == (RunStatus.PARTIAL, 2, 1)
    assert (second.status, second.archived, second.failed) == (RunStatus.PARTIAL, 0, 1)


def test_what_left_the_cache_is_not_tried(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(at(parts, folder.with_name("mistyped")))
    assert archive_all(parts, limit=0).waiting == 3
    with parts.store.writing() as tx:
        bulk.execute(tx, "UPDATE media_files SET cached_at = NULL WHERE file_id = ?", kept.file_ids["c"])
    summary = archive_all(parts)
    assert (summary.archived, summary.failed, summary.waiting) == (2, 0, 0)


def test_what_was_lost_comes_back(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(parts)
    assert restore(parts, folder).due == 0
    shutil.rmtree(kept.root / "media")
    summary = restore(parts, folder)
    assert (summary.status, summary.due, summary.restored, summary.failed) == (RunStatus.COMPLETED, 3, 3, ())
    assert cached(kept) == {"a", "b", "c"}
    assert kept.path(FILES[0]).read_bytes() == FILES[0].content


def test_what_was_damaged_comes_back(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(parts)
    kept.path(FILES[2]).write_bytes(b"damaged")
    assert restore(parts, folder).restored == 1
    assert kept.path(FILES[2]).read_bytes() == FILES[2].content


@pytest.mark.parametrize(
    ("of", "back"),
    [
        (OfPosts(author="jane"), {"a", "b"}),
        (OfPosts(platform="reddit"), {"b", "c"}),
        (OfPosts(posted_since=datetime(2024, 6, 1, tzinfo=UTC)), {"b", "c"}),
        (OfPosts(author="jane", platform="reddit"), set()),
        (OfPosts(post_id=post_id(EARLY)), {"a", "b"}),
        (OfPosts(author="nobody"), set()),
    ],
)
def test_only_what_some_posts_show_comes_back(
    kept: Kept, parts: Parts, folder: Path, of: OfPosts, back: set[str]
) -> None:
    archive_all(parts)
    for each in FILES:
        kept.path(each).unlink()
    summary = restore(parts, folder, of)
    assert (summary.due, summary.restored) == (len(back), len(back))
    assert {each.name for each in FILES if kept.path(each).is_file()} == back
