"""`postkeep media join`: videos and their sound in one file."""

from __future__ import annotations

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.text import plural, visible
from postkeep.views import human_size
from postkeep.views.joining import Joins, JoinSummary


@click.command("join")
@limit_option(None, "videos")
@json_option
@pass_face
def join(face: Face, limit: int | None, as_json: bool) -> int:
    """Join videos with the sound that came as a file of its own.

    Needs ffmpeg. What is joined already stays; what failed, or made room, is tried again. Fetching joins what
    comes new by itself.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.join_media(limit=limit, stop=work.stop, progress=work.progress)
    if as_json:
        write_json(summary)
    else:
        write(join_text(summary))
        say_unjoined(summary.joins)
        summaries.say_end(summary.status, summary.error)
    return work.interrupts.code(exits.of_join(summary))


def join_text(summary: JoinSummary) -> str:
    joins = summary.joins
    lines = [
        ("Run ID", summary.run_id),
        ("Joined", joins.joined),
        ("Failed", joins.failed),
        ("Waiting", joins.apart),
        ("Bytes", human_size(joins.bytes)),
    ]
    return "\n".join(["Join Summary:", *(f"{label + ':':<11} {value}" for label, value in lines)])


def say_unjoined(joins: Joins) -> None:
    """The first of the videos that could not be joined."""
    for each in joins.failures[: summaries.PROBLEMS_SHOWN]:
        say(f"not joined: {visible(each.path)}: {visible(each.error)}")
    if more := joins.failed - min(len(joins.failures), summaries.PROBLEMS_SHOWN):
        say(f"… and {plural(more, 'video')} more")
