"""What was spent, as a use case: the ledger is summed up, priced, and divided among those it was for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection

from postkeep.archive.counting import CountedArchive, counted
from postkeep.archive.port import Archive
from postkeep.config import ArchiveConfig
from postkeep.costing import Piece, Prices, Sum, Use, pieces, shown
from postkeep.stages.parts import Parts
from postkeep.store import costs
from postkeep.store.costs import Seller
from postkeep.views import OnProgress, Progress
from postkeep.views.costs import CostBy, CostLine, Costs

_PAGE = 500

# --- writing down -------------------------------------------------------------------------------------------


def seller_of(config: ArchiveConfig, archive: Archive) -> Seller:
    """Who is paid for the active archive."""
    return Seller(config.active or archive.place, archive.place)


def enter_asked(parts: Parts, archive: CountedArchive) -> None:
    """Write down what an archive was asked for since the last time, in a transaction of its own."""
    if not archive.has_asked:
        return
    seller = seller_of(parts.config.archive, archive)
    with archive.taking() as asked, parts.store.writing() as tx:
        costs.enter_requests(tx, seller, asked, ids=parts.ids, now=parts.clock())


@contextmanager
def accounted(parts: Parts, archive: Archive) -> Iterator[CountedArchive]:
    """The archive for the block, and what it was asked for in the ledger afterwards, however the block ends."""
    with_count = counted(archive)
    try:
        yield with_count
    finally:
        enter_asked(parts, with_count)


def enter_proven(parts: Parts, archive: Archive) -> None:
    """Write down what an archive was proven to hold, as far as a death kept it out of the ledger; idempotent."""
    seller, more = seller_of(parts.config.archive, archive), _PAGE
    while more == _PAGE:
        with parts.store.writing() as tx:
            more = costs.begin_all_proven(tx, seller, ids=parts.ids, limit=_PAGE)


def entering(parts: Parts, archive: CountedArchive, progress: OnProgress) -> OnProgress:
    """Progress that also writes down what was asked for until then, so that no more is lost than one step's."""

    def told(step: Progress) -> None:
        enter_asked(parts, archive)
        progress(step)

    return told


# --- summing up ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Costing:
    """One summing up: UTC days from `since` (None: the first) to the one before `until`, of one store or all."""

    prices: Prices
    since: date | None
    until: date
    place: str | None

    def pieces(self, use: Use) -> Iterator[Piece]:
        if self.place is None or use.place == self.place:
            yield from pieces(use, self.prices, since=self.since, until=self.until)

    def sum(self, uses: Iterable[tuple[int, Use]]) -> Sum:
        """What uses cost, each divided by its number."""
        total = Sum()
        for divisor, use in uses:
            for piece in self.pieces(use):
                total.add(piece.measure, piece.amount / divisor)
        return total


def run_costs(parts: Parts, *, by: CostBy, since: datetime | None, limit: int, place: str | None = None) -> Costs:
    """Sum up the ledger from the UTC day of `since` on; at most `limit` parts are told one by one, the dearest.

    What is kept counts for today, too. With `place` only what one store asked for.
    """
    now = parts.clock()
    costing = _Costing(
        Prices(parts.config.costs.prices),
        since.astimezone(UTC).date() if since is not None else None,
        now.astimezone(UTC).date() + timedelta(days=1),
        place,
    )
    with parts.store.reading() as tx:
        used = costs.uses(tx)
        if by in (CostBy.KIND, CostBy.MONTH):
            return _by_piece(costing, used, by=by, now=now, limit=limit)
        return _by_owner(tx, costing, used, by=by, now=now, limit=limit)


def _by_piece(costing: _Costing, used: list[Use], *, by: CostBy, now: datetime, limit: int) -> Costs:
    sums: dict[str, Sum] = {}
    total = Sum()
    key: Callable[[Piece], str] = (lambda piece: piece.kind) if by is CostBy.KIND else lambda piece: piece.month
    for use in used:
        for piece in costing.pieces(use):
            sums.setdefault(str(key(piece)), Sum()).add(piece.measure, piece.amount)
            total.add(piece.measure, piece.amount)
    keys = sorted(sums)
    named, left = (keys, []) if by is CostBy.KIND else (keys[-limit:], keys[:-limit])
    others = Sum()
    for each in left:
        others += sums[each]
    return _told(costing, by, now, total, [(each, sums[each]) for each in named], others, len(left), Sum(), {})


def _by_owner(
    tx: Connection, costing: _Costing, used: list[Use], *, by: CostBy, now: datetime, limit: int
) -> Costs:
    total = costing.sum((1, use) for use in used)
    assigned, number = Sum(), 0

    def owners() -> Iterator[tuple[str, Sum]]:
        nonlocal assigned, number
        for owner, cost in _posts(tx, costing) if by is CostBy.POST else _profiles(tx, costing):
            assigned += cost
            number += 1
            yield owner, cost

    # Money first; among parts without any, those that used most.
    measures = sorted(total.amounts, key=lambda each: (not each.currency, each))

    def dearest(one: tuple[str, Sum]) -> tuple[list[Fraction], str]:
        key, cost = one
        return [-cost.amounts.get(measure, Fraction()) for measure in measures], key

    kept = heapq.nsmallest(limit, owners(), key=dearest)
    named = Sum()
    for _, cost in kept:
        named += cost
    owner_names = (costs.post_names if by is CostBy.POST else costs.profile_names)(tx, [key for key, _ in kept])
    return _told(
        costing, by, now, total, kept, assigned - named, number - len(kept), total - assigned, owner_names
    )


def _posts(tx: Connection, costing: _Costing) -> Iterator[tuple[str, Sum]]:
    for page in _pages(tx):
        uses: dict[str, list[tuple[int, Use]]] = {}
        for post_id, divisor, use in costs.uses_by_post(tx, page):
            uses.setdefault(post_id, []).append((divisor, use))
        for post_id, its in uses.items():
            if cost := costing.sum(its):
                yield post_id, cost


def _profiles(tx: Connection, costing: _Costing) -> Iterator[tuple[str, Sum]]:
    """Profiles bear what the posts they wrote bear, and what was for themselves."""
    sums: dict[str, Sum] = {}
    for page in _pages(tx):
        for post_id, divisor, use in costs.uses_by_post(tx, page):
            if (author := page[post_id]) is not None:
                _into(sums, author, costing.sum([(divisor, use)]))
    for profile_id, use in costs.uses_by_profile(tx):
        _into(sums, profile_id, costing.sum([(1, use)]))
    yield from sums.items()


def _into(sums: dict[str, Sum], key: str, cost: Sum) -> None:
    if cost:
        so_far = sums.setdefault(key, Sum())
        so_far += cost


def _pages(tx: Connection) -> Iterator[dict[str, str | None]]:
    after = ""
    while page := costs.post_page(tx, after, limit=_PAGE):
        yield dict(page)
        after = page[-1][0]


def _told(
    costing: _Costing,
    by: CostBy,
    now: datetime,
    total: Sum,
    named: list[tuple[str, Sum]],
    others: Sum,
    others_count: int,
    unassigned: Sum,
    names: dict[str, str],
) -> Costs:
    whole, decimals = shown(total, [*(cost for _, cost in named), others, unassigned])
    lines = tuple(CostLine(key, cost, names.get(key)) for (key, _), cost in zip(named, decimals[:-2], strict=True))
    return Costs(
        by=by,
        since=costing.since,
        until=now,
        total=whole,
        lines=lines,
        others=decimals[-2] if others_count else None,
        others_count=others_count,
        unassigned=decimals[-1] if unassigned else None,
        prices=costing.prices.applied,
        unpriced=costing.prices.is_empty,
    )
