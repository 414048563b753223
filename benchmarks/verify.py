"""How fast the cache is verified, against two md5sum at a time over the same files.

`python -m benchmarks.verify [--files 8000] [--runs 3] [--json] [--scratch DIR]`
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks import fetch_clients as clients
from benchmarks.fetch import NOT_CALM, PATIENCE, machine, memory_folder
from benchmarks.fetch_child import CALM, SAID_NAME, busy_seconds, calm_down, run
from benchmarks.fetch_goals import Goal, print_goals
from benchmarks.fetch_server import Server
from benchmarks.fetch_turns import Figures, Ground, file_system, prepare

MD5SUM = "md5sum"
MD5 = "md5"
BOTH = "md5+sha256"
MD5_GOAL = 0.9
BOTH_GOAL = 0.6

_FILES_A_PROGRAM = "250"


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn in seconds: the process from start to end, and of ours the run it recorded."""

    wall: float
    active: float
    cpu: float
    others: float


def fill_cache(ground: Ground) -> Path:
    """Fetch the files into the ground's home, whose cache every turn then verifies; returns a folder for turns."""
    folder = ground.scratch / "fill"
    folder.mkdir()
    client = clients.postkeep(ground.environment, "postkeep", per_host=clients.CONNECTIONS)
    command = clients.our_command(ground.identity.authority, ground.home, "media", "download-all", "--json")
    with Server(folder / "nginx", ground.www, ground.port, ground.identity):
        run(command, folder=folder, environment=client.environment)
    clients.check_home(ground.home, ground.pictures)
    return folder


def measure_verify(ground: Ground, *, runs: int) -> Figures:
    """Let the three take turns over one cache; raises RuntimeError when one of them did not see every file."""
    folder = fill_cache(ground)
    files = len(ground.pictures)
    ways: Mapping[str, Callable[[], Measured]] = {
        MD5SUM: lambda: _md5sum(ground, folder),
        MD5: lambda: _ours(ground, folder, "--md5-only"),
        BOTH: lambda: _ours(ground, folder),
    }
    turns: dict[str, list[Measured]] = {name: [] for name in ways}
    print(f"{'':14}{'wall s':>8}{'active s':>10}{'files/s':>9}{'whole':>8}{'CPU s/1k':>10}{'others':>8}")
    for _ in range(runs):
        for name, way in ways.items():
            one = way()
            turns[name].append(one)
            print(
                f"{name:14}{one.wall:8.2f}{one.active:10.2f}{files / one.active:9,.0f}{files / one.wall:8,.0f}"
                f"{one.cpu / files * 1000:10.3f}{one.others:8.1f}",
                flush=True,
            )
    return {
        "files": files,
        "bytes": ground.size,
        "file_system": file_system(ground.home),
        "calm": any(all(one.others < CALM for one in each) for each in zip(*turns.values(), strict=True)),
        "turns": {name: [asdict(one) for one in each] for name, each in turns.items()},
        "ratios": {name: _ratio(turns[name], turns[MD5SUM], "active") for name in (MD5, BOTH)},
        "ratios_whole": {name: _ratio(turns[name], turns[MD5SUM], "wall") for name in (MD5, BOTH)},
    }


def _ratio(ours: Sequence[Measured], theirs: Sequence[Measured], which: str) -> float:
    rounds = list(zip(ours, theirs, strict=True))
    calm = [pair for pair in rounds if all(one.others < CALM for one in pair)]
    return median(other.wall / float(getattr(one, which)) for one, other in calm or rounds)


def _md5sum(ground: Ground, folder: Path) -> Measured:
    paths = clients.pictures_below(ground.home / "cache")
    listed = folder / "paths"
    listed.write_bytes(b"".join(bytes(path) + b"\0" for path in paths))
    command = ("xargs", "-0", "-a", str(listed), "-P", "2", "-n", _FILES_A_PROGRAM, "md5sum")
    one = _timed(command, folder, ground.environment, ground.patience)
    found = sorted(line.split()[0] for line in (folder / SAID_NAME).read_text().splitlines())
    if found != sorted(picture.md5 for picture in ground.pictures):
        raise RuntimeError("md5sum did not see every file")
    return one


def _ours(ground: Ground, folder: Path, *options: str) -> Measured:
    ours = clients.postkeep(ground.environment, "postkeep", per_host=None)
    verify = ("media", "verify-cache", "--json", *options)
    command = clients.our_command(ground.identity.authority, ground.home, *verify)
    one = _timed(command, folder, ours.environment, ground.patience)
    said = json.loads((folder / SAID_NAME).read_text())
    if said["sound"] != len(ground.pictures):
        raise RuntimeError(f"not every file was found sound: {said}")
    return Measured(one.wall, _recorded(ground.home), one.cpu, one.others)


def _timed(command: Sequence[str], folder: Path, environment: Mapping[str, str], patience: float) -> Measured:
    calm_down(patience)
    busy = busy_seconds()
    one = run(command, folder=folder, environment=environment)
    others = (busy_seconds() - busy - one.cpu) / one.wall
    return Measured(one.wall, one.wall, one.cpu, max(0.0, others))


def _recorded(home: Path) -> float:
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        query = "SELECT started_at, completed_at FROM download_runs ORDER BY started_at DESC LIMIT 1"
        began, ended = map(datetime.fromisoformat, database.execute(query).fetchone())
    return (ended - began).total_seconds()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=3, help="how often the three take turns")
    parser.add_argument("--scratch", type=Path, help="where the cache is made (default: /dev/shm)")
    parser.add_argument("--patience", type=float, default=30, help=PATIENCE)
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    place = given.scratch or memory_folder()
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=place) as scratch:
        ground = prepare(Path(scratch), given.files, patience=given.patience)
        print(f"{given.files} files, {ground.size / 1e6:.0f} MB, warm, on {file_system(ground.home)}", flush=True)
        figures = measure_verify(ground, runs=given.runs)
    goals = [
        Goal("files/s in times md5sum's, MD5 alone", figures["ratios"][MD5], MD5_GOAL),
        Goal("files/s in times md5sum's, MD5 and SHA-256", figures["ratios"][BOTH], BOTH_GOAL),
    ]
    print_goals(goals)
    if not figures["calm"]:
        print(NOT_CALM)
    if given.json:
        print(json.dumps({**figures, "goals": [goal.shown() for goal in goals], "machine": machine()}))


if __name__ == "__main__":
    main(sys.argv[1:])
