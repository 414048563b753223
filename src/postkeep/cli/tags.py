"""`postkeep tags`: words of your own on profiles and posts, to find them again."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import beginning, plural, visible
from postkeep.views.people import TagColor, Tagged, TagView

_COLUMNS = (
    Column("Tag", whole=True),
    Column("Profiles", right=True),
    Column("Posts", right=True),
    Column("Color", whole=True, spare=2),
    Column("Description", cut=True, spare=1),
)

_profiles = click.option(
    "--profile", "profiles", metavar="PROFILE", multiple=True, help="A profile (id, address, name); repeatable."
)
_posts = click.option(
    "--post", "posts", metavar="POST", multiple=True, help="A post (id, URN or URL); repeatable."
)


@click.group()
def tags() -> None:
    """Put words of your own on profiles and posts."""


@tags.command("list")
@limit_option(50, "tags")
@click.option("--after", metavar="TAG", help="Go on after this tag, the last of the page before.")
@json_option
@pass_face
def list_tags(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """List tags by name, with how many profiles and posts carry them."""
    with face.library(read_only=True) as library:
        found = library.people.tags(limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("no tags")
    else:
        write_table(_COLUMNS, [_row(tag) for tag in found])
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].tag_id}")
    return 0


def _row(tag: TagView) -> tuple[str, ...]:
    return (
        beginning(tag.name),
        str(tag.profiles),
        str(tag.posts),
        beginning(tag.color, 12),
        beginning(tag.description),
    )


@tags.command("add")
@click.argument("name", metavar="NAME")
@click.option(
    "--color",
    type=click.Choice([color.value for color in TagColor]),
    default=TagColor.CYAN.value,
    show_default=True,
    help="Its colour.",
)
@click.option("--description", metavar="TEXT", help="What it stands for.")
@json_option
@pass_face
def add_tag(face: Face, name: str, color: str, description: str | None, as_json: bool) -> int:
    """Make a tag; its name is kept in lower case."""
    with face.library() as library:
        made = library.people.add_tag(name, color=TagColor(color), description=description or None)
    if as_json:
        write_json(made)
    else:
        write(made.tag_id)
        say(f"put it on something: postkeep tags put {visible(made.name)} --profile PROFILE")
    return 0


@tags.command("rename")
@click.argument("name", metavar="TAG")
@click.argument("to", metavar="NAME")
@json_option
@pass_face
def rename_tag(face: Face, name: str, to: str, as_json: bool) -> int:
    """Call a tag otherwise; what carries it keeps it."""
    with face.library() as library:
        renamed = library.people.rename_tag(name, to)
    if as_json:
        write_json(renamed)
    else:
        say(f"the tag {visible(name)} is called {visible(renamed.name)} now")
    return 0


@tags.command("remove")
@click.argument("name", metavar="TAG")
@click.option("--yes", is_flag=True, help="Also when profiles or posts carry it, which lose it.")
@json_option
@pass_face
def remove_tag(face: Face, name: str, yes: bool, as_json: bool) -> int:
    """Remove a tag; one in use only with --yes."""
    with face.library() as library:
        removed = library.people.remove_tag(name, agreed=yes)
    if as_json:
        write_json(removed)
    else:
        say(f"removed the tag {visible(removed.name)}; {_counts(removed.profiles, removed.posts)} had it")
    return 0


@tags.command("put")
@click.argument("name", metavar="TAG")
@_profiles
@_posts
@json_option
@pass_face
def put_tag(face: Face, name: str, profiles: tuple[str, ...], posts: tuple[str, ...], as_json: bool) -> int:
    """Put a tag on profiles and posts."""
    _must_name(profiles, posts)
    with face.library() as library:
        tagged = library.people.put_tag(name, profiles=profiles, posts=posts)
    _tell(tagged, "put on", as_json=as_json)
    return 0


@tags.command("take")
@click.argument("name", metavar="TAG")
@_profiles
@_posts
@json_option
@pass_face
def take_tag(face: Face, name: str, profiles: tuple[str, ...], posts: tuple[str, ...], as_json: bool) -> int:
    """Take a tag from profiles and posts."""
    _must_name(profiles, posts)
    with face.library() as library:
        tagged = library.people.take_tag(name, profiles=profiles, posts=posts)
    _tell(tagged, "taken from", as_json=as_json)
    return 0


def _must_name(profiles: tuple[str, ...], posts: tuple[str, ...]) -> None:
    if not profiles and not posts:
        raise click.UsageError("name a --profile or a --post")


def _tell(tagged: Tagged, done: str, *, as_json: bool) -> None:
    if as_json:
        write_json(tagged)
    else:
        say(f"{visible(tagged.tag)} was {done} {_counts(tagged.profiles, tagged.posts)}")


def _counts(profiles: int, posts: int) -> str:
    return f"{plural(profiles, 'profile')} and {plural(posts, 'post')}"
