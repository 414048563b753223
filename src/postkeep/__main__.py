"""The command `postkeep`, also as `python -m postkeep`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    try:
        from postkeep.cli.run import run
    except KeyboardInterrupt:
        # Somebody changed his mind while the program was still loading.
        return 130
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
