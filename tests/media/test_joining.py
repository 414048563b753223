"""A video and its sound become one file, or nothing: whatever the files are, and whatever ffmpeg does."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from postkeep.errors import JoinError, ProgramMissing
from postkeep.media import joining
from postkeep.media.boxes import tracks
from postkeep.media.header import Header
from postkeep.media.joining import Limits, Stopped, find_ffmpeg, join
from postkeep.media.measure import measure
from postkeep.media.sniff import MP4
from tests.films import fake_ffmpeg, film, needs_ffmpeg, real_ffmpeg, talkie, voice
from tests.media_bytes import mp4, png, sound

BOUNDS = Limits(seconds=20, core_seconds=20, memory=2048 * 1024**2, size=1024**2)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def joined(folder: Path, video: bytes, sound: bytes, *, ffmpeg: Path | None = None, **more: object) -> Path:
    to = folder / "joined"
    join(
        ffmpeg or Path(real_ffmpeg()), put(folder, "a video.mp4", video), put(folder, "-sound", sound), to, **more
    )
    return to


def faked(folder: Path, script: str, *, limits: Limits = BOUNDS, **more: object) -> Path:
    return joined(
        folder,
        mp4(seed=b"film"),
        sound(b"iso5", b"dash"),
        ffmpeg=fake_ffmpeg(folder, script),
        limits=limits,
        **more,
    )


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"a video.mp4", "-sound", "ffmpeg"}


# --- by the real one ------------------------------------------------------------------------------------


@needs_ffmpeg
@pytest.mark.parametrize("stream", [True, False])
def test_both_tracks_are_in_one_file_of_the_videos_length(tmp_path, stream):
    content = joined(tmp_path, film(stream=stream), voice()).read_bytes()
    header = Header(io.BytesIO(content), len(content))
    assert tracks(header) == [b"vide", b"soun"]
    found = measure(io.BytesIO(content), MP4, len(content))
    assert (found.width, found.height) == (64, 48)
    assert found.duration == pytest.approx(2, abs=0.2)
    assert content.find(b"moov") < content.find(b"mdat"), "it can be played while it is read"


@needs_ffmpeg
def test_the_same_two_files_make_the_same_bytes_readable_for_us_alone(tmp_path):
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        path = joined(folder, film(), voice())
        made.append(path.read_bytes())
        assert path.stat().st_mode & 0o777 == 0o600
    assert made[0] == made[1]


@needs_ffmpeg
def test_a_video_with_a_sound_of_its_own_gets_the_one_beside_it_alone(tmp_path):
    content = joined(tmp_path, talkie(), voice()).read_bytes()
    assert tracks(Header(io.BytesIO(content), len(content))) == [b"vide", b"soun"]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("video", "sound", "kind"),
    [
        (lambda: film(), lambda: film(), "ffmpeg_failed"),
        (lambda: voice(), lambda: voice(), "ffmpeg_failed"),
        (lambda: mp4(seed=b"film"), lambda: voice(), "ffmpeg_failed"),
        (lambda: film(stream=False), lambda: voice(30), "other_length"),
        (lambda: film()[:400], lambda: voice(), "ffmpeg_failed"),
    ],
    ids=["no sound", "no pictures", "only the first bytes", "much longer", "cut"],
)
def test_what_cannot_be_joined_says_why_and_leaves_nothing(tmp_path, video, sound, kind):
    with pytest.raises(JoinError) as failed:
        joined(tmp_path, video(), sound())
    assert (failed.value.kind, left(tmp_path)) == (kind, set())


@needs_ffmpeg
@pytest.mark.parametrize(
    "lure",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
    ],
)
def test_a_playlist_opens_no_other_file_even_where_nobody_looked_at_it_first(tmp_path, lure, monkeypatch):
    put(tmp_path, "secret.mp4", talkie())
    put(tmp_path, "list.mp4", lure.encode())
    # It is one that ffmpeg follows, when it is left to guess.
    subprocess.run([real_ffmpeg(), "-v", "error", "-i", tmp_path / "list.mp4", "-f", "null", "-"], check=True)
    monkeypatch.setattr(joining, "_must_be_mp4", lambda path, what: path.stat().st_size)
    with pytest.raises(JoinError) as failed:
        joined(tmp_path, lure.encode(), voice())
    assert failed.value.kind == "ffmpeg_failed"


# --- what never comes to it -----------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"#EXTM3U\nfile:///etc/passwd\n", png(2, 2), b""])
def test_what_is_no_mp4_is_refused_before_anything_is_started(tmp_path, content):
    ffmpeg = fake_ffmpeg(tmp_path, "open(os.path.dirname(out) + '/started', 'w')")
    for files in ((content, mp4()), (mp4(), content)):
        with pytest.raises(JoinError) as failed:
            joined(tmp_path, *files, ffmpeg=ffmpeg)
        assert (failed.value.kind, left(tmp_path)) == ("not_mp4", set())


def test_a_link_is_not_followed(tmp_path):
    target = put(tmp_path, "target", mp4())
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError):
        join(fake_ffmpeg(tmp_path, ""), tmp_path / "link", target, tmp_path / "joined")


# --- by one that misbehaves -----------------------------------------------------------------------------


def test_it_is_told_what_the_files_are_and_gets_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("POSTKEEP_SECRET", "x")
    tell = "told = repr((sys.argv[1:], dict(os.environ), os.getcwd(), sys.stdin.read(),"
    tell += " sorted(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else []))"
    tell += "\nopen(os.path.dirname(out) + '/told', 'w').write(told)"
    opened = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(opened, True)
    try:
        with pytest.raises(JoinError):
            faked(tmp_path, tell)
    finally:
        os.close(opened)
    arguments, environment, folder, said, descriptors = eval((tmp_path / "told").read_text())
    assert environment.keys() - {"LC_CTYPE"} == {"PATH"}
    assert (folder, said) == ("/", "")
    # The three everybody has, and the one that lists them.
    assert len(descriptors) <= 4
    paths = [each for each in arguments if str(tmp_path) in each]
    assert all(each.startswith(f"file:{tmp_path}/") for each in paths)
    assert len(paths) == 3
    for number, each in enumerate(arguments):
        if each == "-i":
            before = arguments[number - 8 : number]
            assert before[:4] == ["-protocol_whitelist", "file", "-f", "mov"]
    assert "-nostdin" in arguments


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("sys.stderr.write('x' * 5 + 'bad \\x1b[2J\\x00 file'); sys.exit(3)", "ffmpeg_failed", "ended with 3"),
        ("os.kill(os.getpid(), 9)", "ffmpeg_failed", "signal 9"),
        ("sys.exit(0)", "not_joined", "made no file"),
        ("open(out, 'wb').write(b'not a video at all')", "not_mp4", "no MP4"),
        (
            "sound = sys.argv[-sys.argv[::-1].index('-i')]\nopen(out, 'wb').write(open(sound[5:], 'rb').read())",
            "not_joined",
            "tracks",
        ),
    ],
)
def test_however_it_ends_it_is_a_failure_with_words(tmp_path, script, kind, words):
    with pytest.raises(JoinError, match=words) as failed:
        faked(tmp_path, script)
    assert (failed.value.kind, left(tmp_path)) == (kind, set())


def test_much_talk_costs_no_memory_and_its_end_is_heard(tmp_path):
    with pytest.raises(JoinError) as failed:
        faked(
            tmp_path,
            "for _ in range(2000): sys.stderr.write('talk ' * 1000)\nsys.stderr.write('the end'); sys.exit(1)",
        )
    assert failed.value.message.endswith("the end")
    assert len(failed.value.message) < 400


@pytest.mark.parametrize(
    "script",
    [
        "with open(out, 'wb') as file:\n while True: file.write(bytes(1024 * 1024))",
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "with open(out, 'wb') as file:\n while True: file.write(bytes(1024 * 1024))",
        "with open(out, 'wb') as file: file.truncate(10 * 1024**3)",
    ],
    ids=["ignores the signal", "dies of it", "makes a hole"],
)
def test_gigabytes_are_not_written(tmp_path, script):
    largest = []
    with pytest.raises(JoinError):
        faked(tmp_path, script, tick=lambda: largest.append(_size(tmp_path / "joined")))
    assert max(largest, default=0) <= BOUNDS.size
    assert left(tmp_path) == set()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_memory_and_a_core_are_bounded(tmp_path):
    with pytest.raises(JoinError):
        faked(tmp_path, "x = bytearray(4 * 1024**3)")
    narrow = Limits(seconds=60, core_seconds=1, memory=BOUNDS.memory, size=BOUNDS.size)
    with pytest.raises(JoinError) as failed:
        faked(tmp_path, "while True: pass", limits=narrow)
    assert failed.value.kind == "ffmpeg_failed"


_WITH_A_CHILD = (
    "child = os.fork()\n"
    "open(out + ('.child' if not child else '.parent'), 'w').write(str(os.getpid()))\n"
    "time.sleep(600)"
)


def _pids(folder: Path) -> list[int]:
    paths = [folder / "joined.parent", folder / "joined.child"]
    return [int(path.read_text()) for path in paths if path.exists() and path.read_text()]


def _must_be_gone(pids: list[int]) -> None:
    for pid in pids:
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {pid} lives on")


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path):
    brief = Limits(seconds=1.5, core_seconds=20, memory=BOUNDS.memory, size=BOUNDS.size)
    with pytest.raises(JoinError) as failed:
        faked(tmp_path, _WITH_A_CHILD, limits=brief)
    assert failed.value.kind == "timeout"
    pids = _pids(tmp_path)
    assert len(pids) == 2
    _must_be_gone(pids)


def test_who_asks_to_stop_is_heard_while_it_works(tmp_path):
    with pytest.raises(Stopped):
        faked(tmp_path, _WITH_A_CHILD, stop=lambda: len(_pids(tmp_path)) == 2)
    _must_be_gone(_pids(tmp_path))


def test_one_that_leaves_a_child_behind_with_its_voice_is_not_waited_for(tmp_path):
    with pytest.raises(JoinError):
        faked(tmp_path, _WITH_A_CHILD.replace("time.sleep(600)", "time.sleep(600 if not child else 0.5)"))
    _must_be_gone(_pids(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux ends a child with its parent")
def test_it_does_not_outlive_us(tmp_path):
    put(tmp_path, "v", mp4(seed=b"film"))
    put(tmp_path, "s", mp4(seed=b"sound"))
    fake_ffmpeg(tmp_path, "open(out + '.parent', 'w').write(str(os.getpid())); time.sleep(600)")
    us = os.fork()
    if us == 0:
        try:
            join(tmp_path / "ffmpeg", tmp_path / "v", tmp_path / "s", tmp_path / "joined", limits=BOUNDS)
        finally:
            os._exit(1)
    while not _pids(tmp_path):
        time.sleep(0.05)
    os.kill(us, signal.SIGKILL)
    os.waitpid(us, 0)
    _must_be_gone(_pids(tmp_path))


def test_one_that_cannot_be_started_is_no_fault_of_the_files(tmp_path):
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/nobody/has/this\n")
    broken.chmod(0o755)
    for ffmpeg in (broken, tmp_path / "nowhere"):
        with pytest.raises(ProgramMissing):
            joined(tmp_path, mp4(), mp4(seed=b"b"), ffmpeg=ffmpeg)


def test_it_is_looked_for_on_the_search_path_and_not_where_one_stands(tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    for path in (".", "", "/nowhere"):
        monkeypatch.setenv("PATH", path)
        assert find_ffmpeg() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == tmp_path / "ffmpeg"
