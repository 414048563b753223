"""`postkeep data`: import under its longer name, and the database in numbers."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.imports import import_posts
from postkeep.cli.output import write
from postkeep.cli.tables import write_pairs
from postkeep.cli.text import moment
from postkeep.views import Totals


@click.group()
def data() -> None:
    """Import posts, and see how much there is."""


data.add_command(import_posts)


@data.command("stats")
@json_option
@pass_face
def data_stats(face: Face, as_json: bool) -> int:
    """Show the database in numbers."""
    with face.library(read_only=True) as library:
        totals = library.totals()
    if as_json:
        write_json(totals)
    else:
        _write_totals(totals)
    return 0


def _of_raw(totals: Totals) -> str:
    """Why there are fewer raw records than posts: an import keeps one for each, an adopted database has none."""
    return " imported; adopted posts keep raw JSON of their own" if totals.raw_records < totals.posts else ""


def _write_totals(totals: Totals) -> None:
    write_pairs(
        [
            ("Posts", str(totals.posts)),
            ("Marked", str(totals.marked)),
            ("Observations", str(totals.snapshots)),
            ("First", moment(totals.first_observed_at)),
            ("Last", moment(totals.last_observed_at)),
            ("Profiles", str(totals.profiles)),
            ("Media", str(totals.media)),
            ("Raw records", f"{totals.raw_records}{_of_raw(totals)}"),
            ("Quarantined", str(totals.quarantined)),
            ("Runs", str(totals.runs)),
        ]
    )
    if totals.unknown_keys:
        write("\nKeys that nothing reads yet, and in how many records:")
        write_pairs([(key, str(number)) for key, number in totals.unknown_keys.items()], indent="  ")
