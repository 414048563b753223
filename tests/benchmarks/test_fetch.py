"""The benchmarks of fetching run, and believe a client only when every byte is there; times are not tested."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.fetch_clients import check_home, compare
from benchmarks.fetch_corpus import (
    LEAST,
    MOST,
    VIDEO_SECONDS,
    VIDEO_SIDES,
    write_pictures,
    write_posts,
    write_video,
)
from benchmarks.fetch_goals import Goal
from benchmarks.fetch_server import DELAYS, program, read_log
from benchmarks.fetch_turns import Measured, ratio

from postkeep.media.measure import measure
from postkeep.media.sniff import JPEG, MP4, sniff
from postkeep.media.whole import is_whole
from postkeep.model import Dimensions
from postkeep.platforms import load_platform

ROOT = Path(__file__).parents[2]
FILES = 40


def _missing() -> str:
    try:
        program()
    except RuntimeError as error:
        return str(error)
    lacking = [name for name in ("curl", "openssl", "md5sum", "xargs") if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


MISSING = _missing()
needs_server = pytest.mark.skipif(bool(MISSING), reason=MISSING or "all there")


def run(tmp_path: Path, module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"benchmarks.{module}",
            "--json",
            "--patience",
            "0",
            "--scratch",
            str(tmp_path),
            *arguments,
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert list(tmp_path.iterdir()) == []
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@needs_server
@pytest.mark.skipif(not DELAYS.exists(), reason="nginx's echo module is not installed (Debian: nginx-light)")
def test_curl_and_postkeep_fetch_the_same_files_and_the_goals_are_told(tmp_path):
    parts = ("memory", "disk", "latency")
    figures = run(
        tmp_path, "fetch", "--files", str(FILES), "--runs", "1", "--only", "curl", "postkeep", "--parts", *parts
    )

    assert figures["files"] == FILES
    assert FILES * LEAST <= figures["bytes"] <= FILES * MOST
    for part in ("memory", "disk"):
        measured = figures[part]["clients"]
        assert set(measured) == {"curl", "postkeep"}
        assert all(each["turns"][0]["connections"] <= 16 for each in measured.values())
        assert measured["curl"]["files_per_second"] == FILES / measured["curl"]["active"]
        assert set(figures[part]["ratios"]) == {"curl"}
    assert set(figures["latency"]["clients"]) == {"bare-loop", "postkeep"}
    assert "video" not in figures
    told = {goal["name"]: goal["met"] for goal in figures["goals"]}
    assert len(told) == 6
    # The best of three peers is not known when none of them took part.
    assert told["files/s, in times the best peer's"] is None
    assert isinstance(told["files/s, in times curl's"], bool)


@needs_server
def test_verifying_is_measured_against_md5sum_over_the_same_cache(tmp_path):
    figures = run(tmp_path, "verify", "--files", str(FILES), "--runs", "1")

    assert set(figures["turns"]) == {"md5sum", "md5", "md5+sha256"}
    assert set(figures["ratios"]) == set(figures["ratios_whole"]) == {"md5", "md5+sha256"}
    assert [goal["at_least"] for goal in figures["goals"]] == [0.9, 0.6]


# --- what is fetched ----------------------------------------------------------------------------------


def test_the_pictures_are_whole_jpegs_of_their_size_and_no_two_are_alike(tmp_path):
    pictures = write_pictures(tmp_path / "www", 60, seed=1)

    assert len({picture.sha256 for picture in pictures}) == 60
    for picture in pictures:
        path = tmp_path / "www" / picture.name
        with path.open("rb") as file:
            assert sniff(file.read(4096)) == JPEG
            assert measure(file, JPEG, picture.size) == Dimensions(picture.width, picture.height)
            assert is_whole(file, JPEG, picture.size)
        assert LEAST <= picture.size == path.stat().st_size <= MOST


def test_a_seed_gives_the_same_pictures_and_more_of_them_begin_with_fewer(tmp_path):
    few, more = (write_pictures(tmp_path / str(count), count, seed=1) for count in (3, 5))

    assert few == more[:3]
    assert write_pictures(tmp_path / "other", 3, seed=2) != few


def test_the_video_is_one_and_takes_no_room(tmp_path):
    path = tmp_path / "video.mp4"
    size = 5_000_000_000
    write_video(path, size)

    assert path.stat().st_size == size
    assert path.stat().st_blocks * 512 < 1_000_000
    with path.open("rb") as file:
        assert sniff(file.read(4096)) == MP4
        assert measure(file, MP4, size) == Dimensions(*VIDEO_SIDES, float(VIDEO_SECONDS))
        assert is_whole(file, MP4, size)


def test_every_url_becomes_a_media_row_of_its_own(tmp_path):
    urls = [f"https://127.0.0.1:8443/{number}.jpg" for number in range(19)]
    path = write_posts(tmp_path / "posts", urls, videos=["https://127.0.0.1:8443/video.mp4"])
    platform = load_platform("linkedin")

    posts = [post for each in json.loads(path.read_bytes()) for post in platform.parse(each).posts]
    media = [ref for post in posts for ref in post.media]

    assert len(posts) == 4
    assert sorted(ref.url for ref in media) == sorted([*urls, "https://127.0.0.1:8443/video.mp4"])
    assert len({ref.media_key for ref in media}) == 20


# --- what is believed ---------------------------------------------------------------------------------


def test_a_file_that_is_missing_or_not_the_one_served_is_no_success(tmp_path):
    folder = tmp_path / "www"
    pictures = write_pictures(folder, 3, seed=1)
    paths = sorted(folder.iterdir())
    compare(pictures, paths)

    with pytest.raises(RuntimeError, match="2 files"):
        compare(pictures, paths[:2])
    body = bytearray(paths[1].read_bytes())
    body[-100] ^= 1
    paths[1].write_bytes(body)
    with pytest.raises(RuntimeError, match="not those that were served"):
        compare(pictures, paths)


def test_a_home_whose_rows_are_not_fetched_is_no_success(tmp_path):
    pictures = write_pictures(tmp_path / "www", 1, seed=1)
    with sqlite3.connect(tmp_path / "postkeep.db") as database:
        database.executescript(
            """
            CREATE TABLE work (stage, subject);
            CREATE TABLE post_media (media_url, download_state, file_id);
            CREATE TABLE media_files (file_id, md5_sum, sha256, file_size, width, height, local_file_path);
            INSERT INTO post_media VALUES ('https://127.0.0.1:1/0.jpg', 'pending', NULL);
            """
        )
    database.close()

    with pytest.raises(RuntimeError, match="1 of them wrong"):
        check_home(tmp_path, pictures)


def test_the_servers_log_is_added_up(tmp_path):
    log = tmp_path / "access.log"
    log.write_text("100.500 0.100 7 200 1000\n101.000 0.750 8 404 20\n101.250 0.000 7 200 30\n")

    seen = read_log(log)

    assert (seen.requests, seen.failed, seen.connections, seen.bytes) == (3, 1, 2, 1050)
    assert (seen.first, seen.last) == (100.25, 101.25)


def turn(active: float, others: float) -> Measured:
    return Measured(active, active, 1.0, 1, 1.0, 16, others)


def test_rounds_in_which_others_used_the_machine_count_only_when_there_are_no_calm_ones():
    busy, calm = turn(4.0, 1.5), turn(2.0, 0.1)

    assert ratio([calm, busy], [turn(1.0, 0.1), turn(8.0, 0.0)]) == 0.5
    assert ratio([busy], [turn(8.0, 0.0)]) == 2.0


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("more", 3.5, 3.5), True),
        (Goal("more", 3.4, 3.5), False),
        (Goal("less", 0.6, 0.6, at_least=False), True),
        (Goal("less", 0.7, 0.6, at_least=False), False),
        (Goal("unknown", None, 1.0), None),
    ],
)
def test_a_goal_is_met_up_to_its_bound(goal, met):
    assert goal.met is met
