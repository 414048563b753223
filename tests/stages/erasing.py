"""An erasure as a process of its own, which can be told to die at one of its moments.

Arguments: database, cache root, archive folder, profile, moment (or `finish`, for what is queued), which passing.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from postkeep import points
from postkeep.stages.erasing import Asked, erase, finish
from tests.stages.archiving import parts_of


def main() -> None:
    database, root, folder, profile, moment, number = sys.argv[1:]
    left = int(number)

    def hook(name: str) -> None:
        nonlocal left
        if name == moment:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    points.watch(hook)
    parts = parts_of(database, Path(root), Path(folder))
    if moment == "finish":
        finish(parts, [], stop=lambda: False, progress=lambda step: None)
    else:
        erase(
            parts,
            [],
            Asked(profile=profile),
            reason="asked to",
            dry_run=False,
            stop=lambda: False,
            progress=lambda step: None,
        )
    parts.store.close()


if __name__ == "__main__":
    main()
