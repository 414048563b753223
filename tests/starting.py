"""Processes of tests that start at once: each is forked from one that has loaded everything already.

To load the program costs most of a second, and the tests of deaths start hundreds of processes. A fork is as real
a process as any other: it has a number, streams and signals of its own, and dies of SIGKILL alone.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
_RUN = ("postkeep.__main__", "postkeep.migrations.env")
"""To load these is to run them."""
_LOADED = ("tests.crash.child", "tests.crash.beside", "tests.crash.copier", "tests.archive.world")
_MOST_BYTES = 1 << 20
_STREAMS = 3


@dataclass(slots=True)
class Started:
    """A forked process, asked and told like a `subprocess.Popen`; nobody waits for it but who asks here."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _nursery().ask(pid=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.poll() is None:
            # It keeps its number until it is asked for above.
            ended = os.pidfd_open(self.pid)
            try:
                end = select.poll()
                end.register(ended, select.POLLIN)
                if not end.poll(None if timeout is None else timeout * 1000):
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            finally:
                os.close(ended)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Started | subprocess.Popen[bytes]


def start(
    module: str,
    *arguments: str,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | None = None,
) -> Process:
    """Start what `python -m module arguments` would from the root: its `main`.

    Streams are as with `Popen`; all that may become of `stderr` is a part of `stdout`.
    """
    if not sys.platform.startswith("linux"):
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=stderr, bufsize=0)
    theirs, ours = [0, 1, 2], []
    if stdin == subprocess.PIPE:
        theirs[0], end = os.pipe()
        ours.append(end)
    if stdout == subprocess.PIPE:
        end, theirs[1] = os.pipe()
        ours.append(end)
    elif stdout is not None:
        theirs[1] = os.open(os.devnull, os.O_WRONLY) if stdout == subprocess.DEVNULL else os.dup(_number(stdout))
    if stderr == subprocess.STDOUT:
        theirs[2] = os.dup(theirs[1])
    try:
        pid = _nursery().ask(theirs, module=module, arguments=arguments, environ=dict(os.environ))
    finally:
        for number, descriptor in enumerate(theirs):
            if descriptor != number:
                os.close(descriptor)
    assert pid is not None
    return Started(
        pid,
        os.fdopen(ours.pop(0), "wb", buffering=0) if stdin == subprocess.PIPE else None,
        os.fdopen(ours.pop(0), "rb", buffering=0) if stdout == subprocess.PIPE else None,
    )


def _number(stream: int | IO[bytes]) -> int:
    return stream if isinstance(stream, int) else stream.fileno()


class _Nursery:
    """The process that has loaded everything, and how it is asked."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.starting", str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def ask(self, descriptors: list[int] | None = None, **asked: Any) -> int | None:
        with self._turn:
            socket.send_fds(self._control, [json.dumps(asked).encode()], descriptors or [])
            answer: int | None = json.loads(self._control.recv(_MOST_BYTES))
            return answer

    def close(self) -> None:
        self._control.close()
        self._process.wait()


@cache
def _nursery() -> _Nursery:
    return _Nursery()


# --- in the process that is forked --------------------------------------------------------------------------


def _load() -> None:
    """All that a process may come to load, also late: what is loaded after the fork is loaded each time."""
    import postkeep

    for found in pkgutil.walk_packages(postkeep.__path__, "postkeep."):
        if found.name not in _RUN:
            # What needs an extra that is not installed.
            with suppress(ImportError):
                importlib.import_module(found.name)
    from sqlalchemy import create_engine

    for url in ("sqlite://", "postgresql+psycopg://"):
        with suppress(ImportError):
            create_engine(url)
    for name in _LOADED:
        importlib.import_module(name)


def _serve(control: socket.socket) -> Callable[[], None] | None:
    """Fork as asked until nobody is there to ask; in a forked process returns what it is to do."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _STREAMS)
        if not message:
            return None
        asked = json.loads(message)
        if "pid" in asked:
            pid, status = os.waitpid(asked["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if not answer:
                control.close()
                return lambda: _become(asked, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        control.send(json.dumps(answer).encode())


def _become(asked: dict[str, Any], descriptors: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = [asked["module"], *asked["arguments"]]
    importlib.import_module(asked["module"]).main()


def main() -> None:
    # Ctrl-C in the terminal is for the tests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    _load()
    gc.freeze()
    become = _serve(control)
    if become is not None:
        become()


if __name__ == "__main__":
    main()
