"""Tables for people: Rich draws them, on a terminal within its width, elsewhere as wide as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postkeep.cli.output import write, write_exactly
from postkeep.cli.text import visible

_NATURAL_WIDTH = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `right` for numbers, `whole` for what must not be broken or cut, such as ids."""

    title: str
    right: bool = False
    whole: bool = False


def write_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells; whatever a cell holds is shown in one line, as it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.whole or column.right,
            overflow="fold" if column.whole else "ellipsis",
        )
    for row in rows:
        # As Text no cell is read as markup, and no `:smile:` becomes a picture.
        table.add_row(*(Text(visible(cell)) for cell in row))
    console = Console(
        width=None if sys.stdout.isatty() else _NATURAL_WIDTH, markup=False, emoji=False, highlight=False
    )
    with console.capture() as drawn:
        console.print(table)
    write_exactly("\n".join(line.rstrip() for line in drawn.get().rstrip("\n").split("\n")))


def write_pairs(pairs: Iterable[tuple[str, str]], *, indent: str = "") -> None:
    """Print `Label:  value` lines with the values in one column, each made harmless."""
    listed = [(f"{label}:", value) for label, value in pairs]
    width = max((len(label) for label, _ in listed), default=0)
    for label, value in listed:
        write(visible(f"{indent}{label:<{width}} {value}".rstrip()))
