"""The arithmetic of costs: what was used times the price of its day, exactly, and divided without a remainder.

Sums are fractions until they are shown; then the parts are rounded so that they add up to the rounded whole.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Self

from postkeep.errors import ConfigError
from postkeep.views.costs import CostKind, CostSum, Unpriced

DIGITS = 9
"""How many digits after the point are shown: a request costs some millionths."""

# --- prices -------------------------------------------------------------------------------------------------

STORAGE, EGRESS = "storage", "egress"
REQUESTS = ("put", "get", "head", "list", "delete")

_BYTES = {"GB": 10**9, "GiB": 2**30}
_COUNTS = {"one": 1, "thousand": 10**3, "million": 10**6}
_MONTHS = {f"{unit}-month": size for unit, size in _BYTES.items()}
_UNITS = {STORAGE: _MONTHS, EGRESS: _BYTES, **dict.fromkeys(REQUESTS, _COUNTS)}
_PRICE = re.compile(
    r"(?P<source>\S+) (?P<operations>[a-z_+]+) (?P<amount>\d{1,12}(?:\.\d{1,15})?) (?P<currency>[A-Z]{3})"
    r" per (?P<unit>\S+) from (?P<day>\d{4}-\d{2}-\d{2})"
)
_SOURCE = re.compile(r"s3|r2|gcs|azure|directory|[a-z0-9]+://\S+")


@dataclass(frozen=True, slots=True)
class Price:
    """What operations cost at a source (a kind of store, or one store by its name) from a UTC day on.

    `each` is the price of one byte for a month, one byte or one request; `text` is how it was given.
    """

    source: str
    operations: tuple[str, ...]
    each: Fraction
    currency: str
    valid_from: date
    text: str


def read_price(text: str) -> Price:
    """A price from a line such as `r2 put+list 4.50 USD per million from 2025-06-01`; raises ValueError."""
    line = " ".join(text.split())
    found = _PRICE.fullmatch(line)
    if found is None:
        raise ValueError(f"{line!r} is not SOURCE OPERATION AMOUNT CURRENCY per UNIT from YYYY-MM-DD")
    source, unit = found["source"], found["unit"]
    if _SOURCE.fullmatch(source) is None:
        raise ValueError(
            f"{source!r} is not s3, r2, gcs, azure, directory or the name of a store such as s3://bucket"
        )
    operations = tuple(found["operations"].split("+"))
    for operation in operations:
        if operation not in _UNITS:
            raise ValueError(f"{operation!r} is not one of {', '.join(_UNITS)}")
        if unit not in _UNITS[operation]:
            raise ValueError(f"{operation} is priced per {', '.join(_UNITS[operation])}, not per {unit}")
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        raise ValueError(f"there is no day {found['day']}") from None
    each = Fraction(found["amount"]) / _UNITS[operations[0]][unit]
    return Price(source, operations, each, found["currency"], day, line)


class Prices:
    """The dated price table; remembers which of its prices were asked for and applied."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._prices: dict[tuple[str, str], list[Price]] = {}
        self._applied: set[Price] = set()
        for line in lines:
            price = read_price(line)
            for operation in price.operations:
                dated = self._prices.setdefault((price.source, operation), [])
                if any(each.valid_from == price.valid_from for each in dated):
                    raise ConfigError(
                        f"costs.prices: {price.source} {operation} has two prices from {price.valid_from}"
                    )
                dated.append(price)
                dated.sort(key=lambda each: each.valid_from)

    def of(self, use: Use, operation: str, day: date) -> Price | None:
        """The price of a day: that of the very store where there is one, else that of its kind; None: unknown."""
        for dated in self._tables(use, operation):
            valid = [each for each in dated if each.valid_from <= day]
            if valid:
                self._applied.add(valid[-1])
                return valid[-1]
        return None

    def changes(self, use: Use, operation: str) -> list[date]:
        """The days on which a price begins."""
        return [each.valid_from for dated in self._tables(use, operation) for each in dated]

    def _tables(self, use: Use, operation: str) -> list[list[Price]]:
        return [self._prices.get((source, operation), []) for source in (use.place, use.source) if source]

    @property
    def is_empty(self) -> bool:
        """Whether no price is set at all."""
        return not self._prices

    @property
    def applied(self) -> tuple[str, ...]:
        """The lines that were applied, in the order of their texts."""
        return tuple(sorted(each.text for each in self._applied))


# --- sums ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Measure:
    """What a number counts: money of a currency, or `unit` of an operation that has no price."""

    currency: str = ""
    source: str = ""
    operation: str = ""
    unit: str = ""


class Sum:
    """Exact amounts by what they measure."""

    __slots__ = ("amounts",)

    def __init__(self, amounts: Mapping[Measure, Fraction] | None = None) -> None:
        self.amounts = dict(amounts or {})

    def add(self, measure: Measure, amount: Fraction) -> None:
        self.amounts[measure] = self.amounts.get(measure, Fraction()) + amount

    def __iadd__(self, other: Sum) -> Self:
        for measure, amount in other.amounts.items():
            self.add(measure, amount)
        return self

    def __sub__(self, other: Sum) -> Sum:
        """What is left; a measure of which nothing is left is none."""
        left = Sum(self.amounts)
        for measure, amount in other.amounts.items():
            left.add(measure, -amount)
        return Sum({measure: amount for measure, amount in left.amounts.items() if amount})

    def __bool__(self) -> bool:
        return bool(self.amounts)


def shown(total: Sum, parts: Sequence[Sum]) -> tuple[CostSum, list[CostSum]]:
    """A whole and its parts as decimals: each measure's parts add up to its whole, to the last digit.

    The parts must be the whole exactly. Each is rounded down or up; up go those that lose most, the first first.
    """
    whole: dict[Measure, Decimal] = {}
    rounded: list[dict[Measure, Decimal]] = [{} for _ in parts]
    for measure in sorted(total.amounts):
        units = round(total.amounts[measure] * 10**DIGITS)
        whole[measure] = _decimal(units)
        scaled = {
            at: part.amounts[measure] * 10**DIGITS for at, part in enumerate(parts) if measure in part.amounts
        }
        floors = {at: amount.__floor__() for at, amount in scaled.items()}
        up = sorted(scaled, key=lambda at: (floors[at] - scaled[at], at))[: units - sum(floors.values())]
        for at, floor in floors.items():
            rounded[at][measure] = _decimal(floor + (at in up))
    return _cost(whole), [_cost(each) for each in rounded]


def _decimal(units: int) -> Decimal:
    return Decimal(units).scaleb(-DIGITS)


def _cost(amounts: Mapping[Measure, Decimal]) -> CostSum:
    return CostSum(
        {measure.currency: amount for measure, amount in amounts.items() if measure.currency},
        tuple(
            Unpriced(measure.source, measure.operation, measure.unit, amount)
            for measure, amount in amounts.items()
            if not measure.currency
        ),
    )


# --- what was used ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests of one operation about one key of a store (None: about no single one), and their bytes."""

    key: str | None
    operation: str
    quantity: int
    size: int


@dataclass(frozen=True, slots=True)
class Use:
    """What rows of the ledger have in common, summed up.

    `quantity` counts requests, `size` is their bytes, or the bytes that are kept. `begin` is a UTC day; what is
    kept counts for each day from there to the day before `end` (None: it is kept still). `charged` is what the
    seller asked for one of `quantity`, in `currency`, whatever the price table says.
    """

    kind: str
    source: str
    place: str | None
    operation: str
    begin: date
    end: date | None
    quantity: int
    size: int
    charged: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a use within one month (`2026-11`)."""

    kind: str
    month: str
    measure: Measure
    amount: Fraction


def pieces(use: Use, prices: Prices, *, since: date | None, until: date) -> Iterator[Piece]:
    """What a use costs from the UTC day `since` on, to the end of the day before `until`, month by month."""
    if use.kind == CostKind.STORAGE:
        yield from _stored(use, prices, since=since, until=until)
        return
    if use.begin >= until or (since is not None and use.begin < since):
        return
    month = f"{use.begin:%Y-%m}"
    if use.charged is not None:
        assert use.currency is not None, "an amount has a currency"
        yield Piece(use.kind, month, Measure(use.currency), Fraction(use.charged) * use.quantity)
        return
    yield _priced(use, use.operation, Fraction(use.quantity), "one", prices, use.begin, kind=use.kind)
    if use.operation == "get" and use.size:
        yield _priced(use, EGRESS, Fraction(use.size), "GB", prices, use.begin, kind=CostKind.TRAFFIC)


def _stored(use: Use, prices: Prices, *, since: date | None, until: date) -> Iterator[Piece]:
    begin = use.begin if since is None else max(use.begin, since)
    end = until if use.end is None else min(use.end, until)
    changes = prices.changes(use, STORAGE)
    while begin < end and use.size:
        days = monthrange(begin.year, begin.month)[1]
        next_month = date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
        stop = min([next_month, end, *(each for each in changes if each > begin)])
        amount = Fraction(use.size * (stop - begin).days, days)
        yield _priced(use, STORAGE, amount, "GB-month", prices, begin, kind=use.kind)
        begin = stop


def _priced(
    use: Use, operation: str, amount: Fraction, unit: str, prices: Prices, day: date, *, kind: str
) -> Piece:
    """`amount` counts bytes (for a month) or requests; what has no price is told in `unit`."""
    month, price = f"{day:%Y-%m}", prices.of(use, operation, day)
    if price is not None:
        return Piece(kind, month, Measure(price.currency), amount * price.each)
    size = _UNITS.get(operation, _COUNTS)[unit]
    return Piece(kind, month, Measure("", use.source, operation, unit), amount / size)
