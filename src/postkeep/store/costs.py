"""The ledger of what was used and may cost money; rows say what was used, never what it comes to.

What is written here is written in the transaction of what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from postkeep.costing import STORAGE, Asked, Use
from postkeep.ids import IdFactory
from postkeep.model import ObjectState
from postkeep.store import bulk, schema
from postkeep.views.costs import CostKind

_COLUMNS = ("cost_id", "kind", "source", "place", "operation", "quantity", "size", "began_at", "ended_at",
            "file_id", "post_id", "profile_id", "charged", "currency")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seller:
    """Who is paid for a store: the kind of store, by which prices are named, and the store itself."""

    source: str
    place: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger. At most one of `file_id`, `post_id` and `profile_id` says what it was for.

    `charged` is what the seller itself asked for one of `quantity`, in `currency`.
    """

    kind: str
    source: str
    operation: str
    quantity: int
    began_at: datetime
    place: str | None = None
    size: int = 0
    ended_at: datetime | None = None
    file_id: str | None = None
    post_id: str | None = None
    profile_id: str | None = None
    charged: Decimal | None = None
    currency: str | None = None


# --- writing ------------------------------------------------------------------------------------------------


def enter(tx: Connection, entries: Iterable[Entry], *, ids: IdFactory) -> None:
    """Add rows to the ledger."""
    bulk.insert(
        tx,
        schema.costs,
        _COLUMNS,
        [
            (
                *(ids.new("cst"), each.kind, each.source, each.place, each.operation, each.quantity, each.size),
                *(each.began_at, each.ended_at, each.file_id, each.post_id, each.profile_id),
                *(None if each.charged is None else format(each.charged, "f"), each.currency),
            )
            for each in entries
        ],
    )


def enter_requests(
    tx: Connection, seller: Seller, asked: Sequence[Asked], *, ids: IdFactory, now: datetime
) -> None:
    """Add requests that were sent to a store, each for the content whose key it was about, if any has it.

    Whatever way such a content was proven: what the store keeps of these from now on stands in the ledger, too.
    """
    keys = {each.key for each in asked if each.key is not None}
    found = bulk.among(
        tx, "SELECT key, file_id FROM archive_objects WHERE key {in} AND store = ?", keys, seller.place
    )
    file_of: dict[str, str] = dict(map(tuple, found))
    enter(
        tx,
        (
            Entry(
                CostKind.REQUEST,
                seller.source,
                each.operation,
                each.quantity,
                now,
                place=seller.place,
                size=each.size,
                file_id=file_of.get(each.key) if each.key is not None else None,
            )
            for each in asked
        ),
        ids=ids,
    )
    begin_proven(tx, seller, file_of.values(), ids=ids)


def begin_storage(
    tx: Connection, seller: Seller, sizes: Mapping[str, int], *, ids: IdFactory, now: datetime
) -> None:
    """Say that a store keeps these contents (bytes by file id) from now on; not of those it keeps already."""
    kept = {
        file_id
        for (file_id,) in bulk.among(
            tx,
            "SELECT file_id FROM costs WHERE file_id {in} AND kind = ? AND place = ? AND ended_at IS NULL",
            sizes,
            str(CostKind.STORAGE),
            seller.place,
        )
    }
    enter(
        tx,
        (_kept(seller, file_id, size, now) for file_id, size in sizes.items() if file_id not in kept),
        ids=ids,
    )


def begin_proven(tx: Connection, seller: Seller, file_ids: Iterable[str], *, ids: IdFactory) -> None:
    """Say since when a store keeps those of these contents that it was proven to hold; idempotent."""
    rows = bulk.among(
        tx,
        "WITH wanted AS (SELECT w.file_id FROM media_files w WHERE w.file_id {in})"  # noqa: S608
        f" SELECT {_UNENTERED} AND a.file_id IN (SELECT file_id FROM wanted)",
        file_ids,
        seller.place,
    )
    enter(tx, [_kept(seller, file_id, size, bulk.moment(at)) for file_id, size, at in rows], ids=ids)


def begin_all_proven(tx: Connection, seller: Seller, *, ids: IdFactory, limit: int) -> int:
    """The same for the first contents of all that are not in the ledger; returns how many there were."""
    rows = bulk.execute(tx, f"SELECT {_UNENTERED} LIMIT ?", seller.place, limit).all()
    enter(tx, [_kept(seller, file_id, size, bulk.moment(at)) for file_id, size, at in rows], ids=ids)
    return len(rows)


_UNENTERED = (
    "a.file_id, f.file_size, a.proven_at"  # noqa: S608
    " FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"
    f" WHERE a.store = ? AND a.state = '{ObjectState.PROVEN}' AND a.proven_at IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM costs c WHERE c.file_id = a.file_id AND c.place = a.store"
    f" AND c.kind = '{CostKind.STORAGE}' AND c.ended_at IS NULL)"
)


def _kept(seller: Seller, file_id: str, size: int, since: datetime | None) -> Entry:
    assert since is not None, "storage begins at some time"
    return Entry(
        CostKind.STORAGE, seller.source, STORAGE, 1, since, place=seller.place, size=size, file_id=file_id
    )


def end_storage(tx: Connection, place: str, file_ids: Iterable[str], now: datetime) -> None:
    """Say that a store keeps these contents no longer; idempotent."""
    rows = bulk.among(
        tx,
        "SELECT cost_id FROM costs WHERE file_id {in} AND kind = ? AND place = ? AND ended_at IS NULL",
        file_ids,
        str(CostKind.STORAGE),
        place,
    )
    bulk.update(tx, schema.costs, ("ended_at",), [(now, cost_id) for (cost_id,) in rows], key=["cost_id"])


_MISSING = f"a.state <> '{ObjectState.PROVEN}' AND a.error_kind = 'missing'"


def end_missing(tx: Connection, place: str, file_ids: Iterable[str]) -> None:
    """End the storage of contents whose object was found missing, as of when it was; idempotent."""
    rows = bulk.among(
        tx,
        "SELECT c.cost_id, a.error_at FROM costs c"  # noqa: S608
        " JOIN archive_objects a ON a.file_id = c.file_id AND a.store = c.place"
        f" WHERE c.file_id {{in}} AND c.kind = ? AND c.place = ? AND c.ended_at IS NULL AND {_MISSING}",
        file_ids,
        str(CostKind.STORAGE),
        place,
    )
    bulk.update(
        tx,
        schema.costs,
        ("ended_at",),
        [(bulk.moment(error_at), cost_id) for cost_id, error_at in rows],
        key=["cost_id"],
    )


# --- summing up ---------------------------------------------------------------------------------------------


def uses(tx: Connection) -> list[Use]:
    """All of the ledger, summed up by day."""
    rows = bulk.execute(tx, f"SELECT {_summed(tx)} FROM costs c{_OBJECT} GROUP BY {_GROUPED}")  # noqa: S608
    return [_use(row) for row in rows]


def uses_by_post(tx: Connection, post_ids: Iterable[str]) -> list[tuple[str, int, Use]]:
    """What these posts bear: post, among how many posts it is divided, what was used."""
    wanted = list(post_ids)
    shown = bulk.among(
        tx,
        "WITH shown AS (SELECT DISTINCT m.post_id, m.file_id FROM post_media m"  # noqa: S608
        " WHERE m.post_id {in} AND m.file_id IS NOT NULL),"
        " among_posts AS (SELECT s.post_id, s.file_id,"
        " (SELECT count(DISTINCT x.post_id) FROM post_media x WHERE x.file_id = s.file_id) AS posts FROM shown s)"
        f" SELECT s.post_id, s.posts, {_summed(tx)} FROM among_posts s"
        f" JOIN costs c ON c.file_id = s.file_id{_OBJECT}"
        f" WHERE c.post_id IS NULL AND c.profile_id IS NULL GROUP BY s.post_id, s.posts, {_GROUPED}",
        wanted,
    )
    alone = bulk.among(
        tx,
        f"SELECT c.post_id, 1, {_summed(tx)} FROM costs c{_OBJECT} WHERE c.post_id {{in}}"  # noqa: S608
        f" GROUP BY c.post_id, {_GROUPED}",
        wanted,
    )
    return [(row[0], int(row[1]), _use(row[2:])) for row in (*shown, *alone)]


def uses_by_profile(tx: Connection) -> list[tuple[str, Use]]:
    """What profiles bear by themselves, besides what their posts do."""
    rows = bulk.execute(
        tx,
        f"SELECT c.profile_id, {_summed(tx)} FROM costs c{_OBJECT}"  # noqa: S608
        f" WHERE c.profile_id IS NOT NULL AND c.post_id IS NULL GROUP BY c.profile_id, {_GROUPED}",
    )
    return [(row[0], _use(row[1:])) for row in rows]


def post_page(tx: Connection, after: str, *, limit: int) -> list[tuple[str, str | None]]:
    """Posts by id, and the profile of each one's author."""
    rows = bulk.execute(
        tx,
        "SELECT post_id, author_profile_id FROM posts WHERE post_id > ? ORDER BY post_id LIMIT ?",
        after,
        limit,
    ).all()
    return [(post_id, profile_id) for post_id, profile_id in rows]


def post_names(tx: Connection, post_ids: Iterable[str]) -> dict[str, str]:
    """The URNs of posts."""
    rows = bulk.among(tx, "SELECT post_id, urn FROM posts WHERE post_id {in}", post_ids)
    return dict(map(tuple, rows))


def profile_names(tx: Connection, profile_ids: Iterable[str]) -> dict[str, str]:
    """The usernames of profiles, else their names."""
    rows = bulk.among(
        tx, "SELECT profile_id, coalesce(username, name) FROM profiles WHERE profile_id {in}", profile_ids
    )
    return dict(map(tuple, rows))


_OBJECT = (
    f" LEFT JOIN archive_objects a ON c.kind = '{CostKind.STORAGE}' AND c.ended_at IS NULL"
    " AND a.file_id = c.file_id AND a.store = c.place"
)
# An object that was found missing is kept no longer, though its row is closed only when it goes up again.
_END = f"CASE WHEN {_MISSING} THEN a.error_at ELSE c.ended_at END"
_GROUPED = "kind, source, place, operation, began, ended, charged, currency"


def _summed(tx: Connection) -> str:
    return (
        f"c.kind AS kind, c.source AS source, c.place AS place, c.operation AS operation, {_day(tx, 'c.began_at')}"
        f" AS began, {_day(tx, _END)} AS ended, c.charged AS charged, c.currency AS currency,"
        " sum(c.quantity), sum(c.size)"
    )


def _day(tx: Connection, moment: str) -> str:
    if tx.dialect.name == "sqlite":
        return f"substr({moment}, 1, 10)"
    return f"to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def _use(row: Any) -> Use:
    kind, source, place, operation, began, ended, charged, currency, quantity, size = row
    return Use(
        kind=kind,
        source=source,
        place=place,
        operation=operation,
        begin=date.fromisoformat(began),
        end=date.fromisoformat(ended) if ended else None,
        quantity=int(quantity),
        size=int(size),
        charged=None if charged is None else Decimal(charged),
        currency=currency,
    )
