"""Foreign files are copied into the cache while they are hashed, and left as they are."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from postkeep.errors import CacheError, FileMissing, NotMedia
from postkeep.media.cache import Cache
from postkeep.media.hashing import digest_bytes
from postkeep.model import Dimensions
from tests import media_bytes as make
from tests.media.disks import Failing

CONTENT = make.png(30, 20, seed=b"s" * 3_000_000)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def temporary(cache: Cache) -> list[Path]:
    return [path for path in (cache.root / "tmp").rglob("*") if path.is_file()]


def foreign(tmp_path: Path, content: bytes = CONTENT) -> Path:
    path = tmp_path / "foreign.bin"
    path.write_bytes(content)
    return path


def test_a_foreign_file_is_copied_and_left(cache: Cache, tmp_path: Path) -> None:
    path = foreign(tmp_path)
    os.utime(path, ns=(5, 5))
    staged = cache.take_in(path)
    assert staged.digest == digest_bytes([CONTENT])
    assert (staged.kind.extension, staged.dimensions, staged.whole) == ("png", Dimensions(30, 20), True)
    done = cache.commit(staged)
    assert cache.absolute(done.file.path).read_bytes() == CONTENT
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_nlink) == (CONTENT, 5, 1)
    assert (cache.root / done.file.path).stat().st_mode & 0o777 == 0o600
    assert temporary(cache) == []


def test_a_file_of_the_cache_under_a_wrong_name_gets_its_right_one(cache: Cache) -> None:
    wrong = cache.root / "media" / "images" / f"{'0' * 32}.jpg"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(CONTENT)
    staged = cache.take_in(wrong)
    assert cache.commit(staged).file.path == staged.name != f"media/images/{wrong.name}"
    assert cache.remove(f"media/images/{wrong.name}")
    assert [*cache.walk()] == [staged.name]


def test_a_cut_file_says_so(cache: Cache, tmp_path: Path) -> None:
    assert not cache.take_in(foreign(tmp_path, CONTENT[:-1])).whole


@pytest.mark.parametrize(("content", "found"), [(b"", "an empty body"), (b"<html>", "html")])
def test_what_is_no_media_is_not_taken(cache: Cache, tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(NotMedia, match=found):
        cache.take_in(foreign(tmp_path, content))
    assert temporary(cache) == []


def test_a_file_larger_than_allowed_is_not_taken(cache: Cache, tmp_path: Path) -> None:
    path = foreign(tmp_path)
    assert cache.take_in(path, most=len(CONTENT)).digest.size == len(CONTENT)
    before = temporary(cache)
    with pytest.raises(NotMedia, match="more than"):
        cache.take_in(path, most=len(CONTENT) - 1)
    assert temporary(cache) == before


def test_links_folders_and_pipes_are_no_files(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(foreign(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder", "absent", "foreign.bin/x", "x" * 300):
        with pytest.raises(FileMissing):
            cache.take_in(tmp_path / name)
    assert not cache.root.exists()


def test_a_file_that_cannot_be_read_is_named(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = foreign(tmp_path)
    monkeypatch.setattr(os, "readv", refuse)
    with pytest.raises(CacheError, match="foreign"):
        cache.take_in(path)
    assert temporary(cache) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    for count in range(9):
        disk = Failing(count, OSError(errno.ENOSPC, "full"), once=True)
        cache = Cache(tmp_path / f"cache-{count}", disk=disk)
        with pytest.raises(CacheError, match="free some space"):
            cache.take_in(path)
        assert disk.failed is not None
        assert temporary(cache) == []
        assert cache.commit(cache.take_in(path)).file.digest == digest_bytes([CONTENT])
