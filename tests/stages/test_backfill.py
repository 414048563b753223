"""Backfilling finds posts that miss media, tries those in batches with pauses, and goes on where it stopped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from typing import Any

import pytest

from postkeep.model import RunStatus
from postkeep.stages.backfill import run_backfill
from postkeep.views import BackfillSummary, Progress
from tests.canonical import dump
from tests.library.world import World, with_pictures
from tests.records import EPOCH, post

DAY = timedelta(days=1)


def bring(here: World, posts: int, *, pictures: int = 1, **more: Any) -> None:
    """Posts a day apart, each with its own pictures, of which none was fetched."""
    here.bring(
        *(
            with_pictures(n, *(here.asset(f"D4P{n:02}N{m}") for m in range(pictures)), posted_at=EPOCH - n * DAY)
            for n in range(posts)
        ),
        fetch=False,
        **more,
    )


def backfill(here: World, **options: Any) -> BackfillSummary:
    given = {
        "dry_run": False,
        "limit": None,
        "start_date": None,
        "batch_size": 10,
        "sleep_min": 0.5,
        "sleep_max": 2.0,
        "stop": lambda: False,
        "progress": lambda step: None,
        "pause": lambda seconds: None,
    }
    return run_backfill(here.library._parts, **{**given, **options})


def test_a_dry_run_lists_and_writes_nothing(here):
    bring(here, 3, pictures=2)
    before, runs = dump(here.store), len(here.library.runs())

    listed = here.library.backfill(dry_run=True)

    assert (listed.run_id, listed.status, listed.dry_run) == (None, RunStatus.COMPLETED, True)
    assert (listed.checked, listed.with_media, listed.processed) == (3, 3, 0)
    assert sorted((each.kind, each.items, each.posted_at) for each in listed.posts) == [
        ("regular", 2, EPOCH - n * DAY) for n in (2, 1, 0)
    ]
    assert [each.post_id for each in listed.posts] == sorted(each.post_id for each in here.library.posts())
    assert dump(here.store) == before
    assert len(here.library.runs()) == runs
    assert here.server.count() == 0


def test_everything_missing_is_fetched_and_counted(here):
    bring(here, 5, pictures=2)

    done = backfill(here)

    assert (done.status, done.checked, done.with_media, done.processed, done.failed) == (
        RunStatus.COMPLETED, 5, 5, 5, 0,
    )  # fmt: skip
    assert (done.media.found, done.media.cached, done.media.errors) == (10, 10, 0)
    assert here.server.count() == 10
    run = here.library.runs()[0]
    assert (run.run_id, run.kind, run.status) == (done.run_id, "backfill", RunStatus.COMPLETED)
    assert run.summary["media_cached"] == 10
    again = backfill(here)
    assert (again.checked, again.media.found, here.server.count()) == (0, 0, 10)
    here.check()


def test_posts_whose_media_are_there_or_dead_are_not_looked_at(here):
    dead = here.server.url("/none.png")
    here.bring(with_pictures(1, here.asset("D4A")), with_pictures(2, dead), post(3))
    here.server.reset()

    done = backfill(here)

    assert (done.checked, here.server.count()) == (0, 0)


def test_a_file_that_was_lost_is_brought_back(here):
    here.bring(with_pictures(1, here.asset("D4A")))
    [path] = here.cached()
    (here.root / path).unlink()
    here.library.verify_cache(repair=True)
    here.write_rows("DELETE FROM work")

    done = backfill(here)

    assert (done.checked, done.media.cached, list(here.cached())) == (1, 1, [path])
    here.check()


def test_failures_are_counted_and_what_waits_is_left_waiting(here):
    here.server.route("/broken.png", b"", status=500)
    here.bring(
        with_pictures(1, here.asset("D4A"), here.server.url("/broken.png")),
        with_pictures(2, here.server.url("/none.png")),
        with_pictures(3, here.asset("D4C")),
        fetch=False,
    )

    done = backfill(here)

    assert (done.status, done.checked, done.processed, done.failed) == (RunStatus.PARTIAL, 3, 2, 1)
    assert (done.media.found, done.media.cached, done.media.errors, done.media.gone) == (4, 2, 1, 1)
    asked = here.server.count()
    assert backfill(here).checked == 0
    assert here.server.count() == asked == 4
    here.later(hours=1)
    assert backfill(here).checked == 1
    assert here.server.count() == asked + 1


def test_a_limit_counts_posts(here):
    bring(here, 5)

    assert [backfill(here, limit=2).checked for _ in range(4)] == [2, 2, 1, 0]
    assert here.library.backfill(dry_run=True, limit=0).posts == ()
    assert here.server.count() == 5


def test_a_start_date_is_a_utc_day_of_posting(here):
    here.bring(
        *(
            with_pictures(n, here.asset(f"D4{n}"), posted_at=datetime(2025, 2, day, hour, 59, 59, tzinfo=UTC))
            for n, (day, hour) in enumerate([(9, 23), (10, 0), (10, 23), (11, 12)])
        ),
        fetch=False,
    )

    listed = here.library.backfill(dry_run=True, start_date=date(2025, 2, 10))
    assert sorted(each.posted_at.day for each in listed.posts) == [10, 10, 11]
    assert here.library.backfill(dry_run=True, start_date=date(2026, 1, 1)).posts == ()
    assert backfill(here, start_date=date(2025, 2, 10)).media.cached == 3
    assert here.states()["D40"] == "pending"


def test_batches_have_their_size_and_pauses_stand_between_them(here):
    bring(here, 7)
    events: list[Any] = []

    backfill(
        here,
        batch_size=3,
        sleep_min=0.5,
        sleep_max=0.75,
        pause=lambda seconds: events.append(seconds),
        progress=lambda step: events.append((step, here.server.count())),
    )

    shown = [event for event in events if isinstance(event, tuple)]
    # Each pause is taken in short steps, so that it can be stopped.
    between = [
        list(group) for is_step, group in groupby(events, lambda event: isinstance(event, tuple)) if not is_step
    ]
    pauses = [sum(steps) for steps in between]
    assert len(pauses) == 2
    assert max(step for steps in between for step in steps) <= 0.2
    assert [requests for _, requests in shown] == [3, 6, 7]
    assert [(step.doing, step.done, step.unit) for step, _ in shown] == [
        ("backfilling", done, "posts") for done in (3, 6, 7)
    ]
    assert all(isinstance(step, Progress) for step, _ in shown)
    assert all(0.499 <= seconds <= 0.751 for seconds in pauses)


def test_interrupted_it_goes_on_where_it_stopped(here):
    bring(here, 6)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(here, batch_size=2, pause=interrupt)
    assert here.library.runs()[0].status is RunStatus.CANCELLED
    assert here.server.count() == 2

    looks = count()
    stopped = backfill(here, batch_size=2, stop=lambda: here.server.count() >= 4 and next(looks) >= 0)
    assert stopped.status is RunStatus.CANCELLED
    assert (stopped.checked, here.server.count()) == (2, 4)

    rest = backfill(here, batch_size=2)
    assert (rest.status, rest.checked, here.server.count()) == (RunStatus.COMPLETED, 2, 6)
    here.check()


def test_a_cache_that_refuses_ends_it_in_words(here):
    bring(here, 2)
    here.root.mkdir(parents=True, exist_ok=True)
    (here.root / "media").write_bytes(b"in the way")

    done = backfill(here)

    assert done.status is RunStatus.FAILED
    assert done.error
    (here.root / "media").unlink()
    assert backfill(here).media.cached == 2
