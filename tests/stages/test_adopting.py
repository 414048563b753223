"""A predecessor's cache is taken over whole, once, without a request, and nothing of it is changed."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postkeep.errors import CacheError, SourceError
from postkeep.library import open_library
from postkeep.media.foreign import foreign_files
from postkeep.media.hashing import md5_bytes
from postkeep.model import RunStatus
from postkeep.stages import adopting
from postkeep.views import AdoptSummary
from tests.canonical import dump, temporary_files
from tests.library.world import World, picture, with_pictures, world
from tests.media_bytes import jpeg, mp4, pdf

HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@dataclass
class Old:
    """A predecessor's cache that is built file by file."""

    folder: Path
    seen: int = 0
    known_defects: dict[str, set[str]] = field(default_factory=dict)

    def put(self, name: str, content: bytes, *, defect: str = "") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.noted(name, defect)
        return path

    def noted(self, name: str, defect: str) -> None:
        self.seen += 1
        if defect:
            self.known_defects.setdefault(defect, set()).add(name)

    def of_url(self, url: str, content: bytes, *, ext: str = "jpg", folder: str = "images") -> Path:
        return self.put(f"{folder}/{md5_bytes(url.encode())}.{ext}", content)

    def of_content(self, content: bytes, *, ext: str = "png", folder: str = "media/images") -> Path:
        return self.put(f"{folder}/{md5_bytes(content)}.{ext}", content)

    def state(self) -> dict[str, tuple[int, int, int, bytes]]:
        """Everything below the folder with inode, mode, time and content."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            state = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (state.st_ino, state.st_mode, state.st_mtime_ns, content)
        return found


@pytest.fixture
def old(tmp_path: Path) -> Old:
    (tmp_path / "old").mkdir()
    return Old(tmp_path / "old")


def url(number: int, t: str = "a") -> str:
    return World.licdn(f"/dms/image/v2/A{number:03}/feedshare-shrink_800/0/1", t=t)


def posts(here: World, count: int) -> None:
    """Posts with one picture each, not fetched: the rows to join to."""
    here.bring(*(with_pictures(number + 1, url(number)) for number in range(count)), fetch=False)


def state_of(here: World, number: int) -> tuple[str, str | None]:
    [(state, md5)] = here.rows("SELECT download_state, md5_sum FROM post_media WHERE media_url = ?", url(number))
    return state, md5


def adopt(here: World, old: Old, **more: object) -> AdoptSummary:
    return here.library.adopt_cache(old.folder, **more)


def counts(done: AdoptSummary) -> tuple[int, ...]:
    return done.seen, done.adopted, done.known, done.linked, done.unknown


def many(here: World, old: Old) -> None:
    """More than two hundred files: every way to be joined, and every defect."""
    posts(here, 160)
    contents = {number: picture(f"c{number}") for number in range(160)}
    for number in range(60):
        old.of_url(url(number), contents[number], folder="images" if number % 2 else "cache/images")
    for number in range(60, 90):
        old.of_url(url(number), contents[number], ext="bin", folder="cache/images/deep/er")
    for number in range(90, 130):
        old.of_content(contents[number])
        here.write_rows(
            "UPDATE post_media SET md5_sum = ? WHERE media_url = ?", md5_bytes(contents[number]), url(number)
        )
    for number in range(130, 140):
        film = mp4(seed=f"f{number}".encode())
        old.of_content(film, ext="bin", folder="media/documents")
        here.write_rows("UPDATE post_media SET md5_sum = ? WHERE media_url = ?", md5_bytes(film), url(number))
    for number in range(140, 150):
        old.put(f"loose/scan {number}.dat", contents[number])
        here.write_rows(
            "UPDATE post_media SET local_file_path = ? WHERE media_url = ?",
            f"cache/media/images/scan {number}.dat",
            url(number),
        )
    for number in range(20):
        old.put(f"images/{number:032x}.jpg", jpeg(seed=f"unknown{number}".encode()))
    for number in range(10):
        old.put(f"copies/{number}.png", contents[number])
        old.put(f"images/{number:028x}abcd.jpg", HTML + bytes([number]), defect="not media")
        content = picture(f"torn{number}")
        old.put(f"media/images/{md5_bytes(content)}.png", content[:-5] + b"\0" * 5, defect="damaged")
    for number in range(5):
        old.put(f"media/videos/{number:032x}.mp4", b"", defect="not media")
    old.put("readme.txt", b"an old cache", defect="not media")
    (old.folder / "images" / "link.jpg").symlink_to(old.folder / "readme.txt")
    (old.folder / "elsewhere").symlink_to(here.folder / "in")
    os.mkfifo(old.folder / "images" / "pipe.jpg")
    for name in ("images/link.jpg", "elsewhere", "images/pipe.jpg"):
        old.noted(name, "not media")


def test_a_whole_old_cache_is_taken_over_without_a_request(here, old):
    many(here, old)
    before = old.state()
    assert old.seen > 200

    done = adopt(here, old)

    assert counts(done) == (old.seen, 170, 10, 150, 20)
    assert {each.where for each in done.not_media} == old.known_defects["not media"]
    assert {each.where for each in done.damaged} == old.known_defects["damaged"]
    assert (done.unreadable, done.status, done.error) == ((), RunStatus.PARTIAL, None)
    assert old.state() == before
    assert len(here.server.requests) == 0
    states = dict(here.rows("SELECT download_state, count(*) FROM post_media GROUP BY download_state"))
    assert states == {"fetched": 150, "pending": 10}
    assert here.queued() == 10
    assert here.library.verify_cache().sound == 170
    assert len(here.cached()) == 170
    assert done.bytes == sum((here.root / path).stat().st_size for path in here.cached())
    # The content's type wins over the row's and the folder's.
    assert here.rows("SELECT DISTINCT media_type, mime_type FROM post_media WHERE media_type <> 'image'") == [
        ("video", "video/mp4")
    ]
    assert here.library.runs()[1].kind == "cache-adopt"
    found = here.library.find_file(url=url(3))
    assert found is not None
    assert Path(found.path).read_bytes() == picture("c3")
    here.check()


def test_doing_it_again_copies_and_changes_nothing(here, old, monkeypatch):
    many(here, old)
    adopt(here, old)
    before = dump(here.store), here.cached()

    def copied(*_: object) -> None:
        raise AssertionError("something was copied again")

    monkeypatch.setattr(type(here.library._cache), "take_in", copied)
    again = adopt(here, old)

    assert counts(again) == (old.seen, 0, 180, 0, 0)
    assert (again.bytes, len(again.damaged)) == (0, 10)
    assert (dump(here.store), here.cached()) == before


def test_a_dry_run_says_the_same_and_leaves_no_trace(here, old):
    many(here, old)
    before, runs = dump(here.store), len(here.library.runs())

    dry = adopt(here, old, dry_run=True)

    assert (dry.run_id, dry.dry_run) == (None, True)
    assert dump(here.store) == before
    assert len(here.library.runs()) == runs
    assert here.cached() == {}
    real = adopt(here, old)
    assert counts(dry) == counts(real)
    assert (dry.bytes, set(dry.damaged)) == (real.bytes, set(real.damaged))


def test_posts_that_are_imported_later_are_joined_by_doing_it_again(here, old):
    old.of_url(url(0), picture("a"))
    first = adopt(here, old)
    posts(here, 1)

    second = adopt(here, old)

    assert (counts(first), counts(second)) == ((1, 1, 0, 0, 1), (1, 0, 1, 1, 0))
    assert state_of(here, 0) == ("fetched", md5_bytes(picture("a")))
    assert here.queued() == 0
    here.check()


def test_a_fragment_is_no_part_of_the_name(here, old):
    posts(here, 1)
    here.write_rows("UPDATE post_media SET media_url = ?", url(0) + "#part")
    old.of_url(url(0), picture("a"))

    assert adopt(here, old).linked == 1


def test_one_content_is_joined_to_every_row_that_shows_it(here, old):
    here.bring(with_pictures(1, url(0)), with_pictures(2, url(0)), with_pictures(3, url(1)), fetch=False)
    old.of_url(url(0), picture("same"))
    old.of_url(url(1), picture("same"), ext="bin")

    done = adopt(here, old)

    assert counts(done) == (2, 1, 1, 3, 0)
    assert here.rows("SELECT count(*) FROM media_files") == [(1,)]
    here.check()


def test_a_row_that_has_a_file_keeps_it_and_one_that_states_another_md5_is_not_joined(here, old):
    here.bring(with_pictures(1, here.asset("A000")), fetch=True)
    here.bring(with_pictures(2, url(1)), fetch=False)
    [(mine,)] = here.rows("SELECT md5_sum FROM post_media WHERE file_id IS NOT NULL")
    here.write_rows("UPDATE post_media SET md5_sum = ? WHERE media_url = ?", "0" * 32, url(1))
    old.of_url(url(0), picture("older"))
    old.of_url(url(1), picture("other"))

    done = adopt(here, old)

    assert (done.adopted, done.linked) == (2, 0)
    assert state_of(here, 0) == ("fetched", mine)
    assert state_of(here, 1) == ("pending", "0" * 32)


def test_a_content_that_was_lost_comes_back_from_the_old_cache(here, old):
    here.bring(with_pictures(1, here.asset("A000")))
    [path] = here.cached()
    old.of_content((here.root / path).read_bytes())
    (here.root / path).unlink()
    here.library.verify_cache(repair=True)
    assert here.queued() == 1

    done = adopt(here, old)

    assert (done.adopted, done.linked, here.queued()) == (1, 1, 0)
    assert list(here.cached()) == [path]
    here.check()


def test_what_is_in_our_own_old_folder_moves_to_its_contents_name(here, old):
    """`images` inside the cache root was served in place; adopting gives it a name of its own."""
    content = pdf(seed=b"a")
    served = here.root / "images" / f"{md5_bytes(b'http://old.example/1')}.bin"
    served.parent.mkdir(parents=True)
    served.write_bytes(content)
    assert here.library.find_file(url="http://old.example/1") is not None

    done = here.library.adopt_cache(here.root)

    assert (done.seen, done.adopted) == (1, 1)
    assert here.library.adopt_cache(here.root).known == done.seen
    found = here.library.find_file(url="http://old.example/1")
    assert found is not None
    assert found.path.endswith(f"media/documents/{md5_bytes(content)}.pdf")
    assert served.exists()
    here.check()


@pytest.mark.parametrize("name", ["media", "media/images", "quarantine"])
def test_our_own_folders_are_refused(here, name):
    (here.root / name).mkdir(parents=True)
    link = here.folder / "link"
    link.symlink_to(here.root / name)
    for folder in (here.root / name, link):
        with pytest.raises(SourceError, match="own cache"):
            here.library.adopt_cache(folder)
    with pytest.raises(SourceError, match="is no folder"):
        here.library.adopt_cache(here.folder / "none")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_at_the_limit_it_stops_and_goes_on_when_there_is_room(tmp_path, database_url, old):
    for number in range(20):
        old.of_content(picture(f"p{number}"))
    size = len(picture("p0"))
    with world(tmp_path, database_url, cache_bytes=10 * size + 60) as here:
        done = here.library.adopt_cache(old.folder)
        assert (done.status, done.adopted) == (RunStatus.FAILED, 10)
        assert "cache.max_bytes" in (done.error or "")
        assert here.library.runs()[0].status is RunStatus.FAILED
        assert here.library.adopt_cache(old.folder).adopted == 0
    with world(tmp_path, database_url) as here:
        assert here.library.adopt_cache(old.folder).adopted == 10


def test_stopping_is_said_and_going_on_finishes(here, old, monkeypatch):
    monkeypatch.setattr(adopting, "_BATCH", 5)
    posts(here, 20)
    for number in range(20):
        old.of_url(url(number), picture(f"c{number}"))
    stopping = threading.Event()

    first = adopt(here, old, stop=stopping.is_set, progress=lambda step: stopping.set() if step.done else None)

    assert (first.status, first.adopted, first.linked) == (RunStatus.CANCELLED, 5, 5)
    assert adopt(here, old).adopted == 15
    assert here.queued() == 0
    here.check()


def test_progress_counts_bytes_to_the_end(here, old):
    many(here, old)
    steps = []

    adopt(here, old, progress=steps.append)

    total = sum(path.lstat().st_size for path in old.folder.rglob("*") if path.is_file() and not path.is_symlink())
    assert {step.unit for step in steps} == {"bytes"}
    assert (steps[-1].done, steps[-1].total) == (total, total)
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_one_unreadable_file_and_folder_end_nothing(here, old, monkeypatch):
    posts(here, 2)
    bad = old.of_url(url(0), picture("bad"))
    old.of_url(url(1), picture("good"))
    closed = old.put("closed/1.png", picture("closed")).parent
    identify, scandir = adopting.identify, os.scandir

    def refuse(path, **more):
        if path == bad:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return identify(path, **more)

    def shut(path):
        if str(path) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(adopting, "identify", refuse)
    monkeypatch.setattr(os, "scandir", shut)
    done = adopt(here, old)

    assert {(each.where, each.what) for each in done.unreadable} == {
        (str(bad.relative_to(old.folder)), "Permission denied"),
        ("closed", "Permission denied"),
    }
    assert (done.adopted, done.linked, done.status) == (1, 1, RunStatus.PARTIAL)


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(here, old, monkeypatch):
    posts(here, 1)
    path = old.of_url(url(0), picture("before"))
    identify = adopting.identify

    def change(found, **more):
        identity = identify(found, **more)
        path.write_bytes(picture("after"))
        return identity

    monkeypatch.setattr(adopting, "identify", change)
    done = adopt(here, old)
    assert ([each.what for each in done.unreadable], done.adopted) == (["it changed while it was read"], 0)
    assert temporary_files(here.root) == []
    monkeypatch.undo()
    assert adopt(here, old).linked == 1


def test_a_picture_that_was_cut_short_is_kept_and_said_to_be(here, old):
    posts(here, 2)
    old.of_url(url(0), jpeg(64, 64, seed=b"cut")[:-2])
    old.of_url(url(1), jpeg(64, 64, seed=b"whole"))

    assert adopt(here, old).linked == 2
    assert here.rows(
        "SELECT m.media_url, f.incomplete_at_source FROM post_media m JOIN media_files f ON f.file_id = m.file_id"
        " ORDER BY 1"
    ) == [(url(0), True), (url(1), False)]


def test_a_full_disk_leaves_nothing_half_done(here, old, monkeypatch):
    posts(here, 3)
    for number in range(3):
        old.of_url(url(number), picture(f"c{number}"))

    def full(staged):
        raise CacheError("the disk is full")

    take_in = here.library._cache.take_in

    def full_at_last(path):
        if path.name.startswith(md5_bytes(url(2).encode())):
            full(())
        return take_in(path)

    for name, refusing in (("sync", full), ("take_in", full_at_last), ("commit", full)):
        with monkeypatch.context() as patch:
            patch.setattr(here.library._cache, name, refusing)
            with pytest.raises(CacheError, match="full"):
                adopt(here, old)
    assert (here.cached(), temporary_files(here.root)) == ({}, [])
    assert here.library.runs()[0].status is RunStatus.FAILED
    assert adopt(here, old).linked == 3
    here.check()


def test_verifying_meanwhile_finds_no_orphans(here, old, monkeypatch):
    """Files are in place before their rows are: who looks in between must not take them up."""
    monkeypatch.setattr(adopting, "_BATCH", 10)
    posts(here, 120)
    for number in range(120):
        old.of_url(url(number), picture(f"c{number}"))
    done = threading.Event()
    found = []

    def verify():
        with open_library(here.config) as library:
            while not done.is_set():
                found.append(library.verify_cache(repair=True))

    thread = threading.Thread(target=verify)
    thread.start()
    try:
        summary = adopt(here, old)
    finally:
        done.set()
        thread.join()

    assert (summary.adopted, summary.linked) == (120, 120)
    assert found
    assert {(each.clean, each.orphans, each.adopted, each.removed, each.moved) for each in found} == {
        (True, (), 0, 0, 0)
    }
    here.check()


CHILD = """
import os, signal, sys
from pathlib import Path
from postkeep import points
from postkeep.config import Config
from postkeep.library import open_library
from postkeep.stages import adopting

home, database, folder, moment, number = sys.argv[1:]
adopting._BATCH = 7
left = int(number)

def passed(name):
    global left
    left -= name == moment
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

points.watch(passed)
with open_library(Config(Path(home), database)) as library:
    library.adopt_cache(Path(folder))
"""


@pytest.mark.parametrize("moment", ["file_staged", "file_renamed", "outcomes_committed"])
def test_killed_in_the_middle_and_run_again_it_is_as_if_nothing_had_happened(here, old, moment):
    posts(here, 40)
    for number in range(40):
        old.of_url(url(number), picture(f"c{number}"))
    arguments = (str(here.config.home), here.config.database_url, str(old.folder))
    for number in ("1", "3"):
        child = subprocess.run([sys.executable, "-c", CHILD, *arguments, moment, number], check=False)
        assert child.returncode == -signal.SIGKILL
    rows = here.rows("SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL")
    assert {path for (path,) in rows} <= here.cached().keys()

    done = adopt(here, old)

    assert (done.status, done.unreadable, done.damaged) == (RunStatus.COMPLETED, (), ())
    assert 0 < done.linked < 40 or moment != "outcomes_committed"
    assert here.rows("SELECT count(*) FROM post_media WHERE download_state = 'fetched'") == [(40,)]
    assert len(here.cached()) == 40
    verified = here.library.verify_cache()
    assert (verified.sound, verified.orphans, verified.strangers) == (40, (), ())
    here.library.fetch_due()
    here.check()


def test_names_claim_what_their_folder_says(tmp_path):
    hexes = hashlib.md5(b"a").hexdigest()
    names = (f"images/{hexes}.jpg", f"media/images/{hexes}-01234567.jpg", f"x/{hexes.upper()}", "media/images/a")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")

    found = {
        str(Path(each.path).relative_to(tmp_path)): (each.stem and each.stem.hex(), each.of_content)
        for each in foreign_files(tmp_path, failed=lambda path, error: None)
    }

    assert found == {
        f"images/{hexes}.jpg": (hexes, False),
        f"media/images/{hexes}-01234567.jpg": (hexes, True),
        f"x/{hexes.upper()}": (hexes, False),
        "media/images/a": (None, False),
    }


def test_one_file_that_cannot_be_read_does_not_end_it(tmp_path, database_url, old, monkeypatch):
    with world(tmp_path, database_url) as here:
        posts(here, 2)
        bad = old.of_url(url(0), picture("c0"))
        old.of_url(url(1), picture("c1"))
        real = adopting.identify

        def identify(path: Path, *, only_media: bool = False):
            if path == bad:
                raise OSError(errno.EINVAL, "Invalid argument")
            return real(path, only_media=only_media)

        monkeypatch.setattr(adopting, "identify", identify)
        done = adopt(here, old)
        assert (done.status, done.adopted) == (RunStatus.PARTIAL, 1)
        assert [each.where for each in done.unreadable] == [f"images/{bad.name}"]


def test_a_restored_cache_is_known_and_takes_no_room_twice(tmp_path, database_url, old):
    content = picture("c0")
    with world(tmp_path, database_url, cache_bytes=len(content)) as here:
        posts(here, 1)
        old.of_url(url(0), content)
        assert counts(adopt(here, old))[:3] == (1, 1, 0)
        [path] = (here.root / name for name in here.cached())
        copy = path.with_suffix(".new")
        copy.write_bytes(content)
        copy.chmod(0o600)
        copy.replace(path)
        again = adopt(here, old)
        assert (again.status, counts(again)[:3]) == (RunStatus.COMPLETED, (1, 0, 1))
