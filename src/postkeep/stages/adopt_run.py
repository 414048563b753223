"""The use case of taking over another cache: one recorded run, or a dry one that leaves no trace."""

from __future__ import annotations

from pathlib import Path

from postkeep.model import RunStatus
from postkeep.stages.adopting import Adopting, AdoptTally
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.views import AdoptSummary, OnProgress, Progress, Stop, human_size


def run_adopt(parts: Parts, folder: Path, *, dry_run: bool, stop: Stop, progress: OnProgress) -> AdoptSummary:
    """Take over another cache, as a recorded run; a dry run leaves no trace."""

    def adopt(run_id: str | None) -> AdoptTally:
        return Adopting(
            parts.store,
            parts.cache,
            folder,
            ids=parts.ids,
            clock=parts.clock,
            room=parts.config.cache.max_bytes,
            run_id=run_id,
            dry_run=dry_run,
            stop=stop,
            progress=report,
        ).run()

    def report(tally: AdoptTally) -> None:
        note = f"{tally.adopted} adopted, {tally.linked} linked"
        progress(Progress("adopting", tally.done_bytes, tally.total_bytes, "bytes", note))

    if dry_run:
        run = OpenRun("")
        return _summary(parts, adopt(None), run, dry_run=True, stopped=stop())
    command = "postkeep cache adopt"
    with recorded(parts.store, "cache-adopt", ids=parts.ids, clock=parts.clock, command=command) as run:
        parts.cache.sweep()
        tally = adopt(run.run_id)
        run.summary.update(processed=tally.seen, adopted=tally.adopted, linked=tally.linked, bytes=tally.bytes)
        return _summary(parts, tally, run, dry_run=False, stopped=stop())


def _summary(parts: Parts, tally: AdoptTally, run: OpenRun, *, dry_run: bool, stopped: bool) -> AdoptSummary:
    if tally.full:
        run.status, run.error = RunStatus.FAILED, _full(parts.config.cache.max_bytes)
    elif stopped:
        run.status = RunStatus.CANCELLED
    elif tally.damaged or tally.unreadable:
        run.status = RunStatus.PARTIAL
    return AdoptSummary(
        run_id=run.run_id or None,
        status=run.status,
        dry_run=dry_run,
        seen=tally.seen,
        adopted=tally.adopted,
        known=tally.known,
        linked=tally.linked,
        unknown=tally.unknown,
        not_media=tuple(tally.not_media),
        damaged=tuple(tally.damaged),
        unreadable=tuple(tally.unreadable),
        bytes=tally.bytes,
        error=run.error,
    )


def _full(limit: int) -> str:
    return (
        f"the cache has reached its limit of {human_size(limit)}; raise cache.max_bytes (POSTKEEP_CACHE_MAX_BYTES)"
        " and run `postkeep cache adopt` again: it goes on where it stopped"
    )
