"""An import as a process of its own, which can be told to die, to ask itself to stop, or to wait at a point.

It says on stdout how far it is, one JSON object a line, and waits for a line on stdin where it was told to.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, event

from postkeep import points
from postkeep.cli.interrupts import Interrupts
from postkeep.config import Config, FetchConfig
from postkeep.library import open_library
from postkeep.stages import importing
from postkeep.stages.fetch import lanes, outcomes
from postkeep.stages.ingest import Ingest
from postkeep.store import Store

BATCH = 20
"""Posts, rows of a page, and outcomes that are stored at once."""
COMMIT = "commit"
"""The moment before any transaction is committed, beside the points that have names."""


class _SmallBatches(Ingest):
    """The whole corpus would be one batch; this makes it several, so that there is something between them."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._batch_size = BATCH

    def _resize(self, written: object) -> None:
        pass


class Passings:
    """Counts the points, and does at one passing what was asked for."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._deeds: dict[tuple[str, int], Callable[[], None]] = {}

    def at(self, moment: str, deed: Callable[[], None]) -> None:
        point, _, number = moment.partition(":")
        if point not in (*points.POINTS, *points.EVICTION_POINTS, COMMIT):
            raise ValueError(point)
        self._deeds[point, int(number)] = deed

    def __call__(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1
            deed = self._deeds.get((name, self.counts[name]))
        if deed is not None:
            deed()


def say(**said: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(said) + b"\n")
    sys.stdout.buffer.flush()


def _hold() -> None:
    say(at="hold")
    sys.stdin.readline()


def prepare(
    *,
    kill_at: str | None = None,
    stop_at: str | None = None,
    hold_at: str | None = None,
    most: int = BATCH,
) -> Passings:
    """Make batches small (`most` outcomes), and do at one moment (`point:number`) what was asked for."""
    passings = Passings()
    for moment, deed in (
        (kill_at, lambda: os.kill(os.getpid(), signal.SIGKILL)),
        (stop_at, lambda: os.kill(os.getpid(), signal.SIGINT)),
        (hold_at, _hold),
    ):
        if moment is not None:
            passings.at(moment, deed)
    points.watch(passings)
    event.listen(Engine, "commit", lambda _: passings(COMMIT))
    importing.Ingest = _SmallBatches  # type: ignore[misc]
    outcomes.MOST = most  # type: ignore[misc]
    lanes._PAGE = BATCH
    return passings


def main() -> None:
    parser = argparse.ArgumentParser(description="Import folders, one import each, and fetch their media.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--source", action="append", required=True)
    parser.add_argument("--allow", required=True, help="the media server's host:port")
    parser.add_argument("--agent", default="crash-tests", help="the name it gives itself to the media server")
    parser.add_argument("--database", default="")
    parser.add_argument("--kill-at", metavar="POINT:N")
    parser.add_argument("--stop-at", metavar="POINT:N")
    parser.add_argument("--hold-at", metavar="POINT:N")
    parser.add_argument("--batch", type=int, default=BATCH, help="so many outcomes are stored at once")
    parser.add_argument("--patience", type=float, help="so many seconds it waits for the database")
    parser.add_argument("--no-wait", action="store_true")
    parser.add_argument("--go", action="store_true", help="wait for a line on stdin before importing")
    parser.add_argument("--verify", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("error")
    if given.patience is not None:
        Store.__init__.__kwdefaults__["busy_seconds"] = given.patience
    passings = prepare(kill_at=given.kill_at, stop_at=given.stop_at, hold_at=given.hold_at, most=given.batch)
    config = Config(
        given.home,
        database=given.database,
        fetch=FetchConfig(allow=(given.allow,), user_agent=given.agent, user_agents={}),
    )
    with (
        Interrupts(lambda: None) as interrupts,
        open_library(config, connect_to=(f"media.licdn.com:80:{given.allow}",)) as library,
    ):
        say(at="open")
        if given.go:
            sys.stdin.readline()
        for source in given.source:
            if interrupts.stopping:
                break
            summary = library.import_([source], wait=not given.no_wait, stop=lambda: interrupts.stopping)
            say(run=summary.run_id, status=summary.status, followed=summary.followed)
        if given.verify:
            found = library.verify_cache()
            say(findings=len(library.verify_database()), clean=found.clean, adopted=found.adopted)
    say(at="end", passed=passings.counts)


if __name__ == "__main__":
    main()
