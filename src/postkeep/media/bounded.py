"""Started by path in a bare interpreter: takes limits on and becomes another program.

Nothing of postkeep is imported here, and nothing runs between a fork and an exec of a process with threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

NOT_STARTED = 127
"""The exit code of a program that could not be started, as shells have it."""

_PR_SET_PDEATHSIG = 1


def _limit(kind: int, soft: int, hard: int) -> None:
    """Lower a limit; what this system does not know, or has lower already, stays."""
    with contextlib.suppress(OSError, ValueError):
        top = resource.getrlimit(kind)[1]
        if top != resource.RLIM_INFINITY:
            soft, hard = min(soft, top), min(hard, top)
        resource.setrlimit(kind, (soft, hard))


def _end_with(parent: int) -> None:
    """End when the parent does, where the system offers that; at once if it is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(NOT_STARTED)


def main(arguments: list[str]) -> None:
    """`parent memory cpu_seconds file_bytes program argument...`: never returns."""
    parent, memory, seconds, size = (int(each) for each in arguments[:4])
    command = arguments[4:]
    os.umask(0o077)
    _end_with(parent)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, 64, 64)
    _limit(resource.RLIMIT_FSIZE, size, size)
    _limit(resource.RLIMIT_CPU, seconds, seconds + 5)
    _limit(resource.RLIMIT_AS, memory, memory)
    # Python ignores these, and what is ignored stays so in the program: a limit would go unheard.
    for name in ("SIGXFSZ", "SIGPIPE"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main(sys.argv[1:])
