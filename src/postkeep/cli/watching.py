"""Words for archiving that goes on by itself: what came of each round, and of an import's media."""

from __future__ import annotations

from postkeep.cli.archive_failures import WHERE_TO_LOOK
from postkeep.cli.output import say, write
from postkeep.cli.tables import write_pairs
from postkeep.cli.text import plural, visible
from postkeep.errors import PostkeepError
from postkeep.views import human_size
from postkeep.views.archives import ArchiveSummary
from postkeep.views.watching import ImportArchived, WatchRound, WatchSummary


class Rounds:
    """Tells of rounds in which something was done, and of others only what is new."""

    def __init__(self) -> None:
        self._trouble = ""

    def __call__(self, one: WatchRound) -> None:
        trouble = one.error or (f"another process ({one.left_to}) archives" if one.left_to else "")
        if one.summary is not None and (one.summary.archived or one.summary.failed):
            say(_sent(one.summary))
        if trouble and trouble != self._trouble:
            say(visible(f"{trouble}; it is tried again"))
        elif self._trouble and not trouble:
            say("it goes on")
        self._trouble = trouble


def write_watched(summary: WatchSummary) -> None:
    write("Archive Summary:")
    write_pairs(
        [
            ("Archive", summary.place),
            ("Runs", str(summary.runs)),
            ("Archived", str(summary.archived)),
            *([("Found there", str(summary.found))] if summary.found else []),
            ("Failed", str(summary.failed)),
            ("Sent", human_size(summary.bytes)),
        ]
    )
    if summary.failed:
        say(WHERE_TO_LOOK)
    if summary.error:
        say(f"error: {visible(summary.error)}")


def say_archived(archived: ImportArchived | PostkeepError) -> None:
    """What became of an import's media, behind its summary."""
    if isinstance(archived, PostkeepError):
        say(visible(f"archiving failed: {archived.message}"))
    elif archived.left_to is not None:
        say(
            visible(f"{plural(archived.files, 'file')} left to another process that archives ({archived.left_to})")
        )
    elif archived.summary is None:
        say("archive: nothing new")
    else:
        say(f"archive: {_sent(archived.summary)}")
        if archived.summary.failed:
            say(WHERE_TO_LOOK)
        if archived.summary.error:
            say(visible(f"archiving failed: {archived.summary.error}"))


def _sent(summary: ArchiveSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    return f"{plural(summary.archived, 'file')} archived, {human_size(summary.bytes)} sent{failed}"
