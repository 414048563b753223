"""Several processes beside each other on one home, of which one dies again and again, and what must hold then."""

from __future__ import annotations

import hashlib
import itertools
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from postkeep.library import open_library
from postkeep.store import keeping
from tests.crash.load import Answers, Load
from tests.crash.world import Home, State
from tests.servers.media import MediaServer, bare
from tests.starting import Process, start

_numbers = itertools.count(1)
_POLL_SECONDS = 0.005
_LONGEST = 120.0
_POINT_SECONDS = 2.0
"""How long a process that is to die at a point may go on without passing it, before it dies where it is."""
_POINTS = {
    "fetch": (
        *(("file_staged", 30), ("file_journaled", 3), ("file_renamed", 40), ("outcomes_written", 4)),
        *(("outcomes_committed", 4), ("journal_settled", 4), ("lease_taken", 2), ("lease_given_up", 2)),
        ("commit", 12),
    ),
    "import": (("batch_written", 4), ("batch_committed", 4), ("run_started", 6), ("commit", 20)),
    "verify": (("run_started", 4), ("run_finished", 4), ("commit", 16)),
    "adopt": (("file_staged", 8), ("file_renamed", 8), ("outcomes_committed", 8), ("commit", 12)),
    "room": (("rows_evicted", 3), ("bytes_evicted", 3), ("commit", 8)),
}


@dataclass(slots=True)
class Worker:
    """One process of `tests.crash.beside`; what it says goes to a file, so that it never waits for a reader."""

    role: str
    process: Process
    agent: str
    log: Path

    @property
    def said(self) -> list[dict[str, Any]]:
        # The last line of a killed process may be cut.
        lines = self.log.read_bytes().splitlines(keepends=True)
        return [orjson.loads(line) for line in lines if line.endswith(b"\n")]

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def wait_until_open(self) -> None:
        self._wait(lambda: self.is_over() or b"\n" in self.log.read_bytes(), _LONGEST)

    def tell(self) -> None:
        """Say that there is one more folder to import."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"more\n")
        self.process.stdin.flush()

    def die(self, moment: float | None) -> None:
        """Wait for its death at a point, or kill it so many seconds after it opened its home."""
        self.wait_until_open()
        self._wait(self.is_over, _POINT_SECONDS if moment is None else moment)
        self.process.send_signal(signal.SIGKILL)
        assert self.end() == -9, f"{self.role} ended by itself"

    def end(self) -> int:
        """Let it do its last pass, and wait for its end."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(_LONGEST)

    @staticmethod
    def _wait(until: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class Crowd:
    """The processes on one home, and what the rounds of a load bring them."""

    home: Home
    load: Load
    chance: random.Random
    rounds: int = 0
    workers: list[Worker] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def start(self, role: str, *options: str) -> Worker:
        number = next(_numbers)
        home, agent = self.home, f"beside-{number}"
        log = home.folder.parent / f"{number}-{role}.jsonl"
        arguments = [role, "--home", str(home.folder), *options]
        arguments += ["--database", home.config.database_url, "--server", home.server.allow, "--agent", agent]
        if role == "import":
            arguments += [part for source in self.load.rounds for part in ("--source", str(source))]
        with log.open("wb") as out:
            process = start("tests.crash.beside", *arguments, stdin=subprocess.PIPE, stdout=out)
        worker = Worker(role, process, agent, log)
        self.workers.append(worker)
        if role == "import":
            for _ in range(self.rounds):
                worker.tell()
        return worker

    def more(self) -> None:
        """Let the next round come to those who import."""
        self.rounds += 1
        for worker in self.workers:
            if worker.role == "import" and not worker.is_over():
                worker.tell()

    def kill_one(self, role: str, *options: str) -> None:
        """Start a process and let it die, at a named point or at some moment."""
        moment = None
        if self.chance.random() < 0.5:
            point, most = self.chance.choice(_POINTS[role])
            options = (*options, "--kill-at", f"{point}:{self.chance.randint(1, most)}")
            self.told.append(f"{role} at {options[-1]}")
        else:
            moment = self.chance.uniform(0, 0.6)
            self.told.append(f"{role} after {moment:.3f} s")
        print(self.told[-1])
        self.start(role, *options).die(moment)

    def end(self, *workers: Worker) -> None:
        for worker in workers:
            assert worker.end() == 0, f"{worker.role} failed"

    def close(self) -> None:
        """End what a failed test left running."""
        for worker in self.workers:
            worker.process.kill()
            worker.end()

    # --- what must hold at any moment ---

    def check(self) -> None:
        """Assert that every row that says so points at its very bytes, and no file bears a wrong name."""
        rows = self.home.select(
            "SELECT local_file_path, sha256, file_size FROM media_files WHERE cached_at IS NOT NULL"
        )
        root = self.home.cache
        for path, sha256, size in rows:
            content = (root / path).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (sha256, size), path
        for path in (root / "media").rglob("*.*"):
            if content := _content(path):
                assert hashlib.md5(content).hexdigest() == path.stem
        with open_library(self.home.config, read_only=True) as library:
            assert library.verify_database() == []

    def committed(self) -> set[str]:
        """The paths whose content a row has, in the rendition it wants: none needs another request."""
        rows = self.home.select(
            "SELECT m.media_url FROM post_media m JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.download_state = 'fetched' AND f.cached_at IS NOT NULL"
            " AND coalesce(m.rendition, '') = coalesce(m.file_rendition, '')"
        )
        return {"/" + bare(url).split("/", 3)[3] for (url,) in rows}

    def requested(self, since: int = 0) -> Counter[str]:
        """How often each path was asked for by processes that began after so many others."""
        agents = {worker.agent for worker in self.workers[since:]}
        return Counter(
            bare(each.path) for each in self.home.server.requests if each.headers.get("user-agent") in agents
        )

    # --- what must hold in the end ---

    def state(self) -> State:
        """What the home holds, without the renditions that a larger one took the place of, and without servers."""
        state = self.home.state()
        files = {path: sha256 for path, sha256 in state.files.items() if sha256 not in self.load.superseded}
        return State([line for line in state.lines if not self._is_left_out(line)], files)

    def _is_left_out(self, line: str) -> bool:
        if line.startswith("media_files:"):
            return any(sha256 in line for sha256 in self.load.superseded)
        return line.startswith(("hosts:", "remembered:"))

    def check_end(self, undisturbed: State) -> None:
        """Assert that nothing but the renditions it met tells this home from an undisturbed one."""
        self.check()
        # Only a beginning looks for the dead.
        with open_library(self.home.config) as library:
            found = library.verify_cache()
        assert found.clean
        odd = (*found.orphans, *found.misnamed, *found.strangers)
        assert not odd, odd
        assert "running" not in self.home.runs()
        assert self.home.select("SELECT name FROM leases") == []
        assert self.home.select("SELECT subject FROM work") == []
        with self.home.store() as store, store.reading() as tx:
            assert not keeping.is_unfinished(tx)
        state = self.state()
        here, there = Counter(state.lines), Counter(undisturbed.lines)
        assert here == there, "\n".join([*sorted(here - there)[:9], "instead of", *sorted(there - here)[:9]])
        assert state.files == undisturbed.files
        assert self.left("tmp", "journal", "partial") == []

    def left(self, *folders: str) -> list[Path]:
        """What lies in these folders of the cache."""
        return [path for name in folders for path in (self.home.cache / name).glob("*")]

    def told_by(self, role: str) -> Iterator[dict[str, Any]]:
        for worker in self.workers:
            if worker.role == role:
                yield from worker.said


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def crowd(folder: Path, database: str, load: Load, *names: object) -> Iterator[Crowd]:
    """An empty home with a server of its own; `names` are the seed of its chances."""
    with MediaServer(default=Answers()) as server:  # type: ignore[arg-type]
        made = Crowd(Home(folder, database, server), load, random.Random(f"{names}"))
        try:
            yield made
        finally:
            made.close()


def undisturbed_state(folder: Path, database: str, load: Load) -> State:
    """What a home holds when one process imported all and another fetched all, and nobody died."""
    with crowd(folder, database, load) as made:
        made.end(made.start("import"))
        made.end(made.start("fetch"))
        state = made.state()
        made.check_end(state)
        return state
