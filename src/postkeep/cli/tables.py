"""Tables for people: Rich draws them, on a terminal within its width, elsewhere as wide as they are."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postkeep.cli.output import write, write_exactly
from postkeep.cli.text import UNKNOWN, visible

_NATURAL_WIDTH = 100_000
_GAP = 2
_LEAST_CUT = 16
"""A column that is cut tells little in less than so many characters."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `right` for numbers, `whole` for what must stay in one line, such as ids.

    On a narrow terminal others go on in the next line, or are cut with `cut`; those with the largest `spare` are
    left out first when there is no room for all, and those with `spare` 0 never. Others are left out before one
    with `least` gets fewer characters than that.
    """

    title: str
    right: bool = False
    whole: bool = False
    cut: bool = False
    spare: int = 0
    least: int = 0


def write_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells; whatever a cell holds is shown in one line, as it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Drawn beside stdout: rich writes there by itself, and its words for a stream that refuses are a traceback.
    drawn = io.StringIO()
    console = Console(
        file=drawn,
        force_terminal=sys.stdout.isatty() or None,
        width=None if sys.stdout.isatty() else _NATURAL_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )
    columns, rows = _fitting(columns, [[visible(cell) for cell in row] for row in rows], console.width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
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
            Text(cell, no_wrap=column.cut or None, overflow="ellipsis" if column.cut else None)
            for column, cell in zip(columns, row, strict=True)
        )
        table.add_row(*cells)
    console.print(table)
    write_exactly("\n".join(line.rstrip() for line in drawn.getvalue().rstrip("\n").split("\n")))


def _fitting(
    columns: Sequence[Column], rows: list[list[str]], width: int
) -> tuple[Sequence[Column], list[list[str]]]:
    """The columns a terminal of this width has room for; where room is short, what tells nothing goes first."""
    from rich.cells import cell_len

    def needs(at: int) -> int:
        column = columns[at]
        longest = max(cell_len(text) for text in (column.title, *(row[at] for row in rows)))
        least = column.least or (_LEAST_CUT if column.cut else 0)
        return min(longest, max(least, cell_len(column.title))) if least else longest

    needed = [needs(at) for at in range(len(columns))]
    empty = {at for at in range(len(columns)) if all(row[at] in ("", UNKNOWN) for row in rows)}
    kept = list(range(len(columns)))
    spare = sorted((at for at in kept if columns[at].spare), key=lambda at: (at not in empty, -columns[at].spare))
    while spare and sum(needed[at] + _GAP for at in kept) - _GAP > width:
        kept.remove(spare.pop(0))
    return [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]


def cell_width(text: str) -> int:
    """How many characters of a terminal's line a text takes."""
    from rich.cells import cell_len

    return cell_len(visible(text))


def terminal_width() -> int | None:
    """How many characters a line of this terminal has; None where stdout is none, and lines have no end."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write_pairs(pairs: Iterable[tuple[str, str]], *, indent: str = "") -> None:
    """Print `Label:  value` lines with the values in one column, each made harmless."""
    listed = [(f"{label}:", value) for label, value in pairs]
    width = max((len(label) for label, _ in listed), default=0)
    for label, value in listed:
        write(visible(f"{indent}{label:<{width}} {value}".rstrip()))
