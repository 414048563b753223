"""How fast postkeep downloads, against curl as the bound and against its peers, from one server on loopback.

`python -m benchmarks.fetch [--files 8000] [--runs 3] [--only NAME ...] [--parts PART ...] [--json]`
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import fetch_clients as clients
from benchmarks.fetch_child import CALM
from benchmarks.fetch_clients import Client
from benchmarks.fetch_goals import Goal, print_goals
from benchmarks.fetch_latency import measure_latency
from benchmarks.fetch_peers import REQUIREMENTS, peer
from benchmarks.fetch_server import DELAYS
from benchmarks.fetch_turns import Figures, Ground, Turns, file_system, measure_place, prepare, ratio, summary
from benchmarks.fetch_video import SIZE, enough_room, measure_video

OURS = "postkeep"
DEFAULTS = "postkeep-5"
PEERS = tuple(REQUIREMENTS)
ALL = ("curl", OURS, DEFAULTS, *PEERS)
PARTS = ("memory", "disk", "latency", "video")
CACHE = Path.home() / ".cache" / "postkeep-benchmarks"

NOT_CALM = "the machine was busy with something else in every round: times and ratios say little"
PATIENCE = "seconds a turn may wait until others leave the machine alone (30)"

PEER_GOAL = 3.5
CURL_GOAL = 0.5
CPU_GOAL = 0.6
PEAK_GOAL = 100.0
LATENCY_GOAL = 0.9


def choose(names: Iterable[str], ground: Ground, peers: Path) -> list[Client]:
    """The clients of these names, ready to be started."""
    environment = ground.environment
    ways: Mapping[str, Callable[[], Client]] = {
        "curl": lambda: clients.curl(environment),
        OURS: lambda: clients.postkeep(environment, OURS, per_host=clients.CONNECTIONS),
        DEFAULTS: lambda: clients.postkeep(environment, DEFAULTS, per_host=None),
        **{name: partial(peer, name, peers, environment) for name in PEERS},
    }
    return [ways[name]() for name in ALL if name in set(names)]


def measure_clients(ground: Ground, folder: Path, chosen: Sequence[Client], *, runs: int) -> Figures:
    """Let the clients take turns below `folder`; ratios are those of the same round."""
    print(f"\ninto {file_system(folder)}", flush=True)
    turns = measure_place(ground, folder / "turns", chosen, runs=runs)
    figures = {name: summary(each, len(ground.pictures)) for name, each in turns.items()}
    _print_medians(figures)
    return {"file_system": file_system(folder), "clients": figures, "ratios": _ratios(turns)}


def _ratios(turns: Turns) -> dict[str, float]:
    if OURS not in turns:
        return {}
    return {name: ratio(turns[OURS], turns[name]) for name in ("curl", *PEERS) if name in turns}


def goals(measured: Figures) -> list[Goal]:
    """The promises, beside what is told of them by the parts that were measured."""
    memory = measured.get("memory", {})
    ours = memory.get("clients", {}).get(OURS, {})
    ratios = memory.get("ratios", {})
    # Only against all three: the best of those that were left out is not known.
    best = min(ratios[name] for name in PEERS) if set(PEERS) <= set(ratios) else None
    peak, film = ours.get("peak"), measured.get("video", {}).get("peak")
    slow = measured.get("latency", {}).get("ratio")
    return [
        Goal("files/s, in times the best peer's", best, PEER_GOAL),
        Goal("files/s, in times curl's", ratios.get("curl"), CURL_GOAL),
        Goal("CPU seconds for 1,000 files", ours.get("cpu_per_thousand"), CPU_GOAL, at_least=False),
        Goal("peak memory, MB", peak and peak / 1e6, PEAK_GOAL, at_least=False),
        Goal("peak memory with a large video, MB", film and film / 1e6, PEAK_GOAL, at_least=False),
        Goal(
            "100 ms, 128 connections: in times the bare loop's",
            slow,
            LATENCY_GOAL,
        ),
    ]


def measure(given: argparse.Namespace, scratch: Path, disk: Path) -> Figures:
    """All parts that were asked for, one after another."""
    ground = prepare(scratch, given.files, patience=given.patience)
    print(f"{given.files} files, {ground.size / 1e6:.0f} MB, served from {file_system(scratch)}", flush=True)
    parts: Figures = {}
    chosen = choose(given.only, ground, given.peers)
    if "memory" in given.parts:
        parts["memory"] = measure_clients(ground, scratch, chosen, runs=given.runs)
    if "disk" in given.parts:
        parts["disk"] = measure_clients(ground, disk, chosen, runs=1)
    if "latency" in given.parts:
        if DELAYS.exists():
            print("\n100 ms before every answer, 128 connections to 16 hosts", flush=True)
            parts["latency"] = measure_latency(ground, runs=given.runs)
        else:
            print("\nno latency: that takes nginx's echo module (Debian: nginx-light)", flush=True)
    if "video" in given.parts:
        if enough_room(disk):
            print(f"\nwith a video of {SIZE / 1e9:.0f} GB, into {file_system(disk)}", flush=True)
            parts["video"] = measure_video(ground, disk)
        else:
            print("\nno video: that takes 10 GB of free disk", flush=True)
    calm = all(_calm(part["clients"]) for part in parts.values() if "ratios" in part or "ratio" in part)
    return {"files": given.files, "bytes": ground.size, "calm": calm, **parts}


def _calm(measured: Mapping[str, Figures]) -> bool:
    """Whether in some round every client had the machine to itself."""
    rounds = zip(*(figures["turns"] for figures in measured.values()), strict=True)
    return any(all(turn["others"] < CALM for turn in turns) for turns in rounds)


# --- what is shown ------------------------------------------------------------------------------------


def _print_medians(figures: Mapping[str, Figures]) -> None:
    print(
        f"{'medians':14}{'files/s':>9}{'best':>8}{'whole':>8}"
        f"{'CPU s/1k':>10}{'least':>8}{'peak MB':>9}{'server':>8}"
    )
    for client, one in figures.items():
        print(
            f"{client:14}{one['files_per_second']:9,.0f}{one['files_per_second_best']:8,.0f}"
            f"{one['files_per_second_whole']:8,.0f}{one['cpu_per_thousand']:10.3f}"
            f"{one['cpu_per_thousand_best']:8.3f}{one['peak'] / 1e6:9.0f}{one['server_cpu_per_thousand']:8.3f}"
        )


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }


def memory_folder() -> Path | None:
    """A folder on a file system in memory, if the machine has one."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetch", description=__doc__)
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=3, help="how often the clients take turns; on disk once")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL, metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--no-video", action="store_true", help="leave out the video, which takes 10 GB of disk")
    parser.add_argument("--scratch", type=Path, help="where the files are served from (default: /dev/shm)")
    parser.add_argument("--disk", type=Path, help="a folder on a disk (default: the temporary folder)")
    parser.add_argument("--peers", type=Path, default=CACHE, help=f"where peers are installed ({CACHE})")
    parser.add_argument("--patience", type=float, default=30, help=PATIENCE)
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    if given.no_video:
        given.parts = [part for part in given.parts if part != "video"]
    with (
        tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch or memory_folder()) as scratch,
        tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.disk) as disk,
    ):
        figures = measure(given, Path(scratch), Path(disk))
    promised = goals(figures)
    print_goals(promised)
    if not figures["calm"]:
        print(NOT_CALM)
    if given.json:
        print(json.dumps({**figures, "goals": [goal.shown() for goal in promised], "machine": machine()}))


if __name__ == "__main__":
    main(sys.argv[1:])
