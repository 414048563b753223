"""How well fetching goes: the figures that runs left, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.views import FetchMetrics

_PAGE = 1000
_COUNTS = ("requests", "cached", "linked", "failed", "bytes", "milliseconds", "refetched")


def metrics(tx: Connection, since: datetime) -> FetchMetrics:
    """The metrics of the runs that began since then, running and interrupted ones with what they had by their end.

    A rate without anything to count is None, and so are failures by kind when no run has fetched. Storage and
    queue are what they are now.
    """
    sums, kinds, runs = Counter[str](), Counter[str](), 0
    for figures in _figures(tx, since):
        runs += 1
        sums.update({name: int(figures.get(name) or 0) for name in _COUNTS})
        kinds.update({kind: int(count) for kind, count in (figures.get("kinds") or {}).items()})
    local, archived = bulk.execute(
        tx,
        "SELECT coalesce(sum(CASE WHEN cached_at IS NOT NULL THEN file_size END), 0),"
        " coalesce(sum(CASE WHEN archive_url IS NOT NULL THEN file_size END), 0) FROM media_files",
    ).one()
    queue = bulk.execute(
        tx,
        "SELECT count(*) FROM post_media WHERE ai_analysis_status IN ('not_started', 'started')"
        " AND file_id IS NOT NULL",
    ).scalar()
    return FetchMetrics(
        since=since,
        runs=runs,
        requests=sums["requests"],
        cached=sums["cached"],
        linked=sums["linked"],
        failed=sums["failed"],
        bytes=sums["bytes"],
        refetched=sums["refetched"],
        download_success_rate=_rate(sums["cached"], sums["cached"] + sums["failed"]),
        cache_hit_rate=_rate(sums["linked"], sums["linked"] + sums["cached"]),
        mean_download_ms=_rate(sums["milliseconds"], sums["cached"]),
        storage_local=int(local),
        storage_archive=int(archived),
        ai_queue_depth=int(queue),
        failed_by_kind=dict(kinds.most_common()) if runs else None,
    )


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _figures(tx: Connection, since: datetime) -> Iterator[dict[str, Any]]:
    """The figures of each run that has some, in order, a page in memory."""
    where, start = "started_at >= ?", (since,)
    while True:
        rows = bulk.execute(
            tx,
            f"SELECT started_at, run_id, figures_json FROM download_runs WHERE {where}"  # noqa: S608
            " ORDER BY started_at, run_id LIMIT ?",
            *start,
            _PAGE,
        ).all()
        for *_, figures in rows:
            if figures:
                yield orjson.loads(figures)
        if len(rows) < _PAGE:
            return
        where, start = "(started_at, run_id) > (?, ?)", (moment(rows[-1][0]), rows[-1][1])  # type: ignore[assignment]
