"""`postkeep posts top`: the posts with the largest numbers, on one platform, of one author, or of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say
from postkeep.cli.since import Since
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, beginning, day, known
from postkeep.views.creators import TopBy, TopPost

_COLUMNS = (
    Column("Post", whole=True),
    Column("Posted", whole=True),
    Column("Author", cut=True, spare=2),
    Column("Form", whole=True, spare=3),
    Column("Text", cut=True),
    Column("Likes", right=True),
    Column("Comm.", right=True, spare=1),
    Column("Views", right=True, spare=1),
    Column("Rate", right=True),
)


@click.command("top")
@click.option(
    "--by",
    type=click.Choice([str(each) for each in TopBy]),
    default=str(TopBy.LIKES),
    show_default=True,
    help="What is ranked; rate: likes and comments as percent of the followers at that time.",
)
@click.option("--since", type=Since(), help="Only posted from a day (2025-03-01, UTC) or span (24h, 7d, 4w) on.")
@click.option("--author", metavar="NAME", help="Only of this profile: an id, PLATFORM/USERNAME or a username.")
@click.option("--platform", metavar="NAME", help="Only of this platform.")
@limit_option(10, "posts")
@json_option
@pass_face
def top_posts(
    face: Face,
    by: str,
    since: datetime | None,
    author: str | None,
    platform: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List the posts with the largest numbers.

    Numbers are those of the newest observation. Unknown ones are never zero: posts without them are not listed.
    """
    with face.library(read_only=True) as library:
        found = library.creators.top_posts(
            by=TopBy(by), limit=limit, since=since, author=author, platform=platform
        )
    if as_json:
        write_json(found)
    elif not found:
        say(f"no post with known {by}" if by != TopBy.RATE else "no post with a known rate")
    else:
        write_top(found)
    return 0


def write_top(posts: Sequence[TopPost]) -> None:
    """Print posts with their numbers, the first first."""
    write_table(_COLUMNS, [_row(post) for post in posts])


def _row(post: TopPost) -> tuple[str, ...]:
    return (
        post.post_id,
        day(post.posted_at),
        beginning(post.author, 24) or known(None),
        known(post.form),
        beginning(post.text),
        grouped(post.likes),
        grouped(post.comments),
        grouped(post.views),
        percent(post.rate),
    )


def grouped(number: int | None) -> str:
    """A count with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def percent(number: float | None) -> str:
    return UNKNOWN if number is None else f"{number:,.2f} %"
