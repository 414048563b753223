"""Files of people that may still hold what was erased: nobody but they can clean them, so they are told which."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

_MOST_LOOKED_AT = 20_000
"""So many names of a folder are looked at: reading them must not take longer than the erasing."""


def lying_beside(sources: Collection[str], usernames: Collection[str]) -> set[str]:
    """Files in the folders of these sources whose names tell one of these people, or that belong to a source."""
    told = "|".join(map(re.escape, usernames))
    telling = re.compile(rf"(?<![^\W_])(?:{told})(?![^\W_])" if told else r"(?!)", re.IGNORECASE)
    stems: dict[Path, set[str]] = {}
    for path in map(Path, sources):
        stems.setdefault(path.parent, set()).add(_stem(path.name))
    return {
        str(folder / name)
        for folder, known in stems.items()
        for name in islice(_names(folder), _MOST_LOOKED_AT)
        if telling.search(name) or _belongs(_stem(name), known)
    }


def _belongs(stem: str, known: Collection[str]) -> bool:
    # Of several pictures each has its number behind the name of the record.
    return stem in known or (stem.rpartition("_")[2].isdecimal() and stem.rpartition("_")[0] in known)


def _stem(name: str) -> str:
    return re.sub(r"(\.[A-Za-z0-9]{1,5}){1,2}$", "", name)


def _names(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield entry.name
