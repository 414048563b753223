"""What the library answers about money: what was used, what of it has a price, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class CostKind(StrEnum):
    """What money is spent on; traffic is what is read from a store."""

    STORAGE = "storage"
    REQUEST = "request"
    TRAFFIC = "traffic"


class CostBy(StrEnum):
    """By what a sum is taken apart."""

    KIND = "kind"
    MONTH = "month"
    PROFILE = "profile"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Something that was used and has no price: so many `unit` of an operation at a source."""

    source: str
    operation: str
    unit: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CostSum:
    """A sum of money by currency, and what is in it of unknown cost.

    Without amounts and with something unpriced the cost is unknown, which is not zero.
    """

    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    unknown: tuple[Unpriced, ...] = ()


@dataclass(frozen=True, slots=True)
class CostLine:
    """One part of a sum: `key` is a kind, a month (`2026-11`, UTC) or an id, `name` what people call it."""

    key: str
    cost: CostSum
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """What was used from the UTC day `since` (None: the first) to `until`, taken apart; the parts are the total.

    `others` are the parts beyond the limit (`others_count` of them), `unassigned` belongs to no post or profile.
    `prices` are those that were applied, with their dates; `unpriced`: none is set at all.
    """

    by: CostBy
    since: date | None
    until: datetime
    total: CostSum
    lines: tuple[CostLine, ...]
    others: CostSum | None = None
    others_count: int = 0
    unassigned: CostSum | None = None
    prices: tuple[str, ...] = ()
    unpriced: bool = False
