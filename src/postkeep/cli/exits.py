"""The one place where errors and answers become exit codes; docs/exit-codes.md is this table in words."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from postkeep.errors import PostkeepError
from postkeep.model import MediaState, RunStatus

if TYPE_CHECKING:
    from postkeep.views import (
        AdoptSummary,
        BackfillSummary,
        FetchSummary,
        Finding,
        ImportSummary,
        Md5Check,
        ReplaySummary,
        UrlOutcome,
        VerifySummary,
        WarmSummary,
    )
    from postkeep.views.archives import ArchiveCheck, ArchiveStep, ArchiveSummary, RestoreSummary
    from postkeep.views.creators import CreatorsUpdated
    from postkeep.views.joining import JoinSummary
    from postkeep.views.watching import ImportArchived, WatchSummary


class Exit(IntEnum):
    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    DATABASE = 3
    UNAVAILABLE = 4
    DAMAGED = 5
    INTERRUPTED = 130
    TERMINATED = 143


# Expired and gone are facts about somebody else's server, and no failure of ours.
FAILED_STATES = (MediaState.RETRY, MediaState.FAILED, MediaState.REFUSED, MediaState.UNSUPPORTED)
_NETWORK_KINDS = frozenset({"dns", "connect", "tls", "timeout"})


def of_error(error: PostkeepError) -> Exit:
    """An error that ended the command; each class of the tree names its code."""
    return Exit(error.exit_code)


def of_signal(number: int) -> Exit:
    """SIGINT or SIGTERM, as shells write it: 128 and the signal's number."""
    return Exit.TERMINATED if number == signal.SIGTERM else Exit.INTERRUPTED


def of_import(summary: ImportSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    if summary.unreadable and not summary.sources and not summary.processed:
        return Exit.USAGE
    return _some(summary.errors, summary.quarantined, summary.unreadable, summary.media.errors)


def of_fetch(summary: FetchSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(*(summary.states.get(state, 0) for state in FAILED_STATES))


def of_backfill(summary: BackfillSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(summary.media.errors)


def of_warm(summary: WarmSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(summary.media.errors)


def of_join(summary: JoinSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(summary.joins.failed)


def of_replay(summary: ReplaySummary) -> Exit:
    return _some(summary.remaining)


def of_verify(summary: VerifySummary) -> Exit:
    if not summary.clean:
        return Exit.DAMAGED
    return Exit.UNAVAILABLE if _broken_off(summary.status, summary.error) else Exit.DONE


def of_adopt(summary: AdoptSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(len(summary.damaged), len(summary.unreadable))


def of_creators(summary: CreatorsUpdated) -> Exit:
    return _some(len(summary.failed))


def of_archive(summary: ArchiveSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(summary.failed)


def of_watch(summary: WatchSummary) -> Exit:
    return Exit.UNAVAILABLE if summary.error else _some(summary.failed)


def of_import_archived(summary: ImportSummary, archived: ImportArchived | PostkeepError | None) -> Exit:
    """What went wrong with the import comes first; what did with the archive makes no import fail."""
    code = of_import(summary)
    if code is not Exit.DONE or archived is None:
        return code
    if isinstance(archived, PostkeepError):
        return of_error(archived)
    return code if archived.summary is None else of_archive(archived.summary)


def of_archive_check(check: ArchiveCheck) -> Exit:
    if check.faults:
        return Exit.DAMAGED
    return Exit.UNAVAILABLE if _broken_off(check.status, check.error) else Exit.DONE


def of_restore(summary: RestoreSummary) -> Exit:
    if _broken_off(summary.status, summary.error):
        return Exit.UNAVAILABLE
    return _some(len(summary.failed))


def of_steps(steps: Sequence[ArchiveStep]) -> Exit:
    return _some(*(not step.done for step in steps))


def of_md5(check: Md5Check) -> Exit:
    if not check.found:
        return Exit.USAGE
    return Exit.DONE if check.sound else Exit.DAMAGED


def of_urls(outcomes: Sequence[UrlOutcome]) -> Exit:
    """No network at all is told apart from single URLs that failed."""
    failed = [outcome for outcome in outcomes if outcome.file is None]
    if failed and len(failed) == len(outcomes) and all(each.kind in _NETWORK_KINDS for each in failed):
        return Exit.UNAVAILABLE
    return _some(len(failed))


def of_findings(findings: Sequence[Finding]) -> Exit:
    return Exit.DATABASE if findings else Exit.DONE


def _some(*counts: int) -> Exit:
    return Exit.SOME_FAILED if any(counts) else Exit.DONE


def _broken_off(status: RunStatus, error: str | None) -> bool:
    return status is RunStatus.FAILED and error is not None
