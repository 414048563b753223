"""`postkeep metrics`: what each figure means, where, in what unit, and for what time."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import json_option
from postkeep.cli.output import write
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.views.creators import MetricView

_COLUMNS = (
    Column("Metric", whole=True),
    Column("Unit", whole=True, spare=1),
    Column("Platforms", whole=True, spare=3),
    Column("Source", whole=True, spare=2),
    Column("Means", least=30),
)


@click.command("metrics")
@click.argument("name", required=False)
@json_option
def metrics(name: str | None, as_json: bool) -> int:
    """See what each figure means.

    NAME is that of one metric; without it all are listed. A metric whose definition changed names the one before
    or after it, and no ratio is made across the change.
    """
    from postkeep.library.creators import metrics as registry

    found = registry(name)
    if as_json:
        write_json(found)
    elif name is None:
        write_table(
            _COLUMNS, [(each.name, each.unit, _where(each), each.source, each.definition) for each in found]
        )
    else:
        for place, each in enumerate(found):
            if place:
                write("")
            write_pairs(_pairs(each))
    return 0


def _pairs(each: MetricView) -> list[tuple[str, str]]:
    pairs = [
        ("Metric", each.name),
        ("Means", each.definition),
        ("Unit", each.unit),
        ("Platforms", _where(each)),
        ("Source", f"{each.source}; {each.formula_source}"),
    ]
    more = (
        ("Since", each.valid_from and each.valid_from.isoformat()),
        ("Until", each.valid_to and f"{each.valid_to.isoformat()}, not included"),
        ("Before it", each.predecessor),
        ("After it", each.successor),
        ("Same as", each.same_as),
    )
    return [*pairs, *((label, value) for label, value in more if value)]


def _where(each: MetricView) -> str:
    return ", ".join(each.platforms)
