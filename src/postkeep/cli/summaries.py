"""What was done, in words: the summary on stdout, problems and what to do next on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postkeep.cli.exits import FAILED_STATES
from postkeep.cli.output import say, write
from postkeep.cli.text import day, moment, plural, visible
from postkeep.model import MediaState, RunStatus
from postkeep.views import (
    AdoptSummary,
    BackfillSummary,
    FetchSummary,
    Finding,
    HostView,
    ImportSummary,
    MediaTotals,
    ReplaySummary,
    VerifySummary,
    WarmSummary,
    human_size,
)
from postkeep.views.joining import Joins

PROBLEMS_SHOWN = 10
PATHS_SHOWN = 20
HOSTS_SHOWN = 5

Line = tuple[str, int | str]


# --- texts --------------------------------------------------------------------------------------


def import_text(summary: ImportSummary) -> str:
    """The summary in the form that scripts of the predecessor read; extra lines only when they tell something."""
    lines: list[Line] = [
        ("Run ID", summary.run_id),
        ("Processed", summary.processed),
        ("New", summary.new),
        ("Duplicates", summary.duplicates),
        *_not_zero(("Updated", summary.updated), ("Joined", summary.joins.joined)),
        ("Errors", summary.errors),
        # One letter more would not fit the column, whose width scripts know.
        *_not_zero(("Quarantine", summary.quarantined), ("Unreadable", summary.unreadable)),
    ]
    return _joined("Import Summary:", lines, summary.media)


def backfill_text(summary: BackfillSummary) -> str:
    lines: list[Line] = [
        *([("Run ID", summary.run_id)] if summary.run_id else []),
        ("Checked", summary.checked),
        ("With media", summary.with_media),
        ("Processed", summary.processed),
        ("Failed", summary.failed),
    ]
    return _joined("Backfill Summary:", lines, summary.media)


def dry_run_text(summary: BackfillSummary) -> str:
    """The posts a backfill would try, in the form the contract gives: `id - kind (n items)`."""
    return "\n".join(
        f"{post.post_id} - {visible(post.kind)} ({plural(post.items, 'item')})" for post in summary.posts
    )


def warm_text(summary: WarmSummary) -> str:
    lines: list[Line] = [
        *([("Run ID", summary.run_id)] if summary.run_id else []),
        ("Checked", summary.checked),
        ("Complete", summary.complete),
    ]
    return _joined("Warm Summary:", lines, summary.media)


def fetch_text(summary: FetchSummary) -> str:
    if summary.status is RunStatus.FAILED and not summary.due:
        # It broke off before its counts were taken: zeros would be read as counts.
        return _joined("Fetch Summary:", [("Run ID", summary.run_id), ("Waiting", summary.waiting)])
    states = dict(summary.states)
    lines: list[Line] = [
        ("Run ID", summary.run_id),
        ("Due", summary.due),
        ("Cached", summary.cached),
        *_not_zero(("Linked", summary.linked), ("Restored", summary.restored), ("Joined", summary.joins.joined)),
        ("Errors", sum(states.get(state, 0) for state in FAILED_STATES)),
        *_not_zero(
            ("Expired", states.get(MediaState.EXPIRED, 0)),
            ("Gone", states.get(MediaState.GONE, 0)),
            ("Refused", states.get(MediaState.REFUSED, 0)),
        ),
        ("Requests", summary.requests),
        ("Bytes", human_size(summary.bytes)),
        *_not_zero(("Waiting", summary.waiting), ("Resting", len(summary.resting))),
    ]
    return _joined("Fetch Summary:", lines)


def verify_text(summary: VerifySummary) -> str:
    lines: list[Line] = [
        ("Run ID", summary.run_id),
        ("Checked", summary.checked),
        ("Sound", summary.sound),
        ("Damaged", len(summary.damaged)),
        ("Missing", len(summary.missing)),
        *_not_zero(
            ("Unreadable", len(summary.unreadable)),
            ("Orphans", len(summary.orphans)),
            ("Misnamed", len(summary.misnamed)),
            ("Collisions", len(summary.collisions)),
            ("Strangers", len(summary.strangers)),
            ("Adopted", summary.adopted),
            ("Renamed", summary.moved),
            ("Removed", summary.removed),
            ("Put aside", summary.quarantined),
            ("Queued", summary.queued),
            ("To remake", len(summary.to_remake)),
        ),
        ("Bytes", human_size(summary.bytes)),
    ]
    return _joined("Verify Summary:", lines)


def adopt_text(summary: AdoptSummary) -> str:
    lines: list[Line] = [
        *([("Run ID", summary.run_id)] if summary.run_id else []),
        ("Seen", summary.seen),
        ("Adopted", summary.adopted),
        ("Known", summary.known),
        ("Linked", summary.linked),
        ("Unknown", summary.unknown),
        *_not_zero(
            ("Not media", len(summary.not_media)),
            ("Unreadable", len(summary.unreadable)),
        ),
        ("Damaged", len(summary.damaged)),
        ("Bytes", human_size(summary.bytes)),
    ]
    return _joined("Adopt Summary:", lines)


def replay_text(summary: ReplaySummary) -> str:
    lines: list[Line] = [
        ("Run ID", summary.run_id),
        ("Replayed", summary.replayed),
        ("New", summary.new),
        ("Duplicates", summary.duplicates),
        *([("Refused", summary.refused)] if summary.refused else []),
        ("Remaining", summary.remaining),
    ]
    return _joined("Replay Summary:", lines)


def _joined(title: str, lines: Iterable[Line], media: MediaTotals | None = None) -> str:
    text = [title, *(f"{label + ':':<11} {value}" for label, value in lines)]
    if media is not None:
        text += ["", "Media:", *(f"  {label + ':':<9} {value}" for label, value in _media_lines(media))]
    return "\n".join(text)


def _media_lines(media: MediaTotals) -> list[Line]:
    return [
        ("Found", media.found),
        ("Cached", media.cached),
        ("Errors", media.errors),
        *_not_zero(
            ("Expired", media.expired),
            ("Gone", media.gone),
            ("Refused", media.refused),
            ("Pending", media.pending),
        ),
    ]


def _not_zero(*lines: tuple[str, int]) -> list[Line]:
    return [(label, value) for label, value in lines if value]


# --- what to say beside them --------------------------------------------------------------------


def say_end(status: RunStatus, error: str | None) -> None:
    """Why work ended before its end, if it did."""
    if error:
        say(f"postkeep: {visible(' '.join(error.split()))}")
    if status is RunStatus.CANCELLED:
        say("stopped before the end: the same command goes on from there")


def say_waiting(pending: int, hosts: Sequence[HostView]) -> None:
    """Why media wait, and what goes on with them: hosts that rest are named with the time their rest ends."""
    resting = sorted(
        (each for each in hosts if each.paused_until and each.waiting), key=lambda each: -each.waiting
    )
    for each in resting[:HOSTS_SHOWN]:
        reason = f" ({visible(each.reason)})" if each.reason else ""
        say(f"{visible(each.host)} rests until {moment(each.paused_until)}{reason}; for it {_wait(each.waiting)}")
    if len(resting) > HOSTS_SHOWN:
        say(f"… and {len(resting) - HOSTS_SHOWN} more hosts: postkeep hosts list")
    if resting:
        say("`postkeep media download-all` goes on with it then; `--patience 2h` waits for it")
    elif pending:
        say(f"{_wait(pending)}: `postkeep media download-all` fetches those whose links still live")


def _wait(files: int) -> str:
    return plural(files, "file waits", "files wait")


def say_fetch(summary: FetchSummary, hosts: Sequence[HostView]) -> None:
    """Where to read what failed, what waits for hosts that rest, and why a fetch ended early."""
    if any(summary.states.get(state) for state in FAILED_STATES):
        say("what failed, and why: `postkeep media failures`")
    say_joins(summary.joins)
    say_waiting(0, [each for each in hosts if each.host in summary.resting])
    say_end(summary.status, summary.error)


def say_backfill(summary: BackfillSummary, hosts: Sequence[HostView]) -> None:
    """What the posts still lack, and why a backfill ended early."""
    if summary.failed:
        posts = "post still lacks" if summary.failed == 1 else "posts still lack"
        say(f"{summary.failed} {posts} some of their media: `postkeep media failures` says why")
    say_waiting(summary.media.pending, hosts)
    say_end(summary.status, summary.error)


def say_import(summary: ImportSummary, hosts: Sequence[HostView] = ()) -> None:
    """The first problems of an import, and who fetches when this one did not."""
    shown = summary.problems[:PROBLEMS_SHOWN]
    for problem in shown:
        say(visible(problem))
    if more := max(len(summary.problems), summary.errors + summary.unreadable) - len(shown):
        say(f"… and {more} more: postkeep quarantine list")
    say_joins(summary.joins)
    if summary.followed:
        say(f"the media are left to another process that is fetching ({visible(summary.followed)})")
    elif summary.status not in (RunStatus.CANCELLED, RunStatus.FAILED):
        say_waiting(summary.media.pending, hosts if summary.fetched else ())
    say_end(summary.status, summary.error)


def say_joins(joins: Joins) -> None:
    """Which videos have their sound apart after a fetch, and what would join them."""
    if joins.failed:
        say(f"{plural(joins.failed, 'video')} could not be joined with the sound: `postkeep media join` says why")
    if joins.error:
        say(f"joining videos with their sound ended early: {visible(' '.join(joins.error.split()))}")
    if joins.without_ffmpeg:
        have = "1 video has its sound" if joins.apart == 1 else f"{joins.apart} videos have their sound"
        say(f"{have} apart: with ffmpeg installed `postkeep media join` joins them")


def say_verify(summary: VerifySummary) -> None:
    """The files that are not as they were proven, and what brings them back."""
    _say_paths("damaged, now in quarantine" if summary.repaired else "damaged", summary.damaged)
    _say_paths("missing", summary.missing)
    _say_paths("joined file not there, can be made again", summary.to_remake)
    _say_paths("cannot be read", summary.unreadable)
    _say_paths("equal MD5, other content", [finding.where for finding in summary.collisions])
    _say_paths("no row counts on it", summary.orphans)
    _say_paths("wrong name", [f"{each.where} (should be {each.expected})" for each in summary.misnamed])
    _say_paths("odd", [f"{each.where}: {each.what}" for each in summary.strangers])
    if not summary.repaired and (
        summary.damaged or summary.missing or summary.orphans or summary.misnamed or summary.to_remake
    ):
        say("nothing was changed: `postkeep media verify-cache --repair` mends what can be mended")
    if summary.to_remake and summary.repaired:
        say(f"{plural(len(summary.to_remake), 'joined file')} queued: `postkeep media download-all` makes them")
    if summary.queued:
        say(f"{plural(summary.queued, 'file')} queued: `postkeep media download-all` fetches them again")
    say_end(summary.status, summary.error)


def say_adopt(summary: AdoptSummary) -> None:
    """The files that were left where they are, and why."""
    _say_findings("damaged", summary.damaged)
    _say_findings("cannot be read", summary.unreadable)
    _say_findings("not media", summary.not_media)
    if summary.unknown:
        say(
            f"{plural(summary.unknown, 'file')} that no post shows: kept by content;"
            " after importing more posts, run this again to join them"
        )
    if summary.dry_run:
        say("a dry run: nothing was copied or stored")
    say_end(summary.status, summary.error)


def _say_findings(what: str, findings: Sequence[Finding]) -> None:
    _say_paths(what, [f"{each.where} ({each.what})" for each in findings])


def _say_paths(what: str, paths: Sequence[str]) -> None:
    for path in paths[:PATHS_SHOWN]:
        say(f"{what}: {visible(path)}")
    if len(paths) > PATHS_SHOWN:
        say(f"{what}: … and {len(paths) - PATHS_SHOWN} more (all with --json)")


def say_dry_run(summary: BackfillSummary) -> None:
    total = sum(post.items for post in summary.posts)
    first = min((post.posted_at for post in summary.posts), default=None)
    since = f", the oldest of {day(first)}" if first else ""
    say(f"{plural(len(summary.posts), 'post')} with {plural(total, 'file')} to fetch{since}; nothing was fetched")


def write_text(text: str) -> None:
    if text:
        write(text)
