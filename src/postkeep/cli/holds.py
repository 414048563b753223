"""`postkeep hold`: what must stay in the cache, why, on whose word and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, beginning, day, moment, plural, visible
from postkeep.model import utc_now
from postkeep.views import HoldView, human_size

_COLUMNS = (
    Column("Hold", whole=True),
    Column("Subject", whole=True),
    Column("In the cache", right=True, spare=2),
    Column("Since", whole=True, spare=3),
    Column("Until", whole=True),
    Column("By", spare=4),
    Column("Reason", cut=True),
)


@click.group()
def hold() -> None:
    """Keep files in the cache, whoever wants room."""


@hold.command("add")
@click.argument("subject", metavar="SUBJECT")
@click.option("--reason", required=True, metavar="TEXT", help="Why it must stay.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The last day of the hold (UTC); without it, until it is released.",
)
@click.option("--by", metavar="NAME", help="On whose word; by default the user of this system.")
@click.option("--platform", metavar="NAME", help="SUBJECT is the username of a profile there.")
@json_option
@pass_face
def add_hold(
    face: Face,
    subject: str,
    reason: str,
    until: datetime | None,
    by: str | None,
    platform: str | None,
    as_json: bool,
) -> int:
    """Keep a post, a profile, a file or a platform in the cache.

    SUBJECT is a post (id, URN or URL), a media id, a file (id, MD5 or SHA-256), a profile (id or username) or
    platform:NAME. Neither eviction nor retention takes away what a hold keeps.
    """
    if until is not None and until.date() == date.max:
        raise click.UsageError("--until is the last day there is; without it a hold lasts until it is released")
    ends = until.replace(tzinfo=UTC) + timedelta(days=1) if until else None
    if ends is not None and ends <= utc_now():
        raise click.UsageError("--until is over already")
    if not reason.strip():
        raise click.UsageError("--reason says nothing")
    with face.library() as library:
        made = library.add_hold(subject, reason=reason.strip(), until=ends, held_by=by, platform=platform)
    if as_json:
        write_json(made)
    else:
        write(made.hold_id)
        say(f"{visible(made.subject)} is held: {_files(made)} in the cache")
    return 0


@hold.command("list")
@click.option("--all", "ended", is_flag=True, help="Also holds that ended or were released.")
@json_option
@pass_face
def list_holds(face: Face, ended: bool, as_json: bool) -> int:
    """List holds, oldest first."""
    with face.library(read_only=True) as library:
        found = library.holds(ended=ended)
    if as_json:
        write_json(found)
    elif not found:
        say("nothing is held")
    else:
        write_table(_COLUMNS, [_row(each) for each in found])
    return 0


@hold.command("release")
@click.argument("hold_id", metavar="HOLD")
@json_option
@pass_face
def release_hold(face: Face, hold_id: str, as_json: bool) -> int:
    """End a hold; what it kept may leave the cache again."""
    with face.library() as library:
        released = library.release_hold(hold_id)
    if as_json:
        write_json(released)
    else:
        say(f"{visible(released.subject)} is no longer held by {released.hold_id}")
    return 0


def _row(each: HoldView) -> tuple[str, ...]:
    return (
        each.hold_id,
        beginning(f"platform:{each.subject}" if each.kind == "platform" else each.subject, 30),
        _files(each),
        moment(each.since),
        _until(each),
        beginning(each.held_by, 30),
        beginning(each.reason, 80),
    )


def _until(each: HoldView) -> str:
    if each.released_at is not None:
        return f"ended {day(each.released_at)}"
    return last_day(each.until) if each.until else UNKNOWN


def last_day(ends: datetime) -> str:
    """A hold's end as it was asked for: the UTC day that it ends with, or the moment when it is none."""
    if ends.astimezone(UTC).time() != time():
        return moment(ends)
    return f"{ends.astimezone(UTC) - timedelta(days=1):%Y-%m-%d} UTC"


def _files(each: HoldView) -> str:
    return f"{plural(each.files, 'file')}, {human_size(each.bytes)}"
