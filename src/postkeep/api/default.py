"""The library that functions without one work on: opened on the first call, closed at the end of the process."""

from __future__ import annotations

import atexit
import threading

from postkeep.config import load_config
from postkeep.library import Library, open_library

_lock = threading.Lock()
_opened: Library | None = None


def library() -> Library:
    """The default library, from the configuration of the environment."""
    global _opened
    with _lock:
        if _opened is None:
            _opened = open_library(load_config())
            atexit.register(close)
        return _opened


def use(opened: Library | None) -> None:
    """Work on this library from now on; the caller keeps owning it. None: open the default one when asked."""
    global _opened
    with _lock:
        _opened = opened


def close() -> None:
    """Close the default library; the next call opens it again."""
    global _opened
    with _lock:
        opened, _opened = _opened, None
    if opened is not None:
        opened.close()
