"""The cache: one name for one content, written whole or not at all, proven when read."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import multiprocessing
import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postkeep.errors import CacheError, FileDamaged, FileMissing, NotMedia
from postkeep.media.cache import Cache, Committed, Fsync, Staged, cache_path
from postkeep.media.disk import Disk
from postkeep.media.hashing import digest_bytes, digest_file, md5_bytes, md5_file
from postkeep.model import Body, Dimensions, MediaType
from tests import media_bytes as make
from tests.media.disks import Failing, Noting, Step, Watched

CONTENT = make.png(30, 20)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def body(content: bytes) -> Body:
    return Body(len(content), (content[:7], content[7:]))


def spilled(cache: Cache, content: bytes) -> Body:
    path = cache.spool()
    path.write_bytes(content)
    return Body(len(content), path=path, digest=digest_bytes([content]))


def keep(cache: Cache, content: bytes = CONTENT) -> Committed:
    return cache.commit(cache.stage(body(content)))


def temporary(cache: Cache) -> list[Path]:
    return [path for path in (cache.root / "tmp").rglob("*") if path.is_file()]


def kept(cache: Cache) -> dict[str, bytes]:
    return {path: (cache.root / path).read_bytes() for path in cache.walk()}


def test_making_a_cache_touches_nothing(cache: Cache) -> None:
    assert list(cache.walk()) == list(cache.strangers()) == []
    assert cache.total_size() == cache.sweep() == 0
    assert cache.legacy_path("https://a.example/") is None
    cache.sync_directories()
    cache.close()
    assert not cache.root.exists()


@pytest.mark.parametrize("mime", make.ALL)
@pytest.mark.parametrize("spill", [False, True])
def test_every_kind_goes_to_its_folder(cache: Cache, mime: str, spill: bool) -> None:
    content = make.ALL[mime](seed=b"seed")
    staged = cache.stage(spilled(cache, content) if spill else body(content))
    assert staged.kind.mime_type == mime
    done = cache.commit(staged)
    assert (done.existed, done.collision) == (False, False)
    file = done.file
    assert file.path == staged.name == cache_path(file.kind.media_type, md5_bytes(content), file.kind.extension)
    assert file.digest == digest_bytes([content]) == digest_file(cache.absolute(file.path))
    assert kept(cache) == {file.path: content}
    assert temporary(cache) == []
    assert cache.prove(file.path, sha256=file.digest.sha256, proof=file.proof) == (None, file.proof)
    with cache.open(file.path) as opened:
        assert opened.read() == content


def test_what_it_writes_is_for_its_user_alone(cache: Cache) -> None:
    keep(cache)
    cache.commit(cache.stage(spilled(cache, make.gif())))
    cache.quarantine(keep(cache, make.jpeg()).file.path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in cache.root.rglob("*") if path.is_file()}
    assert modes == {0o600}
    folders = [cache.root, *(path for path in cache.root.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_a_measured_file_and_its_hashes(cache: Cache, tmp_path: Path) -> None:
    staged = cache.stage(Body(len(CONTENT), (CONTENT,)))
    assert staged.dimensions == Dimensions(30, 20)
    large = tmp_path / "large"
    large.write_bytes(os.urandom(2 * 1024 * 1024 + 17))
    assert digest_file(large) == digest_bytes([large.read_bytes()])
    assert md5_file(large) == digest_file(large).md5
    cache.discard(staged)
    cache.discard(staged)
    assert temporary(cache) == []


@pytest.mark.parametrize("spill", [False, True])
@pytest.mark.parametrize(("content", "found"), [(b"<html>", "html"), (b"", "an empty body")])
def test_what_is_no_media_leaves_nothing(cache: Cache, spill: bool, content: bytes, found: str) -> None:
    with pytest.raises(NotMedia, match=found):
        cache.stage(spilled(cache, content) if spill else body(content))
    assert temporary(cache) == []


def test_a_spilled_file_shorter_than_its_digest_is_refused(cache: Cache) -> None:
    cut = spilled(cache, CONTENT)
    assert cut.path is not None
    cut.path.write_bytes(CONTENT[:-1])
    with pytest.raises(CacheError, match="bytes"):
        cache.stage(cut)
    assert temporary(cache) == []


def test_a_spilled_file_without_a_digest_is_hashed(cache: Cache) -> None:
    staged = cache.stage(dataclasses.replace(spilled(cache, CONTENT), digest=None))
    assert staged.digest == digest_bytes([CONTENT])


def test_equal_content_is_stored_once(cache: Cache) -> None:
    first, second = keep(cache), keep(cache)
    assert second.existed
    assert second.file == first.file
    assert len(kept(cache)) == 1
    assert temporary(cache) == []


@pytest.mark.parametrize("damage", [b"", b"\x89PNG torn", CONTENT[:-1] + b"x"])
def test_a_damaged_file_makes_way(cache: Cache, damage: bytes) -> None:
    path = cache.root / keep(cache).file.path
    path.write_bytes(damage)
    again = keep(cache)
    assert not again.existed
    assert path.read_bytes() == CONTENT
    assert [found.read_bytes() for found in (cache.root / "quarantine").iterdir()] == [damage]


def test_a_link_or_folder_under_the_name_makes_way(cache: Cache, tmp_path: Path) -> None:
    path = cache.root / keep(cache).file.path
    outside = tmp_path / "outside"
    outside.write_bytes(CONTENT)
    path.unlink()
    path.symlink_to(outside)
    assert not keep(cache).existed
    assert not path.is_symlink()
    path.unlink()
    path.mkdir()
    assert not keep(cache).existed
    assert path.read_bytes() == outside.read_bytes() == CONTENT


def test_one_md5_for_two_contents_is_stored_beside(cache: Cache) -> None:
    first = keep(cache)
    other = make.png(30, 20, seed=b"other")
    forged = cache.stage(body(other))
    forged = dataclasses.replace(forged, digest=dataclasses.replace(forged.digest, md5=first.file.digest.md5))
    second = cache.commit(forged)
    assert (second.collision, second.existed) == (True, False)
    assert second.file.path == first.file.path.replace(".png", f"-{forged.digest.sha256[:8]}.png")
    assert kept(cache) == {first.file.path: CONTENT, second.file.path: other}
    assert list(cache.strangers()) == []
    assert cache.locate(forged.digest, forged.kind) == (second.file.path, second.file.proof)

    again = dataclasses.replace(cache.stage(body(other)), digest=forged.digest)
    third = cache.commit(again)
    assert (third.collision, third.existed, third.file.path) == (True, True, second.file.path)
    (cache.root / second.file.path).write_bytes(b"torn")
    fourth = cache.commit(dataclasses.replace(cache.stage(body(other)), digest=forged.digest))
    assert (fourth.collision, fourth.existed) == (True, False)
    assert kept(cache) == {first.file.path: CONTENT, second.file.path: other}


def test_threads_that_bring_the_same_content_all_succeed(cache: Cache) -> None:
    gate = threading.Barrier(8)

    def run(_: int) -> Committed:
        staged = cache.stage(body(CONTENT))
        gate.wait()
        return cache.commit(staged)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(run, range(8)))
    assert sum(not one.existed for one in done) == 1
    assert {one.file for one in done} == {done[0].file}
    assert temporary(cache) == []


def _keep_many(root: str) -> None:
    cache = Cache(Path(root))
    for number in range(40):
        keep(cache, make.gif(seed=b"%d" % number))
    cache.close()


def test_processes_that_bring_the_same_content_all_succeed(cache: Cache) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_keep_many, args=(str(cache.root),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(kept(cache).values()) == sorted(make.gif(seed=b"%d" % number) for number in range(40))
    assert list((cache.root / "tmp").iterdir()) == []
    assert not (cache.root / "quarantine").exists()


# --- a death or a failing disk at every step ----------------------------------------------------------


class Death(BaseException):
    """Stands for a process that ends here."""


def steps_of_a_commit(root: Path, damaged: bool, fsync: Fsync) -> int:
    disk = Noting()
    cache = Cache(root, fsync=fsync, disk=disk)
    if damaged:
        (cache.root / keep(cache).file.path).write_bytes(b"torn")
    before = len(disk.steps)
    keep(cache)
    return len(disk.steps) - before


@pytest.mark.parametrize("fsync", Fsync)
@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("error", [Death(), OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "read-only")])
def test_nothing_half_written_after_any_step(
    tmp_path: Path, damaged: bool, error: BaseException, fsync: Fsync
) -> None:
    steps = steps_of_a_commit(tmp_path / "undisturbed", damaged, fsync)
    assert steps >= 4
    for count in range(steps):
        root = tmp_path / f"cut-{count}"
        if damaged:
            with contextlib.closing(Cache(root)) as before:
                (root / keep(before).file.path).write_bytes(b"torn")
        disk = Failing(count, error)
        with contextlib.suppress(Death, CacheError):
            keep(Cache(root, fsync=fsync, disk=disk))
        assert disk.failed is not None
        # The name holds all of it, nothing, or the damage that was there before; then the next run mends it.
        states: list[dict[str, bytes]] = [{}, {keep_name(): CONTENT}]
        assert kept(Cache(root)) in ([*states, {keep_name(): b"torn"}] if damaged else states), count
        again = Cache(root)
        assert keep(again).file.path == keep_name()
        assert kept(again) == {keep_name(): CONTENT}
        shutil.rmtree(root)


def keep_name() -> str:
    return cache_path(MediaType.IMAGE, md5_bytes(CONTENT), "png")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EDQUOT, "quota"),
        (errno.EBADMSG, "Bad message"),
    ],
)
@pytest.mark.parametrize("step", ["create", "write", "sync_file", "make_folder", "link"])
def test_a_disk_that_refuses_is_named(tmp_path: Path, number: int, words: str, step: str) -> None:
    def refuse(made: Step) -> None:
        if made.name == step:
            raise OSError(number, os.strerror(number))

    cache = Cache(tmp_path / "cache", disk=Watched(refuse))
    with pytest.raises(CacheError) as caught:
        keep(cache)
    assert str(cache.root) in caught.value.message
    assert words in caught.value.message
    assert temporary(cache) == []
    assert kept(cache) == {}


@pytest.mark.parametrize("fsync", [Fsync.BATCH, Fsync.EACH])
@pytest.mark.parametrize("spill", [False, True])
def test_bytes_are_on_the_disk_before_they_have_their_name(tmp_path: Path, spill: bool, fsync: Fsync) -> None:
    disk = Noting()
    cache = Cache(tmp_path, fsync=fsync, disk=disk)
    staged = cache.stage(spilled(cache, CONTENT) if spill else body(CONTENT))
    cache.commit(staged)
    steps = [step for step in disk.steps if step.name in ("sync_file", "link")]
    assert [(step.name, step.arguments[0]) for step in steps] == [
        ("sync_file", str(staged.temp)),
        ("link", str(staged.temp)),
    ]


def test_a_batch_is_synced_once_and_each_at_once_and_none_never(tmp_path: Path) -> None:
    contents = [make.gif(seed=b"%d" % number) for number in range(5)]
    synced: dict[Fsync, list[Path]] = {}
    for fsync in Fsync:
        disk = Noting()
        cache = Cache(tmp_path / fsync, fsync=fsync, disk=disk)
        staged = [cache.stage(body(content)) for content in contents]
        before = len(disk.paths("sync_file"))
        assert before == (5 if fsync is Fsync.EACH else 0)
        cache.sync(staged)
        cache.sync(staged)
        for each in staged:
            cache.commit(each)
        cache.sync_directories()
        synced[fsync] = disk.paths("sync_file")
        assert bool(disk.paths("sync_folder")) == (fsync is not Fsync.NONE)
        assert len(kept(cache)) == 5
        if fsync is not Fsync.NONE:
            assert sorted(synced[fsync]) == sorted(each.temp for each in staged)
        cache.close()
    assert synced[Fsync.NONE] == []


def test_an_unknown_fsync_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sometimes"):
        Cache(tmp_path, fsync="sometimes")


def test_a_slow_disk_is_synced_by_several_threads_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    class Slow(Disk):
        first = True

        def sync_file(self, path: str) -> None:
            if self.first:
                self.first = False
                threading.Event().wait(0.002)
            else:
                together.wait(30)

    with contextlib.closing(Cache(tmp_path, disk=Slow())) as cache:
        cache.sync([cache.stage(body(make.gif(seed=b"%d" % number))) for number in range(9)])
    assert together.n_waiting == 0


@pytest.mark.parametrize("slow", [False, True])
def test_a_batch_that_the_disk_refuses_is_given_up(tmp_path: Path, slow: bool) -> None:
    class Refusing(Disk):
        calls = 0

        def sync_file(self, path: str) -> None:
            self.calls += 1
            if slow:
                threading.Event().wait(0.002)
            if self.calls > 3:
                raise OSError(errno.EIO, "Input/output error")

    with contextlib.closing(Cache(tmp_path, disk=Refusing())) as cache:
        staged = [cache.stage(body(make.gif(seed=b"%d" % number))) for number in range(9)]
        with pytest.raises(CacheError, match="check it"):
            cache.sync(staged)
        assert temporary(cache) == []
        for each in staged:
            with pytest.raises(CacheError):
                cache.commit(each)
        assert kept(cache) == {}


def test_equal_content_that_stands_there_is_on_the_disk_before_it_is_relied_on(tmp_path: Path) -> None:
    careless = Cache(tmp_path, fsync=Fsync.NONE)
    path = keep(careless).file.path
    disk = Noting()
    with contextlib.closing(Cache(tmp_path, disk=disk)) as cache:
        assert keep(cache).existed
        assert tmp_path / path in disk.paths("sync_file")
        disk.steps.clear()
        file = cache.adopt(path)
        assert disk.paths("sync_file") == [tmp_path / path]
        disk.steps.clear()
        assert cache.locate(file.digest, file.kind) is not None
        cache.sync_directories()
        assert disk.paths("sync_file") == [tmp_path / path]
        assert (tmp_path / path).parent in disk.paths("sync_folder")


def test_short_writes_are_finished(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, view: write(descriptor, view[:5]))
    assert kept(cache) == {} != {keep(cache).file.path: CONTENT} == kept(cache)


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EPERM])
def test_a_file_system_without_hard_links(cache: Cache, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    assert not keep(cache).existed
    assert keep(cache).existed
    (cache.root / keep_name()).write_bytes(b"torn")
    assert not keep(cache).existed
    assert kept(cache) == {keep_name(): CONTENT}
    assert temporary(cache) == []


def test_a_root_that_goes_away_is_not_made_anew(cache: Cache) -> None:
    path = keep(cache).file.path
    staged = cache.stage(body(make.gif()))
    shutil.rmtree(cache.root)
    for attempt in (
        lambda: cache.commit(staged),
        lambda: cache.stage(body(CONTENT)),
        lambda: cache.prove(path, sha256=None),
        cache.sync_directories,
    ):
        with pytest.raises(CacheError):
            attempt()
    assert not cache.root.exists()


def test_a_folder_that_goes_away_is_made_anew(cache: Cache) -> None:
    keep(cache)
    shutil.rmtree(cache.root / "media")
    shutil.rmtree(cache.root / "tmp")
    assert not keep(cache).existed
    cache.sync_directories()


def test_a_temporary_file_that_goes_away_is_an_error(cache: Cache) -> None:
    staged = cache.stage(body(CONTENT))
    staged.temp.unlink()
    with pytest.raises(CacheError, match="run again"):
        cache.commit(staged)


def test_folders_are_synced_once(tmp_path: Path) -> None:
    disk = Noting()
    cache = Cache(tmp_path / "cache", disk=disk)
    keep(cache)
    keep(cache, make.gif())
    cache.sync_directories()
    synced = disk.paths("sync_folder")
    assert synced.count(cache.root / "media" / "images") == 1
    assert {cache.root.parent, cache.root, cache.root / "media"} <= set(synced)
    disk.steps.clear()
    cache.sync_directories()
    assert disk.steps == []
    keep(cache)
    disk.steps.clear()
    cache.sync_directories()
    assert disk.paths("sync_folder") == [cache.root / "media" / "images"]


def test_folders_that_could_not_be_synced_are_tried_again(tmp_path: Path) -> None:
    refused = Failing(0, OSError(errno.EIO, "Input/output error"))
    refused.left = 1000
    cache = Cache(tmp_path, disk=refused)
    keep(cache)
    refused.left = 0
    with pytest.raises(CacheError, match="check it"):
        cache.sync_directories()
    refused.left = 1000
    cache.sync_directories()
    assert 1000 - refused.left >= 1
    cache.sync_directories()
    assert 1000 - refused.left < 5


def test_staged_files_know_their_names(cache: Cache) -> None:
    staged: Staged = cache.stage(body(CONTENT))
    assert staged.name == f"media/images/{md5_bytes(CONTENT)}.png"
    assert staged.temp.parent.parent == cache.root / "tmp"


# --- reading ------------------------------------------------------------------------------------------


def test_a_file_is_hashed_only_when_it_changed(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    file = keep(cache).file
    full = cache.absolute(file.path)
    known = {"sha256": file.digest.sha256, "md5": file.digest.md5}
    assert cache.prove(file.path, **known, proof=file.proof)[0] is None
    assert cache.prove(file.path, **known, proof=file.proof, strict=True) == (file.digest, file.proof)
    assert cache.prove(file.path, **known) == (file.digest, file.proof)
    os.utime(full, ns=(1, 1))
    digest, proof = cache.prove(file.path, **known, proof=file.proof)
    assert digest == file.digest
    assert proof.mtime_ns == 1


def test_damage_is_found(cache: Cache) -> None:
    file = keep(cache).file
    full = cache.absolute(file.path)
    full.write_bytes(CONTENT[:-1] + b"x")
    for hashes in ({"sha256": file.digest.sha256}, {"sha256": None, "md5": file.digest.md5}):
        with pytest.raises(FileDamaged, match=file.digest.md5):
            cache.prove(file.path, **hashes, proof=file.proof)
    # Damage that keeps size and time is what the strict mode is for.
    os.utime(full, ns=(file.proof.mtime_ns, file.proof.mtime_ns))
    assert cache.prove(file.path, sha256=file.digest.sha256, proof=file.proof)[0] is None
    with pytest.raises(FileDamaged):
        cache.prove(file.path, sha256=file.digest.sha256, proof=file.proof, strict=True)
    assert cache.prove(file.path, sha256=None)[0] == digest_file(full)


def test_a_sector_that_cannot_be_read_is_damage(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    file = keep(cache).file

    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "readv", refuse)
    with pytest.raises(FileDamaged, match="cannot read"):
        cache.prove(file.path, sha256=None)
    assert not keep(cache).existed
    assert len(list((cache.root / "quarantine").iterdir())) == 1


def test_a_file_that_may_not_be_read_is_not_called_missing(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    file = keep(cache).file
    monkeypatch.setattr("postkeep.media.proving.open_regular", refuse)
    with pytest.raises(CacheError, match="permission denied"):
        cache.prove(file.path, sha256=None)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../outside",
        "media/../../outside",
        "media/images/../images/x",
        "media/images/\0",
        "media/\ud800",
        "media/images/absent.png",
        "media/images",
        "escape/outside",
        "link",
        "loop",
        "pipe",
        "media/images/" + "x" * 300,
        "file/x",
    ],
)
def test_paths_that_are_not_files_of_the_cache(cache: Cache, path: str) -> None:
    keep(cache)
    outside = cache.root.parent / "outside"
    outside.write_bytes(CONTENT)
    (cache.root / "escape").symlink_to(cache.root.parent)
    (cache.root / "link").symlink_to(outside)
    (cache.root / "loop").symlink_to(cache.root / "loop")
    (cache.root / "file").write_bytes(b"")
    os.mkfifo(cache.root / "pipe")
    with pytest.raises(FileMissing):
        cache.prove(path, sha256=None)
    with pytest.raises(FileMissing):
        cache.open(path)
    assert outside.read_bytes() == CONTENT


def test_quarantine_keeps_what_it_moves(cache: Cache) -> None:
    path = keep(cache).file.path
    first = cache.quarantine(path)
    keep(cache)
    second = cache.quarantine(path)
    assert first != second
    assert first.read_bytes() == second.read_bytes() == CONTENT
    assert {first.parent, second.parent} == {cache.root / "quarantine"}
    for gone in (path, "../outside", "media/images/x/y"):
        with pytest.raises(FileMissing):
            cache.quarantine(gone)


def test_content_is_located_by_its_hash(cache: Cache) -> None:
    file = keep(cache).file
    assert cache.locate(file.digest, file.kind) == (file.path, file.proof)
    cache.absolute(file.path).write_bytes(b"torn")
    assert cache.locate(file.digest, file.kind) is None
    cache.absolute(file.path).unlink()
    assert cache.locate(file.digest, file.kind) is None


def test_files_are_listed_and_counted(cache: Cache) -> None:
    contents = [make.png(seed=b"1"), make.gif(), make.mp4(), make.pdf()]
    paths = {keep(cache, content).file.path for content in contents}
    images = cache.root / "media" / "images"
    (images / "notes.txt").write_bytes(b"12345")
    (images / "nested").mkdir()
    (images / "nested" / f"{'0' * 32}.png").write_bytes(b"1")
    (images / f"{'1' * 32}.png").symlink_to(images / "notes.txt")
    (cache.root / "media" / f"{'2' * 32}.png").write_bytes(b"1")
    assert set(cache.walk()) == paths
    folders = [path.split("/")[1] for path in cache.walk()]
    assert folders == sorted(folders)
    assert set(cache.strangers()) == {
        "media/images/notes.txt",
        f"media/images/nested/{'0' * 32}.png",
        f"media/images/{'1' * 32}.png",
        f"media/{'2' * 32}.png",
    }
    assert cache.usage() == {
        MediaType.IMAGE: (2, len(contents[0]) + len(contents[1])),
        MediaType.VIDEO: (1, len(contents[2])),
        MediaType.DOCUMENT: (1, len(contents[3])),
    }
    assert cache.total_size() == sum(map(len, contents))


def test_listing_stops_cleanly_in_the_middle(cache: Cache) -> None:
    for number in range(3):
        keep(cache, make.gif(seed=b"%d" % number))
    walk = cache.walk()
    assert next(walk)
    del walk


def test_the_predecessors_files_are_found_by_url(cache: Cache) -> None:
    url = "https://media.example/a?e=1&t=ü"
    images = cache.root / "images"
    images.mkdir(parents=True)
    assert cache.legacy_path(url) is None
    path = images / f"{md5_bytes(url.encode())}.jpeg"
    path.write_bytes(CONTENT)
    os.utime(images, ns=(5, 5))
    assert cache.legacy_path(url) == path
    assert cache.legacy_path(url + "x") is None
    path.unlink()
    assert cache.legacy_path(url) is None
