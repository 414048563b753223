"""Tombstones as people see them: what was erased and stays away, and how to let something come back."""

from __future__ import annotations

import re

from postkeep.errors import NotFound
from postkeep.log import get_logger
from postkeep.model import ProfileKind
from postkeep.platforms import PLATFORMS
from postkeep.platforms.people import Whose, read_reference
from postkeep.stages.parts import Parts
from postkeep.store import tombstones
from postkeep.store.tombstones import Erased, Standing, Tombstone
from postkeep.views.erasing import TombstoneView

log = get_logger("erasing")

_HASH = re.compile(r"[0-9a-f]{64}")


def list_tombstones(parts: Parts, *, limit: int, after: str | None) -> list[TombstoneView]:
    """Tombstones by hash."""
    with parts.store.reading() as tx:
        return [_view(each) for each in tombstones.page(tx, limit=limit, after=after or "")]


def readmit(parts: Parts, name: str, *, platform: str | None) -> int:
    """Let what was erased come back with a later import; returns how many tombstones stood for it.

    `name` is a tombstone's hash, which lifts that one alone, a post's own id, or whatever names a profile: what
    was erased with it may come back as well. Raises NotFound.
    """
    name = name.strip()
    if _HASH.fullmatch(name):
        with parts.store.writing() as tx:
            lifted = tombstones.lift_hash(tx, name)
    else:
        whose = read_reference(name)
        platforms = [each for each in (platform or whose.platform,) if each] or list(PLATFORMS)
        meant = [stone for each in platforms for stone in _meant(each, name, whose)]
        # Found without a lock: those of a platform are all looked through.
        with parts.store.reading() as tx:
            alone = tombstones.standing(tx, meant)
            people = [each for each in alone if each.kind is Erased.PROFILE]
            together = tombstones.left_together(tx, people)
        with parts.store.writing() as tx:
            tombstones.lift_all(tx, together)
            tombstones.lift(tx, alone)
        lifted = len(together) + len(alone) - len(people)
    if not lifted:
        raise NotFound(
            f"no tombstone stands for {name!r}; `postkeep erase list` lists them, by their hashes alone"
        )
    log.info("tombstones_lifted", tombstones=lifted)
    return lifted


def _meant(platform: str, name: str, whose: Whose) -> list[Tombstone]:
    """Everything a name may stand for."""
    stones = [tombstones.of_post(platform, name)]
    for kind in [whose.kind] if whose.kind else ProfileKind:
        stones += tombstones.of_comer(platform, kind, native_id=None, username=whose.name)
        stones += tombstones.of_profile(platform, kind, native_id=whose.name, username=None)
    return stones


def _view(each: Standing) -> TombstoneView:
    return TombstoneView(each.kind, each.platform, each.id_hash, each.reason, each.erased_at)
