"""Reads the quarantine again, after an upgrade has taught us more."""

from __future__ import annotations

from collections.abc import Iterator

from postkeep.model import Platform, RawRecord, RunStatus
from postkeep.stages.ingest import Ingest
from postkeep.stages.ingest.candidate import Rejected, candidate, decompress, digest
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import recorded
from postkeep.store import quarantine
from postkeep.store.quarantine import Quarantined
from postkeep.views import OnProgress, Progress, ReplaySummary, Stop

_PAGE = 100


def run_replay(parts: Parts, platforms: list[Platform], *, stop: Stop, progress: OnProgress) -> ReplaySummary:
    """Import every quarantined record that can be read now; the others stay, seen again. Fetches nothing."""
    with recorded(parts.store, "replay", ids=parts.ids, clock=parts.clock) as run:
        ingest = Ingest(parts.store, platforms=platforms, ids=parts.ids, run_id=run.run_id, clock=parts.clock)
        with parts.store.reading() as tx:
            total = quarantine.count(tx)
        replayed = seen = 0
        for page in _pages(parts, stop):
            readable = [(row, raw) for row in page if (raw := _readable(row, platforms)) is not None]
            for _ in ingest.feed([raw for _, raw in readable]):
                pass
            with parts.store.writing() as tx:
                quarantine.resolve(tx, [row.quarantine_id for row, _ in readable], parts.clock())
            replayed += len(readable)
            seen += len(page)
            progress(Progress("replaying", seen, total, "records"))
        with parts.store.reading() as tx:
            remaining, bytes_missing = quarantine.count(tx), quarantine.count(tx, without_bytes=True)
        if stop():
            run.status = RunStatus.CANCELLED
        run.summary.update(processed=replayed, new=ingest.tally.new, duplicates=ingest.tally.duplicates)
        if ingest.tally.refused:
            run.summary["refused"] = ingest.tally.refused
        return ReplaySummary(
            run.run_id,
            run.status,
            replayed,
            ingest.tally.new,
            ingest.tally.duplicates,
            remaining,
            bytes_missing,
            ingest.tally.refused,
        )


def _pages(parts: Parts, stop: Stop) -> Iterator[list[Quarantined]]:
    last = ""
    while not stop():
        with parts.store.reading() as tx:
            page = quarantine.load(tx, limit=_PAGE, after=last)
        if not page:
            return
        last = page[-1].quarantine_id
        yield page


def _readable(row: Quarantined, platforms: list[Platform]) -> RawRecord | None:
    if row.body is None or row.codec is None:
        return None
    body = decompress(row.codec, row.body)
    raw = RawRecord(body, row.place, row.observation, row.via)
    made = candidate(raw, digest(body), platforms)
    return None if isinstance(made, Rejected) else raw
