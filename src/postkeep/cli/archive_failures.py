"""`postkeep archive failures`: the files that could not be archived, each with what it is and why."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import write_pairs
from postkeep.cli.text import moment, visible
from postkeep.views.archives import ArchiveFailure

WHERE_TO_LOOK = "which, and why: `postkeep archive failures`"


@click.command("failures")
@limit_option(20, "files")
@click.option("--after", metavar="KEY", help="Go on after this key, the last of the page before.")
@json_option
@pass_face
def failures(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """Name the files that failed, and why.

    By key; the store is not asked. A file is in the list until it is proven to be in the archive.
    """
    with face.library(read_only=True) as library:
        found = library.archive_failures(limit=limit, after=after)
    if as_json:
        write_json(found)
        return 0
    if not found:
        say("nothing more" if after else "nothing failed")
        return 0
    for each in found:
        _write(each)
    if len(found) == limit:
        say(visible(f"there may be more: --after {found[-1].key}"))
    say("`postkeep media archive --all` tries again what is in the cache")
    return 0


def _write(each: ArchiveFailure) -> None:
    write(visible(each.file_id))
    write_pairs(
        [
            ("Failed", f"{each.kind}: {each.message}" if each.message else each.kind),
            ("When", moment(each.failed_at)),
            ("Next try", moment(each.next_at) if each.next_at else "not by itself"),
            ("Path", each.path),
            ("Key", each.key),
            *([("Shown by", _shown(each))] if each.shown_by else []),
        ],
        indent="  ",
    )


def _shown(each: ArchiveFailure) -> str:
    named = ", ".join(f"{one.media_id} ({one.owner_id})" for one in each.shown_by)
    more = each.shown_count - len(each.shown_by)
    return f"{named} and {more} more" if more > 0 else named
