"""The six metrics add up what runs left, unknown where nothing was counted; hosts tell who is waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from postkeep.errors import NotFound
from postkeep.model import utc_now
from postkeep.store import metrics
from tests.library.world import World, with_pictures
from tests.records import EPOCH
from tests.store.test_listing import counted

DAY = timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def ran(here: World, run_id: str, at: datetime, *, status: str = "completed", **figures: Any) -> None:
    here.write_rows(
        "INSERT INTO download_runs (run_id, started_at, status, script_name, figures_json) VALUES (?, ?, ?, ?, ?)",
        run_id,
        at,
        status,
        "fetch",
        orjson.dumps(figures).decode() if figures else None,
    )


def figures(**more: Any) -> dict[str, Any]:
    names = ("requests", "cached", "linked", "failed", "bytes", "milliseconds", "refetched")
    return dict.fromkeys(names, 0) | {"kinds": {}} | more


def test_the_figures_of_runs_are_added_up(here):
    ran(here, "run-1", EPOCH, **figures(cached=100, failed=100, kinds={"tls": 100}))
    one = figures(requests=9, cached=6, linked=2, failed=3, bytes=600, milliseconds=900, kinds={"timeout": 3})
    ran(here, "run-2", EPOCH + DAY, **one)
    other = figures(requests=4, cached=3, linked=1, failed=1, bytes=300, milliseconds=900, refetched=2)
    ran(here, "run-3", EPOCH + 2 * DAY, status="interrupted", **other | {"kinds": {"http_404": 1}})
    ran(here, "run-4", EPOCH + 3 * DAY, status="failed")

    found = here.library.media_metrics(EPOCH + DAY)

    assert (found.since, found.runs) == (EPOCH + DAY, 2)
    assert (found.requests, found.cached, found.linked, found.failed) == (13, 9, 3, 4)
    assert (found.bytes, found.refetched) == (900, 2)
    assert found.download_success_rate == 9 / 13
    assert found.cache_hit_rate == 3 / 12
    assert found.mean_download_ms == 200
    assert found.failed_by_kind == {"timeout": 3, "http_404": 1}


def test_a_run_that_is_under_way_counts_with_what_it_has(here):
    ran(here, "run-1", utc_now(), status="running", **figures(requests=2, cached=2, milliseconds=10))
    assert here.library.media_metrics(LONG_AGO).cached == 2


@pytest.mark.parametrize(
    ("left", "rates"),
    [
        (None, (None, None, None, None)),
        (figures(), (None, None, None, {})),
        (figures(linked=2), (None, 1.0, None, {})),
        (figures(failed=2, kinds={"dns": 2}), (0.0, None, None, {"dns": 2})),
        (figures(cached=2), (1.0, 0.0, 0.0, {})),
        ({"cached": 2, "failed": None}, (1.0, 0.0, 0.0, {})),
    ],
)
def test_nothing_counted_is_unknown_and_never_zero(here, left, rates):
    ran(here, "run-1", EPOCH, **left or {})
    found = here.library.media_metrics(LONG_AGO)
    told = (found.download_success_rate, found.cache_hit_rate, found.mean_download_ms, found.failed_by_kind)
    assert told == rates


def test_storage_and_queue_are_those_of_now(here):
    here.bring(*(with_pictures(n, here.asset(f"A{n}")) for n in range(4)))
    here.bring(with_pictures(7, here.asset("B")), fetch=False)
    sizes = dict(here.rows("SELECT m.media_key, m.file_size FROM post_media m WHERE file_id IS NOT NULL"))
    here.write_rows(
        "UPDATE media_files SET cached_at = NULL"
        " WHERE file_id = (SELECT file_id FROM post_media WHERE media_key = 'A0')"
    )
    here.write_rows(
        "UPDATE media_files SET archive_url = 's3://b/k' WHERE file_id IN"
        " (SELECT file_id FROM post_media WHERE media_key IN ('A0', 'A1'))"
    )
    for asset, status in (("A1", "started"), ("A2", "completed"), ("A3", "failed")):
        here.write_rows("UPDATE post_media SET ai_analysis_status = ? WHERE media_key = ?", status, asset)

    found = here.library.media_metrics(utc_now() + DAY)

    assert found.storage_local == sum(sizes[each] for each in ("A1", "A2", "A3"))
    assert found.storage_archive == sizes["A0"] + sizes["A1"]
    assert found.ai_queue_depth == 2
    assert here.library.media_metrics(LONG_AGO).storage_local == here.library.media_stats().bytes


def test_many_runs_are_read_page_by_page(here, monkeypatch):
    for n in range(7):
        # Some began in one moment, so that only the id tells them apart.
        ran(here, f"run-{n}", EPOCH + n // 3 * DAY, **figures(cached=1))
    ran(here, "run-none", EPOCH + DAY)
    for size in (1, 2, 3, 8, 100):
        monkeypatch.setattr(metrics, "_PAGE", size)
        found = here.library.media_metrics(EPOCH)
        assert (found.runs, found.cached) == (7, 7)
    with counted(here.store) as sent:
        here.library.media_metrics(EPOCH)
    assert len(sent) == 3


# --- hosts --------------------------------------------------------------------------------------------


def pause(here: World, host: str, until: datetime | None, failures: int = 3) -> None:
    here.write_rows(
        "INSERT INTO hosts (host, paused_until, reason, failures) VALUES (?, ?, 'HTTP 429', ?)",
        host,
        until,
        failures,
    )


def test_hosts_tell_what_waits_and_who_is_left_alone(here):
    here.bring(*(with_pictures(n, here.asset(f"A{n}")) for n in range(3)), fetch=False)
    [(last,)] = here.rows("SELECT max(subject) FROM work")
    here.write_rows("UPDATE work SET host = 'a.example', due_at = ? WHERE subject = ?", utc_now() + DAY, last)
    until = utc_now().replace(microsecond=0) + DAY
    pause(here, "media.licdn.com", until)
    pause(here, "idle.example", until)
    pause(here, "well.example", utc_now() - DAY)

    found = {each.host: each for each in here.library.hosts()}

    assert list(found) == ["a.example", "idle.example", "media.licdn.com"]
    alone, idle, busy = found.values()
    assert (alone.waiting, alone.due, alone.paused_until, alone.reason) == (1, 0, None, None)
    assert (idle.waiting, idle.due, idle.paused_until) == (0, 0, until)
    assert (busy.waiting, busy.due, busy.reason, busy.failures) == (2, 0, "HTTP 429", 3)

    assert here.library.resume_host(" Media.licdn.com ") is True
    assert [each.due for each in here.library.hosts() if each.host == "media.licdn.com"] == [2]
    assert here.library.resume_host("media.licdn.com") is False
    assert here.library.resume_host("well.example") is True
    for unknown in ("media.licdn.co", "", "\0"):
        with pytest.raises(NotFound):
            here.library.resume_host(unknown)


def test_a_pause_that_is_over_is_none(here):
    here.bring(with_pictures(1, here.asset("A")), fetch=False)
    pause(here, "media.licdn.com", utc_now() - DAY)
    [host] = here.library.hosts()
    assert (host.due, host.paused_until, host.reason, host.failures) == (1, None, None, 3)
