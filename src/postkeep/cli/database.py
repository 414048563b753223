"""`postkeep db`: upgrade, verify, copy."""

from __future__ import annotations

from pathlib import Path

import click

from postkeep.cli import exits
from postkeep.cli.as_json import write_json
from postkeep.cli.copying import copy
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.text import plural, visible
from postkeep.views import Finding, human_size


@click.group()
def db() -> None:
    """Upgrade, verify and copy the database."""


@db.command("upgrade")
@json_option
@pass_face
def upgrade(face: Face, as_json: bool) -> int:
    """Bring the database to what this version needs."""
    config = face.logged_config()
    from postkeep.library import upgrade_database

    summary = upgrade_database(config)
    if as_json:
        write_json(summary)
    elif summary.steps:
        write(f"upgraded from {summary.before or 'nothing'} to {summary.after}, {plural(summary.steps, 'step')}")
    else:
        write(f"nothing to do: the database is at {summary.after}")
    return 0


@db.command("verify")
@json_option
@pass_face
def verify(face: Face, as_json: bool) -> int:
    """Compare the database with its schema, and its rows with each other."""
    with face.library(read_only=True) as library:
        findings = library.verify_database()
    if as_json:
        write_json(findings)
    else:
        for finding in findings:
            write(visible(finding_line(finding)))
        say(plural(len(findings), "difference") if findings else "the database is as it should be")
    return exits.of_findings(findings)


def finding_line(finding: Finding) -> str:
    """A finding in one line, with what is expected and found where that is known."""
    told = [f"{word}: {text}" for word, text in (("expected", finding.expected), ("found", finding.found)) if text]
    return f"{finding.where}: {finding.what}" + (f" ({'; '.join(told)})" if told else "")


@db.command("backup")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_face
def backup(face: Face, target: Path, as_json: bool) -> int:
    """Copy the database to TARGET while others use it."""
    with face.library(read_only=True) as library:
        summary = library.backup(target)
    if as_json:
        write_json(summary)
    else:
        write(f"{visible(summary.path)}  {human_size(summary.bytes)}")
    return 0


db.add_command(copy)
