"""The cache: one name for one content, written whole or not at all, proven when read."""

from __future__ import annotations

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
from postkeep.media import disk
from postkeep.media.cache import Cache, Committed, Staged, cache_path
from postkeep.media.hashing import digest_bytes, digest_file, md5_bytes, md5_file
from postkeep.model import Body, Dimensions, MediaType
from tests import media_bytes as make

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


def break_after(monkeypatch: pytest.MonkeyPatch, count: int, error: BaseException) -> list[str]:
    """Let the first `count` file operations pass and raise in every later one; returns those made."""
    made: list[str] = []

    def wrap(owner: object, name: str, label: str) -> None:
        original = getattr(owner, name)

        def call(*args: object, **kwargs: object) -> object:
            made.append(label)
            if len(made) > count and label != "close":
                raise error
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for name in ("write", "fsync", "link"):
        wrap(os, name, name)
    for name in ("unlink", "mkdir", "rename", "stat"):
        wrap(Path, name, name)
    wrap(disk, "open_regular", "open")
    return made


def steps_of_a_commit(root: Path, damaged: bool) -> int:
    cache = Cache(root)
    if damaged:
        (cache.root / keep(cache).file.path).write_bytes(b"torn")
    with pytest.MonkeyPatch.context() as patch:
        made = break_after(patch, 10_000, Death())
        keep(cache)
    return len(made)


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("error", [Death(), OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "read-only")])
def test_nothing_half_written_after_any_step(tmp_path: Path, damaged: bool, error: BaseException) -> None:
    steps = steps_of_a_commit(tmp_path / "undisturbed", damaged)
    assert steps > 5
    for count in range(steps):
        cache = Cache(tmp_path / f"cut-{count}")
        if damaged:
            (cache.root / keep(cache).file.path).write_bytes(b"torn")
        with pytest.MonkeyPatch.context() as patch:
            break_after(patch, count, error)
            try:
                keep(cache)
            except (Death, CacheError):
                pass
        # The name holds all of it, nothing, or the damage that was there before; then the next run mends it.
        states: list[dict[str, bytes]] = [{}, {keep_name(): CONTENT}]
        assert kept(cache) in ([*states, {keep_name(): b"torn"}] if damaged else states), count
        again = Cache(cache.root)
        assert keep(again).file.path == keep_name()
        assert kept(again) == {keep_name(): CONTENT}
        shutil.rmtree(cache.root)


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
@pytest.mark.parametrize("call", ["write", "fsync", "link"])
def test_a_disk_that_refuses_is_named(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, number: int, words: str, call: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> object:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(CacheError) as caught:
        keep(cache)
    assert str(cache.root) in caught.value.message
    assert words in caught.value.message
    assert temporary(cache) == []
    assert kept(cache) == {}


@pytest.mark.parametrize("spill", [False, True])
def test_bytes_are_on_the_disk_before_they_have_their_name(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, spill: bool
) -> None:
    steps: list[tuple[str, int]] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        steps.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def noted_link(source: Path, target: Path) -> None:
        steps.append(("link", source.stat().st_ino))
        link(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    inode = cache.commit(cache.stage(spilled(cache, CONTENT) if spill else body(CONTENT))).file.proof.inode
    assert steps == [("fsync", inode), ("link", inode)]


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


def test_folders_are_synced_once(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    original = disk.sync_folder
    monkeypatch.setattr(disk, "sync_folder", lambda path: (synced.append(path), original(path)))
    keep(cache)
    keep(cache, make.gif())
    cache.sync_directories()
    assert synced.count(cache.root / "media" / "images") == 1
    assert {cache.root.parent, cache.root, cache.root / "media"} <= set(synced)
    synced.clear()
    cache.sync_directories()
    assert synced == []
    keep(cache)
    cache.sync_directories()
    assert synced == [cache.root / "media" / "images"]


def test_folders_that_could_not_be_synced_are_tried_again(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(cache)

    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "sync_folder", refuse)
        with pytest.raises(CacheError, match="check it"):
            cache.sync_directories()
    synced: list[Path] = []
    monkeypatch.setattr(disk, "sync_folder", synced.append)
    cache.sync_directories()
    assert cache.root / "media" / "images" in synced


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

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("postkeep.media.cache.digest_open", refuse)
    with pytest.raises(FileDamaged, match="cannot read"):
        cache.prove(file.path, sha256=None)
    assert not keep(cache).existed
    assert len(list((cache.root / "quarantine").iterdir())) == 1


def test_a_file_that_may_not_be_read_is_not_called_missing(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    file = keep(cache).file
    monkeypatch.setattr(disk, "open_regular", refuse)
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
