"""A disk that refuses any one step of a batch: a clear stop, nothing half written, and it goes on afterwards."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

import pytest

from postkeep.errors import CacheError
from postkeep.media.cache import Cache, Fsync
from postkeep.media.disk import Disk
from postkeep.media.hashing import digest_bytes, md5_bytes
from postkeep.model import Body
from tests import media_bytes as make
from tests.media.disks import Failing, Noting, Step, Watched

FAULTS = {
    errno.ENOSPC: "free some space",
    errno.EROFS: "read-only",
    errno.EACCES: "permission denied",
    errno.EDQUOT: "quota",
    errno.EIO: "check it",
}
TORN = make.gif(seed=b"torn")
CONTENTS = [make.png(seed=b"1"), make.mp4(), TORN, make.pdf(), make.png(seed=b"1")]
SPILLED = make.webp(seed=b"spilled")


def batch(cache: Cache) -> None:
    """One batch as a fetch brings it, which discards what it does not commit."""
    staged = []
    with contextlib.ExitStack() as left:
        for content in CONTENTS:
            staged.append(cache.stage(Body(len(content), (content,))))
            left.callback(cache.discard, staged[-1])
        path = cache.spool()
        left.callback(path.unlink, missing_ok=True)
        path.write_bytes(SPILLED)
        staged.append(cache.stage(Body(len(SPILLED), path=path, digest=digest_bytes([SPILLED]))))
        cache.sync(staged)
        for each in staged:
            cache.commit(each)
        cache.sync_directories()


def prepared(root: Path) -> Path:
    """A root with a damaged file under the name of one of the batch."""
    path = root / f"media/images/{md5_bytes(TORN)}.gif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"torn")
    return root


def opened(root: Path, fsync: Fsync, disk: Disk) -> Cache:
    return Cache(prepared(root), fsync=fsync, disk=disk)


def temporary(root: Path) -> list[Path]:
    return [path for path in (root / "tmp").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("fsync", "number"),
    [*((Fsync.BATCH, number) for number in FAULTS), (Fsync.EACH, errno.ENOSPC), (Fsync.NONE, errno.EIO)],
)
def test_any_step_may_be_refused(tmp_path: Path, fsync: Fsync, number: int) -> None:
    asked: list[Step] = []
    batch(opened(tmp_path / "undisturbed", fsync, Watched(asked.append)))
    names = {step.name for step in asked}
    wanted = {"create", "write", "restrict", "link", "rename", "unlink", "make_folder"}
    assert wanted | (set() if fsync is Fsync.NONE else {"sync_file", "sync_folder"}) == names

    for count, step in enumerate(asked):
        root = tmp_path / f"cut-{count}"
        disk = Failing(count, OSError(number, os.strerror(number)), once=True)
        cache = opened(root, fsync, disk)
        told = ""
        try:
            batch(cache)
        except CacheError as error:
            told = error.message
        assert disk.failed is not None
        assert disk.failed.name == step.name
        # A temporary name that could not be removed is removed when it is discarded, or swept later.
        assert FAULTS[number] in told or disk.failed.name == "unlink"
        assert str(root) in told or not told
        for path in cache.walk():
            content = (root / path).read_bytes()
            assert Path(path).stem == md5_bytes(content) or content == b"torn", (count, step)
        assert temporary(root) == [], (count, step)
        # The fault is gone: the same process goes on, and all is there.
        batch(cache)
        cache.close()
        assert sorted((root / path).read_bytes() for path in cache.walk()) == sorted({*CONTENTS, SPILLED})
        shutil.rmtree(root)


def test_a_read_only_cache_is_still_read(tmp_path: Path) -> None:
    batch(Cache(tmp_path))
    disk = Failing(0, OSError(errno.EROFS, "read-only"))
    cache = Cache(tmp_path, disk=disk)
    for path in list(cache.walk()):
        digest, proof = cache.prove(path, sha256=None, strict=True)
        assert digest is not None
        assert cache.is_as_proven(path, proof)
    assert disk.failed is None
    with pytest.raises(CacheError, match="mounted read-only"):
        batch(cache)


@pytest.mark.parametrize("after", range(1, 40, 3))
@pytest.mark.parametrize("gone", ["", "tmp", "media", "media/images"])
def test_a_folder_removed_while_running(tmp_path: Path, gone: str, after: int) -> None:
    root = tmp_path / "cache"

    class Removing(Noting):
        def done(self, step: Step) -> None:
            super().done(step)
            if len(self.steps) == after:
                shutil.rmtree(root / gone, ignore_errors=True)

    cache = Cache(root, disk=Removing())
    with contextlib.suppress(CacheError):
        batch(cache)
    if not gone:
        assert not (root / "media").exists()
        root.mkdir(exist_ok=True)
    batch(cache)
    cache.close()
    assert sorted((root / path).read_bytes() for path in cache.walk()) == sorted({*CONTENTS, SPILLED})
    assert temporary(root) == []
