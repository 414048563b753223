"""Clients taking turns on the same files: each with a new server and a new folder, checked, then forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from statistics import median
from typing import Any

from benchmarks import fetch_clients as clients
from benchmarks.fetch_child import CALM, busy_seconds, calm_down, run
from benchmarks.fetch_clients import Client, Turn
from benchmarks.fetch_corpus import Picture, write_pictures
from benchmarks.fetch_server import HOST, Identity, Server, free_port, make_identity
from postkeep.mounts import mount_of

SEED = 20251125

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn, in seconds, bytes and counts.

    `wall` and `cpu` are the whole process. `active` is the time from the first request to the last file, ours to
    the last commit. `others` is how many cores were busy with what is neither client nor server.
    """

    wall: float
    active: float
    cpu: float
    peak: int
    server_cpu: float
    connections: int
    others: float


Turns = dict[str, list[Measured]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What all turns share; everything is made below `scratch`.

    `patience` is how many seconds a turn may wait for others to leave the machine alone.
    """

    scratch: Path
    www: Path
    pictures: Sequence[Picture]
    identity: Identity
    port: int
    home: Path
    patience: float

    @property
    def urls(self) -> Sequence[str]:
        return [f"https://{HOST}:{self.port}/{picture.name}" for picture in self.pictures]

    @property
    def environment(self) -> dict[str, str]:
        return clients.plain_environment(self.scratch, self.identity.authority)

    @property
    def size(self) -> int:
        return sum(picture.size for picture in self.pictures)


def prepare(scratch: Path, files: int, *, patience: float) -> Ground:
    """Make the files, the server's identity, and the home that every turn of ours begins with."""
    identity = make_identity(scratch / "identity")
    pictures = write_pictures(scratch / "www", files, seed=SEED)
    ground = Ground(scratch, scratch / "www", pictures, identity, free_port(), scratch / "home", patience)
    clients.prepare_home(ground.home, ground.urls, port=ground.port, environment=ground.environment)
    return ground


def measure_place(ground: Ground, folder: Path, chosen: Sequence[Client], *, runs: int) -> Turns:
    """Let the clients take turns, each writing into a new folder below `folder`."""
    measured: Turns = {client.name: [] for client in chosen}
    print(HEAD, flush=True)
    for number in range(runs):
        # Whoever comes first may find the machine in another state than whoever comes last.
        shift = number % len(chosen)
        for client in (*chosen[shift:], *chosen[:shift]):
            one = measure_turn(ground, client, folder / f"{number}-{client.name}")
            measured[client.name].append(one)
            print(line(client.name, one, len(ground.pictures)), flush=True)
    return measured


def measure_turn(
    ground: Ground, client: Client, folder: Path, *, urls: Sequence[str] = (), delay: float = 0.0
) -> Measured:
    """One turn of one client; raises RuntimeError when it did not fetch everything, or something else.

    `urls` takes the place of the ground's, `delay` is how many seconds the server waits before each answer.
    """
    folder.mkdir(parents=True)
    wanted = urls or ground.urls
    turn = Turn(folder, wanted, ground.pictures, ground.port, ground.identity.authority, ground.home)
    command = client.start(turn)
    with Server(folder / "nginx", ground.www, ground.port, ground.identity, delay=delay) as server:
        calm_down(ground.patience)
        busy = busy_seconds()
        process = run(command, folder=folder, environment=client.environment)
        server_cpu = server.cpu
        others = (busy_seconds() - busy - process.cpu - server_cpu) / process.wall
        seen = server.seen()
    last, process = client.finish(turn, process)
    shutil.rmtree(folder)
    if seen.failed or seen.requests != len(wanted):
        raise RuntimeError(f"{client.name} sent {seen.requests} requests, {seen.failed} of them in vain")
    active = (last or seen.last) - seen.first
    return Measured(
        process.wall, active, process.cpu, process.peak, server_cpu, seen.connections, max(0.0, others)
    )


def summary(turns: Sequence[Measured], files: int) -> Figures:
    """The medians of a client's turns, and the best of its rates."""
    middle = {name: median(getattr(each, name) for each in turns) for name in Measured.__slots__}
    return {
        **middle,
        "peak": max(each.peak for each in turns),
        "files_per_second": median(files / each.active for each in turns),
        "files_per_second_best": max(files / each.active for each in turns),
        "files_per_second_whole": median(files / each.wall for each in turns),
        "cpu_per_thousand": middle["cpu"] / files * 1000,
        "cpu_per_thousand_best": min(each.cpu for each in turns) / files * 1000,
        "server_cpu_per_thousand": middle["server_cpu"] / files * 1000,
        "turns": [asdict(each) for each in turns],
    }


def ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> float:
    """How many times as many files a second: the median over the calm rounds, or over all if none was."""
    rounds = list(zip(ours, theirs, strict=True))
    calm = [pair for pair in rounds if is_calm(*pair)]
    return median(other.active / one.active for one, other in calm or rounds)


def is_calm(*turns: Measured) -> bool:
    """Whether others left the machine alone during these turns."""
    return all(turn.others < CALM for turn in turns)


# --- what is shown ------------------------------------------------------------------------------------

HEAD = (
    f"{'':14}{'wall s':>8}{'active s':>10}{'files/s':>9}{'CPU s/1k':>10}{'peak MB':>9}"
    f"{'server CPU s/1k':>17}{'conn.':>7}{'others':>8}"
)


def line(name: str, one: Measured, files: int) -> str:
    """One turn as a line below HEAD."""
    return (
        f"{name:14}{one.wall:8.2f}{one.active:10.2f}{files / one.active:9,.0f}{one.cpu / files * 1000:10.3f}"
        f"{one.peak / 1e6:9.0f}{one.server_cpu / files * 1000:17.3f}{one.connections:7}{one.others:8.1f}"
    )


def file_system(folder: Path) -> str:
    """The type of the file system a folder is on."""
    try:
        table = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return "unknown"
    mount = mount_of(PurePosixPath(folder.resolve()), table)
    return mount.type if mount else "unknown"
