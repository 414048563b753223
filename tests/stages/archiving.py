"""An archive run as a process of its own, which can be told to die at one of its moments.

Arguments: database, cache root, archive folder, moment, which passing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from postkeep import points
from postkeep.archive import open_archive
from postkeep.config import ArchiveConfig, Config
from postkeep.ids import IdFactory
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import utc_now
from postkeep.net.fetcher import Fetcher
from postkeep.stages.archiving import Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store
from postkeep.views.archives import ArchiveSummary


def parts_of(database: str, root: Path, folder: Path, **more: object) -> Parts:
    """What a run works with: the store is the caller's to close."""
    config = Config(root.parent, archive=ArchiveConfig(directory=folder, concurrency=2, **more))  # type: ignore[arg-type]

    def no_fetcher() -> Fetcher:
        raise AssertionError("archiving asks no stranger")

    return Parts(Store(database), Cache(root), Journal(root / "journal"), no_fetcher, config, IdFactory(), utc_now)


def archive_all(parts: Parts, **more: object) -> ArchiveSummary:
    asked: dict[str, object] = {"post_id": None, "media_id": None, "limit": None, "stop": lambda: False}
    asked |= {"progress": lambda step: None, **more}
    return Archives(parts, open_archive(parts.config.archive)).run(**asked)  # type: ignore[arg-type]


def main() -> None:
    database, root, folder, moment, number = sys.argv[1:]
    left = int(number)

    def hook(name: str) -> None:
        nonlocal left
        if name == moment:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    points.watch(hook)
    parts = parts_of(database, Path(root), Path(folder))
    archive_all(parts)
    parts.store.close()


if __name__ == "__main__":
    main()
