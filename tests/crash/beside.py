"""Processes that work beside each other on one home until they are told to end: each does one thing in a loop.

They say on stdout how each pass went, one JSON object a line. A line on stdin says that there is one more folder
to import, the end of stdin that this is the last pass.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from postkeep.config import CacheConfig, Config, FetchConfig
from postkeep.errors import StoreBusy
from postkeep.library import Library, open_library
from postkeep.stages import adopting
from postkeep.stages.eviction import Evictor
from postkeep.store import bulk, keeping
from tests.crash.child import prepare, say

_PAUSE = 0.05


class Told:
    """What was said on stdin so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.end = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def passes(self) -> Iterator[bool]:
        """One pass after another; the last one, which is True, begins after the end was told."""
        while not (last := self.end.wait(_PAUSE)):
            yield False
        yield last

    def _listen(self) -> None:
        for _ in sys.stdin:
            self.lines += 1
        self.end.set()


def fetch(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Fetch what is due; in the end until nothing is."""
    for last in told.passes():
        if given.warm:
            _patiently(lambda: library.warm(limit=1000))
        done = _patiently(lambda last=last: library.fetch_due(patience=60.0 if last else 0.0))
        say(status=done.status, cached=done.cached, waiting=done.waiting, requests=done.requests)


def import_(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Import what is new of the folders that were said to be there, or else one of them again; fetch nothing."""
    known = 0
    for turn, last in enumerate(told.passes()):
        new = given.source[known : len(given.source) if last else told.lines]
        known += len(new)
        for source in new or given.source[turn % max(1, known) :][:1]:
            done = _patiently(lambda source=source: library.import_([source], fetch=False))
            say(run=done.run_id, status=done.status, new=done.new)


def verify(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Prove the cache, and mend it every second time."""
    repair = False
    for _ in told.passes():
        repair = not repair
        found = _patiently(lambda repair=repair: library.verify_cache(repair=repair))
        say(
            repair=repair,
            sound=found.sound,
            adopted=found.adopted,
            orphans=len(found.orphans),
            bad=[
                *(*found.damaged, *found.missing, *found.unreadable),
                *map(str, (*found.misnamed, *found.strangers, *found.collisions)),
            ],
        )


def read(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Ask for every file by its MD5, and read what is given out."""
    for _ in told.passes():
        with library._store.reading() as tx:
            known = [md5 for (md5,) in bulk.execute(tx, "SELECT md5_sum FROM media_files").all()]
        wrong, read_ = [], 0
        for md5 in known:
            file = _patiently(lambda md5=md5: library.find_file(md5=md5))
            if file is None:
                continue
            try:
                content = Path(file.path).read_bytes()
            except FileNotFoundError:
                # Nothing counts as in use here: what was given out may make room a moment later.
                continue
            read_ += 1
            if hashlib.md5(content).hexdigest() != md5:
                wrong.append(md5)
        say(read=read_, wrong=wrong)


def adopt(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Take over another cache, again and again."""
    for _ in told.passes():
        done = _patiently(lambda: library.adopt_cache(Path(given.source[0])))
        say(status=done.status, adopted=done.adopted, linked=done.linked)


def make_room(library: Library, told: Told, given: argparse.Namespace) -> None:
    """Take half of what is in the cache out of it."""
    parts = library._parts
    for _ in told.passes():
        used = _count(library, "SELECT coalesce(sum(file_size), 0) FROM media_files WHERE cached_at IS NOT NULL")
        config = Config(given.home, cache=CacheConfig(max_bytes=max(1, used), evict="lru"))
        evictor = Evictor(parts.store, parts.cache, config, clock=parts.clock)
        freed = _patiently(lambda evictor=evictor, used=used: evictor.make_room(used // 2))
        say(freed=freed.files)


ROLES: dict[str, Callable[[Library, Told, argparse.Namespace], None]] = {
    "fetch": fetch,
    "import": import_,
    "verify": verify,
    "read": read,
    "adopt": adopt,
    "room": make_room,
}


def _patiently(ask: Callable[[], Any]) -> Any:
    while True:
        try:
            return ask()
        except StoreBusy:
            # Four processes on one database and few cores: somebody may have had to wait too long.
            continue


def _count(library: Library, statement: str) -> int:
    with library._store.reading() as tx:
        return int(bulk.execute(tx, statement).scalar())


def main() -> None:
    parser = argparse.ArgumentParser(description="Do one thing in a loop until stdin ends.")
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--server", required=True, help="the media server's host:port")
    parser.add_argument("--agent", required=True)
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--warm", action="store_true", help="fetch what was evicted, too")
    parser.add_argument("--kill-at", metavar="POINT:N")
    given = parser.parse_args()
    warnings.simplefilter("error")
    prepare(kill_at=given.kill_at)
    keeping.IN_USE = timedelta(0)
    adopting._BATCH = 7
    config = Config(
        given.home,
        database=given.database,
        fetch=FetchConfig(
            allow=(given.server,),
            user_agent=given.agent,
            user_agents={},
            pace=0.01,
            tries=6,
            backoff=0.005,
            circuit=10_000,
            stall_timeout=2.0,
            max_bytes=3_000_000,
        ),
    )
    told = Told()
    with open_library(config, connect_to=(f"::{given.server}",)) as library:
        say(at="open")
        ROLES[given.role](library, told, given)
    say(at="end")


if __name__ == "__main__":
    main()
