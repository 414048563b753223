"""Fetching ahead takes the posts people look at most, what can be had and is not there, before other work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postkeep.errors import LeaseTaken, NotFound
from postkeep.model import RunStatus, utc_now
from postkeep.store import leases
from postkeep.views import WarmBy
from tests.canonical import dump
from tests.library.world import World, with_pictures
from tests.records import EPOCH, author, stats
from tests.servers.media import Reply

DAY = timedelta(days=1)


def bring(here: World, **more: Any) -> None:
    """Four posts, the older the more liked, each with a picture that was not fetched."""
    here.bring(
        *(
            with_pictures(n, here.asset(f"A{n}"), posted_at=EPOCH - n * DAY, stats=stats(total=n, comments=n))
            for n in range(4)
        ),
        fetch=False,
        **more,
    )


def listed(here: World, **options: Any) -> list[tuple[int, int | None, int]]:
    """(days ago, engagement, items) of the posts that would be warmed."""
    posts = here.library.warm(dry_run=True, **options).posts
    return [((EPOCH - each.posted_at).days, each.engagement, each.items) for each in posts]


def asked(here: World) -> list[str]:
    """The assets that were requested, in order."""
    return [request.path.split("/")[4] for request in here.server.requests]


def test_the_most_engaging_come_first_and_the_newest_when_wished(here):
    bring(here)
    assert listed(here) == [(n, 2 * n + 1, 1) for n in (3, 2, 1, 0)]
    assert listed(here, by=WarmBy.RECENCY) == [(n, 2 * n + 1, 1) for n in range(4)]
    assert listed(here, limit=2) == [(3, 7, 1), (2, 5, 1)]


def test_views_and_numbers_of_others_are_no_engagement_and_unknown_is_last(here):
    bring(here)
    here.write_rows("UPDATE data_downloads SET views = 1000000 WHERE total_reactions = 0")
    here.write_rows("UPDATE data_downloads SET of_original = ? WHERE total_reactions = 3", True)
    here.write_rows(
        "UPDATE data_downloads SET total_reactions = NULL, comments = NULL, reposts = 0 WHERE total_reactions = 2"
    )
    assert listed(here) == [(1, 3, 1), (0, 1, 1), (2, 0, 1), (3, None, 1)]
    here.write_rows("UPDATE data_downloads SET total_reactions = 2147483647, comments = 2147483647, reposts = 9")
    assert listed(here, limit=1) == [(0, 4294967303, 1)]


def test_the_latest_observation_counts(here):
    bring(here)
    liked = with_pictures(0, here.asset("A0"), posted_at=EPOCH, stats=stats(total=900))
    here.bring(liked, at=EPOCH + DAY, fetch=False)
    assert listed(here, limit=1) == [(0, 904, 1)]


def test_a_dry_run_writes_nothing(here):
    bring(here)
    before, runs = dump(here.store), len(here.library.runs())
    summary = here.library.warm(dry_run=True)
    assert (summary.run_id, summary.dry_run, summary.checked) == (None, True, 4)
    assert (dump(here.store), len(here.library.runs())) == (before, runs)
    assert here.server.requests == []


def test_warming_fetches_those_and_no_others(here):
    bring(here)

    summary = here.library.warm(limit=2)

    assert sorted(asked(here)) == ["A2", "A3"]
    assert (summary.status, summary.checked, summary.complete) == (RunStatus.COMPLETED, 2, 2)
    assert (summary.media.found, summary.media.cached) == (2, 2)
    assert here.states() == {"A0": "pending", "A1": "pending", "A2": "fetched", "A3": "fetched"}
    assert here.queued() == 2
    [run] = [run for run in here.library.runs() if run.kind == "warm"]
    assert (run.run_id, run.status) == (summary.run_id, RunStatus.COMPLETED)
    assert run.summary["media_cached"] == 2
    assert listed(here) == [(1, 3, 1), (0, 1, 1)]
    here.check()


def test_a_profile_has_its_own_posts_and_no_others(here):
    bring(here)
    other = with_pictures(9, here.asset("B"), author=author("john-roe", "John", "Roe"))
    here.bring(other, fetch=False)

    assert len(listed(here)) == 5
    assert [items for *_, items in listed(here, profile="john-roe")] == [1]
    assert here.library.warm(profile="john-roe").checked == 1
    assert asked(here) == ["B"]
    for nobody in ("nobody", "\0", "\udc80"):
        with pytest.raises(NotFound):
            here.library.warm(profile=nobody)


def test_what_made_room_comes_back(here):
    bring(here)
    here.library.warm()
    for path in here.cached():
        (here.root / path).unlink()
    here.write_rows("UPDATE media_files SET cached_at = NULL, evicted_at = ?, evicted_because = 'lru'", utc_now())
    [shown] = here.library.media_list(post=here.library.posts()[0].post_id)
    assert (shown.cached, shown.evicted_at is not None) == (False, True)
    here.server.reset()
    assert here.queued() == 0

    summary = here.library.warm(limit=3)

    assert sorted(asked(here)) == ["A1", "A2", "A3"]
    assert (summary.complete, summary.media.cached) == (3, 3)
    assert len(listed(here)) == 1
    here.check()


@pytest.mark.parametrize(
    "hopeless",
    [
        "UPDATE post_media SET expires_at = '{yesterday}'",
        "UPDATE post_media SET absent_since = '{yesterday}'",
        "UPDATE post_media SET download_state = 'gone'",
        "UPDATE post_media SET download_state = 'failed'",
        "UPDATE work SET due_at = '{tomorrow}'",
        "UPDATE post_media SET download_state = 'fetched', error_kind = 'http_404'",
    ],
)
def test_what_cannot_be_had_now_is_not_asked_for(here, hopeless):
    bring(here)
    if "fetched" in hopeless:
        here.write_rows("DELETE FROM work")
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    times = {"yesterday": f"{utc_now() - DAY:{form}}", "tomorrow": f"{utc_now() + DAY:{form}}"}
    here.write_rows(hopeless.format(**times))

    summary = here.library.warm()

    assert (summary.checked, summary.media.found, summary.status) == (0, 0, RunStatus.COMPLETED)
    assert here.server.requests == []


def test_media_that_fail_are_told(here):
    bring(here)
    here.asset("A3", Reply(b"no", "text/plain", 400))
    here.asset("A2", Reply(b"no", "text/plain", 404))

    summary = here.library.warm(limit=3)

    assert (summary.status, summary.checked, summary.complete) == (RunStatus.PARTIAL, 3, 1)
    assert (summary.media.found, summary.media.cached, summary.media.errors, summary.media.gone) == (3, 1, 1, 1)
    assert summary.error is None


def test_without_waiting_another_process_keeps_it_and_the_work_is_first_in_line(here):
    bring(here)
    with here.store.writing() as tx:
        leases.take(tx, "fetch", utc_now())
        tx.exec_driver_sql("UPDATE leases SET owner = 'elsewhere:boot:1:1'")

    with pytest.raises(LeaseTaken):
        here.library.warm(limit=2, wait=False)

    assert here.rows("SELECT priority, count(*) FROM work GROUP BY priority ORDER BY 1") == [(-1, 2), (0, 2)]
    assert here.library.runs()[0].status is RunStatus.FAILED
    assert here.server.requests == []


def test_stopping_leaves_the_rest_first_in_line(here):
    bring(here)
    summary = here.library.warm(stop=lambda: True)
    assert (summary.status, summary.complete) == (RunStatus.CANCELLED, 0)
    assert here.library.fetch_due().cached == 4
