"""What the cache holds already of what is due: it is linked, not asked for again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from postkeep.model import CachedFile, Proof
from postkeep.stages.fetch.lane import Asset, Found
from postkeep.stages.fetch.outcomes import Kept
from postkeep.store import media, stored_files
from postkeep.store.media import Due
from postkeep.store.stored_files import StoredFile


def present(tx: Connection, rows: Sequence[Due]) -> dict[Asset, Found]:
    """What is in the cache of these rows' assets."""
    found: dict[Asset, Found] = {}
    others = {row.asset for row in rows if row.alternatives and row.answered is None}
    if others:
        # As the rendition it was asked for it is not there, or it would not have come under another name.
        found = {asset: (file, None, came) for asset, (file, came) in media.cached_otherwise(tx, others).items()}
    if rows:
        came_as = {row.asset: row.answered for row in rows}
        for asset, (file, rank) in media.cached_assets(tx, came_as).items():
            found[asset] = (file, rank, came_as[asset])
    return found


def in_place(file: StoredFile, proof: Proof, other: str | None) -> Kept:
    """A file that is here; `other` is its rendition where that is not the row's."""
    content = CachedFile(file.path, stored_files.digest_of(file), file.kind, file.dimensions, proof)
    return Kept(None, content, rendition=other)
