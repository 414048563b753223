"""What starting costs before any work is done: `python -m benchmarks.start [--runs 15] [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
from statistics import median

from benchmarks.children import timed

GOAL = 0.150
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "postkeep --version": ("-m", "postkeep", "--version"),
    "postkeep --help": ("-m", "postkeep", "--help"),
}


def measure_start(runs: int) -> dict[str, float]:
    """The median CPU seconds of each command; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(runs + 1):
        for name, arguments in COMMANDS.items():
            _, cpu, _ = timed((sys.executable, *arguments))
            # The first turn writes the byte code.
            if number:
                seconds[name].append(cpu)
    return {name: median(each) for name, each in seconds.items()}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    seconds = measure_start(given.runs)
    least = seconds["python -c pass"]
    ratios = {name: each / least for name, each in seconds.items()}
    for name, each in seconds.items():
        print(f"{name:20}{each * 1000:7.0f} ms CPU{ratios[name]:7.1f} x python")
    print(f"goal: at most {GOAL * 1000:.0f} ms")
    if given.json:
        print(json.dumps({"cpu_seconds": seconds, "ratios": ratios, "goal": GOAL}))


if __name__ == "__main__":
    main(sys.argv[1:])
