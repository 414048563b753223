"""postkeep's command line in a process that trusts the benchmark's authority: TLS stays verified.

`python -m benchmarks.fetch_ours AUTHORITY ARGUMENTS...`; peak memory goes to `peak.json` where it stands.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import certifi

from benchmarks.children import peak_memory

PEAK_NAME = "peak.json"


def main(authority: str, *arguments: str) -> int:
    """Run `postkeep ARGUMENTS`; returns its exit code."""
    certifi.where = lambda: authority
    from postkeep.cli.run import run

    try:
        return run(arguments)
    finally:
        Path(PEAK_NAME).write_text(json.dumps({"peak": peak_memory()}))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
