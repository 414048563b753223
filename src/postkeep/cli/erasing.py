"""`postkeep erase`: what would go and what stays, the erasing itself, and what stays away since."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.exits import Exit
from postkeep.cli.face import AnyFunction, Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import beginning, moment, plural, visible
from postkeep.model import RunStatus
from postkeep.views import human_size
from postkeep.views.erasing import Erasure, Removals

_COLUMNS = (
    Column("Tombstone", whole=True),
    Column("Kind", whole=True),
    Column("Platform", whole=True),
    Column("Erased", whole=True),
    Column("Reason", cut=True),
)
_STOPPED = (
    "stopped: not all of it is erased, and nothing of it comes in; the same command or `erase finish` goes on"
)
_STOPPED_DRY = "stopped: not all records were looked through, so that more would go"


def _erasing(command: AnyFunction) -> AnyFunction:
    """The options every erasure has."""
    for option in (
        click.option("--reason", default="asked to", metavar="TEXT", help="Why; it is kept with the tombstone."),
        click.option("--yes", is_flag=True, help="Erase; without it nothing is done."),
        click.option("--dry-run", is_flag=True, help="Only tell what would go and what stays."),
    ):
        command = option(command)
    return command


@click.group()
def erase() -> None:
    """Erase posts and profiles for good, and keep them away."""


@erase.command("post")
@click.argument("posts", nargs=-1, required=True, metavar="POST...")
@_erasing
@json_option
@pass_face
def erase_posts(face: Face, posts: tuple[str, ...], dry_run: bool, yes: bool, reason: str, as_json: bool) -> int:
    """Erase posts with all that is theirs.

    POST is a post id, a URN, the digits of one, or the post's URL.
    """
    _must_be_meant(dry_run=dry_run, yes=yes)
    with face.working(as_json=as_json) as work:
        done = work.library.erasing.posts(
            posts, reason=reason, dry_run=dry_run, stop=work.stop, progress=work.progress
        )
    return work.interrupts.code(_tell(done, as_json=as_json))


@erase.command("profile")
@click.argument("profile", metavar="PROFILE")
@click.option("--platform", metavar="NAME", help="PROFILE is the username of a profile there.")
@_erasing
@json_option
@pass_face
def erase_profile(
    face: Face, profile: str, platform: str | None, dry_run: bool, yes: bool, reason: str, as_json: bool
) -> int:
    """Erase a profile with all its posts.

    PROFILE is an id, a username, a former one, PLATFORM/USERNAME, r/NAME, u/NAME or a page's address. A community
    goes with the posts that stand in it.
    """
    _must_be_meant(dry_run=dry_run, yes=yes)
    with face.working(as_json=as_json) as work:
        done = work.library.erasing.profile(
            profile,
            platform=platform,
            reason=reason,
            dry_run=dry_run,
            stop=work.stop,
            progress=work.progress,
        )
    return work.interrupts.code(_tell(done, as_json=as_json))


@erase.command("finish")
@json_option
@pass_face
def finish(face: Face, as_json: bool) -> int:
    """End what earlier erasures left: posts, profiles, files and objects."""
    with face.working(as_json=as_json) as work:
        removed = work.library.erasing.finish(stop=work.stop, progress=work.progress)
    if as_json:
        write_json(removed)
    else:
        write(f"removed {plural(removed.files, 'file')} and {plural(removed.objects, 'object')}")
        _say_waiting(removed)
    return work.interrupts.code(_code(removed))


@erase.command("list")
@limit_option(50, "tombstones")
@click.option("--after", metavar="TOMBSTONE", help="Go on after this one, the last of the page before.")
@json_option
@pass_face
def list_tombstones(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """List what was erased and stays away: only a keyed hash of each name is kept."""
    with face.library(read_only=True) as library:
        found = library.erasing.tombstones(limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("nothing was erased")
    else:
        write_table(
            _COLUMNS,
            [
                (each.id_hash, each.kind, each.platform, moment(each.erased_at), beginning(each.reason))
                for each in found
            ],
        )
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].id_hash}")
    return 0


@erase.command("readmit")
@click.argument("name", metavar="NAME")
@click.option("--platform", metavar="NAME", help="Only what was of this platform.")
@json_option
@pass_face
def readmit(face: Face, name: str, platform: str | None, as_json: bool) -> int:
    """Let something erased come back with a later import.

    NAME is a post's own id, whatever names a profile (all that was erased with it may come back, too), or one
    tombstone of the list.
    """
    with face.library() as library:
        lifted = library.erasing.readmit(name, platform=platform)
    if as_json:
        write_json({"lifted": lifted})
    else:
        say(f"{visible(name)} may come back: {plural(lifted, 'tombstone')} lifted")
    return 0


def _must_be_meant(*, dry_run: bool, yes: bool) -> None:
    if dry_run == yes:
        raise click.UsageError("nothing was erased: see what would go with --dry-run, then erase with --yes")


def _tell(done: Erasure, *, as_json: bool) -> Exit:
    if as_json:
        write_json(done)
        return _code(done.removed)
    going, staying = done.going, done.staying
    stopped = done.status is RunStatus.CANCELLED
    write("Would go:" if done.dry_run else "Erased so far:" if stopped else "Erased:")
    write_pairs(
        _counted(
            ("Profiles", going.profiles),
            ("Posts", going.posts),
            ("Media", going.media),
            ("Files", going.files, human_size(going.bytes)),
            ("Objects", going.objects),
            ("Records", going.records),
            ("Quarantined", going.quarantined),
        ),
        indent="  ",
    )
    if staying.files or staying.cut or staying.dropped:
        write("Stays, for others refer to it:")
        write_pairs(
            _counted(
                ("Files", staying.files, human_size(staying.bytes)),
                ("Records, cut", staying.cut),
                ("Rows of records dropped", staying.dropped),
            ),
            indent="  ",
        )
    _say_rest(done, write_line=say)
    return _code(done.removed)


def _say_rest(done: Erasure, *, write_line: Callable[[str], None]) -> None:
    for hold in done.holds:
        write_line(f"{hold.subject} is held by {hold.hold_id}: {visible(hold.reason)}; it forbids erasing")
    _say_waiting(done.removed)
    for path in done.log_files:
        write_line(f"may still name it: the log {visible(path)}")
    for path in done.elsewhere:
        write_line(f"may still hold it: {visible(path)}")
    write_line("older backups and copies of the database hold it still: postkeep does not know where they are")
    if done.dry_run:
        write_line("nothing was erased")
    if done.status is RunStatus.CANCELLED:
        write_line(_STOPPED_DRY if done.dry_run else _STOPPED)


def _say_waiting(removed: Removals) -> None:
    if removed.begun:
        half = plural(removed.begun, "post or profile", "posts or profiles")
        say(f"half erased: {half}; `postkeep erase finish` goes on")
    if removed.files_waiting:
        say(f"still to be removed: {plural(removed.files_waiting, 'file')}; `postkeep erase finish` goes on")
    if removed.objects_waiting:
        why = f": {visible(removed.waiting_for)}" if removed.waiting_for else ""
        say(f"still in an archive: {plural(removed.objects_waiting, 'object')}{why}; then `postkeep erase finish`")


def _counted(*rows: tuple[str, int] | tuple[str, int, str]) -> Iterator[tuple[str, str]]:
    for name, number, *more in rows:
        if number:
            yield name, " ".join([str(number), *(f"({each})" for each in more)])


def _code(removed: Removals) -> Exit:
    left = removed.files_waiting or removed.objects_waiting or removed.begun
    return Exit.SOME_FAILED if left else Exit.DONE
