"""What a database remembers of being a copy: of which database, and whether it was finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from postkeep.errors import StoreError
from postkeep.store import remembered
from postkeep.store.engine import Store

_IDENTITY = "database_id"
_MARK = "copy_of"
OWN_NAMES = (_IDENTITY, _MARK)
"""What of `remembered` belongs to one database and is not copied to another."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Which database (its id, its revision, and its place as people see it) this one is a copy of.

    `sums` are rows and checksum of each table, as they were when the copy was finished; `finished` says when,
    in UTC.
    """

    source: str
    place: str
    revision: str
    finished: str | None = None
    sums: Mapping[str, tuple[int, str]] = field(default_factory=dict)


def recall_mark(tx: Connection) -> Mark | None:
    """What this database is a copy of; None for what never was one."""
    text = remembered.recall(tx, _MARK)
    return None if text is None else Mark(**orjson.loads(text))


def remember_mark(tx: Connection, mark: Mark, now: datetime) -> None:
    remembered.remember(tx, _MARK, orjson.dumps(asdict(mark)).decode(), now)


def recall_identity(tx: Connection) -> str | None:
    """The id that a database was given when it was copied first."""
    return remembered.recall(tx, _IDENTITY)


def remember_identity(tx: Connection, identity: str, now: datetime) -> None:
    remembered.remember(tx, _IDENTITY, identity, now)


def must_be_whole(store: Store) -> None:
    """Raise StoreError for a database that is a copy of another and was not finished."""
    with store.reading() as tx:
        mark = recall_mark(tx)
    if mark is not None and mark.finished is None:
        raise StoreError(
            f"this database is an unfinished copy of {mark.place}; go on with"
            f" `postkeep --database {mark.place} db copy --to {shown_place(store.url)}`"
        )


def shown_place(url: URL) -> str:
    """A database as people name it: a path, or a URL without password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    query = {key: value for key, value in url.query.items() if "password" not in key}
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return bare.render_as_string(hide_password=False)
