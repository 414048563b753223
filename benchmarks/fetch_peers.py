"""The three downloaders that postkeep is compared with: each in an environment of its own, tuned by its manual."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.fetch_clients import CONNECTIONS, OUT, Client, Turn, files_written

REQUIREMENTS: Mapping[str, Sequence[str]] = {
    "scrapy": ("scrapy==2.19.0",),
    "gallery-dl": ("gallery-dl==1.32.*",),
    "img2dataset": ("img2dataset==1.47.0",),
}
_PROCESSES = 2


def peer(name: str, folder: Path, environment: Mapping[str, str]) -> Client:
    """A peer by its name; it is installed below `folder` unless it is there."""
    programs = install(name, folder)
    match name:
        case "scrapy":
            return Client(name, lambda turn: _scrapy(turn, programs), files_written, environment)
        case "gallery-dl":
            return Client(name, lambda turn: _gallery_dl(turn, programs), files_written, environment)
        case _:
            # It asks the network for a newer version of a library of its own, and waits for the answer.
            quiet = {**environment, "NO_ALBUMENTATIONS_UPDATE": "1"}
            return Client(name, lambda turn: _img2dataset(turn, programs), files_written, quiet)


def install(name: str, folder: Path, requirements: Sequence[str] = ()) -> Path:
    """The folder with a peer's programs, made by the package installer at first use."""
    requirements = requirements or REQUIREMENTS[name]
    place = folder / name
    done = place / "requirements.txt"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        print(f"installing {wanted} into {place}", flush=True)
        subprocess.run((sys.executable, "-m", "venv", "--clear", str(place)), check=True)
        python = str(place / "bin" / "python")
        quiet = ("--quiet", "--disable-pip-version-check")
        command = (python, "-m", "pip", "install", *quiet, *requirements)
        got = subprocess.run(command, check=False, capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError(f"{name} cannot be installed: {got.stderr[-2000:]}")
        done.write_text(wanted)
    return place / "bin"


def _urls(turn: Turn) -> Path:
    path = turn.folder / "urls.txt"
    path.write_text("".join(f"{url}\n" for url in turn.urls))
    (turn.folder / OUT).mkdir()
    return path


def _scrapy(turn: Turn, programs: Path) -> Sequence[str]:
    spider = Path(__file__).with_name("fetch_scrapy.py")
    return (str(programs / "python"), str(spider), str(_urls(turn)), str(turn.folder / OUT))


def _gallery_dl(turn: Turn, programs: Path) -> Sequence[str]:
    """It fetches one file after another, so it gets one connection, and keeps that."""
    settings = {
        "extractor": {
            "base-directory": str(turn.folder / OUT),
            "directory": [],
            "filename": "{filename}.{extension}",
            "parent-session": True,
            "proxy": None,
            "skip": False,
            "sleep": 0,
            "sleep-request": 0,
            "sleep-extractor": 0,
            "verify": str(turn.authority),
            "cookies-update": False,
        },
        "downloader": {
            "mtime": False,
            "part": False,
            "progress": None,
            "http": {"chunk-size": 1024 * 1024, "adjust-extensions": False, "consume-content": True},
        },
        "output": {"mode": "null"},
    }
    path = turn.folder / "gallery-dl.json"
    path.write_text(json.dumps(settings))
    return (
        *(str(programs / "gallery-dl"), "--config-ignore", "--config", str(path), "--quiet"),
        f"recursive:file://{_urls(turn)}",
    )


def _img2dataset(turn: Turn, programs: Path) -> Sequence[str]:
    shard = max(1, -(-len(turn.urls) // _PROCESSES))
    options = {
        "url_list": _urls(turn),
        "output_folder": turn.folder / OUT,
        "output_format": "files",
        "processes_count": _PROCESSES,
        "thread_count": CONNECTIONS,
        "number_sample_per_shard": shard,
        "resize_mode": "no",
        "skip_reencode": True,
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": "md5",
        "enable_wandb": False,
        "retries": 0,
    }
    return (str(programs / "img2dataset"), *(f"--{name}={value}" for name, value in options.items()))
