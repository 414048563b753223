"""The ids that rows had in a predecessor's database; whoever asks for one means the row of now."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.types import storable


def current(tx: Connection, name: str) -> str:
    """The id of now for an old one; any other name is returned as it is."""
    return current_of(tx, [name]).get(name, name)


def current_of(tx: Connection, names: Iterable[str]) -> dict[str, str]:
    """The ids of now for those of the names that are old ones."""
    wanted = {name for name in names if storable(name)}
    rows = bulk.among(tx, "SELECT old_id, new_id FROM old_ids WHERE old_id {in}", wanted)
    return dict(tuple(row) for row in rows)
