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
    """A column; `right` for numbers, `whole` for what must stay in one line, such as ids.

    On a narrow terminal others go on in the next line, or are cut with `cut`.
    """

    title: str
    right: bool = False
    whole: bool = False
    cut: bool = False


def write_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells; whatever a cell holds is shown in one line, as it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            Text(column.title, no_wrap=True, overflow="ellipsis"),
            justify="right" if column.right else "left",
            no_wrap=column.whole or column.right,
            overflow="fold",
        )
    for row in rows:
        # As Text no cell is read as markup, and no `:smile:` becomes a picture. What is cut is so in its cells:
        # columns that cannot wrap would all be made narrower together, ids too.
        cells = (
            Text(visible(cell), no_wrap=column.cut or None, overflow="ellipsis" if column.cut else None)
            for column, cell in zip(columns, row, strict=True)
        )
        table.add_row(*cells)
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
