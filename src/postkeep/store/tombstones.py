"""What was erased and is not to come back: known again by a keyed hash, so that the list itself names nobody."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from postkeep.store import bulk, remembered, schema
from postkeep.store.spelling import fold

_KEY = "tombstone_key"
_EVERYWHERE = "any"
_LOCK = 7_305_118_472
"""Of PostgreSQL: shared by whoever writes what no tombstone refused, alone for whoever refuses more."""


class Erased(StrEnum):
    """What a tombstone stands for."""

    POST = "post"
    PROFILE = "profile"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The name under which something erased would come back."""

    kind: Erased
    platform: str
    id: str


def of_post(platform: str, native_id: str) -> Tombstone:
    return Tombstone(Erased.POST, platform, native_id)


def of_content(sha256: str) -> Tombstone:
    """What refuses bytes that nobody shows; a post that shows them later has them for itself."""
    return Tombstone(Erased.CONTENT, _EVERYWHERE, sha256)


def of_profile(platform: str, kind: str, *, native_id: str | None, username: str | None) -> tuple[Tombstone, ...]:
    """What an erased profile is remembered by.

    Its name alone refuses whoever comes without an id of his own; somebody else who takes the name over later
    has another id, and is not refused.
    """
    name = fold(username or "")
    names = ((f"{kind}@{name}" if native_id is None else f"{kind}@{name}?"),) if name else ()
    ids = (f"={native_id}",) if native_id is not None else ()
    return tuple(Tombstone(Erased.PROFILE, platform, each) for each in (*ids, *names))


def of_comer(platform: str, kind: str, *, native_id: str | None, username: str | None) -> tuple[Tombstone, ...]:
    """What would refuse a profile that a record shows."""
    # As it is spelled, too: so were names kept when their case still mattered.
    spelled = dict.fromkeys((fold(username), username)) if username else ()
    alone = [f"{kind}@{name}" for name in spelled]
    ids = (f"={native_id}", *alone) if native_id is not None else (*alone, *(f"{name}?" for name in alone))
    return tuple(Tombstone(Erased.PROFILE, platform, each) for each in ids)


def leave(tx: Connection, stones: Iterable[Tombstone], *, reason: str, now: datetime) -> None:
    """Refuse these from now on; what is refused already stays so for its first reason."""
    key = _key(tx)
    if key is None:
        key = secrets.token_hex(32)
        remembered.remember(tx, _KEY, key, now)
    bulk.insert(
        tx,
        schema.tombstones,
        ("kind", "platform", "id_hash", "reason", "erased_at"),
        [(each.kind, each.platform, _hash(key, each), reason, now) for each in dict.fromkeys(stones)],
        on_conflict="DO NOTHING",
    )


def wait_for_comers(tx: Connection) -> None:
    """Wait until whoever looked for tombstones has written what he lets in, and let nobody look before our end.

    To be called before anything is written. SQLite has one writer at a time anyway.
    """
    if tx.dialect.name != "sqlite":
        bulk.execute(tx, "SELECT pg_advisory_xact_lock(?)", _LOCK).all()


def standing(tx: Connection, stones: Iterable[Tombstone]) -> set[Tombstone]:
    """Which of these are refused, and until the transaction's end no others."""
    if tx.dialect.name != "sqlite":
        bulk.execute(tx, "SELECT pg_advisory_xact_lock_shared(?)", _LOCK).all()
    key = _key(tx)
    if key is None:
        return set()
    by_hash = {_hash(key, each): each for each in stones}
    # The key begins with the kind and the platform, and the index wants to know them.
    kinds = ", ".join(f"'{kind}'" for kind in Erased)
    names = sorted({each.platform for each in by_hash.values() if each.platform.isalnum()})
    platforms = ", ".join(f"'{name}'" for name in names)
    found = bulk.among(
        tx,
        f"SELECT id_hash FROM tombstones WHERE kind IN ({kinds}) AND platform IN ({platforms})"  # noqa: S608
        " AND id_hash {in}",
        by_hash,
    )
    return {by_hash[id_hash] for (id_hash,) in found}


def since(tx: Connection, stones: Iterable[Tombstone]) -> datetime | None:
    """When the first of these was refused, None for none of them."""
    key = _key(tx)
    if key is None:
        return None
    found = [
        bulk.execute(
            tx,
            "SELECT erased_at FROM tombstones WHERE kind = ? AND platform = ? AND id_hash = ?",
            each.kind,
            each.platform,
            _hash(key, each),
        ).scalar()
        for each in stones
    ]
    return min(filter(None, map(bulk.moment, found)), default=None)


def lift(tx: Connection, stones: Iterable[Tombstone]) -> None:
    """Refuse these no longer; idempotent."""
    key = _key(tx)
    if key is not None:
        rows = [(each.kind, each.platform, _hash(key, each)) for each in dict.fromkeys(stones)]
        bulk.delete(tx, schema.tombstones, ("kind", "platform", "id_hash"), rows)


@dataclass(frozen=True, slots=True)
class Standing:
    """A tombstone as it is kept: whose it is can only be told by who knows the name."""

    kind: Erased
    platform: str
    id_hash: str
    reason: str
    erased_at: datetime


def page(tx: Connection, *, limit: int, after: str = "") -> list[Standing]:
    """Tombstones by hash, after the given one."""
    rows = [
        row
        for kind, platform in _groups(tx)
        for row in bulk.execute(
            tx,
            "SELECT kind, platform, id_hash, reason, erased_at FROM tombstones"
            " WHERE kind = ? AND platform = ? AND id_hash > ? ORDER BY id_hash LIMIT ?",
            kind,
            platform,
            after,
            limit,
        ).all()
    ]
    rows.sort(key=lambda row: row[2])
    return [
        Standing(Erased(kind), platform, id_hash, reason, bulk.moment(at))  # type: ignore[arg-type]
        for kind, platform, id_hash, reason, at in rows[:limit]
    ]


def lift_hash(tx: Connection, id_hash: str) -> int:
    """Refuse no longer what has this hash; returns how many tombstones stood for it."""
    return sum(
        bulk.execute(
            tx, "DELETE FROM tombstones WHERE kind = ? AND platform = ? AND id_hash = ?", kind, platform, id_hash
        ).rowcount
        for kind, platform in _groups(tx)
    )


def left_together(tx: Connection, stones: Iterable[Tombstone]) -> list[Standing]:
    """All tombstones of posts and profiles that the erasings of these left, which was at one time."""
    found: dict[str, Standing] = {}
    asked = {(each.platform, erased_at) for each in stones if (erased_at := since(tx, [each])) is not None}
    for platform, erased_at in asked:
        for kind in (Erased.POST, Erased.PROFILE):
            for id_hash, reason in bulk.execute(
                tx,
                "SELECT id_hash, reason FROM tombstones WHERE kind = ? AND platform = ? AND erased_at = ?",
                kind,
                platform,
                erased_at,
            ).all():
                found[id_hash] = Standing(kind, platform, id_hash, reason, erased_at)
    return list(found.values())


def lift_all(tx: Connection, standing: Iterable[Standing]) -> None:
    """Refuse these no longer; idempotent."""
    rows = [(each.kind, each.platform, each.id_hash) for each in standing]
    bulk.delete(tx, schema.tombstones, ("kind", "platform", "id_hash"), rows)


def _groups(tx: Connection) -> list[tuple[str, str]]:
    """What the key begins with: a handful of pairs, each found by one look."""
    groups: list[tuple[str, str]] = []
    last = ("", "")
    while True:
        row = bulk.execute(
            tx,
            "SELECT kind, platform FROM tombstones WHERE (kind, platform) > (?, ?)"
            " ORDER BY kind, platform LIMIT 1",
            *last,
        ).first()
        if row is None:
            return groups
        last = (row[0], row[1])
        groups.append(last)


def _key(tx: Connection) -> str | None:
    return remembered.recall(tx, _KEY)


def _hash(key: str, stone: Tombstone) -> str:
    told = "\0".join((stone.kind, stone.platform, stone.id))
    return hmac.digest(bytes.fromhex(key), told.encode(errors="surrogatepass"), hashlib.sha256).hex()
