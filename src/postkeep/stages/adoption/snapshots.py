"""Old snapshots as ours: unknown numbers stay unknown, and rows of one observed time are one observation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from postkeep.model import Json, Metrics, Observation
from postkeep.stages.adoption.reading import Reader, Record
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.rows import SnapshotRow

_MOST_COUNTS = 50
_LONGEST_NAME = 80


@dataclass(slots=True)
class OldSnapshot:
    """An old row of data_downloads, read; `run_id` as it stands there."""

    reader: Reader
    old_id: str
    new_id: str
    run_id: str | None
    downloaded_at: datetime
    created_at: datetime
    observation: Observation
    record: Record
    source: str | None


@dataclass(slots=True)
class AdoptedSnapshot:
    """A snapshot as it will stand, and the old rows it stands for, its own first."""

    row: SnapshotRow
    rows: list[OldSnapshot]
    raw_json: str | None
    created_at: datetime

    def told(self) -> dict[str, Any]:
        """What the row says, by the names of the old columns."""
        return {
            "download_id": self.row.download_id,
            "post_id": self.row.post_id,
            "run_id": self.row.run_id,
            "downloaded_at": self.row.downloaded_at,
            "total_reactions": self.row.total_reactions,
            "stats_json": self.row.stats_json,
            "raw_json": self.raw_json,
            "source_file_path": self.row.source_file_path,
            "created_at": self.created_at,
        }


def adopt_snapshot(old: OldSnapshot, post_id: str, *, of_original: bool) -> AdoptedSnapshot:
    """One old row as a snapshot of a post."""
    metrics = _numbers(old.reader, old.record)
    candidate, observation = old.record.found, old.observation
    row = SnapshotRow(
        download_id=old.new_id,
        post_id=post_id,
        run_id=old.run_id,
        downloaded_at=old.downloaded_at,
        observed_at=observation.at,
        observed_source=observation.source,
        zone_assumed=observation.zone_assumed,
        total_reactions=metrics.reactions,
        comments=metrics.comments,
        reposts=metrics.reposts,
        views=metrics.views,
        likes=metrics.likes,
        saves=metrics.saves,
        of_original=of_original,
        tells_media=bool(old.record.post and old.record.post.tells_media),
        stats_json=_dumped(metrics.detail),
        record_sha256=None,
        # Only what was observed at a guessed time is known again by its content; a file with a time may be
        # imported once more, and then brings what the predecessor left out.
        content_hash=candidate.content_hash if candidate is not None and not observation.known else None,
        source_file_path=old.source,
        new=True,
    )
    return AdoptedSnapshot(row, [old], old.record.text, old.created_at)


def merge_snapshot(kept: AdoptedSnapshot, other: AdoptedSnapshot) -> None:
    """Take over what another row of the same observation knows: of each number the largest."""
    row, more = kept.row, other.row
    for name in ("total_reactions", "comments", "reposts", "views", "likes", "saves"):
        known = [each for each in (getattr(row, name), getattr(more, name)) if each is not None]
        setattr(row, name, max(known, default=None))
    detail: dict[str, int] = orjson.loads(row.stats_json) if row.stats_json else {}
    for name, count in (orjson.loads(more.stats_json) if more.stats_json else {}).items():
        detail[name] = max(detail.get(name, count), count)
    row.stats_json = _dumped(detail)
    row.of_original &= more.of_original
    row.tells_media |= more.tells_media
    row.run_id = row.run_id or more.run_id
    row.content_hash = row.content_hash or more.content_hash
    row.source_file_path = row.source_file_path or more.source_file_path
    if kept.raw_json is None:
        kept.raw_json = other.raw_json
    kept.rows.extend(other.rows)


def _numbers(reader: Reader, record: Record) -> Metrics:
    """The numbers of an old row; its default 0 is unknown unless its stats, or its record, say so."""
    counts = _counts(reader)
    told = record.post.metrics if record.post is not None else Metrics()

    def known(*names: str) -> int | None:
        return next((counts[name] for name in names if name in counts), None)

    def first(*values: int | None) -> int | None:
        return next((value for value in values if value is not None), None)

    column = reader.number("total_reactions") or None
    return Metrics(
        reactions=first(column, known("total_reactions", "reactions"), told.reactions),
        comments=first(known("comments"), told.comments),
        reposts=first(known("reposts", "shares"), told.reposts),
        views=first(known("views"), told.views),
        likes=first(known("likes"), told.likes),
        saves=first(known("saves"), told.saves),
        detail=counts or told.detail,
    )


def _counts(reader: Reader) -> dict[str, int]:
    """Every count in stats_json by its name; what else stands there is kept beside."""
    stated = reader.values.get("stats_json")
    if stated is None or stated == "":
        return {}
    try:
        stats: Json = old_rows.unwrapped(stated)
    except (ValueError, RecursionError):
        reader.left["stats_json"] = stated
        reader.findings.add(
            FindingKind.UNREADABLE_JSON, reader.subject, "its stats_json is no JSON; kept as it was"
        )
        return {}
    found: dict[str, int] = {}
    for name, value in stats.items() if isinstance(stats, dict) else ():
        count = None if isinstance(value, str) else old_rows.as_number(value)
        if count is not None and len(found) < _MOST_COUNTS and len(name) <= _LONGEST_NAME:
            found[name] = count
    if stats is not None and stats != found:
        reader.left["stats_json"] = stated
    return found


def _dumped(detail: Mapping[str, int]) -> str | None:
    return orjson.dumps(dict(detail), option=orjson.OPT_SORT_KEYS).decode() if detail else None


def merged_by_time(snapshots: Sequence[AdoptedSnapshot]) -> list[AdoptedSnapshot]:
    """One snapshot for each observed time of a post, the row stored first standing for it."""
    found: dict[datetime, AdoptedSnapshot] = {}
    for each in sorted(
        snapshots, key=lambda one: (one.row.observed_at, one.row.downloaded_at, one.rows[0].old_id)
    ):
        if (kept := found.get(each.row.observed_at)) is None:
            found[each.row.observed_at] = each
        else:
            merge_snapshot(kept, each)
    return list(found.values())
