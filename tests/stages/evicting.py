"""An eviction as a process of its own, which can be told to die or to wait at one of its moments."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from postkeep import points
from postkeep.config import CacheConfig, Config
from postkeep.media.cache import Cache
from postkeep.stages.eviction import Evictor
from postkeep.store import Store


def main() -> None:
    database, root, limit, need, moment, deed, now = sys.argv[1:]

    def hook(name: str) -> None:
        if name != moment:
            return
        if deed == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        print("there", flush=True)
        sys.stdin.readline()

    points.watch(hook)
    store, cache = Store(database), Cache(Path(root))
    config = Config(Path(root).parent, cache=CacheConfig(max_bytes=int(limit), evict="lru"))
    freed = Evictor(store, cache, config, clock=lambda: datetime.fromisoformat(now)).make_room(int(need))
    print(freed.files, flush=True)
    cache.close()
    store.close()


if __name__ == "__main__":
    main()
