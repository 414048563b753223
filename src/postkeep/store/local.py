"""SQLite wants a local disk: it is refused elsewhere before a file is made, not when the first rows are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from postkeep.errors import StoreError
from postkeep.mounts import Mount, network_mount

_SQLITE = "sqlite:///"


def must_be_local(url: str, *, found: Callable[[Path], Mount | None] = network_mount) -> None:
    """Raise StoreError for a SQLite database on a network file system; other databases may be anywhere."""
    if not url.startswith(_SQLITE):
        return
    path = Path(url.removeprefix(_SQLITE))
    mount = found(path)
    if mount is not None:
        raise StoreError(
            f"the database {path} is on a network file system ({mount.type}, mounted at {mount.point}), where"
            " SQLite loses rows: its write-ahead log needs locks and memory shared by everybody who has it open."
            " Choose a home on a local disk (--home), or a place there for the database alone (--database PATH),"
            " or PostgreSQL (--database postgresql://...)"
        )
