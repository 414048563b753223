"""`postkeep export`: tables for other programs."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import say, stdout_gone, write, write_exactly
from postkeep.cli.since import Since
from postkeep.cli.text import plural, visible
from postkeep.views.exports import Exported, ExportFormat

_ENDINGS = {f".{form}": form for form in ExportFormat} | {".ndjson": ExportFormat.JSONL}


@click.command("export")
@click.argument("what", type=click.Choice([str(each) for each in Exported]))
@click.argument(
    "file", metavar="[FILE]", default="-", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)
@click.option(
    "--format",
    "form",
    type=click.Choice([str(each) for each in ExportFormat]),
    help="csv, jsonl or parquet; by FILE's ending, else csv.",
)
@click.option("--author", metavar="NAME", help="Only of this profile; r/NAME: in this subreddit.")
@click.option("--platform", metavar="NAME", help="Only what is of this platform.")
@click.option("--since", type=Since(), help="Only from then on: a day (UTC), or 24h, 7d, 4w before now.")
@click.option("--force", is_flag=True, help="Write over FILE when it is there.")
@json_option
@pass_face
def export(
    face: Face,
    what: str,
    file: Path,
    form: str | None,
    author: str | None,
    platform: str | None,
    since: datetime | None,
    force: bool,
    as_json: bool,
) -> int:
    """Write posts, media, snapshots, followers or analytics for other programs.

    FILE is where to; without one, or with -, standard output.
    """
    path = None if str(file) == "-" else file
    if as_json and path is None:
        raise click.UsageError("--json tells of a FILE: name one")
    wanted = ExportFormat(form) if form else _by_ending(path)
    with face.library(read_only=True) as library:
        summary = library.export(
            Exported(what),
            path,
            form=wanted,
            author=author,
            platform=platform,
            since=since,
            # As it is where a program reads it; harmless where it is a terminal that does.
            write=write if sys.stdout.isatty() else write_exactly,
            stop=stdout_gone if path is None else lambda: False,
            overwrite=force,
        )
    if as_json:
        write_json(summary)
    else:
        say(f"{plural(summary.rows, 'row')} of {summary.exported}" + (f" in {visible(str(path))}" if path else ""))
    return 0


def _by_ending(path: Path | None) -> ExportFormat:
    if path is None:
        return ExportFormat.CSV
    form = _ENDINGS.get(path.suffix.lower())
    if form is None:
        raise click.UsageError(
            f"the ending of {visible(str(path))} tells no format:"
            " end it in .csv, .jsonl or .parquet, or say --format"
        )
    return form
