"""What `db upgrade` asks and tells, in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from postkeep.cli.text import plural, visible
from postkeep.views.databases import AdoptedTable, AdoptionSummary, UpgradeSummary


def without_backup(command: str) -> bool:
    """Ask on a terminal whether to go on without a backup; nobody there to be asked means no."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(
        visible(f"postkeep does not back up PostgreSQL databases; this makes a backup: {command}"), err=True
    )
    return click.confirm("This upgrade changes every table of the predecessor. Go on?", err=True)


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
        did = "postkeep makes no backup of PostgreSQL" if summary.dry_run else "no backup was made"
        yield f"{did}; this command makes one: {adopted.backup_command}"


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
    return line if len(line) <= 120 else f"{line[:117]}..."
