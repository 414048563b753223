"""How far reading the sources is, in bytes of the files as they lie on the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from postkeep.model import BadRecord, BadSource, RawRecord, SourceDone
from postkeep.views import Progress


class ReadingProgress:
    """Turns source events into progress.

    The total is known when every argument is a file or folder; compressed files count when they are done.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._total = None if "-" in sources else sum(_size(Path(source)) for source in sources)
        self._finished = 0
        self._shown = 0

    def __call__(self, event: RawRecord | BadRecord | BadSource | SourceDone, records: int) -> Progress:
        match event:
            case RawRecord() | BadRecord():
                inside = 0 if event.place.source.endswith((".gz", ".xz")) else event.place.offset
                return self._at(self._finished + inside, records)
            case SourceDone() | BadSource():
                self._finished += _file_size(Path(event.source))
                return self._at(self._finished, records)

    def _at(self, done: int, records: int) -> Progress:
        self._shown = max(self._shown, done)
        return Progress("reading", self._shown, self._total, "bytes", f"{records} records")


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _size(path: Path) -> int:
    if not path.is_dir():
        return _file_size(path)
    return sum(
        _file_size(Path(folder) / name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.endswith((".json", ".jsonl", ".ndjson", ".gz", ".xz"))
    )
