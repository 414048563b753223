"""Runs one client as a process of its own and tells what it took, whatever it is written in."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fetch_server import TICK, tree

CALM = 0.4
"""Cores that others may use beside a turn whose times are to mean something."""

_EVERY = 0.03
_LOOK = 0.5
_TOLD = 2000
SAID_NAME = "said.txt"
TOLD_NAME = "told.txt"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished process: seconds, bytes of memory its processes held at the most, and when it was started."""

    wall: float
    cpu: float
    peak: int
    began: float


def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], patience: float = 1800) -> Run:
    """Run a command in `folder` to its end; raises RuntimeError with what it said when it fails.

    What it prints goes to `said.txt` there, its stderr to `told.txt`. CPU is that of the process and of all it
    waited for. Memory is looked up every 30 ms: of several processes the peaks are added.
    """
    said, told = folder / SAID_NAME, folder / TOLD_NAME
    # What others have not written yet is not to be paid for by the one that is measured.
    os.sync()
    with said.open("wb") as output, told.open("wb") as complaints:
        began = time.time()
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=output, stderr=complaints)
        watch = _Memory(process.pid)
        timer = threading.Timer(patience, process.kill)
        timer.start()
        try:
            watch.start()
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        finally:
            timer.cancel()
            watch.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {complaints(folder)}")
    return Run(wall, used.ru_utime + used.ru_stime, watch.peak, began)


def complaints(folder: Path) -> str:
    """The end of what a client printed, and of what it had to say on stderr."""
    texts = [(folder / name).read_text(errors="replace")[-_TOLD:] for name in (SAID_NAME, TOLD_NAME)]
    return " ".join(texts).strip()


def busy_seconds() -> float:
    """CPU seconds that all processes of the machine used since it was started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, fields[:8])
    return (user + nice + system + interrupts + soft + stolen) / TICK


def calm_down(patience: float) -> None:
    """Wait until others use less than CALM cores, for `patience` seconds at most."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        busy, began = busy_seconds(), time.monotonic()
        time.sleep(_LOOK)
        if busy_seconds() - busy < CALM * (time.monotonic() - began):
            return


class _Memory(threading.Thread):
    """Remembers the most memory that each process of a tree ever held."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self._peaks: dict[int, int] = {}

    def run(self) -> None:
        while True:
            for pid in tree(self._pid):
                self._peaks[pid] = max(self._peaks.get(pid, 0), _peak(pid))
            if self._over.wait(_EVERY):
                return

    def stop(self) -> None:
        self._over.set()
        if self.ident is not None:
            self.join()

    @property
    def peak(self) -> int:
        return sum(self._peaks.values())


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
