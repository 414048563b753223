"""A disk that is full, read-only, closed or gone in the middle of a run: a clear stop, and later it goes on."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postkeep import points
from postkeep.cli.exits import Exit, of_fetch
from postkeep.config import CacheConfig, Config, FetchConfig
from postkeep.library import open_library
from postkeep.model import RunStatus
from postkeep.stages.fetch import outcomes
from postkeep.views import FetchSummary
from tests.canonical import temporary_files
from tests.library.world import World, picture, with_pictures
from tests.servers.media import MediaServer

_FILES = 30
_BYTES = 200_000
_SIZE = 3_000_000
_INODES = 30
_TRIES, _TRY_SECONDS = 500, 0.01

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def mount(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB in memory."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux mounts small disks")
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", f"size={_SIZE},mode=700", "tmpfs", str(disk)):
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def at(moment: str, deed: Callable[[], None], *, number: int = 1) -> Iterator[None]:
    """Do something at a named moment of this process, once."""
    left = [number]

    def passed(name: str) -> None:
        if name == moment:
            left[0] -= 1
            if left[0] == 0:
                deed()

    points.watch(passed)
    try:
        yield
    finally:
        points.watch(None)
    assert left[0] <= 0, f"{moment} was never passed"


@contextmanager
def world_on(
    folder: Path, cache: Path, database: str, *, fsync: str = "batch", files: int = _FILES
) -> Iterator[World]:
    """A library whose cache is elsewhere, and a post with so many large pictures that nobody has fetched yet."""
    with MediaServer() as server:
        config = Config(
            folder / "home", database, FetchConfig(allow=(server.allow,)), CacheConfig(cache, fsync=fsync)
        )
        with open_library(config, connect_to=(f"media.licdn.com:80:{server.allow}",)) as library:
            here = World(folder, server, config, library)
            urls = [here.asset(f"D4{n:02}", picture(f"{n}") + bytes(_BYTES)) for n in range(files)]
            here.bring(with_pictures(1, *urls), fetch=False)
            yield here


def check_stopped(here: World, summary: FetchSummary, *words: str) -> None:
    """Assert that the run said why it ended, that nothing is half written and that no try was spent."""
    assert (summary.status, of_fetch(summary)) == (RunStatus.FAILED, Exit.UNAVAILABLE)
    assert summary.error is not None
    for word in (str(here.root), *words):
        assert word in summary.error
    assert here.library.runs()[0].error == summary.error
    promised = {
        path for (path,) in here.rows("SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL")
    }
    there = here.cached() if here.root.exists() else {}
    assert promised <= set(there)
    for path in there:
        assert hashlib.md5((here.root / path).read_bytes()).hexdigest() == Path(path).stem
    states = list(here.states().values())
    assert {states.count("fetched"), len(states)} == {len(promised), _FILES} or set(states) == {"fetched"}
    assert set(states) <= {"fetched", "pending"}
    assert here.queued() == states.count("pending")
    assert here.rows("SELECT coalesce(max(fails), 0) FROM work") == [(0,)]
    assert here.library.verify_database() == []


def check_goes_on(here: World) -> None:
    """Assert that the next run does what is left, and that all is there then."""
    summary = here.library.fetch_due()
    assert (summary.status, summary.error) == (RunStatus.COMPLETED, None)
    assert set(here.states().values()) == {"fetched"}
    assert len(here.cached()) == _FILES
    assert here.queued() == 0
    found = here.library.verify_cache()
    assert found.clean
    assert found.strangers == ()
    assert here.library.verify_database() == []


# --- full -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fsync", ["batch", "each"])
def test_a_disk_that_fills_up(tmp_path: Path, small_disk: Path, database_url: str, fsync: str) -> None:
    with world_on(tmp_path, small_disk / "cache", database_url, fsync=fsync) as here:
        summary = here.library.fetch_due()

        check_stopped(here, summary, "the disk is full", "free some space")
        assert temporary_files(here.root) == []
        again = here.library.fetch_due()
        check_stopped(here, again, "the disk is full")
        assert len(here.cached()) < _FILES
        assert mount("-o", f"remount,size={10 * _SIZE}", str(small_disk))
        check_goes_on(here)
        assert temporary_files(here.root) == []


@pytest.mark.parametrize("batch", [1, 5, 200])
def test_a_disk_that_takes_no_more_names(
    tmp_path: Path, small_disk: Path, database_url: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for bytes, and at some moment none for one more file, folder or second name."""
    monkeypatch.setattr(outcomes, "MOST", batch)
    assert mount("-o", f"remount,size={10 * _SIZE},nr_inodes={_INODES}", str(small_disk))
    with world_on(tmp_path, small_disk / "cache", database_url) as here:
        summary = here.library.fetch_due()

        check_stopped(here, summary, "the disk is full")
        assert temporary_files(here.root) == []
        assert mount("-o", f"remount,size={10 * _SIZE},nr_inodes={10 * _INODES}", str(small_disk))
        check_goes_on(here)
        assert temporary_files(here.root) == []


def test_a_full_disk_in_an_import(tmp_path: Path, small_disk: Path, database_url: str) -> None:
    """The records are stored, whatever becomes of their media."""
    with world_on(tmp_path, small_disk / "cache", database_url) as here:
        [source] = map(str, (tmp_path / "in").iterdir())
        summary = here.library.import_([source])

        assert (summary.status, summary.duplicates, summary.media.found) == (RunStatus.FAILED, 1, _FILES)
        assert summary.error is not None
        assert "the disk is full" in summary.error
        assert summary.media.cached == len(here.cached()) < _FILES
        assert summary.media.errors == 0
        assert temporary_files(here.root) == []


# --- read-only, closed, gone ------------------------------------------------------------------------------


def test_a_disk_that_becomes_read_only(
    tmp_path: Path, small_disk: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "MOST", 5)
    assert mount("-o", f"remount,size={10 * _SIZE}", str(small_disk))

    def close() -> None:
        # While a file is being written the system refuses.
        for _ in range(_TRIES):
            if mount("-o", "remount,ro", str(small_disk)):
                return
            time.sleep(_TRY_SECONDS)
        raise AssertionError("the disk was never idle")

    with world_on(tmp_path, small_disk / "cache", database_url) as here:
        with at("journal_settled", close):
            summary = here.library.fetch_due()

        check_stopped(here, summary, "read-only")
        assert 0 < len(here.cached()) < _FILES
        # What is there is still proven and given out.
        assert here.library.verify_cache().clean
        assert mount("-o", "remount,rw", str(small_disk))
        check_goes_on(here)


_ORDINARY = 65534
"""A user and a group without rights of their own, the usual number of `nobody`."""
_CANNOT = 77


@pytest.fixture
def enterable(database_url: str) -> Iterator[Path]:
    """The ordinary user's folder, with a database: the tests' own lets nobody in but who runs them."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        database = shutil.copy(database_url.removeprefix("sqlite:///"), folder)
        if os.geteuid() == 0:
            for path in (folder, database):
                os.chown(path, _ORDINARY, _ORDINARY)
        yield Path(folder)


def test_a_folder_that_is_closed(tmp_path: Path, enterable: Path) -> None:
    """In a process of its own: no folder stops root, as which CI runs, so that it has to become another user."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.test_disk", str(tmp_path), str(enterable)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == _CANNOT:
        pytest.skip("this user may write everywhere, and become no other")
    assert done.returncode == 0, done.stderr


def become_ordinary() -> bool:
    """Give up root's rights, if they are there; False when they cannot be given up."""
    if os.geteuid() == 0:
        try:
            os.setgroups([])
            os.setresgid(_ORDINARY, _ORDINARY, _ORDINARY)
            os.setresuid(_ORDINARY, _ORDINARY, _ORDINARY)
        except OSError:
            return False
    return True


def do_it_once(folder: Path) -> None:
    """Import all that is imported late: the ordinary user may not be let into where Python lies."""
    (folder / "once").mkdir()
    with world_on(folder / "once", folder / "once" / "cache", "", files=1) as here:
        here.library.fetch_due()
        here.library.verify_cache()
        here.library.verify_database()


def close_a_folder(folder: Path) -> None:
    outcomes.MOST = 5
    with world_on(folder, folder / "cache", f"sqlite:///{folder}/postkeep.db") as here:
        images = here.root / "media" / "images"
        with at("file_renamed", lambda: images.chmod(0o500), number=3):
            summary = here.library.fetch_due()

        check_stopped(here, summary, "permission denied")
        images.chmod(0o700)
        check_goes_on(here)
        assert temporary_files(here.root) == []


@pytest.mark.parametrize("moment", ["file_staged", "file_journaled", "file_renamed"])
def test_a_cache_that_is_removed(
    tmp_path: Path, database_url: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the first batch: no row may speak of a file that went with the folder."""
    monkeypatch.setattr(outcomes, "MOST", 10)
    with world_on(tmp_path, tmp_path / "cache", database_url) as here:
        # In one step: what removes file by file meets what is written anew meanwhile.
        gone = tmp_path / "gone"
        with at(moment, lambda: here.root.rename(gone), number=1 if moment == "file_journaled" else 5):
            summary = here.library.fetch_due()

        assert not here.root.exists()
        check_stopped(here, summary, "is not there")
        here.root.mkdir(mode=0o700)
        check_goes_on(here)
        assert temporary_files(here.root) == []


if __name__ == "__main__":
    do_it_once(Path(sys.argv[1]))
    if not become_ordinary():
        sys.exit(_CANNOT)
    close_a_folder(Path(sys.argv[2]))
