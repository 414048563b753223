"""`postkeep profiles`: whom you follow, as a list, one by one, and as the CSV file a spreadsheet keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from postkeep.cli import exits
from postkeep.cli.as_json import write_json
from postkeep.cli.erasing import erase_profile
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.notes import note_of, note_options, told
from postkeep.cli.output import say, write, write_exactly
from postkeep.cli.profile_page import write_profile
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import beginning, plural, visible
from postkeep.model import ProfileKind
from postkeep.views.people import NewProfile, PeopleImport, ProfileLine

_COLUMNS = (
    Column("Profile", whole=True),
    Column("Name", cut=True),
    Column("Kind", whole=True, spare=3),
    Column("Active", whole=True),
    Column("Posts", right=True),
    Column("Tags", cut=True, spare=1),
    Column("Notes", cut=True, spare=4),
    Column("Id", whole=True, spare=2),
)
_PROBLEMS_TOLD = 20
_KINDS = click.Choice([kind.value for kind in ProfileKind])

_platform = click.option("--platform", metavar="NAME", help="Only profiles of this platform.")
_tag = click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help="Only profiles with this tag; repeatable (all of them).",
)


@click.group()
def profiles() -> None:
    """Keep the people you follow in order."""


profiles.add_command(erase_profile, "erase")


@profiles.command("list")
@limit_option(50, "profiles")
@click.option("--after", metavar="PROFILE", help="Go on after this profile, the last of the page before.")
@_platform
@_tag
@click.option("--active/--inactive", default=None, help="Only profiles that are collected, or that are not.")
@click.option("--search", metavar="TEXT", help="Only profiles with this in a name, a former name or the note.")
@json_option
@pass_face
def list_profiles(
    face: Face,
    limit: int,
    after: str | None,
    platform: str | None,
    tags: tuple[str, ...],
    active: bool | None,
    search: str | None,
    as_json: bool,
) -> int:
    """List profiles by platform, kind and username."""
    with face.library(read_only=True) as library:
        found = library.people.profiles(
            limit=limit, after=after, platform=platform, tags=tags, active=active, search=search
        )
    if as_json:
        write_json(found)
    elif not found:
        say("no profiles")
    else:
        write_table(_COLUMNS, [_row(line) for line in found])
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].profile_id}")
    return 0


def _row(line: ProfileLine) -> tuple[str, ...]:
    return (
        _called(line),
        beginning(line.name, 40),
        beginning(line.kind, 12),
        "yes" if line.active else "no",
        str(line.posts),
        beginning(", ".join(line.tags), 40),
        beginning(line.notes, 40),
        line.profile_id,
    )


def _called(line: ProfileLine) -> str:
    """The profile as it is named on the command line, when that is short; else its id."""
    name = visible(f"{line.platform}/{line.username}")
    return name if line.username is not None and len(name) <= 40 else line.profile_id


@profiles.command("show")
@click.argument("profile", metavar="PROFILE")
@json_option
@pass_face
def show_profile(face: Face, profile: str, as_json: bool) -> int:
    """Show one profile: its account, note, names, texts, links, pictures and counts over time.

    PROFILE is an id, the address of its page, platform/username, platform/kind/username, or a username that only
    one profile has.
    """
    with face.library(read_only=True) as library:
        detail = library.people.show(profile)
    if as_json:
        write_json(detail)
    else:
        write_profile(detail)
    return 0


@profiles.command("add")
@click.argument("who", metavar="WHO")
@click.option("--name", default="", metavar="TEXT", help="What people call them; else the username.")
@click.option("--platform", metavar="NAME", help="The platform of a bare username (linkedin).")
@click.option("--kind", type=_KINDS, help="What it is, where WHO does not say; by default the platform's first.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag, made when it is new; repeatable.")
@click.option("--note", default="", metavar="TEXT", help="A note on the profile.")
@click.option("--inactive", is_flag=True, help="Known, but not to be collected.")
@json_option
@pass_face
def add_profile(
    face: Face,
    who: str,
    name: str,
    platform: str | None,
    kind: str | None,
    tags: tuple[str, ...],
    note: str,
    inactive: bool,
    as_json: bool,
) -> int:
    """Add a profile, active; one that is known already is made active.

    WHO is the address of its page, platform/username, or a username.
    """
    new = NewProfile(
        who,
        " ".join(name.split()),
        platform,
        ProfileKind(kind) if kind else None,
        active=not inactive,
        notes=note.strip(),
        tags=tags,
    )
    with face.library() as library:
        added = library.people.add(new)
    if as_json:
        write_json(added)
    else:
        write(added.line.profile_id)
        say(f"{_called(added.line)} {'was added' if added.new else 'was known'} and is {_state(added.line)}")
    return 0


def _state(line: ProfileLine) -> str:
    return "active" if line.active else "not active"


def _turn(face: Face, references: tuple[str, ...], *, active: bool, as_json: bool) -> int:
    with face.library() as library:
        turned = library.people.set_active(references, active=active)
    if as_json:
        write_json(turned)
    else:
        for line in turned:
            say(f"{_called(line)} is {_state(line)}")
    return 0


@profiles.command("activate")
@click.argument("references", metavar="PROFILE...", nargs=-1, required=True)
@json_option
@pass_face
def activate(face: Face, references: tuple[str, ...], as_json: bool) -> int:
    """Let profiles be collected; only active ones ever are."""
    return _turn(face, references, active=True, as_json=as_json)


@profiles.command("deactivate")
@click.argument("references", metavar="PROFILE...", nargs=-1, required=True)
@json_option
@pass_face
def deactivate(face: Face, references: tuple[str, ...], as_json: bool) -> int:
    """Collect profiles no more; all that is known of them stays."""
    return _turn(face, references, active=False, as_json=as_json)


@profiles.command("note")
@click.argument("profile", metavar="PROFILE")
@note_options
@json_option
@pass_face
def note_profile(face: Face, profile: str, text: str | None, clear: bool, as_json: bool) -> int:
    """Write a note on a profile, in place of the one it has."""
    notes = note_of(text, clear=clear)
    with face.library() as library:
        line = library.people.set_notes(profile, notes)
    if as_json:
        write_json(line)
    else:
        say(told(_called(line), notes))
    return 0


# --- lists --------------------------------------------------------------------------------------------


@profiles.command("import")
@click.argument("source", metavar="FILE.csv")
@click.option("--platform", metavar="NAME", help="The platform of lines that name none (linkedin).")
@json_option
@pass_face
def import_profiles(face: Face, source: str, platform: str | None, as_json: bool) -> int:
    """Make the people of a CSV file known and active.

    FILE.csv (- for standard input) has the columns name and username, and if you like platform, kind, active,
    notes and tags. What is wrong with a line is told with its number; the others go on.
    """
    stdin = None
    if source == "-":
        if sys.stdin is None:
            raise click.UsageError("standard input is closed")
        stdin = sys.stdin.buffer
    with face.working(as_json=as_json) as work:
        summary = work.library.people.import_csv(
            source, stdin=stdin, platform=platform, stop=work.stop, progress=work.progress
        )
        if as_json:
            write_json(summary)
        else:
            _write_import(summary)
        return work.interrupts.code(exits.Exit.SOME_FAILED if summary.problems else exits.Exit.DONE)


def _write_import(summary: PeopleImport) -> None:
    source = visible(summary.source)
    for remark in summary.remarks:
        say(f"{source}: {visible(remark)}")
    for problem in summary.problems[:_PROBLEMS_TOLD]:
        say(f"{source}: line {problem.line}: {visible(problem.reason)}")
    if len(summary.problems) > _PROBLEMS_TOLD:
        say(f"and {plural(len(summary.problems) - _PROBLEMS_TOLD, 'more line')}; --json has all")
    write_pairs(
        (
            ("Lines", str(summary.lines)),
            ("New", str(summary.new)),
            ("Changed", str(summary.changed)),
            ("Unchanged", str(summary.unchanged)),
            ("Skipped", str(len(summary.problems))),
        )
    )
    if summary.stopped:
        say("stopped; the same command goes on")


@profiles.command("export")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@_platform
@_tag
@click.option("--all", "everyone", is_flag=True, help="Also profiles that are not active.")
@click.option("--force", is_flag=True, help="Write over FILE when it is there.")
@json_option
@pass_face
def export_profiles(
    face: Face,
    file: Path | None,
    platform: str | None,
    tags: tuple[str, ...],
    everyone: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write the active profiles as CSV that can be imported again, to FILE or to stdout."""
    with face.library(read_only=True) as library:
        made = library.people.export_csv(
            file, platform=platform, tags=tags, active=None if everyone else True, overwrite=force
        )
    if as_json:
        write_json({"file": made.path, "people": made.people, "unnamed": made.unnamed})
        return 0
    if file is None:
        # As it is where a program reads it; harmless where it is a terminal that does.
        (write if sys.stdout.isatty() else write_exactly)(made.csv.removesuffix("\n"))
    else:
        say(f"{plural(len(made.people), 'profile')} in {visible(str(file))}")
    if made.unnamed:
        say(f"{plural(made.unnamed, 'profile')} without a username left out")
    return 0
