"""`postkeep media placeholders`: pictures that likely stand in for others, for a person to judge."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say
from postkeep.cli.tables import Column, write_table
from postkeep.views import PlaceholderView, human_size

_COLUMNS = (
    Column("MD5", whole=True),
    Column("Media keys", right=True),
    Column("Posts", right=True),
    Column("Size", right=True, spare=1),
    Column("Listed", whole=True, spare=3),
    Column("Path", cut=True, spare=2),
)


@click.command("placeholders")
@limit_option(20, "files")
@click.option("--after", metavar="ID", help="Go on after this file id, the last of the page before.")
@json_option
@pass_face
def placeholders(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """Show pictures that likely stand in for others.

    One content under 20 unrelated media keys, in two posts or more, is seldom what was asked for. Look at it: when
    it says "removed", its hash belongs into the setting `fetch.placeholders`.
    """
    with face.library(read_only=True) as library:
        found = library.placeholders(limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("no likely placeholder")
    else:
        write_table(_COLUMNS, [_row(each) for each in found])
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].file_id}")
        if not all(each.listed for each in found):
            say("look at them; `fetch.placeholders` takes the hashes of those that stand in for others")
    return 0


def _row(each: PlaceholderView) -> tuple[str, ...]:
    return (
        each.md5,
        str(each.media_keys),
        str(each.posts + each.profiles),
        human_size(each.size),
        "yes" if each.listed else "no",
        each.path if each.cached else f"{each.path} (not in the cache)",
    )
