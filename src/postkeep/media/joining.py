"""Joins a video and its sound, files of strangers, by an ffmpeg that is told what they are and kept in bounds."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from postkeep.errors import JoinError, NotMedia, ProgramMissing
from postkeep.media import bounded
from postkeep.media.boxes import tracks
from postkeep.media.disk import discard, open_regular
from postkeep.media.header import Header, Odd
from postkeep.media.measure import measure
from postkeep.media.sniff import MP4, SNIFF_BYTES, sniff

_POLL_SECONDS = 0.1
_HEARD_BYTES = 64 * 1024
_PIPE_BYTES = 1024**2
_KEPT_BYTES = 4096
_SPARE_BYTES = 1024**2
_MIB = 1024**2
_NEAR_SECONDS = 2.0
_NEAR = 0.05
_INPUT = (
    *("-protocol_whitelist", "file"),
    # Named, so that nothing is guessed: playlists and lists of files name other files, and addresses.
    *("-f", "mov", "-enable_drefs", "0", "-use_absolute_path", "0"),
)
_OUTPUT = (
    *("-map", "0:v:0", "-map", "1:a:0", "-c", "copy"),
    # Nothing that changes from one time to the next: the same two files make the same bytes.
    *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"),
    *("-movflags", "+faststart", "-f", "mp4"),
)


class Stopped(Exception):
    """Somebody asked to stop while a program ran; it was ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What ffmpeg may use for one video: seconds by the clock and of a core, bytes of memory and of a file."""

    seconds: float
    core_seconds: int
    memory: int
    size: int

    @classmethod
    def of(cls, size: int) -> Limits:
        """For files of so many bytes: time to copy 4 MiB a second, room for a little more than they hold."""
        return cls(
            seconds=60 + size / (4 * _MIB),
            core_seconds=30 + size // (8 * _MIB),
            # Its libraries alone take half a gibibyte of addresses.
            memory=2048 * _MIB,
            size=size + size // 8 + _SPARE_BYTES,
        )


def find_ffmpeg() -> Path | None:
    """Where ffmpeg is, by the search path; None without it. What lies in the folder one stands in is none."""
    found = shutil.which("ffmpeg")
    return Path(found) if found is not None and Path(found).is_absolute() else None


def join(
    ffmpeg: Path,
    video: Path,
    sound: Path,
    to: Path,
    *,
    limits: Limits | None = None,
    tick: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write the first picture track of one MP4 and the first sound track of another to a new file, and check it.

    The tracks are copied as they are. `tick` is called every now and then. All paths are absolute. Raises
    JoinError, ProgramMissing for an ffmpeg that does not start, Stopped, OSError; nothing is left at `to` then.
    """
    size = _must_be_mp4(video, "the video") + _must_be_mp4(sound, "the sound")
    limits = limits or Limits.of(size)
    inputs = [part for path in (video, sound) for part in (*_INPUT, "-i", f"file:{path}")]
    command = [
        str(ffmpeg),
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        *inputs,
        *_OUTPUT,
        "-n",
        f"file:{to}",
    ]
    try:
        code, said = _run(command, limits, tick, stop)
        if code == bounded.NOT_STARTED:
            raise ProgramMissing(f"{ffmpeg} does not start: {_words(said) or 'it says nothing'}")
        if code != 0:
            raise JoinError(_ended(code, said), kind="ffmpeg_failed")
        _must_be_joined(to, video, limits)
    except BaseException:
        discard(to)
        raise


# --- files ----------------------------------------------------------------------------------------------


def _must_be_mp4(path: Path, what: str) -> int:
    """Raise JoinError for anything else, by its first bytes; returns how many it has."""
    with os.fdopen(open_regular(path), "rb") as file:
        try:
            kind = sniff(file.read(SNIFF_BYTES))
        except NotMedia as error:
            raise JoinError(f"{what} is no MP4 but {error.found}", kind="not_mp4") from None
        if kind != MP4:
            raise JoinError(f"{what} is no MP4 but {kind.mime_type}", kind="not_mp4")
        return os.fstat(file.fileno()).st_size


def _must_be_joined(path: Path, video: Path, limits: Limits) -> None:
    """Raise JoinError unless the file has both tracks and lasts about as long as the video."""
    try:
        size = _must_be_mp4(path, "what ffmpeg made")
    except FileNotFoundError:
        raise JoinError("ffmpeg made no file", kind="not_joined") from None
    if size > limits.size:
        raise JoinError(f"ffmpeg made {size:,} bytes of {limits.size:,} at most", kind="not_joined")
    with path.open("rb") as file:
        try:
            found = sorted(tracks(Header(file, size)))
        except Odd:
            found = []
    if found != [b"soun", b"vide"]:
        names = ", ".join(each.decode("ascii", "replace") for each in found) or "none"
        raise JoinError(f"what ffmpeg made has other tracks than one of each: {names}", kind="not_joined")
    before, after = _seconds(video), _seconds(path)
    if after is None:
        raise JoinError("what ffmpeg made has no length", kind="not_joined")
    if before is not None and abs(after - before) > max(_NEAR_SECONDS, before * _NEAR):
        raise JoinError(f"it lasts {after:.1f} seconds and the video {before:.1f}", kind="other_length")


def _seconds(path: Path) -> float | None:
    with path.open("rb") as file:
        return measure(file, MP4, path.stat().st_size).duration


# --- the process ----------------------------------------------------------------------------------------


def _run(
    command: list[str], limits: Limits, tick: Callable[[], None], stop: Callable[[], bool]
) -> tuple[int, bytes]:
    """Run a command to its end; returns its exit code (a signal's below zero) and the last it said."""
    bounds = (os.getpid(), limits.memory, limits.core_seconds, limits.size)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", bounded.__file__, *map(str, bounds), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PATH": f"{Path(command[0]).parent}:{os.defpath}"},
        cwd="/",
        close_fds=True,
        # Ctrl-C is for us, who end it then with all that it started.
        start_new_session=True,
    )
    try:
        said = _listen(process, limits, tick, stop)
    finally:
        _end(process)
    return process.returncode, said


def _listen(
    process: subprocess.Popen[bytes], limits: Limits, tick: Callable[[], None], stop: Callable[[], bool]
) -> bytes:
    assert process.stderr is not None, "it was asked for"
    said, until = b"", time.monotonic() + limits.seconds
    descriptor = process.stderr.fileno()
    os.set_blocking(descriptor, False)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not _has_ended(process):
            if stop():
                raise Stopped
            if time.monotonic() > until:
                raise JoinError(f"ffmpeg was not done after {limits.seconds:.0f} seconds", kind="timeout")
            tick()
            if not selector.get_map():
                time.sleep(_POLL_SECONDS)
            elif selector.select(_POLL_SECONDS):
                piece = os.read(descriptor, _HEARD_BYTES)
                said = (said + piece)[-_KEPT_BYTES:]
                if not piece:
                    selector.unregister(descriptor)
    try:
        # Once: what it started may hold the pipe open, and go on writing.
        said += os.read(descriptor, _PIPE_BYTES)
    except BlockingIOError:
        pass
    return said[-_KEPT_BYTES:]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; it stays a zombie, so that its number, and its group's, are nobody else's."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group of a child, which may outlive it, and wait for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # It has not made its group yet, or the system does not signal zombies.
        process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _ended(code: int, said: bytes) -> str:
    how = f"ffmpeg ended with {code}" if code >= 0 else f"ffmpeg was ended by signal {-code}"
    words = _words(said)
    return f"{how}: {words}" if words else how


def _words(said: bytes) -> str:
    """The last lines a program said, in one line and short."""
    text = " ".join(said.decode("utf-8", "replace").replace("\x00", " ").split())
    return text if len(text) <= 300 else f"…{text[-299:]}"
