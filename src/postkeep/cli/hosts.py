"""`postkeep hosts`: who has something for us, who is left alone, and going on with one."""

from __future__ import annotations

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, moment, visible
from postkeep.views import HostView

_COLUMNS = (
    Column("Host", cut=True),
    Column("Waiting", right=True),
    Column("Due", right=True),
    Column("Paused until", whole=True),
    Column("Reason", cut=True),
)


@click.group()
def hosts() -> None:
    """See which hosts have work, and which are left alone."""


@hosts.command("list")
@json_option
@pass_face
def list_hosts(face: Face, as_json: bool) -> int:
    """List hosts that have work or are left alone, and until when and why."""
    with face.library(read_only=True) as library:
        found = library.hosts()
    if as_json:
        write_json(found)
    elif not found:
        say("no host has work")
    else:
        write_table(_COLUMNS, [_row(each) for each in found])
    return 0


@hosts.command("resume")
@click.argument("host")
@json_option
@pass_face
def resume(face: Face, host: str, as_json: bool) -> int:
    """Go on with a host that is left alone.

    The next `media download-all` asks it again for what is due.
    """
    with face.library() as library:
        resumed = library.resume_host(host)
    if as_json:
        write_json({"host": host, "resumed": resumed})
    else:
        write(f"{visible(host)}: {'no longer left alone' if resumed else 'was not left alone'}")
    return 0


def _row(each: HostView) -> tuple[str, ...]:
    until = moment(each.paused_until) if each.paused_until else UNKNOWN
    return (each.host, str(each.waiting), str(each.due), until, visible(each.reason or ""))
