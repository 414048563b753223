"""Files of the cache are removed, nothing else is, and never while somebody relies on them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import multiprocessing
import os
import shutil
import threading
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from postkeep.errors import CacheError, FileMissing
from postkeep.media.cache import Cache
from postkeep.model import Body
from tests import media_bytes as make
from tests.media.disks import Noting

CONTENT = make.png()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def keep(cache: Cache) -> str:
    return cache.commit(cache.stage(Body(len(CONTENT), (CONTENT,)))).file.path


def test_a_file_is_removed_once(tmp_path: Path) -> None:
    disk = Noting()
    cache = Cache(tmp_path, disk=disk)
    path = keep(cache)
    cache.sync_directories()
    disk.steps.clear()
    assert cache.remove(path)
    assert not cache.remove(path)
    assert not cache.remove("media/images/x/y")
    cache.sync_directories()
    assert disk.paths("sync_folder") == [(tmp_path / path).parent]
    assert list(cache.walk()) == []


@pytest.mark.parametrize(
    "path",
    [
        "", "media", "media/", "/etc/passwd", "notes", "quarantine/x", "media/../notes",
        "media/images/../../notes", "media/./notes", "media//notes", "media/images/\0", "./media/images/x",
        "media/escape/notes",
    ],
)  # fmt: skip
def test_nothing_else_is_removed(cache: Cache, path: str) -> None:
    keep(cache)
    (cache.root / "notes").write_bytes(b"")
    (cache.root / "media" / "escape").symlink_to(cache.root)
    with pytest.raises(FileMissing):
        cache.remove(path)
    assert (cache.root / "notes").exists()


def test_links_and_folders_stay(cache: Cache, tmp_path: Path) -> None:
    path = keep(cache)
    outside = tmp_path / "outside"
    outside.write_bytes(CONTENT)
    (cache.root / path).unlink()
    (cache.root / path).symlink_to(outside)
    assert not cache.remove(path)
    assert not cache.remove("media/images")
    assert (cache.root / path).is_symlink()
    assert outside.exists()


def test_nothing_is_said_to_be_gone_when_the_whole_root_is(cache: Cache) -> None:
    path = keep(cache)
    shutil.rmtree(cache.root)
    with pytest.raises(CacheError, match="mount"):
        cache.remove(path)


# --- locks --------------------------------------------------------------------------------------------


def _share(root: str, inside: Event, leave: Event) -> None:
    with Cache(Path(root)).sharing():
        inside.set()
        leave.wait(60)


def test_alone_waits_for_another_process_that_shares(cache: Cache) -> None:
    context = multiprocessing.get_context("spawn")
    inside, leave = context.Event(), context.Event()
    other = context.Process(target=_share, args=(str(cache.root), inside, leave))
    other.start()
    assert inside.wait(60)
    with cache.sharing():
        pass
    alone = threading.Event()

    def work() -> None:
        with cache.alone():
            alone.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not alone.wait(0.2)
    leave.set()
    thread.join(60)
    assert alone.is_set()
    other.join(60)
    assert (cache.root / ".lock").stat().st_mode & 0o777 == 0o600


def test_a_process_that_dies_gives_its_lock_up(cache: Cache) -> None:
    context = multiprocessing.get_context("spawn")
    inside, leave = context.Event(), context.Event()
    other = context.Process(target=_share, args=(str(cache.root), inside, leave))
    other.start()
    assert inside.wait(60)
    other.kill()
    other.join(60)
    with cache.alone():
        pass


def test_threads_exclude_each_other(cache: Cache) -> None:
    inside, most = 0, [0, 0]
    count = threading.Lock()

    def work(number: int) -> None:
        nonlocal inside
        alone = number % 2
        for _ in range(30):
            with cache.alone() if alone else cache.sharing():
                with count:
                    inside += 1
                    most[alone] = max(most[alone], inside)
                with count:
                    inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[1] == 1


def test_who_waits_to_be_alone_is_not_overtaken(cache: Cache) -> None:
    order: list[str] = []
    first = contextlib.ExitStack()
    first.enter_context(cache.sharing())

    def work(name: str) -> None:
        with cache.alone() if name == "alone" else cache.sharing():
            order.append(name)

    alone = threading.Thread(target=work, args=("alone",))
    alone.start()
    # It waits for the first one once it holds the turn.
    descriptor = os.open(cache.root / ".turn", os.O_RDWR | os.O_CREAT)
    while _free(descriptor):
        threading.Event().wait(0.001)
    later = threading.Thread(target=work, args=("later",))
    later.start()
    first.close()
    alone.join(60)
    later.join(60)
    os.close(descriptor)
    assert order == ["alone", "later"]


def _free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def test_a_lock_file_that_is_removed_meanwhile_locks_nobody_out_of_step(cache: Cache) -> None:
    with cache.sharing():
        (cache.root / ".lock").unlink()
        (cache.root / ".turn").unlink()
        with cache.sharing():
            assert (cache.root / ".lock").exists()
    with cache.alone():
        pass


def test_a_lock_replaced_while_we_waited_is_taken_anew(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, calls = fcntl.flock, []

    def replaced(descriptor: int, how: int) -> None:
        flock(descriptor, how)
        calls.append(how)
        if len(calls) == 2:
            (cache.root / ".lock").unlink()
        if len(calls) == 3:
            (cache.root / ".lock").rename(cache.root / "other")
            (cache.root / ".lock").write_bytes(b"")

    monkeypatch.setattr(fcntl, "flock", replaced)
    with cache.alone():
        assert calls == [fcntl.LOCK_EX] * 4


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_goes_on(cache: Cache, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with cache.alone(), cache.sharing():
        pass


def test_a_disk_that_refuses_the_lock_is_named(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    keep(cache)
    # What earlier tests left to the collector must not be closed in between, and be taken for ours.
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        with pytest.raises(CacheError, match="locking"), cache.alone():
            raise AssertionError("not reached")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_an_error_inside_a_lock_stays_what_it_is(cache: Cache) -> None:
    with pytest.raises(OSError, match="mine"), cache.alone():
        raise OSError(errno.ENOSPC, "mine")
    with cache.alone():
        pass
