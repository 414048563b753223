"""Archived means proven: what is said of rows, of objects, and after a death at any moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.archive import names
from postkeep.archive.directory import DirectoryArchive
from postkeep.errors import ArchiveDenied, ArchiveUnavailable, LeaseTaken, NotFound
from postkeep.model import RunStatus, utc_now
from postkeep.points import ARCHIVE_POINTS
from postkeep.stages.archive import failing
from postkeep.stages.archiving import ARCHIVE_LEASE, Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store, archive_failures, bulk, leases, media
from postkeep.store.verify import verify_rows
from postkeep.views.archives import ArchiveFailure
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import IDS, File, Kept, Place, Post, digest_of, made

ONE, TWO = Post("one"), Post("two")
FILES = (
    File("a", places=(Place(ONE), Place(TWO))),
    File("b", places=(Place(ONE),)),
    File("avatar", places=(Place(None),)),
    File("alone", urls=("https://media.test/alone",)),
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


def objects(folder: Path) -> dict[str, bytes]:
    return {
        each.key: b"".join(DirectoryArchive(folder).read(each.key)) for each in DirectoryArchive(folder).listing()
    }


def check(kept: Kept, folder: Path, *files: File) -> None:
    """Each of these files has one object with its bytes, and every row that shows it names that one."""
    stored = objects(folder)
    assert sorted(stored.values()) == sorted(each.content for each in files)
    for each in files:
        [(key, state, proof)] = kept.rows(
            "SELECT key, state, proof FROM archive_objects WHERE file_id = ?", kept.file_ids[each.name]
        )
        assert (state, proof is not None) == ("proven", True)
        assert stored[key] == each.content
        urls = kept.rows("SELECT archive_url FROM media_files WHERE file_id = ?", kept.file_ids[each.name])
        for table in ("post_media", "profile_media"):
            urls += kept.rows(f"SELECT archive_url FROM {table} WHERE file_id = ?", kept.file_ids[each.name])
        assert {url for (url,) in urls} == {(folder / key).as_uri()}
    assert verify_rows(kept.store) == []


def test_everything_in_the_cache_goes_up_once(kept: Kept, parts: Parts, folder: Path) -> None:
    plan = Archives(parts, DirectoryArchive(folder)).plan()
    assert (plan.files, plan.bytes, plan.proven) == (4, 400, 0)
    assert objects(folder) == {}

    summary = archive_all(parts)

    assert (summary.status, summary.due, summary.archived, summary.found, summary.failed, summary.bytes) == (
        RunStatus.COMPLETED, 4, 4, 0, 0, 400,
    )  # fmt: skip
    check(kept, folder, *FILES)
    assert {key.split("/")[0] for key in objects(folder)} == {"media"}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = archive_all(parts)
    assert (again.due, again.archived, again.waiting) == (0, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    plan = Archives(parts, DirectoryArchive(folder)).plan()
    assert (plan.files, plan.bytes, plan.proven) == (0, 0, 4)


def test_only_a_post_or_one_medium(kept: Kept, parts: Parts, folder: Path) -> None:
    [(post,)] = kept.rows("SELECT post_id FROM posts WHERE urn = 'two'")
    assert archive_all(parts, post_id=post).archived == 1
    check(kept, folder, FILES[0])
    assert archive_all(parts, media_id=kept.media_ids["avatar", 0]).archived == 1
    check(kept, folder, FILES[0], FILES[2])
    with pytest.raises(NotFound):
        archive_all(parts, media_id="med-00000000")
    assert archive_all(parts, limit=1).archived == 1
    assert len(objects(folder)) == 3


def test_a_row_that_comes_later_shares_the_object(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(parts)
    media_id = kept.media_ids["b", 0]
    with kept.store.writing() as tx:
        bulk.execute(tx, "UPDATE post_media SET file_id = NULL, archive_url = NULL WHERE media_id = ?", media_id)
        arrival = media.Arrival(media_id, kept.write(FILES[1]), "large", None)
        media.store_arrivals(tx, [arrival], ids=IDS, now=utc_now())
    check(kept, folder, *FILES)
    assert archive_all(parts).due == 0


def test_a_proven_file_may_leave_the_cache(kept: Kept, parts: Parts, folder: Path) -> None:
    assert kept.evictor(400, rule="archived").make_room(400).files == 0
    archive_all(parts)
    assert kept.evictor(400, rule="archived").make_room(400).files == 4


def test_a_url_alone_proves_nothing(store: Store, tmp_path: Path, database_url: str, folder: Path) -> None:
    claimed = File("c", archive_url="s3://elsewhere/cache/2025/11/x.jpg", places=(Place(ONE),))
    kept = made(store, tmp_path, claimed)
    assert kept.evictor(100, rule="archived").make_room(100).files == 0
    parts = parts_of(database_url, kept.root, folder)
    assert archive_all(parts).archived == 1
    check(kept, folder, claimed)
    parts.store.close()


@pytest.mark.parametrize("theirs", ["same", "other", "missing"])
def test_an_object_somebody_else_made_is_proven_or_left_alone(
    store: Store, tmp_path: Path, database_url: str, folder: Path, theirs: str
) -> None:
    file = File("c", places=(Place(ONE),))
    key = f"cache/2025/11/{digest_of(file).md5}.png"
    name = (folder / key).as_uri()
    kept = made(store, tmp_path, replace(file, archive_url=name))
    content = {"same": file.content, "other": b"x" * file.size}.get(theirs)
    if content is not None:
        (folder / key).parent.mkdir(parents=True)
        (folder / key).write_bytes(content)
    parts = parts_of(database_url, kept.root, folder)

    summary = archive_all(parts)

    if theirs == "same":
        assert (summary.archived, summary.found, summary.bytes) == (1, 1, 0)
        assert objects(folder) == {key: file.content}
        assert kept.evictor(100, rule="archived").make_room(100).files == 1
    else:
        # The URL is no proof: the content gets an object of ours, theirs is left as it is.
        assert (summary.archived, summary.bytes) == (1, file.size)
        assert sorted(objects(folder).values()) == sorted(filter(None, (file.content, content)))
    parts.store.close()


def test_a_damaged_file_never_goes_up(kept: Kept, parts: Parts, folder: Path) -> None:
    kept.path(FILES[0]).write_bytes(b"!" * FILES[0].size)
    kept.path(FILES[1]).unlink()
    summary = archive_all(parts)
    assert (summary.status, summary.archived, summary.failed) == (RunStatus.PARTIAL, 2, 2)
    assert summary.kinds == {"source": 2}
    check(kept, folder, *FILES[2:])


def test_what_failed_is_named_by_pages_of_its_keys(
    kept: Kept, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The few that failed lie pages apart.
    monkeypatch.setattr(archive_failures, "_AT_ONCE", 1)
    place = folder.as_uri()

    def page(limit: int, after: str | None = None) -> list[ArchiveFailure]:
        with parts.store.reading() as tx:
            return failing.failures(tx, place, limit=limit, after=after)

    assert page(5) == []
    for each in (FILES[0], FILES[3]):
        kept.path(each).write_bytes(b"!" * each.size)
    archive_all(parts)

    found = page(5)
    assert {each.file_id for each in found} == {kept.file_ids["a"], kept.file_ids["alone"]}
    assert [each.key for each in found] == sorted(each.key for each in found)
    by_id = {each.file_id: each for each in found}
    shared = by_id[kept.file_ids["a"]]
    assert {each.media_id for each in shared.shown_by} == {kept.media_ids["a", 0], kept.media_ids["a", 1]}
    assert {each.owner_id for each in shared.shown_by} == {p for (p,) in kept.rows("SELECT post_id FROM posts")}
    assert (shared.shown_count, shared.kind, shared.failed_at is not None) == (2, "source", True)
    assert str(kept.path(FILES[0])).endswith(shared.path)
    assert shared.message
    assert by_id[kept.file_ids["alone"]].shown_by == ()
    assert shared.next_at is not None
    [first] = page(1)
    assert [first, *page(5, first.key)] == found
    assert page(5, found[-1].key) == []

    for each in (FILES[0], FILES[3]):
        kept.path(each).write_bytes(each.content)
    with parts.store.writing() as tx:
        bulk.execute(tx, "DELETE FROM work WHERE stage = 'archive'")
    assert archive_all(parts).archived == 2
    assert page(5) == []


class Refusing(DirectoryArchive):
    """A folder that refuses every upload after the first `good`."""

    def __init__(self, folder: Path, error: type[Exception], good: int = 1) -> None:
        super().__init__(folder)
        self.error, self.good, self.asked = error, good, 0

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        self.asked += 1
        if self.asked > self.good:
            raise self.error("not now")
        return super().put(key, content, mime_type)


@pytest.mark.parametrize("error", [ArchiveDenied, ArchiveUnavailable])
def test_a_store_that_refuses_stops_the_run_and_the_next_goes_on(
    store: Store, tmp_path: Path, database_url: str, folder: Path, error: type[Exception], monkeypatch: Any
) -> None:
    files = [File(f"f{n}", places=(Place(ONE),)) for n in range(40)]
    kept = made(store, tmp_path, *files)
    parts = parts_of(database_url, kept.root, folder)
    monkeypatch.setattr("postkeep.stages.archive.run._RESTS", (0.0, 0.0, 0.0))
    refusing = Refusing(folder, error)
    monkeypatch.setattr("tests.stages.archiving.open_archive", lambda config: refusing)

    summary = archive_all(parts)

    assert summary.status is RunStatus.FAILED
    assert summary.error is not None
    assert "not now" in summary.error
    assert summary.archived == len(objects(folder)) == 1
    # A right that is missing is missing for all. A store that is silent is asked five times before each of three
    # rests and after the last, but for no content more often than four times.
    assert 1 < refusing.asked <= (10 if error is ArchiveDenied else 4 * len(files))
    assert error is ArchiveDenied or refusing.asked > 4 * 5
    monkeypatch.undo()
    with parts.store.writing() as tx:
        bulk.execute(tx, "UPDATE work SET due_at = ?", utc_now())
    assert archive_all(parts).archived == 39
    check(kept, folder, *files)
    parts.store.close()


def test_a_folder_that_is_not_there_is_no_empty_archive(kept: Kept, parts: Parts, folder: Path) -> None:
    folder.rmdir()
    summary = archive_all(parts)
    assert summary.status is RunStatus.FAILED
    assert summary.error is not None
    assert "is not there" in summary.error
    assert not folder.exists()


def test_stopping_is_clean(kept: Kept, parts: Parts, folder: Path) -> None:
    summary = archive_all(parts, stop=lambda: True)
    assert (summary.status, summary.archived) == (RunStatus.CANCELLED, 0)
    assert archive_all(parts).archived == 4


def test_one_process_at_a_time(kept: Kept, parts: Parts) -> None:
    with kept.store.writing() as tx:
        leases.take(tx, ARCHIVE_LEASE, utc_now())
    with pytest.raises(LeaseTaken):
        archive_all(parts)


@pytest.mark.parametrize("moment", ARCHIVE_POINTS)
def test_after_a_death_the_next_run_ends_as_if_nothing_had_been(
    kept: Kept, parts: Parts, folder: Path, database_url: str, moment: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.stages.archiving",
        database_url,
        str(kept.root),
        str(folder),
        moment,
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr

    for name, url in kept.rows(
        "SELECT local_file_path, archive_url FROM media_files WHERE archive_url IS NOT NULL"
    ):
        content = Path(url.removeprefix("file://")).read_bytes()
        assert content == (kept.root / name).read_bytes()
    assert archive_all(parts).status is RunStatus.COMPLETED
    check(kept, folder, *FILES)
    DirectoryArchive(folder).sweep(utc_now())
    assert [*(folder / names.UNDER_WAY).iterdir()] == []
