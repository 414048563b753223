"""A place whose address is not there is asked for under the other names of its family, each once."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from postkeep.stages.fetch.names import names_of
from postkeep.store.families import address, answered, came_as, names_in, rendition_of
from tests.library.world import World, opened, picture
from tests.media_bytes import mp4, sound
from tests.platforms import reddit_records as reddit
from tests.servers.media import MediaServer
from tests.stages.test_fetch import refused
from tests.stages.test_verdict import due

FILM = "/film00000001x"
SOUNDS = [f"{FILM}/{name}" for name in ("DASH_AUDIO_128.mp4", "DASH_AUDIO_64.mp4", "DASH_audio.mp4", "audio")]
TRACK = sound(b"iso5", b"dash", seed=b"voice")


@pytest.fixture
def here(tmp_path, database_url):
    """A world in which every host is the server."""
    with MediaServer() as server, opened(tmp_path, database_url, server, everywhere=True) as made:
        yield made


def bring(here: World, *records: Any, fetch: bool = True) -> None:
    """Import submissions; the server speaks no TLS, so that their links lose theirs."""
    here.route(f"{FILM}/DASH_720.mp4", mp4(seed=b"film"))
    here.route("/Cover00_film.png", picture("poster"))
    here.bring(*map(reddit.thing, records), fetch=False)
    here.write_rows("UPDATE post_media SET media_url = replace(media_url, 'https://', 'http://')")
    if fetch:
        here.library.fetch_due()


def asked(here: World) -> list[str]:
    """The paths under which the sound was asked for, in order."""
    paths = [urlsplit(each.path).path for each in here.server.requests]
    return [path for path in paths if path in SOUNDS]


def track(here: World) -> tuple[Any, ...]:
    [row] = here.rows(
        "SELECT download_state, file_rendition, rendition, media_url, mime_type, md5_sum FROM post_media"
        " WHERE role = 'audio_track'"
    )
    return row


def test_the_first_name_that_answers_is_remembered(here):
    here.route(SOUNDS[1], refused(403))
    here.route(SOUNDS[2], TRACK)
    bring(here, reddit.video_post())

    assert asked(here) == SOUNDS[:3]
    url = f"http://v.redd.it{SOUNDS[0]}"
    md5 = hashlib.md5(TRACK).hexdigest()
    assert track(here) == ("fetched", "DASH_audio", "DASH_AUDIO_128", url, "video/mp4", md5)
    assert here.rows("SELECT count(DISTINCT file_id) FROM post_media") == [(3,)]
    assert here.library.fetch_due().requests == 0
    here.check()


def test_a_name_that_is_there_is_asked_for_alone(here):
    here.route(SOUNDS[0], TRACK)
    bring(here, reddit.video_post())
    assert (asked(here), track(here)[:2]) == (SOUNDS[:1], ("fetched", "DASH_AUDIO_128"))


@pytest.mark.parametrize("status", [403, 404, 410])
def test_only_when_no_name_is_there_is_it_gone(here, status):
    for path in SOUNDS:
        here.route(path, refused(status))
    bring(here, reddit.video_post())
    assert (asked(here), track(here)[0]) == (SOUNDS, "gone")
    [(message,)] = here.rows("SELECT error_message FROM post_media WHERE role = 'audio_track'")
    assert message.startswith("none of its 4 names is there: ")
    here.later(days=2)
    assert here.library.fetch_due().requests == 0
    assert here.queued() == 0


def test_another_post_that_shows_it_asks_nobody(here):
    here.route(SOUNDS[3], TRACK)
    bring(here, reddit.video_post())
    here.server.reset()
    bring(here, reddit.video_post("other1"))
    assert here.server.count() == 0
    rows = here.rows("SELECT download_state, file_rendition FROM post_media WHERE role = 'audio_track'")
    assert rows == [("fetched", "audio")] * 2


def test_posts_of_one_run_share_what_came_under_another_name(here):
    here.route(SOUNDS[1], TRACK)
    bring(here, reddit.video_post(), reddit.video_post("other1"))
    assert asked(here) == SOUNDS[:2]
    rows = here.rows("SELECT download_state, file_rendition FROM post_media WHERE role = 'audio_track'")
    assert rows == [("fetched", "DASH_AUDIO_64")] * 2


def test_what_was_lost_is_asked_for_where_it_came_from(here):
    here.route(SOUNDS[2], TRACK)
    bring(here, reddit.video_post())
    [path] = [path for path, *_ in here.rows("SELECT local_file_path FROM post_media WHERE role = 'audio_track'")]
    (here.root / path).unlink()
    here.library.verify_cache(repair=True)
    here.server.reset()
    here.library.fetch_due()
    assert (asked(here), track(here)[:2]) == ([SOUNDS[2]], ("fetched", "DASH_audio"))
    here.check()


def test_a_host_that_says_not_now_makes_nothing_gone_and_is_asked_where_it_stopped(here):
    here.route(SOUNDS[1], refused(503))
    bring(here, reddit.video_post(), fetch=False)
    here.library.fetch_due()
    assert (asked(here)[:2], track(here)[0]) == (SOUNDS[:2], "pending")
    here.route(SOUNDS[1], TRACK)
    here.later(days=2)
    here.library.fetch_due()
    assert track(here)[:2] == ("fetched", "DASH_AUDIO_64")


CHILD = """
import os, signal, sys
from pathlib import Path
from postkeep import points
from postkeep.config import Config, FetchConfig
from postkeep.library import open_library

home, database, port = sys.argv[1:]
points.watch(lambda name: name == "file_renamed" and os.kill(os.getpid(), signal.SIGKILL))
config = Config(Path(home), database, FetchConfig(allow=(f"127.0.0.1:{port}",)))
with open_library(config, connect_to=(f"::127.0.0.1:{port}",)) as library:
    library.fetch_due()
"""


def test_killed_before_the_row_the_next_run_knows_the_name(here):
    here.route(SOUNDS[2], TRACK)
    bring(here, reddit.video_post(), fetch=False)
    here.write_rows(
        "DELETE FROM work WHERE subject NOT IN (SELECT media_id FROM post_media WHERE role = 'audio_track')"
    )
    arguments = (str(here.config.home), here.config.database_url, str(here.server.port))
    child = subprocess.run([sys.executable, "-c", CHILD, *arguments], check=False)
    assert child.returncode == -signal.SIGKILL
    assert asked(here) == SOUNDS[:3]
    here.server.reset()
    here.library.fetch_due()
    assert (here.server.count(), track(here)[:2]) == (0, ("fetched", "DASH_audio"))


# --- by literals ----------------------------------------------------------------------------------------


def test_the_order_of_names():
    row = replace(due(), alternatives=("b.mp4", "c"))
    assert names_of(row) == (None, "b.mp4", "c")
    assert names_of(replace(row, answered="c")) == ("c", None, "b.mp4")
    assert names_of(row, [None, "c"]) == ("b.mp4",)
    assert names_of(row, [None, "b.mp4", "c"]) == (None,)
    assert names_of(due()) == (None,)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "https://v.example/x/a.mp4?s=1"),
        ("b.mp4", "https://v.example/x/b.mp4?s=1"),
        ("a b?#/c", "https://v.example/x/a%20b%3F%23%2Fc?s=1"),
    ],
)
def test_a_name_replaces_the_last_segment_alone(name, expected):
    assert address("https://v.example/x/a.mp4?s=1", name) == expected


def test_names_as_they_are_stored():
    stored = orjson.dumps(["b.mp4", "audio", "b.mp4", "", "..", 7]).decode()
    assert names_in(stored) == ("b.mp4", "audio")
    assert [names_in(each) for each in (None, "{}", "no")] == [(), (), ()]
    assert [rendition_of(each) for each in ("b.mp4", "audio")] == ["b", "audio"]
    assert [answered(stored, each) for each in ("b", "audio", "x", None)] == ["b", "audio", None, None]
    assert answered(None, "b") is None
    assert came_as("https://v/x/b.mp4", "https://v/x/a.mp4", stored) == "b"
    assert came_as("https://w/x/b.mp4", "https://v/x/a.mp4", stored) is None
