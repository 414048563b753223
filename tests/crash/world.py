"""Homes where processes die, the media server they ask, and what must hold after the last of them."""

from __future__ import annotations

import hashlib
import itertools
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from postkeep.config import Config
from postkeep.library import open_library
from postkeep.store import Store, bulk
from tests import canonical
from tests.crash.corpus import TWINS, Corpus
from tests.servers.media import MediaServer, bare, made_up
from tests.starting import Process, start

_numbers = itertools.count(1)
_OF_A_BATCH = frozenset({"file_journaled", "outcomes_written", "outcomes_committed", "journal_settled"})


@dataclass(slots=True)
class Child:
    """A process under way: its name at the media server and what it has said so far."""

    process: Process
    agent: str
    said: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, at: str) -> None:
        """Read until it says that it is there."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(orjson.loads(line))
            if self.said[-1].get("at") == at:
                return
        raise AssertionError(f"it ended before {at}: {self.end()}")

    def tell(self) -> None:
        """Let it go on where it waits."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> int:
        """Wait for its end and take in the rest of what it said; returns the exit code. Idempotent."""
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.said += map(orjson.loads, self.process.stdout.read().splitlines())
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    @property
    def runs(self) -> list[dict[str, Any]]:
        return [each for each in self.said if "run" in each]

    @property
    def passed(self) -> dict[str, int]:
        """How often each point was passed, once it has ended well."""
        passed: dict[str, int] = self.said[-1]["passed"]
        return passed


@dataclass(frozen=True, slots=True)
class State:
    """What a home holds, by natural keys."""

    lines: list[str]
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a home holds after a run that nobody disturbed, how often it passed each point, and its duration."""

    state: State
    passed: dict[str, int]
    seconds: float

    def later(self, point: str, chance: random.Random) -> str:
        """A passing of the point after its first, which every run has: how many batches there are, varies."""
        often = self.passed[point]
        if point == "commit":
            often = often * 2 // 3
        elif point in _OF_A_BATCH:
            # Each of the two imports ends with a batch of its own, whatever the others were.
            often = 2
        return f"{point}:{chance.randint(2, max(2, often))}"


class Home:
    """A home, its database, and the processes that work on it."""

    def __init__(self, folder: Path, database: str, server: MediaServer) -> None:
        self.folder, self.server = folder, server
        folder.mkdir(exist_ok=True)
        self.config = Config(folder, database=database)
        self._children: list[Child] = []

    @property
    def cache(self) -> Path:
        return self.config.cache_root

    def start(self, *sources: Path, options: Sequence[str] = ()) -> Child:
        """Start a process that imports the folders one after the other."""
        agent = f"child-{next(_numbers)}"
        arguments = ["--home", str(self.folder), "--agent", agent]
        arguments += ["--allow", self.server.allow, "--database", self.config.database_url]
        for source in sources:
            arguments += ["--source", str(source)]
        process = start("tests.crash.child", *arguments, *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child = Child(process, agent)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End what a failed test left running."""
        for child in self._children:
            child.kill()
            child.end()

    def run(self, *sources: Path) -> Child:
        """Import undisturbed to the end."""
        child = self.start(*sources)
        assert child.end() == 0
        return child

    def requested(self, *children: Child) -> Counter[str]:
        """How often these processes asked for each path, as the media server saw it."""
        agents = {child.agent for child in children}
        return Counter(
            bare(each.path) for each in self.server.requests if each.headers.get("user-agent") in agents
        )

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(self.config.database_url)
        try:
            yield store
        finally:
            store.close()

    def select(self, statement: str) -> list[Any]:
        with self.store() as store, store.reading() as tx:
            return [tuple(row) for row in bulk.execute(tx, statement).all()]

    def complete(self) -> set[str]:
        """The paths whose bytes are in the cache, whatever rows and journals say: none needs another request."""
        kept = set(canonical.files(self.cache).values())
        asked = self.requested(*self._children)
        return {path for path in asked if path not in TWINS and _digest(path) in kept}

    def state(self) -> State:
        with self.store() as store:
            return State(canonical.dump(store), canonical.files(self.cache))

    def runs(self) -> list[str]:
        """How each run stands, in the order they began."""
        return [
            status for (status,) in self.select("SELECT status FROM download_runs ORDER BY started_at, run_id")
        ]

    def check(self, undisturbed: State) -> None:
        """Assert that nothing tells this home from one whose run nobody disturbed."""
        assert "running" not in self.runs()
        assert self.select("SELECT name, owner FROM leases") == []
        state = self.state()
        assert state.lines == undisturbed.lines
        assert state.files == undisturbed.files
        assert canonical.temporary_files(self.cache) == []
        # Nor folders, one for each death.
        assert [path for name in ("tmp", "journal") for path in (self.cache / name).glob("*")] == []
        with open_library(self.config) as library:
            assert library.verify_database() == []
            found = library.verify_cache()
        assert found.clean
        assert (found.orphans, found.misnamed, found.strangers) == ((), (), ())


def _digest(path: str) -> str:
    return hashlib.sha256(made_up(path).body).hexdigest()


@dataclass(slots=True)
class World:
    """What all tests of a session share: the corpus, the server, and the states to compare with."""

    corpus: Corpus
    server: MediaServer
    known: dict[tuple[str, bool], Undisturbed] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[Path, Path]:
        return self.corpus.first, self.corpus.second


def watch(home: Home, *sources: Path) -> Undisturbed:
    """Import in an empty home without any disturbance."""
    child = home.start(*sources)
    child.hear("open")
    began = time.monotonic()
    child.hear("end")
    seconds = time.monotonic() - began
    assert child.end() == 0
    requested = home.requested(child)
    again = {"/dead/1.png", "/broken/1.png"}
    assert {path for path, count in requested.items() if count > 1} <= again
    undisturbed = Undisturbed(home.state(), child.passed, seconds)
    home.check(undisturbed.state)
    return undisturbed
