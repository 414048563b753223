"""`postkeep db`: upgrade, verify, copy."""

from __future__ import annotations

from pathlib import Path

import click

from postkeep.cli import access, exits
from postkeep.cli.as_json import write_json
from postkeep.cli.copying import copy
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.text import plural, visible
from postkeep.cli.upgrades import telling_when_stopped, upgrade_text, without_backup
from postkeep.views import Finding, human_size


@click.group()
def db() -> None:
    """Upgrade, verify and copy the database."""


@db.command("upgrade")
@click.option("--dry-run", is_flag=True, help="Do all of it, tell what came of it, and keep nothing.")
@click.option("--yes", is_flag=True, help="Go on without a backup where postkeep makes none (PostgreSQL).")
@json_option
@pass_face
def upgrade(face: Face, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Bring the database to what this version needs; one of the predecessor's is taken over."""
    config = face.logged_config()
    from postkeep.cli.progress import shown_progress
    from postkeep.library import upgrade_database

    with telling_when_stopped(), shown_progress(as_json=as_json) as progress:
        summary = upgrade_database(
            config, dry_run=dry_run, agreed=lambda command: yes or without_backup(command), progress=progress
        )
    if as_json:
        write_json(summary)
    else:
        write(upgrade_text(summary))
    return 0


@db.command("findings")
@click.option("--kind", metavar="KIND", help="Only findings of this kind.")
@limit_option(100, "findings")
@click.option("--after", metavar="KIND:SUBJECT", help="Go on behind this finding.")
@json_option
@pass_face
def findings(face: Face, kind: str | None, limit: int, after: str | None, as_json: bool) -> int:
    """List what taking over a predecessor's database could not decide, or did in a way to know of."""
    with face.library(read_only=True) as library:
        found = library.adoption_findings(kind=kind, limit=limit, after=after)
    if as_json:
        write_json(found)
    else:
        for each in found:
            write(visible(f"{each.kind}  {each.subject}  {each.detail}"))
        if not found:
            say("no findings")
        elif len(found) == limit:
            say(visible(f"there may be more: --after {found[-1].kind}:{found[-1].subject}"))
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
    """Copy a SQLite database to TARGET while others use it.

    On PostgreSQL no backup is made: the pg_dump command that makes one is named, and the exit code is 3.
    """
    with face.library(read_only=True) as library:
        summary = library.backup(target)
    if as_json:
        write_json(summary)
    else:
        write(f"{visible(summary.path)}  {human_size(summary.bytes)}")
    return 0


db.add_command(copy)
for command in (access.allow, access.deny, access.allowed):
    db.add_command(command)
