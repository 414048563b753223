"""`postkeep db copy`: move to another database, of the same kind or the other."""

from __future__ import annotations

import click

from postkeep.cli import exits
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.interrupts import Interrupts
from postkeep.cli.output import say, write
from postkeep.cli.text import plural, visible
from postkeep.model import RunStatus
from postkeep.views.databases import CopySummary


@click.command("copy")
@click.option(
    "--to", "target", required=True, metavar="DSN", help="Where to: a path, sqlite:// or postgresql:// URL."
)
@json_option
@pass_face
def copy(face: Face, target: str, as_json: bool) -> int:
    """Copy the whole database to another, SQLite or PostgreSQL, and prove it.

    The target must be empty, or a copy of this database: one that was broken off goes on, one that was
    finished and not used since is brought up to date.
    """
    from postkeep.cli.progress import shown_progress

    if not target.strip():
        # Of an unset variable: it would mean the database in the home.
        raise click.UsageError("--to names no database")
    with (
        Interrupts() as interrupts,
        face.library(read_only=True) as library,
        shown_progress(as_json=as_json) as progress,
    ):
        summary = library.copy_to(target, stop=lambda: interrupts.stopping, progress=progress)
    if as_json:
        write_json(summary)
    else:
        write(copy_text(summary))
        for line in copy_remarks(summary):
            say(line)
    return interrupts.code(exits.Exit.DAMAGED if summary.status is RunStatus.FAILED else exits.Exit.DONE)


def copy_text(summary: CopySummary) -> str:
    """The summary in words; of the tables only those where something was done."""
    proven = sum(1 for each in summary.tables if each.equal)
    lines = [
        ("Source", visible(summary.source)),
        ("Target", visible(summary.target)),
        ("Rows", str(summary.rows)),
        ("Written", str(summary.written)),
        *([("Removed", str(summary.removed))] if summary.removed else []),
        ("Proven", f"{proven} of {plural(len(summary.tables), 'table')}"),
    ]
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(["Copy Summary:", *(f"{name + ':':{width}}{value}" for name, value in lines)])


def copy_remarks(summary: CopySummary) -> list[str]:
    """What to do next, and what the target will not have."""
    left = [f"not copied, for it is not postkeep's: {', '.join(map(visible, summary.not_copied))}"]
    return [*(left if summary.not_copied else []), *_next(summary)]


def _next(summary: CopySummary) -> list[str]:
    if summary.status is RunStatus.COMPLETED:
        return ["to use it, set `database` to the target; media files are not copied, they stay in the cache"]
    differing = [visible(each.table) for each in summary.tables if each.equal is False]
    if differing:
        return [
            f"the target does not hold what the source does in {', '.join(differing)}:"
            " somebody else wrote there, or it is damaged; run the same command again, it mends what differs"
        ]
    return ["the copy is not finished; the same command goes on from here"]
