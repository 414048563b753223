"""Named moments between two durable steps. Nothing happens at them; the crash tests end the process there."""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "run_started",
    "batch_written",
    "batch_committed",
    "lease_taken",
    "file_staged",
    "file_journaled",
    "file_renamed",
    "outcomes_written",
    "outcomes_committed",
    "journal_settled",
    "lease_given_up",
    "run_finished",
)
"""Of an import, in order."""
EVICTION_POINTS = ("rows_evicted", "bytes_evicted")
"""Of every file that leaves the cache on purpose."""

JOIN_POINTS = (
    "join_begun",
    "file_staged",
    "file_journaled",
    "file_renamed",
    "outcomes_committed",
    "journal_settled",
)
"""Of every video that is joined with its sound, in order."""

ARCHIVE_POINTS = ("object_claimed", "object_uploaded", "proofs_written", "proofs_committed")
"""Of every file that goes to the archive."""

ERASING_POINTS = (
    "erasing_scoped",
    "erasing_refused",
    "records_dropped",
    "rows_erased",
    "names_erased",
    "bytes_removed",
    "removals_settled",
)
"""Of every erasure, in order; some are passed several times."""

_hook: Callable[[str], None] | None = None


def passing(name: str) -> None:
    """Say that this moment is reached."""
    if _hook is not None:
        _hook(name)


def watch(hook: Callable[[str], None] | None) -> None:
    """Call `hook` with the name of every moment from now on; None stops that."""
    global _hook
    _hook = hook
