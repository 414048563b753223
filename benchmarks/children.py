"""Runs each measurement in a process of its own, so that none inherits the memory or the caches of another."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took from its start to its end: seconds, and bytes of memory at the most."""

    wall: float
    cpu: float
    peak: int

    def shown(self) -> dict[str, Any]:
        return asdict(self)


def measured(module: str, *arguments: str) -> Cost:
    """Run `python -m module`, which ends by printing its peak memory; raises CalledProcessError."""
    wall, cpu, answer = timed((sys.executable, "-m", module, *arguments))
    return Cost(wall, cpu, int(json.loads(answer)["peak"]))


def timed(command: Sequence[str]) -> tuple[float, float, str]:
    """Wall seconds, user and system CPU seconds, and stdout of a command that must succeed."""
    # What others have not written yet is not to be paid for by the one that is measured.
    os.sync()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTKEEP_")}
    before = _children()
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT, env=environment)
    return time.perf_counter() - began, _children() - before, done.stdout


def peak_memory() -> int:
    """The most bytes of memory this process ever held."""
    # On Linux the kernel's figure for a process begins with what its parent held, this one does not.
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
