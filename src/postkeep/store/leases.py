"""One process at a time does a stage on one database; a lease is given up, or taken over from the dead."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from postkeep.errors import LeaseLost, LeaseTaken
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.runs import STALE, is_gone, this_process


def take(tx: Connection, name: str, now: datetime) -> None:
    """Take the lease; raises LeaseTaken while a living process has it.

    A lease of a process that is gone is taken over at once on its own host, after a silence on others.
    Taking it again within one process is refused as well: two stages of one process would do work twice. After
    a silence it is granted: a database that went away takes no lease back.
    """
    row = bulk.execute(tx, "SELECT owner, heartbeat_at FROM leases WHERE name = ?", name).first()
    if row is not None:
        owner, heartbeat = row[0], moment(row[1])
        left = owner == this_process() and (heartbeat is None or now - heartbeat > STALE)
        if not left and not is_gone(owner, heartbeat, now):
            raise LeaseTaken(name, owner)
        bulk.execute(tx, "DELETE FROM leases WHERE name = ? AND owner = ?", name, owner)
    bulk.insert(tx, schema.leases, ("name", "owner", "since", "heartbeat_at"), [(name, this_process(), now, now)])


def renew(tx: Connection, name: str, now: datetime) -> None:
    """Say that we live, in the transaction that stores an outcome; raises LeaseLost if it was taken from us."""
    renewed = bulk.execute(
        tx,
        "UPDATE leases SET heartbeat_at = ? WHERE name = ? AND owner = ?",
        now,
        name,
        this_process(),
    )
    if renewed.rowcount != 1:
        row = bulk.execute(tx, "SELECT owner FROM leases WHERE name = ?", name).first()
        raise LeaseLost(name, row[0] if row else "nobody")


def give_up(tx: Connection, name: str) -> None:
    """Give the lease back; nothing happens when it is not ours."""
    bulk.execute(tx, "DELETE FROM leases WHERE name = ? AND owner = ?", name, this_process())
