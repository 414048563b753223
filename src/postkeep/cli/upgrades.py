"""What `db upgrade` asks and tells, in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten

import click

from postkeep.cli.output import say
from postkeep.cli.text import plural, visible
from postkeep.errors import ConfigError
from postkeep.views.databases import AdoptedTable, AdoptionSummary, UpgradeSummary

_LONGEST_EXAMPLE = 200


def without_backup(command: str) -> bool:
    """Ask on a terminal whether to go on without a backup; nobody there to be asked means no.

    Raises ConfigError for a no that was said: whoever said it has read what to do instead.
    """
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(
        visible(f"postkeep does not back up PostgreSQL databases; this makes a backup: {command}"), err=True
    )
    if not click.confirm("This upgrade changes every table of the predecessor. Go on?", err=True):
        raise ConfigError("stopped; nothing was changed")
    return True


@contextmanager
def telling_when_stopped() -> Iterator[None]:
    """Say of an upgrade that Ctrl-C ends that its one transaction took it back."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        say("stopped; nothing was changed")
        raise


def upgrade_text(summary: UpgradeSummary) -> str:
    """The summary in lines."""
    return "\n".join(visible(line) for line in _lines(summary))


def _lines(summary: UpgradeSummary) -> Iterator[str]:
    if summary.adopted is not None:
        yield from _adoption(summary, summary.adopted)
    elif summary.steps:
        done = "would upgrade" if summary.dry_run else "upgraded"
        before = summary.before or "nothing"
        yield f"{done} from {before} to {summary.after}, {plural(summary.steps, 'step')}"
    elif not summary.settled:
        yield f"nothing to do: the database is at {summary.after}"
    yield from summary.settled


def _adoption(summary: UpgradeSummary, adopted: AdoptionSummary) -> Iterator[str]:
    if summary.dry_run:
        yield "the predecessor's database would become postkeep's; nothing was changed"
    else:
        yield f"the predecessor's database is now postkeep's, at {summary.after}"
    for table in adopted.tables:
        yield _table(table)
    yield f"{plural(adopted.media_queued, 'media file')} to be fetched"
    if adopted.findings:
        total = sum(adopted.findings.values())
        yield f"{plural(total, 'finding')}" + ("" if summary.dry_run else ", all kept: `postkeep db findings`")
        for kind, count in adopted.findings.items():
            example = next((each for each in adopted.examples if each.kind == kind), None)
            yield f"  {kind}: {count}" + (
                f" (such as {example.subject}: {_short(example.detail)})" if example else ""
            )
    if adopted.backup is not None:
        yield f"as it was before: {adopted.backup}"
    elif adopted.backup_command is not None:
        yield f"postkeep does not back up PostgreSQL; before the upgrade, run: {adopted.backup_command}"
    elif not summary.dry_run:
        yield "postkeep made no backup; what pg_dump wrote before the upgrade is the only one"


def _table(table: AdoptedTable) -> str:
    told = [
        f"{count} {word}"
        for count, word in (
            (table.merged, "merged"),
            (table.made, "new"),
            (table.set_aside, "kept as JSON"),
            (table.renamed, "with a new id"),
        )
        if count
    ]
    return f"  {table.table}: {table.before} -> {table.after}" + (f" ({', '.join(told)})" if told else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return shorten(line, _LONGEST_EXAMPLE, placeholder=" …") if len(line) > _LONGEST_EXAMPLE else line
