"""postkeep's command line in a process that trusts the benchmark's authority: TLS stays verified.

The names of the benchmark's hosts lead to loopback. `python -m benchmarks.fetch_ours AUTHORITY ARGUMENTS...`; how
much memory it took at the most goes to `peak.json` in the folder it stands in.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import certifi

from benchmarks.children import peak_memory
from benchmarks.fetch_server import HOST, NAMES

PEAK_NAME = "peak.json"


_system = socket.getaddrinfo


def _look_up(host: Any, *more: Any, **named: Any) -> Any:
    return _system(HOST if host in NAMES else host, *more, **named)


def main(authority: str, *arguments: str) -> int:
    """Run `postkeep ARGUMENTS`; returns its exit code."""
    certifi.where = lambda: authority
    socket.getaddrinfo = _look_up
    from postkeep.cli.run import run

    try:
        return run(arguments)
    finally:
        Path(PEAK_NAME).write_text(json.dumps({"peak": peak_memory()}))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
