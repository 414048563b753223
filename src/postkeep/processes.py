"""Who a process is, so that others can tell later whether it still lives: its number alone is used again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import psutil

_PROC = Path("/proc")


@cache
def boot() -> str:
    """What names this start of the machine; empty where the system does not say."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def started(pid: int) -> int | None:
    """When a process began, as a number that only means something to compare; None when there is none.

    Counted from the boot where the system tells it: setting the clock must not make a living process look dead.
    A process that has ended and whose parent has not asked how is none; one of which only the first thread has
    ended still has its files and locks.
    """
    try:
        return _ticks(pid) if (_PROC / "self/stat").exists() else _milliseconds(pid)
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess, OverflowError):
        return None
    except (OSError, psutil.AccessDenied):
        return 0


def lives(pid: int, since: int) -> bool:
    """Whether the process that began at `since` is still there."""
    found = started(pid)
    return found is not None and (found == since or found == 0)


@cache
def _own(pid: int) -> int:
    return started(pid) or 0


def own_start() -> int:
    """When this process began."""
    return _own(os.getpid())


def _ticks(pid: int) -> int | None:
    # The name in brackets may hold anything, brackets and blanks as well.
    fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    has_ended = fields[0] in "ZX" and int(fields[17]) <= 1
    return None if has_ended else int(fields[19])


def _milliseconds(pid: int) -> int | None:
    found = psutil.Process(pid)
    return None if found.status() == psutil.STATUS_ZOMBIE else int(found.create_time() * 1000)
