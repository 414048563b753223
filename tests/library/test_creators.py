"""Creators' figures from the store are those of the lists they came from, and stored whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from postkeep import log
from postkeep.analytics.creator import calculate_analytics
from postkeep.analytics.registry import COMPUTED_50, shown
from postkeep.analytics.result import Mode
from postkeep.cli.run import run
from postkeep.errors import ConfigError, NotFound, StoreError
from postkeep.ids import IdFactory
from postkeep.model import Metrics, Parsed, RunStatus, utc_now
from postkeep.stages import creators as stage
from postkeep.stages.ingest import Ingest
from postkeep.store import creator_analytics, creator_posts, runs
from postkeep.views.creators import AnalyticsMode, CreatorOrder, TopBy
from tests.analytics.lists import SAMPLES, sample_lists
from tests.library.world import World
from tests.media_bytes import png
from tests.pages import Pages, day, entry, page, raw

FOLLOWERS = 108_221
NAME = "instagram/selaavexiin"
Shown = Callable[..., dict[str, Any]]


@pytest.fixture
def sampled(here: World) -> World:
    """The sample files, observed at one time."""
    folder = here.folder / "samples"
    shutil.copytree(SAMPLES, folder, ignore=shutil.ignore_patterns("expected"))
    for each in folder.iterdir():
        os.utime(each, (1_758_100_000, 1_758_100_000))
    here.library.import_([str(folder)], fetch=False)
    return here


@pytest.fixture
def show(sampled: World, capfd: pytest.CaptureFixture[str]) -> Shown:
    """What `creators show --json` says of the sample's creator."""

    def show(*options: str) -> dict[str, Any]:
        home, database = str(sampled.config.home), sampled.config.database_url
        assert run(["--home", home, "--database", database, "creators", "show", NAME, *options, "--json"]) == 0
        log.release_logging()
        told: dict[str, Any] = json.loads(capfd.readouterr().out)
        return told

    return show


@pytest.mark.parametrize("mode", AnalyticsMode)
def test_the_sample_has_the_figures_of_its_lists(show: Shown, mode: AnalyticsMode) -> None:
    told = show("--mode", str(mode))
    reels, posts = sample_lists()
    if mode is AnalyticsMode.COMPAT:
        # As built, a clip in both lists was two posts; in a store it is one.
        codes = {each["media"]["code"] for each in reels}
        posts = [each for each in posts if each["code"] not in codes]
    now = datetime.fromisoformat(told["calculated_at"])
    expected = calculate_analytics(reels, posts, FOLLOWERS, now=now, mode=Mode(mode.value)).as_json()

    assert {name: told[name] for name in COMPUTED_50} == {name: expected[name] for name in COMPUTED_50}
    assert (told["mode"], told["version"], told["input"]) == (mode, expected["version"], "merged")
    assert told["followers"] == FOLLOWERS
    assert told["basis"].keys() == expected["basis"].keys()


def test_the_sample_by_plain_sql(sampled: World) -> None:
    assert sampled.library.creators.update([NAME]).posts == 17
    counted = (
        "FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id"
        " WHERE p.native_id <> (SELECT p.native_id FROM listing_posts t JOIN posts p ON p.post_id = t.post_id"
        " WHERE t.pinned)"
    )
    [figures] = sampled.rows(
        "SELECT avg(CASE WHEN p.post_format = 'reel' THEN d.views END),"
        " avg(CASE WHEN p.post_format = 'reel' THEN d.likes END),"
        " avg(CASE WHEN p.post_format <> 'reel' THEN d.comments END),"
        f" avg(1.0 * (d.likes + d.comments)) / {FOLLOWERS} * 100 {counted}"
    )
    stored = sampled.rows(
        "SELECT avg_views_per_reel_cached, avg_likes_per_reel_cached, avg_comments_per_post_cached,"
        " engagement_rate_cached, avg_saves_per_post_cached FROM creator_analytics"
    )
    assert stored == [(*(pytest.approx(float(each)) for each in figures), None)]
    assert shown("avg_reel_views", stored[0][0]) == "29,862"


def test_what_a_page_shows_beside_the_figures(show: Shown) -> None:
    told = show("--top", "3", "--zone", "Europe/Berlin")
    assert [(each["form"], each["posts"]) for each in told["types"]] == [
        ("carousel", 6),
        ("image", 5),
        ("reel", 5),
    ]
    assert [(each["likes"], each["rate"]) for each in told["top_posts"]] == [
        (5796, 5.43),
        (3128, 2.95),
        (2744, 2.62),
    ]
    assert sum(map(sum, told["hours"])) == told["basis"]["most_active_day"]["counted"] == 6
    assert told["zone"] == "Europe/Berlin"
    assert [each["followers"] for each in told["follower_history"]] == [FOLLOWERS]


# --- made-up pages ------------------------------------------------------------------------------------------


class Counting(Pages):
    """Pages that tell more of a post's numbers."""

    def parse(self, record: Any, via: str | None = None) -> Parsed:
        parsed = super().parse(record, via)
        posts = [_counted(post, told) for post, told in zip(parsed.posts, record["posts"], strict=True)]
        return replace(parsed, posts=tuple(posts))


def _counted(post: Any, told: dict[str, Any]) -> Any:
    names = ("likes", "comments", "views", "shares", "reposts", "saves")
    counts = {name: told.get(name) for name in names}
    detail = {"play_count": told["views"]} if "views" in told else {}
    metrics = Metrics(**counts, hidden=told.get("hidden", False), detail=detail)
    return replace(post, metrics=metrics, metrics_of_original=told.get("original", False))


def bring(world: World, *pages: dict[str, Any], at: float) -> None:
    ids = IdFactory()
    run_id = ids.new("run")
    with world.store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    ingest = Ingest(world.store, platforms=[Counting()], ids=ids, run_id=run_id, clock=utc_now)
    for _ in ingest.feed([raw(each, at=day(at)) for each in pages]):
        pass
    assert ingest.tally.problems == []
    world.now_is(day(at))


def ann(world: World, **more: Any) -> Any:
    return world.library.creators.show("ann", **more)


def reel(serial: int, **more: Any) -> dict[str, Any]:
    return entry(serial, format="reel", **more)


def test_a_reel_keeps_the_plays_that_the_feed_after_does_not_tell(here: World) -> None:
    bring(here, page(reel(2, views=300, likes=5), reel(1, views=100, likes=1), kind="reels"), at=3)
    bring(here, page(reel(2, likes=6), reel(1, likes=1)), at=3.01)
    assert ann(here).analytics["avg_reel_views"] == 200
    assert [each.views for each in here.library.creators.top_posts(by=TopBy.VIEWS)] == [300, 100]

    bring(here, page(reel(2, likes=6), reel(1, likes=1)), at=5)
    assert ann(here).analytics["avg_reel_views"] is None


def test_what_counts_is_own_known_and_not_hidden(here: World) -> None:
    bring(
        here,
        page(
            entry(6, likes=10, comments=0),
            entry(5, likes=20, comments=2, author="bob", coauthors=["ann"]),
            entry(4, likes=-1, comments=4, hidden=True),
            entry(3, likes=1000, comments=1000, original=True),
            entry(2, likes=0, comments=0),
            account={"followers": 50},
        ),
        at=7,
    )
    told = ann(here).analytics
    assert told["sample"]["excluded"] == {"not_own": 1}
    assert (told["sample"]["counted"], told["sample"]["hidden"]) == (4, 1)
    assert (told["total_likes"], told["total_comments"], told["engagement_rate"]) == (10, 4, 10.0)
    assert told["basis"]["engagement_rate"]["counted"] == 2


def test_the_newest_lists_say_what_counts(here: World) -> None:
    bring(here, page(*(entry(n, likes=n) for n in (9, 8, 2, 1))), at=10)
    newest = page(*(entry(n, likes=n) for n in (11, 9, 8)), entry(1, likes=1, pinned=True))
    bring(here, newest, at=12)
    told = ann(here).analytics
    assert (told["posts_analyzed"], told["sample"]["excluded"]) == (3, {"outside_window": 2})
    assert told["posting_frequency_per_week"] == pytest.approx(2 / 3 * 7)

    bring(here, page(*(entry(n, likes=n) for n in (11, 9, 8, 2, 1)), complete=True), at=13)
    assert ann(here).analytics["posts_analyzed"] == 5


def test_growth_comes_with_its_basis(here: World) -> None:
    for at, followers in ((0, 1000), (6, 1100), (7, 1210)):
        bring(here, page(entry(0), kind=None, account={"followers": followers}), at=at)
    growth = ann(here).growth
    assert growth["daily"]["percent"] == pytest.approx(10)
    assert growth["weekly"]["percent"] == pytest.approx(21)
    assert (growth["weekly"]["from_followers"], growth["weekly"]["elapsed_hours"]) == (1000, 168)

    here.library.creators.update(["ann"])
    assert here.rows(
        "SELECT follower_growth_rate_daily, previous_followers_count, followers_last_updated IS NULL"
        " FROM creator_analytics"
    ) == [(pytest.approx(10), 1100, False)]
    assert [each.followers for each in ann(here).history] == [1000, 1100, 1210]


def test_a_rate_divides_by_the_followers_of_its_time(here: World) -> None:
    bring(here, page(entry(0, likes=10, comments=0), kind=None), at=1)
    bring(here, page(entry(3, likes=10, comments=0), kind=None, account={"followers": 100}), at=4)
    bring(here, page(entry(9, likes=10, comments=0), kind=None, account={"followers": 1000}), at=10)
    top = here.library.creators.top_posts(by=TopBy.RATE)
    assert [(each.native_id, each.rate, each.followers) for each in top] == [("3", 10.0, 100), ("9", 1.0, 1000)]
    rates = {each.native_id: each.rate for each in here.library.creators.top_posts(by=TopBy.LIKES)}
    assert rates == {"0": None, "3": 10.0, "9": 1.0}


# --- what is stored -----------------------------------------------------------------------------------------


def test_unknown_replaces_known_and_calls_are_added(here: World) -> None:
    bring(here, page(entry(1)), at=2)
    [[profile_id]] = here.rows("SELECT profile_id FROM profiles WHERE username = 'ann'")
    fields: dict[str, Any] = dict.fromkeys(creator_analytics._FIELDS, 1.0)
    fields |= dict.fromkeys(creator_analytics._TIMES, day(1)) | {"best_content_type": "reels"}
    fields |= {"total_api_calls": 3, "viral_content_count_cached": 1, "previous_followers_count": 7}
    assert len(fields) == 24

    def write(changed: dict[str, Any]) -> dict[str, Any]:
        with here.store.writing() as tx:
            creator_analytics.write(
                tx, profile_id, changed, mode="corrected", version="1", computed_at=day(2), details="{}"
            )
        with here.store.reading() as tx:
            stored = creator_analytics.read(tx, profile_id)
        assert stored is not None
        return stored

    assert write(fields) == fields | {
        "mode": "corrected",
        "version": "1",
        "computed_at": day(2),
        "details": "{}",
    }
    unknown = write(dict.fromkeys(fields) | {"total_api_calls": 2})
    assert {name for name, value in unknown.items() if name in fields and value is not None} == {"total_api_calls"}
    assert unknown["total_api_calls"] == 5
    with pytest.raises(KeyError):
        write({"total_api_calls": 1})


def test_what_is_stored_is_what_is_shown(sampled: World) -> None:
    sampled.now_is(datetime(2025, 9, 17, 9, 0, tzinfo=UTC))
    sampled.library.creators.update([NAME])
    [[profile_id]] = sampled.rows("SELECT profile_id FROM creator_analytics")
    with sampled.store.reading() as tx:
        stored = creator_analytics.read(tx, profile_id)
    assert stored is not None
    told = sampled.library.creators.show(NAME).analytics
    assert orjson.loads(stored["details"])["analytics"] == told
    assert stored["avg_views_per_reel_cached"] == told["avg_reel_views"]
    assert stored["last_scraped_at"] == datetime(2025, 9, 17, 9, 6, 40, tzinfo=UTC)


def test_all_active_creators_are_updated_and_one_that_fails_stops_no_other(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"name{number}" for number in range(5)]
    for number, name in enumerate(names):
        bring(here, page(entry(number), owner=name, owner_id=str(number)), at=9)
    here.write_rows("UPDATE profiles SET is_active = (username <> 'name4')")
    bad = here.rows("SELECT profile_id FROM profiles WHERE username = 'name1'")[0][0]
    read = creator_posts.creator

    def failing(tx: Any, profile_id: str) -> Any:
        if profile_id == bad:
            raise StoreError("cannot be read")
        return read(tx, profile_id)

    monkeypatch.setattr(creator_posts, "creator", failing)
    monkeypatch.setattr(stage, "_BATCH", 2)
    steps: list[int] = []
    summary = here.library.creators.update(progress=lambda step: steps.append(step.done))
    assert (summary.status, summary.profiles, summary.updated) == (RunStatus.PARTIAL, 4, 3)
    assert dict(summary.failed) == {bad: "cannot be read"}
    assert steps == [1, 2, 3, 4]
    assert here.rows("SELECT status FROM download_runs WHERE run_id = ?", summary.run_id) == [("partial",)]
    assert here.rows("SELECT count(*) FROM creator_analytics") == [(3,)]


def test_a_stop_leaves_whole_creators(here: World) -> None:
    for number in range(3):
        bring(here, page(entry(number), owner=f"name{number}", owner_id=str(number)), at=9)
    asked = iter((False, True))
    summary = here.library.creators.update(["name0", "name1", "name2"], stop=lambda: next(asked))
    assert (summary.status, summary.updated) == (RunStatus.CANCELLED, 1)
    assert here.rows("SELECT count(*) FROM creator_analytics WHERE details IS NOT NULL") == [(1,)]


# --- lists --------------------------------------------------------------------------------------------------


def test_pages_show_every_creator_once_in_order(here: World) -> None:
    counts = [30, None, 10, 30, 20, None]
    for number, followers in enumerate(counts):
        told = page(
            entry(number, likes=number, comments=0),
            owner=f"Name{number}" if number % 2 else f"name{number}",
            owner_id=str(number),
            account={"followers": followers} if followers else None,
        )
        bring(here, told, at=9)
    here.library.creators.update([f"{'Name' if number % 2 else 'name'}{number}" for number in range(6)])
    orders: dict[CreatorOrder, list[Any]] = {}
    for by in CreatorOrder:
        after, found = None, []
        while lines := here.library.creators.page(by=by, limit=2, after=after):
            found += lines
            after = lines[-1].profile_id
        assert len({each.profile_id for each in found}) == len(found) == 6
        orders[by] = found
    assert [each.followers for each in orders[CreatorOrder.FOLLOWERS]] == [30, 30, 20, 10, None, None]
    rates = [each.engagement_rate for each in orders[CreatorOrder.RATE]]
    assert rates == [pytest.approx(rate) for rate in (20, 20, 10, 0)] + [None, None]
    assert [(each.username or "").lower() for each in orders[CreatorOrder.NAME]] == [f"name{n}" for n in range(6)]


@pytest.mark.parametrize("by", TopBy)
def test_the_top_posts_are_those_of_a_sort(sampled: World, by: TopBy) -> None:
    every = sampled.library.creators.top_posts(by=by, limit=1000)
    values = [getattr(each, by) for each in every]
    assert values == sorted(values, reverse=True)
    column = {TopBy.RATE: "likes + d.comments"}.get(by, str(by))
    [[known]] = sampled.rows(
        "SELECT count(*) FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id"
        f" WHERE d.{column} IS NOT NULL"
    )
    assert len(every) == known > 0
    few = sampled.library.creators.top_posts(by=by, limit=3)
    assert [getattr(each, by) for each in few] == values[:3]
    cut = every[len(every) // 2].posted_at
    since = sampled.library.creators.top_posts(by=by, limit=1000, since=cut, author=NAME)
    assert {each.post_id for each in since} == {each.post_id for each in every if each.posted_at >= cut}


def test_small_pages_lose_nothing(sampled: World) -> None:
    [[profile_id]] = sampled.rows("SELECT profile_id FROM profiles WHERE username = 'selaavexiin'")
    with sampled.store.reading() as tx:
        whole = list(creator_posts.posts_of(tx, profile_id))
        assert list(creator_posts.posts_of(tx, profile_id, page=2)) == whole
    assert len(whole) == 17


def test_names_that_mean_nothing_are_refused(here: World) -> None:
    verbs = here.library.creators
    for ask in (
        lambda: verbs.show("nobody"),
        lambda: verbs.update(["nobody"]),
        lambda: verbs.top_posts(author="nobody"),
        lambda: verbs.top_posts(platform="nowhere"),
        lambda: verbs.page(platform="nowhere"),
    ):
        with pytest.raises(NotFound):
            ask()
    bring(here, page(entry(1)), at=2)
    with pytest.raises(ConfigError):
        verbs.show("ann", zone="Nowhere/Town")
    assert here.rows("SELECT count(*) FROM download_runs WHERE script_name LIKE '%creators%'") == [(0,)]


def test_a_profile_without_posts_has_a_page(here: World) -> None:
    bring(here, page(entry(1, coauthors=["bob"]), account={"followers": 5}), at=2)
    here.write_rows("DELETE FROM post_people")
    told = here.library.creators.show("bob")
    assert told.analytics["total_content_analyzed"] == 0
    assert (told.followers, told.top, told.types, told.newest_observation) == (None, (), (), None)


def test_a_report_has_the_pictures_that_are_here_and_whole(sampled: World) -> None:
    posts = sampled.library.creators.show(NAME, top=3).top
    files = {}
    for place, post in enumerate(posts):
        served = png(3, 2, seed=str(place).encode())
        url = f"http://{sampled.server.allow}{sampled.route(f'/{place}.png', served)}"
        view = sampled.library.fetch_url(url)
        files[post.post_id] = (view, served)
        sampled.write_rows(
            "UPDATE post_media SET file_id = (SELECT file_id FROM media_files WHERE sha256 = ?) WHERE post_id = ?",
            view.sha256,
            post.post_id,
        )
    assert {
        post_id: each.content for post_id, each in sampled.library.creators.report(NAME, top=3).pictures.items()
    } == {post_id: served for post_id, (_, served) in files.items()}

    assert sampled.library.creators.report(NAME, top=0).avatar is None
    view, served = next(iter(files.values()))
    sampled.write_rows(
        "UPDATE profile_media SET file_id = (SELECT file_id FROM media_files WHERE sha256 = ?)"
        " WHERE role = 'avatar'",
        view.sha256,
    )
    avatar = sampled.library.creators.report(NAME, top=0).avatar
    assert avatar is not None
    assert avatar.content == served

    (damaged, _), (missing, _), _ = files.values()
    Path(damaged.path).write_bytes(b"x" * damaged.size)
    Path(missing.path).unlink()
    shown = sampled.library.creators.report(NAME, top=3)
    assert (list(shown.pictures), shown.avatar) == ([posts[2].post_id], None)


def test_only_figures_of_the_platform_are_shown(sampled: World) -> None:
    sampled.library.import_([str(SAMPLES.parent / "linkedin")], fetch=False)
    [[author]] = sampled.rows("SELECT min(author_profile_id) FROM posts WHERE platform = 'linkedin'")
    ours, theirs = ({each.name for each in sampled.library.creators.show(name).figures} for name in (NAME, author))
    assert ours == set(COMPUTED_50)
    assert "engagement_rate" in theirs < ours
    assert not any("reel_" in name for name in theirs)
