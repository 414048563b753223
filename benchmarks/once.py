"""One import in this process: `python -m benchmarks.once bare FOLDER URL` or `... postkeep FOLDER HOME [URL]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.children import peak_memory

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
    from postkeep.config import load_config
    from postkeep.library import open_library

    flags = {"home": str(home), "database": url}
    config = load_config(flags=flags, environ={}, user_folder=home)
    with open_library(config) as library:
        summary = library.import_([str(folder)], fetch=False)
    if summary.errors or summary.unreadable:
        raise RuntimeError(f"{summary.errors} records and {summary.unreadable} files were not imported")


def main(arguments: list[str]) -> None:
    which, folder, home, *url = arguments
    if which == "bare":
        bare(Path(folder), home)
    else:
        postkeep(Path(folder), Path(home), url[0] if url else None)
    print(json.dumps({"peak": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1:])
