"""One job in this process, as `python -m benchmarks.once`.

`bare FOLDER URL` and `postkeep FOLDER HOME [URL]` import, `creators HOME` computes figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.children import peak_memory

if TYPE_CHECKING:
    from postkeep.library import Library

SQLITE = "sqlite:///"


def bare(folder: Path, url: str) -> None:
    """Let the bare loop import the folder; its tables are there already."""
    paths = sorted(folder.glob("*.json"))
    if url.startswith(SQLITE):
        from benchmarks.baseline_ingest import ingest

        ingest(paths, Path(url.removeprefix(SQLITE)))
    else:
        from benchmarks.baseline_copy import ingest as copy

        copy(paths, url)


def postkeep(folder: Path, home: Path, url: str | None) -> None:
    """Import the folder as `postkeep import --no-fetch` does; raises RuntimeError when a post was not stored."""
    with _library(home, url) as library:
        summary = library.import_([str(folder)], fetch=False)
    if summary.errors or summary.unreadable:
        raise RuntimeError(f"{summary.errors} records and {summary.unreadable} files were not imported")


def creators(home: Path) -> None:
    """Compute all figures as `postkeep creators update` does; raises RuntimeError when a creator failed."""
    with _library(home, None) as library:
        updated = library.creators.update()
    if updated.failed or not updated.updated:
        raise RuntimeError(f"not every creator was computed: {updated.failed}")


def _library(home: Path, url: str | None) -> Library:
    from postkeep.config import load_config
    from postkeep.library import open_library

    flags = {"home": str(home), "database": url}
    return open_library(load_config(flags=flags, environ={}, user_folder=home))


def main(arguments: list[str]) -> None:
    match arguments:
        case ["creators", home]:
            creators(Path(home))
        case ["bare", folder, url]:
            bare(Path(folder), url)
        case [_, folder, home, *url]:
            postkeep(Path(folder), Path(home), url[0] if url else None)
    print(json.dumps({"peak": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1:])
