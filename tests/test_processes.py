"""A process is known by its number and its beginning; the dead are told from the living."""

from __future__ import annotations

import os
import subprocess
import sys

from postkeep import processes


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


def test_without_the_systems_own_count_the_start_is_a_time(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "_PROC", tmp_path)

    assert processes.started(os.getpid()) > 1_000_000_000_000
    assert processes.started(2**22 + 1) is None
