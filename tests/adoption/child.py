"""An upgrade as a process of its own, which ends itself by SIGKILL before the statement with a given number.

Arguments: the home, the database's URL, the number.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from postkeep.config import Config
from postkeep.library import upgrade_database


def main(home: str, url: str, at: str) -> None:
    sent = 0

    def count(*_given: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == int(at):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    upgrade_database(Config(Path(home), url), agreed=lambda _command: True)


if __name__ == "__main__":
    main(*sys.argv[1:])
