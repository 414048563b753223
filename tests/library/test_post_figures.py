"""One post's figures: its rate by the followers of that time, how far it is above others, how fast it grew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postkeep.ids import IdFactory
from postkeep.model import RawRecord, utc_now
from postkeep.stages.ingest import Ingest
from postkeep.stages.post_figures import post_figures
from postkeep.store import Store, bulk, runs
from postkeep.views.post_figures import PostFigures
from tests.pages import Pages, day, entry, page, raw

IDS = IdFactory()


def ingest(store: Store, *records: RawRecord) -> None:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    stage = Ingest(store, platforms=[Pages()], ids=IDS, run_id=run_id, clock=utc_now)
    for _ in stage.feed(records):
        pass


def figures(store: Store, serial: int) -> PostFigures:
    with store.reading() as tx:
        post_id = bulk.execute(tx, "SELECT post_id FROM posts WHERE native_id = ?", str(serial)).scalar()
        return post_figures(tx, post_id)


def test_the_rate_is_that_of_the_followers_of_that_time(store: Store) -> None:
    ingest(
        store,
        raw(page(kind=None, account={"followers": 1000}), at=day(1)),
        raw(page(entry(1, likes=40, comments=10)), at=day(1.5)),
        raw(page(kind=None, account={"followers": 50_000}), at=day(40)),
    )
    made = figures(store, 1)
    assert (made.engagement_rate, made.followers, made.followers_at) == (5.0, 1000, day(1))


def test_the_multiplier_compares_with_earlier_posts_of_its_kind_that_are_not_pinned(store: Store) -> None:
    earlier = [entry(number, likes=10 * number, comments=0) for number in range(1, 6)]
    reels = [entry(number, likes=9000, comments=0, format="reel", views=9) for number in range(10, 13)]
    later = entry(30, likes=99_999, comments=0)
    ingest(store, raw(page(later, entry(20, likes=120, comments=0), *reels, *reversed(earlier)), at=day(50)))

    made = figures(store, 20)
    assert (made.viral_multiplier, made.compared) == (4.0, 5), "120 over the median of 10, 20, 30, 40, 50"
    assert figures(store, 4).viral_multiplier is None, "three earlier ones are too few"
    assert figures(store, 4).compared == 3


def test_speed_and_half_life_come_from_the_snapshots_and_the_zero_is_virtual(store: Store) -> None:
    for hours, likes in ((24, 100), (48, 300), (72, 400)):
        ingest(store, raw(page(entry(1, likes=likes, comments=0)), at=day(1) + timedelta(hours=hours)))

    made = figures(store, 1)
    assert [each.per_hour for each in made.velocities] == [pytest.approx(200 / 24), pytest.approx(100 / 24)]
    with store.reading() as tx:
        [posted] = bulk.execute(tx, "SELECT posted_at FROM posts").scalars()
    start = bulk.moment(posted)
    assert start is not None
    assert [(point.engagement, point.virtual) for point in made.curve] == [
        (0, True),
        (100, False),
        (300, False),
        (400, False),
    ]
    assert made.curve[0].at == start
    assert made.half_life is not None
    crossed = (day(1) + timedelta(hours=36) - start) / timedelta(hours=1)
    assert (made.half_life.hours, made.half_life.at_most) == (pytest.approx(crossed), False)


def test_what_is_unknown_is_unknown(store: Store) -> None:
    ingest(store, raw(page(entry(1, hidden=True, likes=3, comments=4)), at=day(5)))
    made = figures(store, 1)
    assert (made.engagement_rate, made.viral_multiplier, made.half_life) == (None, None, None)
    assert made.velocities == made.curve == ()
