"""Runs: what was done when, by which process, and how it ended."""

from __future__ import annotations

import json
import os
import platform as host_platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from postkeep import processes
from postkeep.model import RunStatus
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.types import made_storable, storable

STALE = timedelta(minutes=2)
"""A process of another host that has not been heard of for so long is taken for gone."""


def this_process() -> str:
    """Who we are, so that others can tell whether we still live: host, boot, process number and its start."""
    return f"{socket.gethostname()}:{processes.boot()}:{os.getpid()}:{processes.own_start()}"


def is_gone(owner: str, heartbeat: datetime | None, now: datetime) -> bool:
    """Whether the process that wrote `owner` has ended; exact on this host, by its silence on others."""
    host, _, rest = owner.partition(":")
    boot, _, process = rest.partition(":")
    pid, _, started = process.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return heartbeat is None or now - heartbeat > STALE
    known = started.isdigit() and boot == processes.boot()
    return not known or not processes.lives(int(pid), int(started))


@dataclass(frozen=True, slots=True)
class Run:
    run_id: str
    kind: str
    status: RunStatus
    started_at: datetime
    completed_at: datetime | None
    error_message: str | None
    summary: Mapping[str, Any]


_COLUMNS = "run_id, script_name, status, started_at, completed_at, error_message, summary_json"


def start(tx: Connection, run_id: str, kind: str, now: datetime, system: Mapping[str, str]) -> None:
    """Record that a run has begun; `kind` is the command (import, fetch, backfill, verify)."""
    bulk.insert(
        tx,
        schema.download_runs,
        (
            "run_id",
            "script_name",
            "status",
            "started_at",
            "heartbeat_at",
            "owner",
            "system_info",
            "created_at",
        ),
        [
            (
                run_id,
                kind,
                RunStatus.RUNNING,
                now,
                now,
                this_process(),
                orjson.dumps(
                    {"hostname": socket.gethostname(), "platform": host_platform.platform(), **system}
                ).decode(),
                now,
            )
        ],
    )


def beat(tx: Connection, run_id: str, now: datetime, *, figures: str | None = None) -> None:
    """Say that a run lives, and how far its fetching is (`figures`, a JSON object)."""
    bulk.execute(
        tx,
        "UPDATE download_runs SET heartbeat_at = ?, figures_json = coalesce(?, figures_json) WHERE run_id = ?",
        now,
        figures,
        run_id,
    )


def finish(
    tx: Connection,
    run_id: str,
    status: RunStatus,
    now: datetime,
    *,
    summary: Mapping[str, Any],
    error: str | None = None,
) -> None:
    """Record how a run ended, once: a run that has ended already keeps its end."""
    bulk.execute(
        tx,
        "UPDATE download_runs SET status = ?, completed_at = ?, heartbeat_at = ?, error_message = ?,"
        " summary_json = ?, posts_fetched = ?, posts_new = ?, posts_updated = ?"
        " WHERE run_id = ? AND status = 'running'",
        str(status),
        now,
        now,
        made_storable(error) if error is not None else None,
        # orjson refuses what is no text, such as half a surrogate pair in a file's name.
        made_storable(json.dumps(summary, ensure_ascii=False)),
        summary.get("processed", 0),
        summary.get("new", 0),
        summary.get("updated", 0),
        run_id,
    )


def end_abandoned(tx: Connection, now: datetime) -> list[str]:
    """End the runs whose process is gone as `interrupted`; returns their ids."""
    running = bulk.execute(
        tx, "SELECT run_id, owner, heartbeat_at FROM download_runs WHERE status = 'running'"
    ).all()
    gone = [run_id for run_id, owner, beat in running if is_gone(owner or "", moment(beat), now)]
    for run_id in gone:
        bulk.execute(
            tx,
            "UPDATE download_runs SET status = 'interrupted', completed_at = heartbeat_at,"
            " error_message = 'the process ended without finishing' WHERE run_id = ? AND status = 'running'",
            run_id,
        )
    return gone


def abandoned(tx: Connection, now: datetime) -> bool:
    """Whether any run that says it is running belongs to a process that is gone."""
    running = bulk.execute(tx, "SELECT owner, heartbeat_at FROM download_runs WHERE status = 'running'").all()
    return any(is_gone(owner or "", moment(beat), now) for owner, beat in running)


def note_posts(tx: Connection, run_id: str, outcomes: Sequence[tuple[str, str, datetime]]) -> None:
    """Remember which posts a run saw (post_id, outcome, observed_at) and what became of them.

    A post that one run sees more than once keeps `new` over `changed` over `unchanged`, and its latest time.
    """
    merged: dict[str, tuple[str, datetime]] = {}
    for post_id, outcome, at in outcomes:
        before = merged.get(post_id)
        merged[post_id] = (outcome, at) if before is None else (_stronger(before[0], outcome), max(before[1], at))
    bulk.insert(
        tx,
        schema.run_posts,
        ("run_id", "post_id", "outcome", "observed_at"),
        [(run_id, post_id, outcome, at) for post_id, (outcome, at) in merged.items()],
        on_conflict="(run_id, post_id) DO UPDATE SET"
        " observed_at = CASE WHEN excluded.observed_at > run_posts.observed_at"
        " THEN excluded.observed_at ELSE run_posts.observed_at END,"
        " outcome = CASE WHEN run_posts.outcome = 'new' OR excluded.outcome = 'unchanged'"
        " THEN run_posts.outcome ELSE excluded.outcome END",
    )


def _stronger(one: str, other: str) -> str:
    ranks = ("unchanged", "changed", "new")
    return max(one, other, key=ranks.index)


@dataclass(frozen=True, slots=True)
class RunMedia:
    """The media in the records of a run, counted by where they stand now."""

    found: int
    cached: int
    states: Mapping[str, int]


def count_media(tx: Connection, run_id: str) -> RunMedia:
    """Count the media that the posts of a run showed at the time they were observed in it."""
    rows = bulk.execute(
        tx,
        "SELECT m.download_state, f.cached_at IS NOT NULL, count(*) FROM run_posts r"
        " JOIN post_media m ON m.post_id = r.post_id LEFT JOIN media_files f ON f.file_id = m.file_id"
        " WHERE r.run_id = ? AND (m.absent_since IS NULL OR m.absent_since > r.observed_at)"
        " AND m.first_seen_at <= r.observed_at GROUP BY 1, 2",
        run_id,
    ).all()
    states: dict[str, int] = {}
    for state, _, count in rows:
        states[state] = states.get(state, 0) + count
    return RunMedia(
        found=sum(states.values()),
        cached=sum(count for _, is_cached, count in rows if is_cached),
        states=states,
    )


def media_reasons(tx: Connection, run_id: str, states: Sequence[str], *, limit: int = 5) -> list[tuple[str, int]]:
    """Why media of a run's posts are in these states: the most frequent reasons, with their counts."""
    rows = bulk.among(
        tx,
        "SELECT coalesce(m.error_message, m.error_kind, m.download_state), count(*) FROM post_media m"
        " JOIN run_posts r ON r.post_id = m.post_id WHERE m.download_state {in} AND r.run_id = ?"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
        [str(state) for state in states],
        run_id,
        limit,
    )
    return [(reason, int(count)) for reason, count in rows]


def get(tx: Connection, run_id: str) -> Run | None:
    if not storable(run_id):
        return None
    row = bulk.execute(tx, f"SELECT {_COLUMNS} FROM download_runs WHERE run_id = ?", run_id).first()  # noqa: S608
    return None if row is None else _run(row)


def page(tx: Connection, *, limit: int, before: tuple[datetime, str] | None = None) -> list[Run]:
    """The newest runs, or those that began before `before` (started_at, run_id)."""
    where, parameters = "", ()
    if before is not None:
        where, parameters = " WHERE (started_at, run_id) < (?, ?)", before  # type: ignore[assignment]
    rows = bulk.execute(
        tx,
        f"SELECT {_COLUMNS} FROM download_runs{where} ORDER BY started_at DESC, run_id DESC LIMIT ?",  # noqa: S608
        *parameters,
        limit,
    ).all()
    return [_run(row) for row in rows]


def posts_of(tx: Connection, run_id: str, *, limit: int, after: str = "") -> list[tuple[str, str]]:
    """(post_id, outcome) of the posts a run saw, by post_id, after the given one."""
    rows = bulk.execute(
        tx,
        "SELECT post_id, outcome FROM run_posts WHERE run_id = ? AND post_id > ? ORDER BY post_id LIMIT ?",
        run_id,
        after,
        limit,
    ).all()
    return [(post_id, outcome) for post_id, outcome in rows]


def _run(row: Any) -> Run:
    run_id, kind, status, started, completed, error, summary = row
    return Run(
        run_id,
        kind or "",
        RunStatus(status),
        moment(started),  # type: ignore[arg-type]
        moment(completed),
        error,
        orjson.loads(summary) if summary else {},
    )
