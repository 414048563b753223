"""A video and the sound that came apart get one file: made once, freed, made again, erased with them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postkeep.config import ArchiveConfig, CacheConfig
from postkeep.errors import LeaseTaken, NotFound, ProgramMissing
from postkeep.model import RunStatus, utc_now
from postkeep.points import JOIN_POINTS
from postkeep.stages.eviction import Evictor, lasts
from postkeep.stages.fetching import FETCH_LEASE
from postkeep.stages.joining import plan
from postkeep.store import keeping, leases
from postkeep.store.renditions import Rendition, Wanted
from tests.films import fake_ffmpeg, film, needs_ffmpeg, voice
from tests.library.world import World, opened, picture
from tests.media_bytes import mp4, sound
from tests.platforms import reddit_records as reddit
from tests.servers.media import MediaServer

FILM = "/film00000001x"
TRACK = f"{FILM}/DASH_AUDIO_128.mp4"


@pytest.fixture
def here(tmp_path, database_url):
    """A world in which every host is the server."""
    with MediaServer() as server, opened(tmp_path, database_url, server, everywhere=True) as made:
        yield made


@pytest.fixture
def without_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")


def bring(here: World, *, video: bytes = b"", track: bytes = b"", fetch: bool = True, **post: Any) -> Any:
    """Import a submission with a video; the server speaks no TLS, so that its links lose theirs."""
    here.route(f"{FILM}/DASH_720.mp4", video or film())
    here.route(TRACK, track or voice())
    here.route("/Cover00_film.png", picture("poster"))
    here.bring(reddit.thing(reddit.video_post(**post)), fetch=False)
    here.write_rows("UPDATE post_media SET media_url = replace(media_url, 'https://', 'http://')")
    return here.library.fetch_due() if fetch else None


def made(here: World) -> list[tuple[Any, ...]]:
    """What there is of renditions: the path in the cache (None: not there), and the kind of the error."""
    return here.rows(
        "SELECT CASE WHEN f.cached_at IS NOT NULL THEN f.local_file_path END, r.error_kind FROM renditions r"
        " LEFT JOIN media_files f ON f.file_id = r.file_id ORDER BY r.rendition_id"
    )


def the_path(here: World) -> str:
    [(path, error)] = made(here)
    assert path is not None, error
    return str(path)


def is_settled(here: World) -> None:
    """Nothing is to do, nothing temporary is left, every file has its row."""
    here.check()
    assert here.queued() == 0
    seen = here.library.verify_cache()
    assert (seen.clean, seen.orphans, seen.strangers, seen.to_remake) == (True, (), (), ())


# --- the decision ---------------------------------------------------------------------------------------


def rendition(sound: str | None = "a", **more: Any) -> Rendition:
    return Rendition(**{
        "rendition_id": "r", "beside_file_id": sound, "file_id": "j", "error_kind": None, "cached": True,
        "evicted": False, **more,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "sounds", "before", "here", "expected"),
    [
        (False, ("a",), None, "va", "a"),
        (False, (), None, "va", None),
        (False, ("a",), None, "v", None),
        (False, ("a",), None, "a", None),
        (False, ("b", "a"), None, "va", "a"),
        (True, ("a",), rendition(), "va", None),
        (False, ("b", "a"), rendition("a"), "vab", None),
        (False, ("b",), rendition("a"), "vb", "b"),
        (False, ("a",), rendition(None, file_id=None, cached=False), "va", "a"),
        (False, ("a",), rendition(cached=False), "va", "a"),
        (False, ("a",), rendition(cached=False, evicted=True), "va", None),
        (True, ("a",), rendition(cached=False, evicted=True), "va", "a"),
        (True, ("a",), rendition(cached=False, evicted=True), "v", None),
        (False, ("a",), rendition(file_id=None, cached=False, error_kind="x"), "va", None),
        (True, ("a",), rendition(file_id=None, cached=False, error_kind="x"), "va", "a"),
        (False, ("b",), rendition("a", file_id=None, cached=False, error_kind="x"), "vb", "b"),
    ],
)
def test_what_is_joined_with_what(asked, sounds, before, here, expected):
    assert plan(Wanted("v", asked, sounds, before), set(here)) == expected


# --- made once ------------------------------------------------------------------------------------------


@needs_ffmpeg
def test_a_fetch_joins_what_it_brought_and_shows_it_beside_the_video(here):
    fetched = bring(here)
    assert (fetched.joins.joined, fetched.joins.apart, fetched.status) == (1, 0, RunStatus.COMPLETED)
    [post] = here.library.posts()
    of_video, *others = [each.joined for each in here.library.post(post.post_id).media if each.role == "own"]
    assert (of_video.cached, of_video.path, others) == (True, the_path(here), [])
    assert (of_video.mime_type, of_video.width, of_video.duration) == ("video/mp4", 64, pytest.approx(2, abs=0.2))
    content = (here.root / of_video.path).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (of_video.sha256, of_video.size)
    assert [each.joined for each in here.library.media_list() if each.role != "own"] == [None, None]
    is_settled(here)


@needs_ffmpeg
def test_again_nothing_is_made(here, monkeypatch, tmp_path):
    bring(here)
    before = (here.cached(), here.rows("SELECT * FROM renditions"))
    fake_ffmpeg(tmp_path, "open('/started', 'w')")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert here.library.fetch_due().joins.joined == 0
    assert here.library.join_media().joins.joined == 0
    here.library.fetch_due()
    assert (here.cached(), here.rows("SELECT * FROM renditions")) == before
    is_settled(here)


@needs_ffmpeg
def test_two_posts_with_one_video_have_one_joined_file(here):
    bring(here)
    bring(here, identity="other1")
    assert len(here.library.posts()) == 2
    assert {each.joined.path for each in here.library.media_list() if each.role == "own"} == {the_path(here)}
    is_settled(here)


@needs_ffmpeg
@pytest.mark.parametrize("role", ["own", "audio_track"])
def test_another_video_or_sound_makes_another_file_and_the_one_before_is_gone(here, role):
    bring(here)
    first = the_path(here)
    if role == "own":
        here.route(f"{FILM}/DASH_720.mp4", film(3))
    else:
        here.route(TRACK, voice(tone=880))
    [(lost,)] = here.rows("SELECT local_file_path FROM post_media WHERE media_type = 'video' AND role = ?", role)
    (here.root / lost).unlink()
    here.library.verify_cache(repair=True)
    assert here.library.fetch_due().joins.joined == 1
    assert the_path(here) != first
    assert not (here.root / first).exists()
    assert here.rows("SELECT count(*) FROM media_files WHERE local_file_path = ?", first) == [(0,)]
    is_settled(here)


# --- without ffmpeg, and with a bad one -----------------------------------------------------------------


def test_without_ffmpeg_it_is_told_and_made_later(here, without_ffmpeg):
    fetched = bring(here, video=mp4(seed=b"film"), track=sound(b"iso5", b"dash"))
    assert (fetched.joins.apart, fetched.joins.without_ffmpeg, fetched.status) == (1, True, RunStatus.COMPLETED)
    with pytest.raises(ProgramMissing, match="install"):
        here.library.join_media()
    assert [each.kind for each in here.library.runs()] == ["fetch", "import"]


@needs_ffmpeg
def test_what_waited_for_ffmpeg_is_joined_by_the_next_import(here, monkeypatch):
    with monkeypatch.context() as bare:
        bare.setenv("PATH", "/nowhere")
        bring(here)
    imported = here.library.import_([here.write(reddit.thing(reddit.post("link01")), name="next.json")])
    assert imported.joins.joined == 1
    is_settled(here)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_cannot_be_joined_is_noted_and_tried_again_only_when_asked(here, tmp_path, monkeypatch):
    count = tmp_path / "count"
    fake_ffmpeg(
        tmp_path, f"open({str(count)!r}, 'a').write('x'); sys.stderr.write('moov atom not found'); sys.exit(1)"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    fetched = bring(here, video=mp4(seed=b"film"), track=sound(b"iso5", b"dash"))
    assert (fetched.joins.failed, fetched.joins.apart, fetched.status) == (1, 0, RunStatus.COMPLETED)
    assert made(here) == [(None, "ffmpeg_failed")]
    [shown] = [each.joined for each in here.library.media_list() if each.joined]
    assert (shown.cached, shown.path, "moov atom not found" in shown.error) == (False, None, True)
    here.library.fetch_due()
    assert count.read_text() == "x"
    again = here.library.join_media()
    assert (again.status, again.joins.failed, count.read_text()) == (RunStatus.PARTIAL, 1, "xx")
    assert again.joins.failures[0].kind == "ffmpeg_failed"
    is_settled(here)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_ffmpeg_that_does_not_start_is_no_fault_of_the_files(here, tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").write_text("#!/nobody/has/this\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    fetched = bring(here, video=mp4(seed=b"film"), track=sound(b"iso5", b"dash"))
    assert (fetched.status, fetched.joins.apart, "does not start" in fetched.joins.error) == ("completed", 1, True)
    with pytest.raises(ProgramMissing):
        here.library.join_media()
    assert here.library.runs()[0].status is RunStatus.FAILED


# --- room, evicting, verifying --------------------------------------------------------------------------


def at_limit(here: World, need: int, *, evict: str = "archived") -> Evictor:
    """Make room for so many bytes more than there are, a day from now."""
    used = sum(size for (size,) in here.rows("SELECT file_size FROM media_files WHERE cached_at IS NOT NULL"))
    config = replace(here.config, cache=CacheConfig(max_bytes=used, evict=evict))
    evictor = Evictor(here.store, here.library._cache, config, clock=lambda: utc_now() + timedelta(days=1))
    assert evictor.make_room(need).files > 0
    return evictor


@needs_ffmpeg
@pytest.mark.parametrize("evict", ["archived", "lru"])
def test_what_can_be_made_again_makes_room_first_and_comes_back_when_asked(here, evict):
    bring(here)
    path, files = the_path(here), set(here.cached())
    at_limit(here, 1, evict=evict)
    assert set(here.cached()) == files - {path}
    [shown] = [each.joined for each in here.library.media_list() if each.joined]
    assert (shown.cached, shown.evicted_at is not None) == (False, True)
    assert here.library.fetch_due().joins.joined == 0
    assert here.library.join_media().joins.joined == 1
    assert set(here.cached()) == files
    is_settled(here)


@needs_ffmpeg
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_it_stays_when_nothing_could_make_it_again_or_somebody_holds_it(here):
    bring(here)
    [(joined_id,)] = here.rows("SELECT file_id FROM renditions")

    def may_go() -> bool:
        later = utc_now() + timedelta(days=1)
        with here.store.reading() as tx:
            [kept] = keeping.made_of_others(tx, "", later, limit=9, lasts=lasts)
        return kept.made and not kept.held

    assert may_go()
    hold = here.library.add_hold(joined_id, reason="a case")
    assert not may_go()
    here.library.release_hold(hold.hold_id)
    here.write_rows("UPDATE media_files SET cached_at = NULL WHERE file_id IN"
                    " (SELECT file_id FROM post_media WHERE role = 'audio_track')")  # fmt: skip
    assert may_go(), "its source still has the sound"
    here.write_rows("UPDATE post_media SET error_kind = 'http_404' WHERE role = 'audio_track'")
    assert not may_go()


@needs_ffmpeg
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_source_that_left_is_no_error_and_a_full_cache_takes_no_joined_file(here, monkeypatch):
    bring(here)
    at_limit(here, 1)
    here.write_rows("UPDATE media_files SET cached_at = NULL, evicted_at = ?, evicted_because = 'lru'"
                    " WHERE file_id IN (SELECT source_file_id FROM renditions)", utc_now())  # fmt: skip
    done = here.library.join_media()
    assert (done.status, done.joins.joined, done.joins.failed, here.queued()) == (RunStatus.COMPLETED, 0, 0, 0)
    here.write_rows("UPDATE media_files SET cached_at = evicted_at WHERE evicted_because = 'lru'")
    full = replace(here.library._parts.config, cache=CacheConfig(max_bytes=10))
    with monkeypatch.context() as narrow:
        narrow.setattr(here.library, "_parts", replace(here.library._parts, config=full))
        done = here.library.join_media()
        assert (done.status, "limit" in done.error, done.joins.apart) == (RunStatus.FAILED, True, 1)
        fetched = here.library.fetch_due()
        assert (fetched.status, "limit" in fetched.joins.error) == (RunStatus.COMPLETED, True)
    assert here.library.join_media().joins.joined == 1


@needs_ffmpeg
def test_a_lost_joined_file_is_no_alarm_and_is_made_again(here):
    bring(here)
    path = the_path(here)
    (here.root / path).unlink()
    seen = here.library.verify_cache()
    assert (seen.clean, seen.missing, seen.to_remake) == (True, (), (path,))
    seen = here.library.verify_cache(repair=True)
    assert (seen.clean, seen.to_remake, made(here)) == (True, (path,), [(None, None)])
    assert here.library.fetch_due().joins.joined == 1
    assert the_path(here) == path
    is_settled(here)


@needs_ffmpeg
def test_a_damaged_joined_file_is_told_and_made_again(here):
    bring(here)
    name = the_path(here)
    path = here.root / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert here.library.verify_cache(repair=True).damaged == (name,)
    assert here.library.fetch_due().joins.joined == 1
    assert path.read_bytes() == content
    is_settled(here)


@needs_ffmpeg
def test_retention_takes_it_with_its_video(here):
    bring(here)
    here.library.add_policy("old", older_than_days=1)
    told = here.library.apply_retention(dry_run=True)
    assert told.recoverable.files == 4
    assert here.library.apply_retention().removed.files == 4
    assert here.cached() == {}
    assert here.library.fetch_due().joins.joined == 0


@needs_ffmpeg
def test_it_is_not_sent_to_the_archive(here):
    bring(here)
    root = here.folder / "archive"
    root.mkdir()
    config = replace(here.config, archive=ArchiveConfig(directory=root))
    here.library.config = config
    here.library._parts = replace(here.library._parts, config=config)
    assert here.library.plan_archive().files == 3
    assert here.library.archive_media().archived == 3
    assert sum(share.files for share in here.library.archive_status().shares) == 3


# --- erased, killed, stopped ----------------------------------------------------------------------------


@needs_ffmpeg
def test_it_is_erased_with_its_video(here):
    bring(here)
    path = the_path(here)
    [post] = here.library.posts()
    here.library.erasing.posts([post.post_id], reason="asked to", dry_run=False)
    assert (made(here), here.cached(), (here.root / path).exists()) == ([], {}, False)
    with pytest.raises(NotFound):
        here.library.post(post.post_id)
    assert here.rows("SELECT count(*) FROM media_files") == [(0,)]
    is_settled(here)


@needs_ffmpeg
@pytest.mark.parametrize("point", JOIN_POINTS)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_killed_at_any_moment_the_next_run_ends_it(here, point):
    with pytest.MonkeyPatch.context() as bare:
        bare.setenv("PATH", "/nowhere")
        bring(here)
    script = (
        "import os, signal, sys; from pathlib import Path; from postkeep import points;"
        "from postkeep.config import Config; from postkeep.library import open_library;"
        "points.watch(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == sys.argv[3] else None);"
        "open_library(Config(Path(sys.argv[1]), sys.argv[2])).join_media()"
    )
    command = [sys.executable, "-c", script, str(here.config.home), here.config.database_url, point]
    source = str(Path(sys.modules["postkeep"].__file__).parents[1])
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    here.library.fetch_due()
    the_path(here)
    is_settled(here)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_stopped_it_leaves_the_rest_queued(here, tmp_path, monkeypatch):
    with monkeypatch.context() as bare:
        bare.setenv("PATH", "/nowhere")
        bring(here, video=mp4(seed=b"film"), track=sound(b"iso5", b"dash"))
    fake_ffmpeg(tmp_path, f"open({str(tmp_path / 'started')!r}, 'w'); time.sleep(600)")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = here.library.join_media(stop=lambda: (tmp_path / "started").exists())
    assert (done.status, done.joins.joined, done.joins.failed, done.joins.apart) == (RunStatus.CANCELLED, 0, 0, 1)
    here.check()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_it_leaves_while_another_process_fetches(here, tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with here.store.writing() as tx:
        leases.take(tx, FETCH_LEASE, utc_now())
    with pytest.raises(LeaseTaken):
        here.library.join_media()
