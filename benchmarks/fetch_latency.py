"""Whether the whole pipeline keeps up with the bare client where the server, not the machine, is slow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import fetch_clients as clients
from benchmarks.fetch_child import SAID_NAME, Run
from benchmarks.fetch_clients import Client, Finish, Turn
from benchmarks.fetch_server import NAMES
from benchmarks.fetch_turns import HEAD, Figures, Ground, Measured, line, measure_turn, ratio, summary

DELAY = 0.1
CONNECTIONS = 128
EACH = CONNECTIONS // len(NAMES)
BARE = "bare-loop"
OURS = "postkeep"


def measure_latency(ground: Ground, *, runs: int) -> Figures:
    """Fetch the files from sixteen hosts whose every answer takes 100 ms to begin, bare and with everything on."""
    urls = [
        f"https://{NAMES[number % len(NAMES)]}:{ground.port}/{picture.name}"
        for number, picture in enumerate(ground.pictures)
    ]
    home = ground.scratch / "latency-home"
    settings = (f"concurrency = {CONNECTIONS}", f"per_host = {EACH}")
    clients.prepare_home(home, urls, port=ground.port, environment=ground.environment, settings=settings)
    there = replace(ground, home=home)
    turns = {BARE: list[Measured](), OURS: list[Measured]()}
    print(HEAD, flush=True)
    for number in range(runs):
        for client in (_bare(ground), clients.postkeep(ground.environment, OURS, per_host=None)):
            folder = ground.scratch / "latency" / f"{number}-{client.name}"
            one = measure_turn(there, client, folder, urls=urls, delay=DELAY)
            turns[client.name].append(one)
            print(line(client.name, one, len(urls)), flush=True)
    return {
        "delay": DELAY,
        "connections": CONNECTIONS,
        "hosts": len(NAMES),
        "clients": {name: summary(each, len(urls)) for name, each in turns.items()},
        "ratio": ratio(turns[OURS], turns[BARE]),
    }


def _bare(ground: Ground) -> Client:
    environment = {**ground.environment, "PYTHONPATH": clients.python_path()}
    return Client(BARE, _start_bare, _finish_bare, environment)


def _start_bare(turn: Turn) -> Sequence[str]:
    (turn.folder / "urls.txt").write_text("\n".join(turn.urls))
    module = (sys.executable, "-m", "benchmarks.fetch_bare")
    return (*module, str(turn.authority), "urls.txt", str(EACH))


def _finish_bare(turn: Turn, run: Run) -> Finish:
    got = int((turn.folder / SAID_NAME).read_text())
    wanted = sum(picture.size for picture in turn.pictures)
    if got != wanted:
        raise RuntimeError(f"the bare loop got {got} bytes, not {wanted}")
    return None, run
