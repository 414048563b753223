"""One process evicts while others store, read, or take over from it after its death."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postkeep.errors import FileMissing
from postkeep.model import Body
from postkeep.points import EVICTION_POINTS
from postkeep.stages.eviction import finish_removals, note_use
from postkeep.store import Store, caching, keeping, stored_files
from tests.media_bytes import png
from tests.stages.kept import DAY, IDS, NOW, File, Kept, Place, Post, digest_of, made

ROOT = Path(__file__).parents[2]
LIVE = Place(Post("one"))


class Picture(File):
    """A file whose bytes are a picture, so that it can be stored like any other."""

    @property
    def content(self) -> bytes:
        return png(seed=self.name.encode())


def pictures(number: int) -> list[File]:
    return [Picture(f"f{n}", used_at=NOW - (n + 2) * DAY, places=(LIVE,)) for n in range(number)]


@contextmanager
def evicting(kept: Kept, moment: str, deed: str, *, limit: int, need: int) -> Iterator[subprocess.Popen[str]]:
    url = kept.store.url.render_as_string(hide_password=False)
    arguments = [url, str(kept.root), str(limit), str(need), moment, deed, NOW.isoformat()]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.stages.evicting", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def size_of(*files: File) -> int:
    return sum(len(each.content) for each in files)


@pytest.mark.parametrize("point", EVICTION_POINTS)
def test_killed_at_any_moment_the_next_ends_what_it_began(store: Store, tmp_path: Path, point: str) -> None:
    files = pictures(6)
    kept = made(store, tmp_path, *files)
    total = size_of(*files)
    with evicting(kept, point, "die", limit=total, need=size_of(files[5], files[4])) as process:
        assert process.wait() == -9
    # Rows first: nothing is said to be there that might not be.
    assert kept.left() == {"f0", "f1", "f2", "f3"}
    assert kept.path(files[5]).exists() == (point == "rows_evicted")
    assert all(kept.path(each).exists() for each in files[:4])

    freed = kept.evictor(size_of(*files[:4])).make_room(size_of(files[3]))

    assert freed.files == 1
    kept.check(*files)
    assert [kept.path(each).exists() for each in files] == [True] * 3 + [False] * 3


def test_killed_and_only_looked_after(store: Store, tmp_path: Path) -> None:
    files = pictures(3)
    kept = made(store, tmp_path, *files)
    with evicting(kept, "rows_evicted", "die", limit=size_of(*files), need=size_of(files[2])) as process:
        assert process.wait() == -9
    finish_removals(store, kept.cache, NOW)
    kept.check(*files)
    assert kept.left() == {"f0", "f1"}


def keep(kept: Kept, file: File) -> None:
    """Store content as a fetch does: a name and a row under one lock."""
    staged = kept.cache.stage(Body(len(file.content), (file.content,)))
    with kept.cache.sharing():
        cached = kept.cache.commit(staged).file
        kept.cache.sync_directories()
        with kept.store.writing() as tx:
            caching.keep_files(tx, [cached], ids=IDS, now=NOW)


@pytest.mark.parametrize("point", EVICTION_POINTS)
def test_what_is_stored_while_it_is_evicted_is_there_in_the_end(store: Store, tmp_path: Path, point: str) -> None:
    files = pictures(3)
    kept = made(store, tmp_path, *files)
    other = Picture("other")
    with evicting(kept, point, "wait", limit=size_of(*files), need=size_of(files[2])) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "there\n"
        storing = [threading.Thread(target=keep, args=(kept, each)) for each in (files[2], other)]
        for each in storing:
            each.start()
        # Readers are kept waiting by nobody: what is on its way out is not there, what stays is.
        with store.reading() as tx:
            read = stored_files.files_by(tx, "file_id", kept.file_ids.values())
        assert sum(each.cached_at is not None for each in read) == 2
        note_use(store, [kept.file_ids["f0"]], NOW)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "1\n"
        for each in storing:
            each.join()

    with store.reading() as tx:
        kept.file_ids["other"] = stored_files.files_by(tx, "sha256", [digest_of(other).sha256])[0].file_id
        assert keeping.is_unfinished(tx) is False
    assert kept.left() == {"f0", "f1", "f2", "other"}
    kept.check(*files, other)


def test_a_reader_that_comes_too_late_takes_nothing_for_missing(store: Store, tmp_path: Path) -> None:
    """It read the row, then the file went: that is no loss, and nothing is queued."""
    files = pictures(1)
    kept = made(store, tmp_path, *files)
    with store.reading() as tx:
        [read] = stored_files.files_by(tx, "file_id", kept.file_ids.values())
        assert keeping.as_read(tx, [read]) == [read.file_id]
    with evicting(kept, "", "", limit=size_of(*files), need=1) as process:
        assert process.communicate()[0] == "1\n"

    with pytest.raises(FileMissing):
        kept.cache.prove(read.path, sha256=read.sha256, strict=True)
    with store.reading() as tx:
        assert keeping.as_read(tx, [read]) == []
    keep(kept, files[0])
    with store.reading() as tx:
        [back] = stored_files.files_by(tx, "file_id", kept.file_ids.values())
        assert keeping.as_read(tx, [back]) == [back.file_id]


def test_two_that_evict_together_remove_each_file_once(store: Store, tmp_path: Path) -> None:
    files = pictures(8)
    kept = made(store, tmp_path, *files)
    need = size_of(*files[4:])
    with evicting(kept, "rows_evicted", "wait", limit=size_of(*files), need=need) as one:
        assert one.stdout is not None
        assert one.stdin is not None
        assert one.stdout.readline() == "there\n"
        with evicting(kept, "", "", limit=size_of(*files), need=need) as other:
            one.stdin.write("go\n")
            one.stdin.flush()
            assert one.stdout.readline() == "4\n"
            assert other.stdout is not None
            assert other.stdout.readline() == "0\n"
    assert kept.left() == {"f0", "f1", "f2", "f3"}
    kept.check(*files)
