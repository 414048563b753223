"""A process is known by its number and its beginning; the dead are told from the living."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from postkeep import processes

_EXIT = {"x86_64": 60, "aarch64": 93}
"""The system call that ends one thread."""


def test_this_process_lives_since_its_own_start():
    assert processes.lives(os.getpid(), processes.own_start())
    assert not processes.lives(os.getpid(), processes.own_start() + 1)


def test_a_child_lives_until_it_ends_also_while_nobody_asks_how():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = processes.started(child.pid)
    assert since is not None
    assert processes.lives(child.pid, since)

    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not processes.lives(child.pid, since)
    child.wait()
    assert not processes.lives(child.pid, since)


@pytest.mark.skipif(platform.machine() not in _EXIT, reason="the number of the system call is known for two kinds")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets the first thread end alone")
def test_a_process_lives_until_its_last_thread_has_ended():
    """A killed one's threads end one after the other, and until then its files and locks are its own."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import ctypes, sys, threading\n"
            "threading.Thread(target=sys.stdin.readline).start()\n"
            f"ctypes.CDLL(None).syscall({_EXIT[platform.machine()]}, 0)",
        ],
        stdin=subprocess.PIPE,
    )
    since = processes.started(child.pid)
    assert since is not None
    stat = Path(f"/proc/{child.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert child.poll() is None

    assert processes.lives(child.pid, since)

    child.kill()
    child.communicate()
    assert not processes.lives(child.pid, since)


def test_without_the_systems_own_count_the_start_is_a_time(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "_PROC", tmp_path)

    assert processes.started(os.getpid()) > 1_000_000_000_000
    assert processes.started(2**22 + 1) is None
