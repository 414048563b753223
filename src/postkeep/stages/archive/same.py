"""Whether the store that answers is the one our rows speak of: asked before it is used, and before anything of it
is forgotten. An unmounted disk, a login page and another store with a bucket of the same name answer, too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from postkeep.archive.port import Archive
from postkeep.archive.uploading import equals
from postkeep.errors import ArchiveDenied, ArchiveError, ArchiveUnavailable
from postkeep.model import Digest
from postkeep.store import Store, archive_objects, remembered

_LOOKED_THROUGH = 200
_WITNESSES = 3


def must_be_the_same(store: Store, archive: Archive) -> None:
    """Raise ArchiveDenied when this archive was reached at another address until now; the store is not asked."""
    with store.reading() as tx:
        before = remembered.recall(tx, _name(archive))
    if before is not None and before != archive.address:
        raise ArchiveDenied(
            f"{archive.place} was reached at {before} until now, and would be at {archive.address}: if that is the"
            " same store, `postkeep archive verify` finds it out and remembers the new address"
        )


def remember(tx: Connection, archive: Archive, now: datetime) -> None:
    """Keep the address at which what we know of this archive was found."""
    if archive.address:
        remembered.remember(tx, _name(archive), archive.address, now)


def must_be_whole(store: Store, archive: Archive, missed: Collection[str]) -> None:
    """Raise ArchiveUnavailable unless some object is there as it was proven, besides the contents that are missed.

    A few of the smallest are read for it: whoever has the bytes is the archive.
    """
    with store.reading() as tx:
        known = archive_objects.proven_after(tx, archive.place, "", limit=_LOOKED_THROUGH + len(missed))
    others = sorted((each for each in known if each.file_id not in missed), key=lambda each: each.size)
    for each in others[:_WITNESSES]:
        try:
            if equals(archive, each.key, Digest(each.md5, each.sha256, each.size)):
                return
        except ArchiveError:
            continue
    raise ArchiveUnavailable(
        f"not one object that was looked for is in {archive.place} as it was proven: is this the archive, and is"
        " it there? Nothing was changed; when all is lost indeed, `postkeep archive verify --repair --all-lost`"
        " notes it"
    )


def _name(archive: Archive) -> str:
    return f"archive:{archive.place}"
