"""`postkeep quarantine`: records that could not be read, and trying them again."""

from __future__ import annotations

from collections.abc import Sequence

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, cell_width, terminal_width, write_pairs, write_table
from postkeep.cli.text import beginning, moment, plural
from postkeep.views import QuarantineView, human_size

_COLUMNS = (
    Column("Record", whole=True),
    Column("Last seen", whole=True),
    Column("Size", right=True),
    Column("Place"),
    Column("Reason"),
    Column("Replay", whole=True),
)


@click.group()
def quarantine() -> None:
    """Look at records that could not be read."""


@quarantine.command("list")
@limit_option(50, "records")
@click.option("--after", metavar="ID", help="Go on after this id, the last of the page before.")
@json_option
@pass_face
def list_quarantine(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """List records that could not be read, and why."""
    with face.library(read_only=True) as library:
        found = library.quarantine(limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("the quarantine is empty")
    else:
        _write(found)
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].quarantine_id}")
    return 0


@quarantine.command("replay")
@json_option
@pass_face
def replay(face: Face, as_json: bool) -> int:
    """Read the quarantined records again, after an upgrade."""
    with face.working(as_json=as_json) as work:
        summary = work.library.replay_quarantine(stop=work.stop, progress=work.progress)
    if as_json:
        write_json(summary)
    else:
        summaries.write_text(summaries.replay_text(summary))
        if summary.not_replayable:
            kept = "was too large to keep" if summary.not_replayable == 1 else "were too large to keep"
            say(f"{plural(summary.not_replayable, 'record')} {kept}: import the source again")
        summaries.say_end(summary.status, None)
    return work.interrupts.code(exits.of_replay(summary))


def _write(records: Sequence[QuarantineView]) -> None:
    """Print a table, or where it is too wide a paragraph a record: nobody reads a path in a narrow column."""
    rows = [_row(each) for each in records]
    titles = [column.title for column in _COLUMNS]
    width = terminal_width()
    widths = [max(map(cell_width, cells)) for cells in zip(titles, *rows, strict=True)]
    if width is None or sum(widths) + 2 * (len(widths) - 1) <= width:
        write_table(_COLUMNS, rows)
        return
    for number, row in enumerate(rows):
        if number:
            write("")
        write_pairs(zip(titles, row, strict=True))


def _row(record: QuarantineView) -> tuple[str, ...]:
    return (
        record.quarantine_id,
        moment(record.last_seen_at),
        human_size(record.length),
        f"{record.source}: record {record.record} (byte {record.offset})",
        # A parse error names its field in its message already.
        beginning(record.reason, 100),
        "yes" if record.replayable else "no",
    )
