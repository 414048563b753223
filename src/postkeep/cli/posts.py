"""`postkeep posts`: the list, and one post with all that is known of it."""

from __future__ import annotations

from datetime import datetime

import click

from postkeep.cli import post_page
from postkeep.cli.as_json import write_json
from postkeep.cli.erasing import erase_posts
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.notes import note_of, note_options, told
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import beginning, count, day, known
from postkeep.cli.top_posts import top_posts
from postkeep.model import Presence
from postkeep.views import PostLine
from postkeep.views.erasing import Fact, GonePost

_COLUMNS = (
    Column("Post", whole=True),
    Column("Posted", whole=True),
    Column("Author", cut=True),
    Column("Kind", whole=True, spare=1),
    Column("Text", cut=True),
    Column("React.", right=True),
    Column("Comm.", right=True, spare=2),
    Column("Rep.", right=True, spare=3),
    Column("Media", right=True),
)
_TEXT = 4
_GONE = Column("Gone", whole=True)


@click.group()
def posts() -> None:
    """Look at posts and how their numbers grew."""


posts.add_command(top_posts)
posts.add_command(erase_posts, "delete")


@posts.command("list")
@limit_option(50, "posts")
@click.option("--after", metavar="ID", help="Go on after this post, the last of the page before.")
@click.option("--author", metavar="NAME", help="Only posts of this profile; r/NAME: in this subreddit.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only posts from this day on (UTC).",
)
@click.option("--tag", metavar="TAG", help="Only posts with this tag.")
@json_option
@pass_face
def list_posts(
    face: Face,
    limit: int,
    after: str | None,
    author: str | None,
    since: datetime | None,
    tag: str | None,
    as_json: bool,
) -> int:
    """List posts, newest first."""
    with face.library(read_only=True) as library:
        found = library.posts(
            limit=limit, after=after, author=author, since=since.date() if since else None, tag=tag
        )
    if as_json:
        write_json(found)
    elif not found:
        say("no posts")
    else:
        gone = any(line.presence is not Presence.THERE for line in found)
        columns = (*_COLUMNS[:_TEXT], *((_GONE,) if gone else ()), *_COLUMNS[_TEXT:])
        write_table(columns, [_row(line, gone=gone) for line in found])
        if any(line.latest and line.latest.of_original for line in found):
            write(post_page.OF_ORIGINAL_NOTE)
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].post_id}")
    return 0


@posts.command("show")
@click.argument("ref")
@json_option
@pass_face
def show_post(face: Face, ref: str, as_json: bool) -> int:
    """Show one post: text, numbers over time, figures, media, history.

    REF is a post id, a URN, the digits of one, or the post's URL.
    """
    with face.library(read_only=True) as library:
        detail = library.post(ref)
        figures = library.creators.post_figures(detail.line.post_id)
        people = library.creators.post_people(detail.line.post_id)
    if as_json:
        write_json(post_page.as_json(detail, figures, people))
    else:
        post_page.write_post(detail, figures, people)
    return 0


@posts.command("note")
@click.argument("ref")
@note_options
@json_option
@pass_face
def note_post(face: Face, ref: str, text: str | None, clear: bool, as_json: bool) -> int:
    """Write a note on a post, in place of the one it has.

    REF is a post id, a URN, the digits of one, or the post's URL.
    """
    notes = note_of(text, clear=clear)
    with face.library() as library:
        line = library.people.set_post_notes(ref, notes)
    if as_json:
        write_json(line)
    else:
        say(told(line.post_id, notes))
    return 0


_GONE_COLUMNS = (
    Column("Post", whole=True),
    Column("Posted", whole=True, spare=3),
    Column("Whose", cut=True),
    Column("Gone", cut=True),
    Column("Since", whole=True, spare=2),
    Column("Text", cut=True, spare=1),
)


@posts.command("gone")
@click.option(
    "--fact",
    "facts",
    type=click.Choice([each.value for each in Fact]),
    multiple=True,
    help="Only what is gone in this way; repeatable. Without it all but `failed`.",
)
@click.option("--platform", metavar="NAME", help="Only posts of this platform.")
@click.option("--author", metavar="NAME", help="Only posts of this profile; r/NAME: in this subreddit.")
@limit_option(50, "posts in each way")
@json_option
@pass_face
def gone_posts(
    face: Face, facts: tuple[str, ...], platform: str | None, author: str | None, limit: int, as_json: bool
) -> int:
    """List posts that are gone, and in which way.

    missing: a later list of the same kind should show it and does not; pinned posts aside. deleted, removed,
    private: the platform says so. failed: only we could not get some of its media.
    """
    with face.library(read_only=True) as library:
        found = library.erasing.gone(
            facts=[Fact(each) for each in facts], platform=platform, author=author, limit=limit
        )
    if as_json:
        write_json(found)
    elif not found:
        say("nothing is gone")
    else:
        write_table(_GONE_COLUMNS, [_gone_row(each) for each in found])
    return 0


def _gone_row(each: GonePost) -> tuple[str, ...]:
    how = f"{each.fact} from {each.listing}" if each.listing else str(each.fact)
    return (
        each.post_id,
        day(each.posted_at),
        beginning(f"{each.platform}/{each.author or known(None)}", 40),
        beginning(f"{how} ({each.media} media)" if each.media else how, 40),
        day(each.since) if each.since else known(None),
        beginning(each.text),
    )


def _row(line: PostLine, *, gone: bool) -> tuple[str, ...]:
    latest = line.latest
    mark = post_page.OF_ORIGINAL if latest and latest.of_original else ""
    numbers = (latest.reactions, latest.comments, latest.reposts) if latest else (None, None, None)
    return (
        line.post_id,
        day(line.posted_at),
        beginning(line.author or line.author_name, 30) or known(None),
        beginning(line.kind, 12),
        *(("" if line.presence is Presence.THERE else str(line.presence),) if gone else ()),
        _told(line),
        *(count(number) + (mark if number is not None else "") for number in numbers),
        f"{line.cached}/{line.media}",
    )


def _told(line: PostLine) -> str:
    """The post's own text, else that of the post it shares, told apart."""
    if line.text or not line.shared_text:
        return beginning(line.text)
    return f"shares: {beginning(line.shared_text, 52)}"
