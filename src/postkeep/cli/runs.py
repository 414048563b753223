"""`postkeep runs`: what was done when, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, beginning, duration, moment, visible
from postkeep.views import RunDetail, RunView, human_size

_COLUMNS = (
    Column("Run", whole=True),
    Column("Started", whole=True),
    Column("Took", right=True, spare=1),
    Column("Kind", whole=True),
    Column("Status", whole=True),
    Column("Outcome", cut=True),
)
_IMPORT = "import"


@click.group()
def runs() -> None:
    """See what was done when, and how it ended."""


@runs.command("list")
@limit_option(20, "runs")
@click.option("--after", metavar="RUN", help="Go on after this run, the last of the page before.")
@json_option
@pass_face
def list_runs(face: Face, limit: int, after: str | None, as_json: bool) -> int:
    """List runs, newest first."""
    with face.library(read_only=True) as library:
        found = library.runs(limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("no runs")
    else:
        write_table(_COLUMNS, [_row(run) for run in found])
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].run_id}")
    return 0


@runs.command("show")
@click.argument("run")
@limit_option(100, "posts")
@json_option
@pass_face
def show_run(face: Face, run: str, limit: int, as_json: bool) -> int:
    """Show one run: its summary, and what became of which post."""
    with face.library(read_only=True) as library:
        detail = library.run(run, limit=limit)
    if as_json:
        write_json(detail)
    else:
        _write_run(detail, limit)
    return 0


def _write_run(detail: RunDetail, limit: int) -> None:
    run = detail.run
    pairs = [
        ("Run", run.run_id),
        ("Kind", run.kind),
        ("Status", run.status.value),
        ("Started", moment(run.started_at)),
        ("Took", _took(run)),
        ("Error", run.error or ""),
    ]
    write_pairs(pair for pair in pairs if pair[1])
    if run.summary:
        write("\nSummary:")
        write_pairs(_counts(run), indent="  ")
    if detail.outcomes:
        write("\nPosts:")
        write_pairs([(word, str(number)) for word, number in detail.outcomes.items()], indent="  ")
    if detail.posts:
        write("\nFirst of them:")
    for post_id, outcome in detail.posts:
        write(f"  {visible(post_id)}  {visible(outcome)}")
    if len(detail.posts) == limit:
        say("there may be more posts: a larger --limit shows them")


def _counts(run: RunView) -> list[tuple[str, str]]:
    """The run's own counts, and for an import what makes them add up."""
    counts = {key: _amount(key, value) for key, value in run.summary.items()}
    if run.kind == _IMPORT:
        if run.summary.get("errors"):
            counts["errors"] += " (quarantined)"
        found, cached, errors = (run.summary.get(f"media_{each}") for each in ("found", "cached", "errors"))
        if isinstance(found, int) and isinstance(cached, int) and isinstance(errors, int):
            counts |= _others(found - cached - errors, run)
    return [(_words(key).capitalize(), value) for key, value in counts.items()]


def _others(number: int, run: RunView) -> dict[str, str]:
    """The media that were neither cached nor an error; runs of earlier versions counted them together."""
    expired, gone = run.summary.get("media_expired"), run.summary.get("media_gone")
    if isinstance(expired, int) and isinstance(gone, int):
        number, told = number - expired - gone, "still to be fetched then"
    else:
        told = "expired, gone, or still to be fetched then"
    return {"media_others": f"{number} ({told})"} if number else {}


def _row(run: RunView) -> tuple[str, ...]:
    return (
        run.run_id,
        moment(run.started_at),
        _took(run),
        beginning(run.kind, 20),
        run.status.value,
        beginning(run.error, 60) or _told(run.summary),
    )


def _took(run: RunView) -> str:
    return duration((run.completed_at - run.started_at).total_seconds()) if run.completed_at else UNKNOWN


def _told(summary: Mapping[str, object]) -> str:
    told = (f"{_words(key)} {_amount(key, value)}" for key, value in summary.items() if value)
    return beginning(", ".join(told), 80)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _amount(key: str, value: object) -> str:
    return human_size(value) if key == "bytes" and isinstance(value, int) else str(value)
