"""Tiny videos and sounds, made by ffmpeg, and programs that only call themselves ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from postkeep.media.joining import find_ffmpeg

needs_ffmpeg = pytest.mark.skipif(find_ffmpeg() is None, reason="ffmpeg is not installed")

_PICTURES = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10")
_TONE = ("-f", "lavfi", "-i")
_H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1")
_STREAM = ("-movflags", "+dash+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4")


@cache
def _made(*arguments: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        command = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *arguments, str(path))
        subprocess.run(command, check=True, timeout=60)
        return path.read_bytes()


def film(seconds: float = 2, *, stream: bool = True) -> bytes:
    """A video without sound, in one fragment a second as streams are kept, or as one file."""
    return _made(*_PICTURES, "-t", str(seconds), *_H264, *(_STREAM if stream else ("-f", "mp4")))


def voice(seconds: float = 2, *, tone: int = 440) -> bytes:
    """A sound without pictures, as streams are kept."""
    return _made(*_TONE, f"sine={tone}", "-t", str(seconds), "-c:a", "aac", *_STREAM)


def talkie(seconds: float = 2) -> bytes:
    """A video with its sound."""
    tone = (*_TONE, "sine=220")
    return _made(*_PICTURES, *tone, "-t", str(seconds), *_H264, "-c:a", "aac", "-f", "mp4")


def fake_ffmpeg(folder: Path, script: str) -> Path:
    """A program of this name that runs a Python script; `out` there is the path it was told to write."""
    path = folder / "ffmpeg"
    out = "import sys, os, time\nout = sys.argv[-1].removeprefix('file:')\n"
    path.write_text(f"#!{sys.executable}\n{out}{script}\n")
    path.chmod(0o755)
    return path


def real_ffmpeg() -> str:
    """The path of the real one."""
    return shutil.which("ffmpeg") or ""
