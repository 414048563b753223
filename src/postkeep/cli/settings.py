"""`postkeep config`: the settings in force, and where each comes from."""

from __future__ import annotations

from collections.abc import Sequence

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import write
from postkeep.cli.tables import Column, cell_width, terminal_width, write_table
from postkeep.cli.text import visible


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
        _write(lines)
    return 0


def _write(lines: Sequence[tuple[str, str, str]]) -> None:
    """Print a table, or where it is too wide lines of their own for what is long: nobody copies half a path."""
    widths = [max(cell_width(line[at]) for line in lines) for at in range(3)]
    width = terminal_width()
    if width is None or sum(widths) + 4 <= width:
        write_table((Column("Setting", whole=True), Column("Value", whole=True), Column("From")), lines)
        return
    for name, value, origin in lines:
        begun = f"{name:<{widths[0]}}  {value}"
        fits = cell_width(begun) + 2 + len(origin) <= width
        if not fits:
            begun = name
        write(visible(f"{begun}{origin:>{max(len(origin) + 2, width - cell_width(begun))}}"))
        if not fits:
            write(visible(f"  {value}"))
