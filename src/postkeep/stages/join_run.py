"""Joining videos with their sound as a use case: all that can be joined, with what failed before. One run."""

from __future__ import annotations

from postkeep.errors import CacheError, ProgramMissing
from postkeep.media import joining
from postkeep.model import RunStatus
from postkeep.stages.eviction import finish_removals
from postkeep.stages.fetch.outcomes import adopt
from postkeep.stages.fetching import FETCH_LEASE
from postkeep.stages.joining import Joining, noted, told
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.stages.recorded import recorded
from postkeep.store import leases, renditions
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.joining import JoinSummary

_PAGE = 5000


def run_join(parts: Parts, *, limit: int | None, stop: Stop, progress: OnProgress) -> JoinSummary:
    """Join every video that is in the cache with its sound, but for what is joined already; idempotent.

    What could not be joined before is tried once more, and what made room is made again. Raises ProgramMissing
    without an ffmpeg that starts, LeaseTaken while another process fetches (it joins what it brings), CacheError
    when the cache is not there.
    """
    ffmpeg = joining.find_ffmpeg()
    if ffmpeg is None:
        raise ProgramMissing(
            "joining videos with their sound needs ffmpeg, which is not on the search path: install it"
            " (`apt install ffmpeg`, `brew install ffmpeg`) and run this again"
        )
    must_be_there(parts.store, parts.cache)
    with recorded(parts.store, "join", ids=parts.ids, clock=parts.clock, command="postkeep media join") as run:
        with parts.store.writing() as tx:
            leases.take(tx, FETCH_LEASE, parts.clock())
        try:
            parts.cache.sweep()
            finish_removals(parts.store, parts.cache, parts.clock())
            adopt(parts.store, parts.cache, parts.journal, ids=parts.ids, clock=parts.clock)
            _ask_for_all(parts, stop=stop, progress=progress)
            joins = Joining(
                parts,
                run.run_id,
                ffmpeg=ffmpeg,
                lease=FETCH_LEASE,
                limit=limit,
                stop=stop,
                progress=progress,
            )
            try:
                joins.run()
            except CacheError as error:
                run.status, run.error = RunStatus.FAILED, error.message
        finally:
            with parts.store.writing() as tx:
                leases.give_up(tx, FETCH_LEASE)
        done = told(joins, run.error)
        if stop():
            run.status = RunStatus.CANCELLED
        elif run.status is RunStatus.COMPLETED and done.failed:
            run.status = RunStatus.PARTIAL
        run.summary.update(noted(done))
        return JoinSummary(run.run_id, run.status, done, run.error)


def _ask_for_all(parts: Parts, *, stop: Stop, progress: OnProgress) -> None:
    """Queue the videos of all posts, page by page."""
    last: str | None = ""
    looked_at = 0
    while last is not None and not stop():
        with parts.store.writing() as tx:
            last = renditions.queue_page(tx, last, parts.clock(), limit=_PAGE)
        looked_at += _PAGE
        if last is not None:
            progress(Progress("looking", looked_at, None, "media"))
