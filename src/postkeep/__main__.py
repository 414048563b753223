"""The command `postkeep`, also as `python -m postkeep`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    from postkeep.cli.run import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
