"""How fast postkeep downloads, against curl as the bound and against its peers, from one server on loopback.

`python -m benchmarks.fetch [--files 8000] [--runs 3] [--only NAME ...] [--json] [--scratch DIR] [--disk DIR]`
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from statistics import median
from typing import Any

from benchmarks import fetch_clients as clients
from benchmarks.fetch_child import run
from benchmarks.fetch_clients import Client, Turn
from benchmarks.fetch_corpus import Picture, write_pictures
from benchmarks.fetch_peers import peer
from benchmarks.fetch_server import HOST, Identity, Server, free_port, make_identity
from postkeep.mounts import mount_of

SEED = 20251125
OURS = "postkeep"
DEFAULTS = "postkeep-5"
PEERS = ("gallery-dl", "scrapy", "img2dataset")
CACHE = Path.home() / ".cache" / "postkeep-benchmarks"
ALL = ("curl", OURS, DEFAULTS, *PEERS)

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn: the whole process, and from the first request to the last file (ours: to the last commit)."""

    wall: float
    active: float
    cpu: float
    peak: int
    server_cpu: float
    requests: int
    connections: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What all turns share."""

    scratch: Path
    www: Path
    pictures: Sequence[Picture]
    identity: Identity
    port: int
    home: Path

    @property
    def urls(self) -> Sequence[str]:
        return [f"https://{HOST}:{self.port}/{picture.name}" for picture in self.pictures]


def prepare(scratch: Path, files: int) -> Ground:
    """Make the files, the server's identity, and the home that every turn of ours begins with."""
    identity = make_identity(scratch / "identity")
    pictures = write_pictures(scratch / "www", files, seed=SEED)
    ground = Ground(scratch, scratch / "www", pictures, identity, free_port(), scratch / "home")
    environment = clients.plain_environment(scratch, identity.authority)
    clients.prepare_home(ground.home, ground.urls, port=ground.port, environment=environment)
    return ground


def measure_place(
    ground: Ground, folder: Path, chosen: Sequence[Client], *, runs: int
) -> dict[str, list[Measured]]:
    """Let the clients take turns, each writing into a new folder below `folder`."""
    measured: dict[str, list[Measured]] = {client.name: [] for client in chosen}
    for number in range(runs):
        # Whoever comes first may find the machine in another state than whoever comes last.
        shift = number % len(chosen)
        for client in (*chosen[shift:], *chosen[:shift]):
            one = measure_turn(ground, client, folder / f"{number}-{client.name}")
            measured[client.name].append(one)
            _print_turn(client.name, one, len(ground.pictures))
    return measured


def measure_turn(ground: Ground, client: Client, folder: Path) -> Measured:
    """One turn of one client; raises RuntimeError when it did not fetch everything, or something else."""
    folder.mkdir(parents=True)
    turn = Turn(folder, ground.urls, ground.pictures, ground.port, ground.identity.authority, ground.home)
    command = client.start(turn)
    with Server(folder / "nginx", ground.www, ground.port, ground.identity) as server:
        process = run(command, folder=folder, environment=client.environment)
        server_cpu = server.cpu
        seen = server.seen()
    last, process = client.finish(turn, process)
    shutil.rmtree(folder)
    if seen.failed or seen.requests != len(ground.pictures):
        raise RuntimeError(f"{client.name} sent {seen.requests} requests, {seen.failed} of them in vain")
    return Measured(
        process.wall, last - seen.first, process.cpu, process.peak, server_cpu, seen.requests, seen.connections
    )


def choose(names: Iterable[str], ground: Ground, peers: Path) -> list[Client]:
    """The clients of these names, ready to be started."""
    environment = clients.plain_environment(ground.scratch, ground.identity.authority)
    ways = {
        "curl": lambda: clients.curl(environment),
        OURS: lambda: clients.postkeep(environment, OURS, per_host=clients.CONNECTIONS),
        DEFAULTS: lambda: clients.postkeep(environment, DEFAULTS, per_host=None),
        **{name: partial(peer, name, peers, environment) for name in PEERS},
    }
    return [ways[name]() for name in ALL if name in set(names)]


# --- what is shown ------------------------------------------------------------------------------------


def file_system(folder: Path) -> str:
    """The type of the file system a folder is on."""
    try:
        table = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return "unknown"
    mount = mount_of(PurePosixPath(folder.resolve()), table)
    return mount.type if mount else "unknown"


def summary(turns: Sequence[Measured], files: int) -> Figures:
    """The medians of a client's turns, and the best of its rates."""
    middle = {name: median(getattr(each, name) for each in turns) for name in Measured.__slots__}
    return {
        **middle,
        "files_per_second": median(files / each.active for each in turns),
        "files_per_second_best": max(files / each.active for each in turns),
        "files_per_second_whole": median(files / each.wall for each in turns),
        "cpu_per_thousand": middle["cpu"] / files * 1000,
        "server_cpu_per_thousand": middle["server_cpu"] / files * 1000,
        "turns": [asdict(each) for each in turns],
    }


_HEAD = f"{'':14}{'wall s':>8}{'active s':>9}{'files/s':>9}{'CPU s/1k':>10}{'peak MB':>9}{'server CPU s/1k':>17}"


def _print_turn(name: str, one: Measured, files: int) -> None:
    print(
        f"{name:14}{one.wall:8.2f}{one.active:9.2f}{files / one.active:9,.0f}{one.cpu / files * 1000:10.3f}"
        f"{one.peak / 1e6:9.0f}{one.server_cpu / files * 1000:17.3f}",
        flush=True,
    )


def _print_place(name: str, figures: Mapping[str, Figures]) -> None:
    print(f"\n{name}, medians (files/s: first request to last file; whole: the process)")
    print(f"{'':14}{'files/s':>9}{'best':>8}{'whole':>8}{'CPU s/1k':>10}{'peak MB':>9}{'server':>8}{'conn.':>7}")
    for client, one in figures.items():
        print(
            f"{client:14}{one['files_per_second']:9,.0f}{one['files_per_second_best']:8,.0f}"
            f"{one['files_per_second_whole']:8,.0f}{one['cpu_per_thousand']:10.3f}{one['peak'] / 1e6:9.0f}"
            f"{one['server_cpu_per_thousand']:8.3f}{one['connections']:7.0f}"
        )


def _machine() -> Figures:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetch", description=__doc__)
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=3, help="how often the clients take turns")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL, metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    parser.add_argument(
        "--scratch", type=Path, help="where everything is made (default: /dev/shm, if there is one)"
    )
    parser.add_argument("--peers", type=Path, default=CACHE, help=f"where peers are installed ({CACHE})")
    given = parser.parse_args(arguments)
    shared = Path("/dev/shm")
    scratch_in = given.scratch or (shared if os.access(shared, os.W_OK) else None)
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=scratch_in) as name:
        scratch = Path(name)
        ground = prepare(scratch, given.files)
        size = sum(picture.size for picture in ground.pictures)
        print(f"{given.files} files, {size / 1e6:.0f} MB, on {file_system(scratch)}\n{_HEAD}", flush=True)
        chosen = choose(given.only, ground, given.peers)
        measured = measure_place(ground, scratch / "turns", chosen, runs=given.runs)
        figures = {name: summary(turns, given.files) for name, turns in measured.items()}
        _print_place(file_system(scratch), figures)
    if given.json:
        print(json.dumps({"files": given.files, "bytes": size, "clients": figures, "machine": _machine()}))


if __name__ == "__main__":
    main(sys.argv[1:])
