"""`postkeep config`: the settings in force, and where each comes from."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.tables import Column, write_table


@click.group()
def config() -> None:
    """See the settings and where each comes from."""


@config.command("show")
@json_option
@pass_face
def show(face: Face, as_json: bool) -> int:
    """Show every setting, its value, and where it comes from."""
    from postkeep.config import describe

    lines = describe(face.config())
    if as_json:
        write_json([{"name": name, "value": value, "origin": origin} for name, value, origin in lines])
    else:
        columns = (Column("Setting", whole=True), Column("Value"), Column("From"))
        write_table(columns, lines)
    return 0
