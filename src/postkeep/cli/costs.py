"""`postkeep costs`: what was spent, on what and for whom; what has no price is said to be unknown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.since import Since
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import moment, plural, visible
from postkeep.views.costs import CostBy, Costs, CostSum, Unpriced

_NOTHING = "nothing"
_UNKNOWN = "unknown"
_LEAST_UNKNOWN = 20
_NO_PRICES = "no prices are set (costs.prices)"


@click.command("costs")
@click.option(
    "--by",
    type=click.Choice([str(each) for each in CostBy]),
    default=str(CostBy.KIND),
    show_default=True,
    help="What the sum is taken apart by.",
)
@click.option("--since", type=Since(), help="Only from a day (2025-03-01, UTC) or span (24h, 7d, 4w) on.")
@limit_option(20, "posts or profiles, the dearest first, or months, the latest")
@json_option
@pass_face
def costs(face: Face, by: str, since: datetime | None, limit: int, as_json: bool) -> int:
    """See what was spent, on what and for whom.

    What was used stands in a ledger; prices come from costs.prices in the configuration. What has no price there
    is of unknown cost. The cost of a file is divided among the posts that show it. With several currencies the
    dearest are those that cost most in the first of the alphabet, then in the next.
    """
    with face.library(read_only=True) as library:
        found = library.costs(by=CostBy(by), since=since, limit=limit)
    if as_json:
        write_json(found)
    else:
        _write(found)
    return 0


def _write(found: Costs) -> None:
    since = "the beginning" if found.since is None else f"{found.since:%Y-%m-%d} 00:00 UTC"
    write_pairs(
        [
            ("Since", since),
            ("Until", moment(found.until)),
            ("Cost", _money(found.total)),
            ("Unknown", _unknown(found.total)),
        ]
    )
    rows = [(each.key, each.name or "", each.cost) for each in found.lines]
    if found.others is not None:
        rows.append((plural(found.others_count, "other"), "", found.others))
    if found.unassigned is not None:
        rows.append(("unassigned", "", found.unassigned))
    if rows:
        write("")
        write_table(
            [
                Column(found.by.title(), whole=True),
                Column("Name", cut=True, spare=1),
                Column("Cost", right=True),
                # Without this a row of unknown cost would say nothing; it goes on in the next line.
                Column("Unknown", least=_LEAST_UNKNOWN),
            ],
            [(key, name, _money(cost), _unknown(cost)) for key, name, cost in rows],
        )
    if found.by in (CostBy.POST, CostBy.PROFILE) and len(found.total.amounts) > 1:
        say(f"dearest first: by {', then by '.join(sorted(found.total.amounts))}")
    for price in found.prices:
        say(f"price: {visible(price)}")
    if found.total.unknown and found.unpriced:
        say(f"{_NO_PRICES}: see docs/costs.md")
    elif found.total.unknown:
        say("what is unknown has no price for its day: see `costs.prices` in docs/configuration.md")


def cost_pairs(found: Costs) -> list[tuple[str, str]]:
    """The sum and its parts, each in one short line; what is unknown is told by `postkeep costs`."""
    if found.unpriced and found.total.unknown and not found.total.amounts:
        return [("Cost so far", f"unknown: {_NO_PRICES}")]
    named = [("Cost so far", found.total), *((f"Cost in {each.key}", each.cost) for each in found.lines)]
    return [(name, _short_text(cost)) for name, cost in named]


def _short_text(cost: CostSum) -> str:
    if not cost.unknown:
        return _money(cost)
    if not cost.amounts:
        return "unknown: it has no price, see `postkeep costs`"
    return f"{_money(cost)}, and what has no price: see `postkeep costs`"


def _money(cost: CostSum) -> str:
    if cost.amounts:
        return " + ".join(f"{amount:f} {currency}" for currency, amount in cost.amounts.items())
    return _UNKNOWN if cost.unknown else _NOTHING


def _unknown(cost: CostSum) -> str:
    return ", ".join(map(_told, cost.unknown)) or _NOTHING


def _told(each: Unpriced) -> str:
    amount = _short(each.quantity)
    if each.unit == "one":
        return f"{amount} {each.operation} ({each.source})"
    return f"{amount} {each.unit} {each.operation} ({each.source})"


def _short(quantity: Decimal) -> str:
    """Without the noughts at its end."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
