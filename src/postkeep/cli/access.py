"""`postkeep db allow`, `deny` and `allowed`: who may look in through Supabase."""

from __future__ import annotations

from uuid import UUID

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import say
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, beginning, moment

_COLUMNS = (Column("User", whole=True), Column("Since", whole=True, spare=1), Column("Note", cut=True))

_NOT_ASKED = "this database is not on Supabase, so nobody asks the list"


@click.command("allow")
@click.argument("user_id", metavar="USER_ID", type=click.UUID)
@click.option("--note", metavar="TEXT", help="Who that is.")
@json_option
@pass_face
def allow(face: Face, user_id: UUID, note: str | None, as_json: bool) -> int:
    """Let a user of Supabase see and change everything.

    USER_ID is the user's UUID, as Supabase's dashboard shows it under Authentication.
    """
    with face.library() as library:
        listed = library.allow_user(user_id, note=note)
        asked = library.is_supabase()
    if as_json:
        write_json(listed)
    elif asked:
        say(f"{listed.user_id} may see and change everything")
    else:
        say(f"{listed.user_id} is listed; {_NOT_ASKED}")
    return 0


@click.command("deny")
@click.argument("user_id", metavar="USER_ID", type=click.UUID)
@json_option
@pass_face
def deny(face: Face, user_id: UUID, as_json: bool) -> int:
    """Take a user off the list; from the next query on nothing is seen any more."""
    with face.library() as library:
        denied = library.deny_user(user_id)
        asked = library.is_supabase()
    if as_json:
        write_json(denied)
    elif asked:
        say(f"{denied.user_id} sees nothing any more")
    else:
        say(f"{denied.user_id} is not listed any more; {_NOT_ASKED}")
    return 0


@click.command("allowed")
@json_option
@pass_face
def allowed(face: Face, as_json: bool) -> int:
    """List the users who may look in through Supabase."""
    with face.library(read_only=True) as library:
        found = library.allowed_users()
    if as_json:
        write_json(found)
    elif not found:
        say("nobody is listed")
    else:
        write_table(
            _COLUMNS,
            [(each.user_id, moment(each.created_at), beginning(each.note or UNKNOWN, 80)) for each in found],
        )
    return 0
