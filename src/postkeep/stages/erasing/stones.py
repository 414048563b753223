"""Tombstones as people see them: what was erased and stays away, and how to let something come back."""

from __future__ import annotations

import re

from postkeep.errors import NotFound
from postkeep.log import get_logger
from postkeep.model import ProfileKind
from postkeep.platforms import PLATFORMS
from postkeep.stages.parts import Parts
from postkeep.store import tombstones
from postkeep.store.tombstones import Standing, Tombstone
from postkeep.views.erasing import TombstoneView

log = get_logger("erasing")

_HASH = re.compile(r"[0-9a-f]{64}")


def list_tombstones(parts: Parts, *, limit: int, after: str | None) -> list[TombstoneView]:
    """Tombstones by hash."""
    with parts.store.reading() as tx:
        return [_view(each) for each in tombstones.page(tx, limit=limit, after=after or "")]


def readmit(parts: Parts, name: str, *, platform: str | None) -> int:
    """Let what was erased come back with a later import; returns how many tombstones stood for it.

    `name` is a tombstone's hash, a post's own id, or a profile's username or own id. Raises NotFound.
    """
    name = name.strip()
    platforms = [platform] if platform is not None else list(PLATFORMS)
    with parts.store.writing() as tx:
        if _HASH.fullmatch(name):
            lifted = tombstones.lift_hash(tx, name)
        else:
            stones = tombstones.standing(tx, [stone for each in platforms for stone in _meant(each, name)])
            tombstones.lift(tx, stones)
            lifted = len(stones)
        if not lifted:
            raise NotFound(f"no tombstone stands for {name!r}")
    log.info("tombstones_lifted", tombstones=lifted)
    return lifted


def _meant(platform: str, name: str) -> list[Tombstone]:
    """Everything a name may stand for."""
    stones = [tombstones.of_post(platform, name)]
    for kind in ProfileKind:
        stones += tombstones.of_comer(platform, kind, native_id=None, username=name)
        stones += tombstones.of_profile(platform, kind, native_id=name, username=None)
    return stones


def _view(each: Standing) -> TombstoneView:
    return TombstoneView(each.kind, each.platform, each.id_hash, each.reason, each.erased_at)
