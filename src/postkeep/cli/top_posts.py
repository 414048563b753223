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

_AUTHOR_WIDTH = 26
_VOTED = "reddit"


@click.command("top")
@click.option(
    "--by",
    type=click.Choice([str(each) for each in TopBy]),
    default=str(TopBy.LIKES),
    show_default=True,
    help="What is ranked; likes are votes on Reddit, rate is likes and comments as percent of the followers then.",
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
        write_top(found, by=TopBy(by))
        if len({post.platform for post in found} - {_VOTED}) < len({post.platform for post in found}) > 1:
            say("votes on Reddit are no likes: --platform ranks one platform alone")
    return 0


def write_top(posts: Sequence[TopPost], *, by: TopBy = TopBy.LIKES, whose: bool = True) -> None:
    """Print posts with their numbers, the first first; `whose` says whether authors are told.

    On a narrow terminal what is ranked stays, and so does the author.
    """
    platforms = {post.platform for post in posts}
    columns = (
        Column("Post", whole=True),
        Column("Posted", whole=True, spare=2),
        *((Column("Author", whole=True),) if whose else ()),
        Column("Form", whole=True, spare=5),
        Column("Text", cut=True, least=8),
        Column(_liked(platforms), right=True, spare=0 if by is TopBy.LIKES else 1),
        Column("Comm.", right=True, spare=0 if by is TopBy.COMMENTS else 4),
        Column("Views", right=True, spare=0 if by is TopBy.VIEWS else 3),
        Column("Rate", right=True, spare=0 if by is TopBy.RATE else 1),
    )
    write_table(columns, [_row(post, whose=whose, several=len(platforms) > 1) for post in posts])


def _liked(platforms: set[str]) -> str:
    """What the numbers of these platforms count."""
    if _VOTED not in platforms:
        return "Likes"
    return "Votes" if platforms == {_VOTED} else "Likes/votes"


def _row(post: TopPost, *, whose: bool, several: bool) -> tuple[str, ...]:
    author = beginning(post.author, _AUTHOR_WIDTH) or known(None)
    if several:
        author = beginning(f"{post.platform}/{post.author or UNKNOWN}", _AUTHOR_WIDTH)
    hidden = "hidden" if post.hidden else None
    return (
        post.post_id,
        day(post.posted_at),
        *((author,) if whose else ()),
        known(post.form),
        beginning(post.text),
        hidden or grouped(post.likes),
        grouped(post.comments),
        hidden or grouped(post.views),
        percent(post.rate),
    )


def grouped(number: int | None) -> str:
    """A count with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def percent(number: float | None) -> str:
    return UNKNOWN if number is None else f"{number:,.2f} %"
