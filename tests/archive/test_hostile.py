"""Rows, folders and stores that somebody turned against the archive: one of them stops nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.archive.objects import BucketArchive
from postkeep.archive.port import Archive
from postkeep.errors import ArchiveError, ArchiveUnavailable, ObjectMissing
from postkeep.model import RunStatus
from postkeep.stages.archiving import Archives
from postkeep.store import Store, bulk
from postkeep.views.archives import ArchiveCheck
from tests.archive.world import World, files, lax_bucket, make, parts_of
from tests.servers.s3lax import LaxS3, Object, Tag
from tests.servers.s3proxy import Endless, Fault, Hold, S3Proxy, Say

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
BAD_KEYS = (
    "old//b.jpg", "a/../b.jpg", "./b.jpg", "%2e%2e/b.jpg", "..%2fsecret.txt", "/etc/passwd", "a%0Ab", "a%00b",
    "x" * 1100, ".under-way/x", "a/", "a%5cb", "a%252e",
)  # fmt: skip


@pytest.fixture
def world(store: Store, tmp_path: Path, database_url: str) -> World:
    return make(store, tmp_path, database_url, files(len(BAD_KEYS) + 1))


def check_of(world: World, archive: Archive, *, sample: float = 1.0, repair: bool = False) -> ArchiveCheck:
    parts = parts_of(world.database, world.kept.root, world.config)
    try:
        return Archives(parts, archive).verify(
            sample=sample, repair=repair, stop=lambda: False, progress=lambda step: None
        )
    finally:
        parts.store.close()


# --- names --------------------------------------------------------------------------------------------------


def say_bad_names(world: World, place: str) -> None:
    with world.kept.store.writing() as tx:
        for each, bad in zip(world.files, BAD_KEYS, strict=False):
            url = f"{place}/{bad}"
            bulk.execute(
                tx, "UPDATE media_files SET archive_url = ? WHERE file_id = ?", url, world.kept.file_ids[each.name]
            )


def test_a_row_that_names_no_possible_object_gets_one_of_its_own(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    with LaxS3() as lax:
        for archive in (BucketArchive(lax_bucket(lax.endpoint)), DirectoryArchive(folder)):
            with world.kept.store.writing() as tx:
                bulk.execute(tx, "DELETE FROM archive_objects")
            say_bad_names(world, archive.place)
            summary = world.run(archive)
            assert (summary.status, summary.archived) == (RunStatus.COMPLETED, len(world.files))
            world.check(archive)


@pytest.mark.parametrize(
    "key", ["old//b.jpg", "a/../b", "./b", "a\nb", "a\0b", "x" * 1100, "", "/", ".under-way/x"]
)
@pytest.mark.usefixtures("database_kind")
def test_an_impossible_key_is_the_trouble_of_one_object(key: str, tmp_path: Path) -> None:
    with LaxS3() as lax:
        for archive in (BucketArchive(lax_bucket(lax.endpoint)), DirectoryArchive(tmp_path)):
            assert archive.head(key) is None
            archive.delete(key)
            with pytest.raises(ObjectMissing):
                b"".join(archive.read(key))
            with pytest.raises(ArchiveError) as refused:
                archive.put(key, b"x", "image/png")
            # Neither of the two that end a whole run.
            assert type(refused.value) is ArchiveError
            with pytest.raises(ArchiveError) as refused:
                archive.put_parts(key, iter([b"x"]), 5 * 1024**2, "image/png")
            assert type(refused.value) is ArchiveError
        assert lax.objects == {}
        assert lax.uploads == {}
    assert [*tmp_path.iterdir()] == []


# --- links in a folder --------------------------------------------------------------------------------------


def test_a_link_to_the_cache_is_no_second_copy(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    archive = DirectoryArchive(folder)
    world.run(archive)
    paths = dict(world.kept.rows("SELECT file_id, local_file_path FROM media_files"))
    linked = [*world.archived().items()][:3]
    for name, key in linked:
        object_, cached = folder / key, world.kept.root / paths[world.kept.file_ids[name]]
        assert object_.read_bytes() == cached.read_bytes()
        object_.unlink()
        object_.symlink_to(cached)
    found = check_of(world, archive, repair=True)
    assert sorted(each.url for each in found.faults) == sorted(archive.url(key) for _, key in linked)
    assert {each.fault for each in found.faults} == {"missing"}
    assert found.queued == len(linked)
    world.run(archive)
    world.check(archive)
    assert not any((folder / key).is_symlink() for _, key in linked)


@pytest.mark.usefixtures("database_kind")
def test_nothing_is_read_listed_written_or_removed_through_a_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "archive", tmp_path / "outside"
    (folder / "a").mkdir(parents=True)
    outside.mkdir()
    (outside / "x.jpg").write_bytes(b"precious")
    (folder / "a" / "linked").symlink_to(outside)
    (folder / "x.jpg").symlink_to(outside / "x.jpg")
    os.mkfifo(folder / "pipe")
    archive = DirectoryArchive(folder)
    assert [*archive.listing()] == []
    assert [*archive.listing("a/linked")] == []
    for key in ("a/linked/x.jpg", "x.jpg", "pipe", "x.jpg/y", "a"):
        assert archive.head(key) is None
        with pytest.raises(ObjectMissing):
            b"".join(archive.read(key))
    with pytest.raises(ArchiveError, match="a link or a file"):
        archive.put("a/linked/x.jpg", b"other", "image/jpeg")
    archive.delete("a/linked/x.jpg")
    archive.put("x.jpg", b"other", "image/jpeg")
    assert [(each.name, each.read_bytes()) for each in outside.iterdir()] == [("x.jpg", b"precious")]
    assert (folder / "x.jpg").read_bytes() == b"other"
    (folder / ".under-way").rename(tmp_path / "apart")
    (folder / ".under-way").symlink_to(outside)
    with pytest.raises(ArchiveError, match="a link or a file"):
        archive.put("y.jpg", b"other", "image/jpeg")


def test_names_that_are_no_text_are_listed(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    archive = DirectoryArchive(folder)
    world.run(archive)
    for name in (b"\xff.jpg", b"a\nb", b"media\xfe"):
        (folder / os.fsdecode(name)).write_bytes(b"x")
    found = check_of(world, archive, sample=0)
    assert (found.error, found.strangers, found.faults) == (None, 3, ())


# --- strangers, and listings without end --------------------------------------------------------------------

STRANGE = ("a//b.jpg", "x/../y", "./z", "a\nb", "media/", "zz//", "\x7f")


def test_a_stranger_of_an_impossible_name_is_unknown_and_nothing_more(world: World) -> None:
    with LaxS3() as lax:
        archive = BucketArchive(lax_bucket(lax.endpoint))
        world.run(archive)
        for key in STRANGE:
            lax.objects[key] = Object(1, "0" * 32, b"x")
        found = check_of(world, archive)
        assert (found.error, found.checked, found.strangers) == (None, len(world.files), len(STRANGE))
        assert found.faults == ()
        assert [each.key for each in archive.listing()] == sorted(lax.objects)
        damaged = next(iter(world.archived().values()))
        lax.objects[damaged].content = b"?" * lax.objects[damaged].size
        assert [each.url for each in check_of(world, archive).faults] == [archive.url(damaged)]


def page(*keys: str, token: str) -> Say:
    rows = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
        for key in keys
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    return Say(200, body=f"<ListBucketResult>{more}{rows}</ListBucketResult>".encode())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda request: Hold(), "nothing of its listing came|no answer"),
        (lambda request: page(token=str(request.number)), "nothing of its listing came"),
        (lambda request: page(token="same"), "nothing of its listing came"),
        (lambda request: page(*(f"{n:03}" for n in range(500)), token="same"), "does not end|goes back"),
        (lambda request: page("a//", token=str(request.number)), "goes back"),
        (lambda request: page(*["a//"][: request.number == 1], token=str(request.number)), "does not end"),
        (lambda request: page(*["a//"][: request.number == 1], token="same"), "does not end"),
        (lambda request: Endless(10**6, b" ", 0.05), "nothing of its listing came"),
    ],
    ids=[
        "silence",
        "empty pages",
        "one empty page",
        "one page",
        "one stranger",
        "empty after",
        "same after",
        "drip",
    ],
)
def test_a_listing_that_does_not_end_is_ended(world: World, fault: object, reason: str) -> None:
    with LaxS3() as lax, S3Proxy(lax.port, fault) as proxy:  # type: ignore[arg-type]
        archive = BucketArchive(lax_bucket(proxy.endpoint, seconds=1))
        with pytest.raises(ArchiveError, match=reason):
            for _ in archive.listing():
                pass
        assert check_of(world, archive).error is not None


def read_fault(fault: Fault) -> object:
    return lambda request: fault if request.method == "GET" and request.key else None


def test_what_is_longer_than_it_should_be_is_not_read_to_its_end(world: World) -> None:
    with LaxS3(Tag.NONE) as lax, S3Proxy(lax.port, read_fault(Endless(10**15, b"x" * 65536))) as proxy:  # type: ignore[arg-type]
        summary = world.run(BucketArchive(lax_bucket(proxy.endpoint)))
        assert (summary.archived, summary.kinds) == (0, {"differs": len(world.files)})
        assert lax.objects == {}


def test_what_drips_is_given_up(world: World) -> None:
    with LaxS3() as lax:
        world.run(BucketArchive(lax_bucket(lax.endpoint)))
        with S3Proxy(lax.port, read_fault(Endless(3000, b"x", 0.05))) as proxy:  # type: ignore[arg-type]
            archive = BucketArchive(lax_bucket(proxy.endpoint, seconds=0.5))
            with pytest.raises(ArchiveUnavailable, match="too slowly"):
                b"".join(archive.read(next(iter(lax.objects))))
            assert "too slowly" in str(check_of(world, archive).error)
