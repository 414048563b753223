"""An import takes what downloaders left beside their records, and asks nobody for it."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from postkeep.model import RunStatus
from postkeep.stages import beside
from tests.canonical import temporary_files
from tests.library.world import World, opened, picture
from tests.media_bytes import jpeg, mp4
from tests.platforms import instagram_records as insta
from tests.platforms import reddit_records as reddit
from tests.servers.media import MediaServer

BASE = "2025-09-03_11-46-40_UTC"


@pytest.fixture
def here(tmp_path, database_url):
    """A world in which every host is the server."""
    with MediaServer() as server, opened(tmp_path, database_url, server, everywhere=True) as made:
        yield made


class Left:
    """A folder as a downloader left it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def record(self, name: str, record: Any) -> None:
        # Links that live, to a host the server stands for.
        body = orjson.dumps(record).replace(b"https://", b"http://")
        for ended in (b"oe=68CF764C", b"oe=68CB7A7C"):
            body = body.replace(ended, b"oe=EE6B2800")
        self.file(name, lzma.compress(body) if name.endswith(".xz") else body)

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def carousel(self, base: str = BASE) -> None:
        """Three slides: a picture, a video with its still, a picture."""
        self.record(f"{base}.json.xz", insta.instaloader("Post", insta.sidecar_node()))
        for name in ("_1.jpg", "_2.jpg", "_3.jpg"):
            self.file(base + name, jpeg(seed=name.encode()))
        self.file(f"{base}_2.mp4", mp4(seed=b"film"))


@pytest.fixture
def left(tmp_path) -> Left:
    return Left(tmp_path / "left")


def take(here: World, left: Left, **more: Any) -> Any:
    return here.library.import_([str(left.folder)], **more)


def told(done: Any) -> list[str]:
    return [each for each in done.problems if "lay beside" in each]


def kept(here: World) -> dict[tuple[str, str], str | None]:
    """The file of each place, as it was beside: role and key to MD5."""
    return {(role, key): md5 for role, key, md5 in here.rows("SELECT role, media_key, md5_sum FROM post_media")}


def md5s(left: Left, *names: str) -> list[str]:
    return [hashlib.md5((left.folder / name).read_bytes()).hexdigest() for name in names]


@pytest.mark.parametrize("fetch", [True, False])
def test_a_carousel_of_instaloaders_is_taken_in_and_nobody_is_asked(here, left, fetch):
    left.carousel()
    done = take(here, left, fetch=fetch)

    assert here.server.count() == 0
    assert (done.media.found, done.media.cached, done.status) == (4, 4, RunStatus.COMPLETED)
    assert told(done) == ["4 files lay beside their records"]
    first, film, still, third = md5s(left, *(f"{BASE}_{each}" for each in ("1.jpg", "2.mp4", "2.jpg", "3.jpg")))
    assert kept(here) == {
        ("own", insta.SECOND): first,
        ("own", insta.FIRST): film,
        ("thumbnail", "601_1_1_n"): still,
        ("own", insta.THIRD): third,
    }
    rows = here.rows("SELECT DISTINCT download_state, rendition = file_rendition FROM post_media")
    assert rows == [("fetched", True)]
    assert here.queued() == 0
    here.check()


def test_a_second_import_takes_nothing_again(here, left):
    left.carousel()
    take(here, left)
    before = (here.cached(), here.rows("SELECT * FROM post_media ORDER BY media_id"))
    again = take(here, left)
    assert (told(again), here.server.count()) == ([], 0)
    assert (here.cached(), here.rows("SELECT * FROM post_media ORDER BY media_id")) == before


def test_gallery_dls_files_of_one_gallery_are_told_apart(here, left):
    """Their records have the same content, so that one of them is stored; each stands beside its own file."""
    for number, name in enumerate(("vase0000000cc", "vase0000000aa"), start=1):
        left.record(f"g {number}.jpg.json", reddit.sidecar(reddit.gallery_post(), number, filename=name))
        left.file(f"g {number}.jpg", jpeg(seed=name.encode()))
    done = take(here, left)
    assert (here.server.count(), done.media.cached, told(done)) == (0, 2, ["2 files lay beside their records"])
    one, two = md5s(left, "g 1.jpg", "g 2.jpg")
    assert kept(here) == {("own", "vase0000000cc"): one, ("own", "vase0000000aa"): two}


def test_profile_pictures_are_taken_for_profiles(here, left):
    left.record("a/paula.paints_5500112233.json.xz", insta.instaloader_profile())
    left.file("a/2025-01-01_00-00-00_UTC_profile_pic.jpg", jpeg(seed=b"me"))
    done = take(here, left)
    assert told(done) == ["1 file lay beside its record"]
    assert here.rows("SELECT download_state, local_file_path IS NOT NULL FROM profile_media") == [
        ("fetched", True)
    ]
    assert here.server.count() == 0


def bad(left: Left, how: str) -> None:
    path = left.folder / f"{BASE}.jpg"
    match how:
        case "missing":
            return
        case "a page":
            path.write_bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")
        case "cut short":
            path.write_bytes(jpeg(64, 64, seed=b"cut")[:-2])
        case "a video":
            path.write_bytes(mp4(seed=b"film"))
        case "empty":
            path.write_bytes(b"")
        case "one pixel":
            path.write_bytes(jpeg(1, 1))
        case "a link out":
            outside = left.folder.parent / "outside.jpg"
            outside.write_bytes(jpeg(seed=b"outside"))
            path.symlink_to(outside)
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()


@pytest.mark.parametrize(
    "how",
    ["missing", "a page", "cut short", "a video", "empty", "one pixel", "a link out", "a pipe", "a folder"],
)
def test_what_is_not_what_its_record_says_is_left_and_the_place_is_fetched(here, left, how):
    left.record(f"{BASE}.json", insta.instaloader("Post", insta.node()))
    bad(left, how)
    content = picture("from the net")
    here.route(urlsplit(insta.node()["display_url"]).path, content)
    done = take(here, left)
    assert (here.server.count(), told(done)) == (1, [])
    assert (done.media.found, done.media.cached) == (1, 1)
    assert here.rows("SELECT file_size FROM post_media") == [(len(content),)]
    assert temporary_files(here.root) == []


def test_a_file_above_the_limit_is_left(tmp_path, database_url, left):
    left.carousel()
    with (
        MediaServer() as server,
        opened(tmp_path, database_url, server, everywhere=True, max_bytes=400) as here,
    ):
        large = [each.name for each in left.folder.iterdir() if each.stat().st_size > 400]
        done = take(here, left, fetch=False)
        assert done.media.cached == 4 - sum(not name.endswith(".xz") for name in large)
        assert any(name.endswith(".mp4") for name in large)


def test_a_file_of_many_records_and_a_stream_have_no_neighbours(here, left):
    record = insta.instaloader("Post", insta.node())
    left.file(f"{BASE}.json", orjson.dumps([record, insta.instaloader("Post", insta.node(insta.CLIP))]))
    left.file(f"{BASE}.jpg", jpeg(seed=b"whose?"))
    assert told(take(here, left, fetch=False)) == []
    done = here.library.import_(["-"], stdin=io.BytesIO(orjson.dumps(record)), fetch=False)
    assert (told(done), here.cached()) == ([], {})


def test_content_that_is_here_already_is_joined_and_not_copied(here, left):
    left.carousel()
    left.carousel("other/" + BASE)
    node = {**insta.sidecar_node(), "id": insta.CLIP, "shortcode": insta.code_of(insta.CLIP)}
    left.record(f"other/{BASE}.json.xz", insta.instaloader("Post", node))
    done = take(here, left)
    assert (len(here.cached()), here.server.count(), done.media.cached) == (4, 0, 8)
    here.check()


def test_a_cache_without_room_leaves_the_rest_to_the_fetch(tmp_path, database_url, left):
    left.carousel()
    size = (left.folder / f"{BASE}_1.jpg").stat().st_size
    with (
        MediaServer() as server,
        opened(tmp_path, database_url, server, everywhere=True, cache_bytes=size) as here,
    ):
        done = take(here, left, fetch=False)
        assert (done.media.cached, told(done)) == (1, ["1 file lay beside its record"])


CHILD = """
import os, signal, sys
from pathlib import Path
from postkeep import points
from postkeep.config import Config
from postkeep.library import open_library
from postkeep.stages import beside

home, database, folder, moment, number = sys.argv[1:]
beside._MOST_FILES = 2
left = int(number)

def passed(name):
    global left
    left -= name == moment
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

points.watch(passed)
with open_library(Config(Path(home), database)) as library:
    library.import_([folder], fetch=False)
"""


@pytest.mark.parametrize("moment", ["file_staged", "file_renamed", "outcomes_committed"])
def test_killed_in_the_middle_the_next_import_goes_on(here, left, moment):
    left.carousel()
    arguments = (str(here.config.home), here.config.database_url, str(left.folder))
    for number in ("1", "1"):
        child = subprocess.run([sys.executable, "-c", CHILD, *arguments, moment, number], check=False)
        assert child.returncode == -signal.SIGKILL
    rows = here.rows("SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL")
    assert {path for (path,) in rows} <= here.cached().keys()

    done = take(here, left)

    assert (done.media.cached, here.server.count(), len(here.cached())) == (4, 0, 4)
    assert here.queued() == 0
    here.check()


def test_small_batches_are_as_good_as_one(here, left, monkeypatch):
    monkeypatch.setattr(beside, "_BATCH", 1)
    monkeypatch.setattr(beside, "_MOST_FILES", 1)
    left.carousel()
    left.record("g.jpg.json", reddit.sidecar(reddit.image_post()))
    left.file("g.jpg", jpeg(seed=b"bowl"))
    assert told(take(here, left)) == ["5 files lay beside their records"]
    assert here.server.count() == 0
