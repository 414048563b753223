"""A month of fetching in seconds: hosts that rest, links that end, bodies without an end, false pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest

from postkeep.config import CacheConfig, Config, FetchConfig
from postkeep.errors import CacheFull
from postkeep.library import open_library
from postkeep.model import RunStatus, utc_now
from postkeep.store import hosts
from tests.library.world import World, opened, picture, with_pictures, world
from tests.media_bytes import jpeg, png
from tests.records import post
from tests.servers.media import Exchange, MediaServer, dripping, slow

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def status(code: int, body: bytes = b"no", **headers: str) -> Callable[[Exchange], None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(exchange: Exchange) -> None:
        exchange.head(code, {"Content-Length": str(len(body)), **named})
        exchange.send_last(body)

    return answer


def first(answer: Callable[[Exchange], None], then: bytes) -> Callable[[Exchange], None]:
    """Misbehave once, and serve the bytes from then on."""
    asked: list[str] = []

    def either(exchange: Exchange) -> None:
        asked.append(exchange.request.path)
        if len(asked) == 1:
            answer(exchange)
        else:
            exchange.head(200, {"Content-Length": str(len(then)), "Content-Type": "image/png"})
            exchange.send_last(then)

    return either


def pictures(here: World, count: int, content: object = None) -> list[str]:
    return [here.asset(f"D4N{number:03}", content) for number in range(count)]


def kinds(here: World) -> dict[str, int]:
    return dict(here.rows("SELECT error_kind, count(*) FROM post_media GROUP BY 1"))


def figures(here: World, run_id: str) -> dict[str, object]:
    (text,) = here.rows("SELECT figures_json FROM download_runs WHERE run_id = ?", run_id)[0]
    return orjson.loads(text)


# --- hosts ----------------------------------------------------------------------------------------------


def test_a_host_that_says_not_now_is_left_alone_until_then_also_after_a_restart(tmp_path, database_url):
    with world(tmp_path, database_url, per_host=1) as here:
        here.bring(with_pictures(1, *pictures(here, 30, status(429, Retry_After="3600"))), fetch=False)
        summary = here.library.fetch_due()
        asked = here.server.count()

        assert asked <= 2
        assert list(summary.resting) == ["media.licdn.com"]
        assert summary.waiting == 30
        assert set(here.states().values()) == {"pending"}
        with opened(tmp_path, database_url, here.server, per_host=1) as again:
            assert again.library.fetch_due().requests == 0
            assert again.server.count() == asked
            again.later(hours=2)
            pictures(again, 30)
            last = again.library.fetch_due()
        assert (last.cached, last.resting) == (30, {})
        assert here.rows("SELECT count(*) FROM hosts") == [(0,)]
        here.check()


def test_a_dying_host_is_left_alone_and_the_others_go_on(tmp_path, database_url):
    with MediaServer() as server, opened(tmp_path, database_url, server, everywhere=True, circuit=3) as here:
        dead = [f"http://dead.test/{number}.png?e=4000000000" for number in range(40)]
        good = [f"http://good.test/good-{number}.png" for number in range(40)]
        for number in range(40):
            here.route(f"/{number}.png", status(500))
            here.route(f"/good-{number}.png", picture(f"good {number}"))
        here.bring(*(with_pictures(n, dead[n], good[n]) for n in range(40)), fetch=False)
        summary = here.library.fetch_due()

        assert summary.cached == 40
        assert list(summary.resting) == ["dead.test"]
        # Those that were on their way when the third failed are all that was asked in vain.
        assert sum(here.server.count(f"/{number}.png") for number in range(40)) <= 3 + 2 * 5
        assert here.queued() == 40


def test_a_host_on_probation_is_asked_once_before_the_rest_follow(tmp_path, database_url):
    with world(tmp_path, database_url) as here:
        here.bring(with_pictures(1, *pictures(here, 12, status(503))), fetch=False)
        here.library.fetch_due()
        here.server.reset()
        pictures(here, 12, status(503))
        here.later(hours=1)
        summary = here.library.fetch_due()

        assert here.server.count() == 1
        assert summary.requests == 1
        assert here.rows("SELECT pauses FROM hosts") == [(2,)]


def test_patience_waits_for_a_host_that_asks_for_a_moment(tmp_path, database_url):
    with world(tmp_path, database_url, per_host=1, backoff=0.0) as here:
        content = picture("late")
        url = here.asset("D4A", first(status(429, Retry_After="1"), content))
        here.bring(with_pictures(1, url, *pictures(here, 3)), fetch=False)
        summary = here.library.fetch_due(patience=30.0)

        assert (summary.status, summary.cached) == (RunStatus.COMPLETED, 4)
        assert set(here.states().values()) == {"fetched"}
        here.check()


def test_a_burst_of_refusals_stops_before_every_link_was_tried_in_vain(tmp_path, database_url):
    with world(tmp_path, database_url, per_host=1, circuit=4) as here:
        here.bring(with_pictures(1, *pictures(here, 50, status(403))), fetch=False)
        summary = here.library.fetch_due()

        assert here.server.count() <= 4 + 2
        assert summary.failed <= 4 + 2
        assert here.queued() == 50


# --- order ----------------------------------------------------------------------------------------------


def test_what_expires_first_is_fetched_first(tmp_path, database_url):
    with world(tmp_path, database_url, per_host=1) as here:
        now = int(utc_now().timestamp())
        expiries = {"D4LATE": now + 90 * 86400, "D4SOON": now + 3600, "D4NEXT": now + 86400}
        urls = []
        for name, expiry in expiries.items():
            path = here.route(f"/dms/image/v2/{name}/feedshare-shrink_800/0/1", slow(picture(name), seconds=0.05))
            urls.append(here.licdn(path, expires=expiry))
        here.bring(with_pictures(1, *urls), fetch=False)
        here.library.fetch_due()

        order = [request.path.split("/")[4] for request in here.server.requests]
        assert order == ["D4SOON", "D4NEXT", "D4LATE"]


def test_a_second_try_comes_before_the_link_ends(here):
    soon = int((utc_now() + timedelta(hours=2)).timestamp())
    url = here.licdn(here.route("/dms/image/v2/D4A/feedshare-shrink_800/0/1", status(403)), expires=soon)
    here.bring(with_pictures(1, url))
    here.write_rows("UPDATE work SET fails = 3, due_at = ?", utc_now())
    here.write_rows("DELETE FROM hosts")
    here.library.fetch_due()

    ((due, expires),) = here.rows(
        "SELECT w.due_at, m.expires_at FROM work w JOIN post_media m ON m.media_id = w.subject"
    )
    assert due < expires


# --- bodies ---------------------------------------------------------------------------------------------


def test_a_file_without_its_end_is_asked_for_twice_and_kept_as_what_it_is(here):
    cut = jpeg(seed=b"cut")[:-2]
    here.bring(with_pictures(1, here.asset("D4A", cut)))

    assert here.server.count() == 2
    assert here.states() == {"D4A": "fetched"}
    assert here.rows("SELECT incomplete_at_source, file_size FROM media_files") == [(1, len(cut))]
    assert here.library.media_list()[0].incomplete_at_source
    here.check()


def test_a_file_that_is_whole_the_second_time_is_kept_whole(here):
    whole = png(seed=b"whole")
    url = here.asset("D4A", first(status(200, whole[:-8]), whole))
    here.bring(with_pictures(1, url))

    assert here.server.count() == 2
    assert here.rows("SELECT incomplete_at_source, sha256 FROM media_files") == [
        (0, hashlib.sha256(whole).hexdigest())
    ]
    here.check()


def test_two_different_beginnings_are_no_file(here):
    whole = png(seed=b"whole")
    url = here.asset("D4A", first(status(200, whole[:-8]), whole[:-4]))
    here.bring(with_pictures(1, url))

    assert here.states() == {"D4A": "retry"}
    assert kinds(here) == {"truncated": 1}
    assert here.rows("SELECT count(*) FROM media_files") == [(0,)]
    assert here.cached() == {}
    here.check()


def test_pictures_of_one_pixel_and_listed_ones_are_never_kept(tmp_path, database_url):
    removed = picture("removed", width=161)
    listed = hashlib.md5(removed).hexdigest()
    with world(tmp_path, database_url, placeholders=(listed,)) as here:
        urls = [here.asset("D4DOT", png(1, 1)), here.asset("D4GONE", removed), here.asset("D4REAL")]
        here.bring(with_pictures(1, *urls))
        states = here.states()
        here.later(hours=1)
        here.library.fetch_due()

        assert states == {"D4DOT": "retry", "D4GONE": "retry", "D4REAL": "fetched"}
        assert here.states() == {"D4DOT": "unsupported", "D4GONE": "unsupported", "D4REAL": "fetched"}
        assert len(here.cached()) == 1
        here.check()


@pytest.mark.parametrize("code", [200, 403])
def test_a_page_that_says_the_link_expired_is_believed(here, code):
    page = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    here.bring(with_pictures(1, here.asset("D4A", status(code, page))))

    assert here.states() == {"D4A": "expired"}
    assert here.queued() == 0


# --- limits that change, and figures --------------------------------------------------------------------


def test_what_was_too_large_starts_by_itself_when_the_limit_is_raised(tmp_path, database_url):
    content = picture("large", width=300)
    with world(tmp_path, database_url, max_bytes=len(content) - 1) as here:
        here.bring(with_pictures(1, here.asset("D4A", content)))
        assert here.states() == {"D4A": "refused"}
        assert here.library.fetch_due().due == 0
        with opened(tmp_path, database_url, here.server, max_bytes=len(content)) as raised:
            assert raised.library.fetch_due().cached == 1
        assert here.states() == {"D4A": "fetched"}


def test_each_run_keeps_its_figures(here):
    urls = [here.asset("D4A"), here.asset("D4B", status(404)), here.asset("D4C", status(500))]
    here.bring(with_pictures(1, *urls), fetch=False)
    summary = here.library.fetch_due()
    found = figures(here, summary.run_id)

    assert {name: found[name] for name in ("requests", "cached", "linked", "failed")} == {
        "requests": 3,
        "cached": 1,
        "linked": 0,
        "failed": 2,
    }
    assert found["kinds"] == {"http_404": 1, "http_500": 1}
    assert found["bytes"] == summary.bytes > 0


# --- room -----------------------------------------------------------------------------------------------


def test_at_the_limit_what_can_come_back_makes_room_and_a_run_says_when_that_was_too_much(
    tmp_path, database_url, caplog
):
    old, new = picture("old", width=100), picture("new", width=101)
    limit = max(len(old), len(new)) + 20
    with MediaServer() as server:
        config = Config(
            tmp_path / "home",
            database_url,
            FetchConfig(allow=(server.allow,)),
            CacheConfig(max_bytes=limit, evict="lru"),
        )
        with open_library(config, connect_to=(f"media.licdn.com:80:127.0.0.1:{server.port}",)) as library:
            here = World(tmp_path, server, config, library)
            here.bring(with_pictures(1, here.asset("D4OLD", old)))
            here.write_rows("UPDATE media_files SET last_used_at = ?", utc_now() - timedelta(days=2))
            here.bring(with_pictures(2, here.asset("D4NEW", new)))

            assert here.rows("SELECT evicted_because, cached_at IS NULL FROM media_files ORDER BY created_at") == [
                ("lru", 1),
                (None, 0),
            ]
            assert len(here.cached()) == 1
            assert here.states() == {"D4NEW": "fetched", "D4OLD": "fetched"}
            here.write_rows("UPDATE media_files SET last_used_at = ?", utc_now() - timedelta(days=2))
            here.write_rows(
                "INSERT INTO work (stage, subject, host, priority, due_at, fails)"
                " SELECT 'fetch', media_id, 'media.licdn.com', 0, ?, 0 FROM post_media WHERE media_key = 'D4OLD'",
                utc_now(),
            )
            with caplog.at_level("WARNING", "postkeep"):
                here.library.fetch_due()
            assert len(here.cached()) == 1
            assert "the cache is too small for what is used" in caplog.text
            here.check()


def test_hosts_are_forgotten_when_they_are_well(store):
    now = utc_now()
    with store.writing() as tx:
        hosts.keep(tx, [hosts.HostState("a.test", now, "HTTP 503", 1, 1)], now)
        hosts.keep(tx, [hosts.HostState("b.test", None, None, 2, 0)], now)
    with store.reading() as tx:
        assert set(hosts.states(tx)) == {"a.test", "b.test"}
        assert hosts.states(tx)["a.test"].paused_until == now
    with store.writing() as tx:
        hosts.keep(tx, [hosts.HostState("b.test")], now)
        assert hosts.resume(tx, "a.test")
        assert not hosts.resume(tx, "a.test")
        assert hosts.states(tx) == {}


def test_a_picture_asked_for_twice_while_it_comes_is_one_request(here):
    url = here.asset("D4A", slow(picture("a"), seconds=0.2))
    here.bring(*(post(n, media={"type": "image", "url": url, "images": [{"url": url}]}) for n in range(6)))

    assert here.server.count() == 1
    assert here.rows("SELECT count(*) FROM post_media WHERE download_state = 'fetched'") == [(6,)]


def test_one_dead_link_shown_by_many_posts_is_asked_for_once(here):
    url = here.asset("D4A", status(404))
    here.bring(*(with_pictures(n, url) for n in range(12)))

    assert here.server.count() == 1
    assert here.rows("SELECT count(*) FROM post_media WHERE download_state = 'gone'") == [(12,)]
    assert here.queued() == 0


def test_one_post_with_bad_links_does_not_close_its_host_for_others(tmp_path, database_url):
    """Its links end sooner, so they come first; after a few refusals the rest of them wait."""
    with world(tmp_path, database_url, per_host=1, circuit=3) as here:
        soon = int((utc_now() + timedelta(days=1)).timestamp())
        bad = [
            here.licdn(here.route(f"/dms/image/v2/D4B{n}/feedshare-shrink_800/0/1", status(403)), expires=soon)
            for n in range(20)
        ]
        good = pictures(here, 10)
        here.bring(with_pictures(1, *bad), *(with_pictures(2 + n, url) for n, url in enumerate(good)), fetch=False)
        summary = here.library.fetch_due()

        assert summary.cached == 10
        assert summary.resting == {}
        assert here.server.count() <= 10 + 3 + 2
        assert here.queued() == 20


def test_what_was_never_asked_for_is_no_try(here):
    gone = here.licdn(
        here.route("/dms/image/v2/D4X/feedshare-shrink_800/0/1", picture("x")), expires=1_600_000_000
    )
    here.bring(with_pictures(1, here.asset("D4A"), gone, "http://10.0.0.1/a.png"), fetch=False)
    summary = here.library.fetch_due()
    found = figures(here, summary.run_id)

    assert (found["requests"], found["cached"], found["failed"], found["kinds"]) == (1, 1, 0, {})
    assert (summary.failed, summary.states["expired"], summary.states["refused"]) == (2, 1, 1)


# --- what is asked for, and what only waited -------------------------------------------------------------


def test_what_was_withdrawn_before_it_was_sent_counts_neither_as_request_nor_for_the_limit(tmp_path, database_url):
    with MediaServer() as server, opened(tmp_path, database_url, server, everywhere=True, per_host=1) as here:
        busy = [f"http://busy.test/busy-{number}.png" for number in range(6)]
        good = [f"http://good.test/good-{number}.png" for number in range(3)]
        for url in busy:
            here.route(url[len("http://busy.test") :], status(429, Retry_After="3600"))
        for number, url in enumerate(good):
            here.route(url[len("http://good.test") :], picture(f"good {number}"))
        here.bring(with_pictures(1, *busy), with_pictures(2, *good), fetch=False)
        summary = here.library.fetch_due(limit=4)

        assert summary.cached == 3
        assert summary.requests == here.server.count() == 4
        assert figures(here, summary.run_id)["requests"] == 4
        assert here.queued() == 6
        here.check()


def test_many_hosts_that_drip_do_not_keep_another_waiting(tmp_path, database_url, monkeypatch):
    monkeypatch.setattr("postkeep.net.slow.SLOW_AFTER", 0.2)
    monkeypatch.setattr("postkeep.net.engine.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("postkeep.stages.fetch.run._AHEAD", 4)
    ended = []

    def drip(exchange: Exchange) -> None:
        dripping(b"x" * 1000, every=0.2)(exchange)
        ended.append(exchange.request.path)

    with (
        MediaServer() as server,
        opened(tmp_path, database_url, server, everywhere=True, concurrency=4, per_host=2) as here,
    ):
        stop = []

        def good(exchange: Exchange) -> None:
            stop.append(len(ended))
            content = picture("good")
            exchange.head(200, {"Content-Length": str(len(content))})
            exchange.send_last(content)

        here.route("/drip.png", drip)
        here.route("/good.png", good)
        # On both sides of the good one, in whatever order hosts are asked.
        drips = [f"http://{side}{n}.test/drip.png?{more}" for side in "az" for n in range(12) for more in range(3)]
        here.bring(with_pictures(1, *drips), with_pictures(2, "http://m.test/good.png"), fetch=False)
        summary = here.library.fetch_due(stop=lambda: bool(stop))

        assert stop == [0]
        assert summary.cached == 1
        here.check()


# --- a cache at its limit --------------------------------------------------------------------------------


@sqlite_only
def test_at_a_limit_that_nothing_can_leave_for_nothing_more_is_asked_for(tmp_path, database_url):
    content = picture("a")
    with world(tmp_path, database_url, cache_bytes=len(content)) as here:
        here.bring(with_pictures(1, here.asset("D4A", content)))
        asked = here.server.count()
        summary = here.bring(with_pictures(2, *pictures(here, 20)))

        assert (summary.status, summary.media.pending) == (RunStatus.FAILED, 20)
        assert "raise cache.max_bytes" in summary.error
        alone = here.server.route("/alone.png", picture("alone"))
        with pytest.raises(CacheFull):
            here.library.fetch_urls([alone])
        assert here.server.count() == asked
        here.check()


@sqlite_only
def test_near_such_a_limit_a_declared_length_is_enough_to_stop(tmp_path, database_url):
    first, body = picture("a"), b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000
    sent = []

    def large(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(body)), "Content-Type": "image/png"})
        sent.append(exchange.request.path)
        exchange.send(body[:100])
        exchange.wait(30)

    with world(tmp_path, database_url, cache_bytes=len(first) + 10) as here:
        here.bring(with_pictures(1, here.asset("D4A", first)))
        summary = here.bring(with_pictures(2, *pictures(here, 20, large)))

        assert (summary.status, summary.media.pending) == (RunStatus.FAILED, 20)
        assert "raise cache.max_bytes" in summary.error
        assert len(sent) == 1
        assert kinds(here) == {None: 21}
        here.check()


def test_an_import_says_how_many_more_reasons_there_are(here):
    codes = (400, 402, 405, 406, 407, 409, 418)
    urls = [here.asset(f"D4N{code}", status(code)) for code in codes]
    summary = here.bring(with_pictures(1, *urls))

    *reasons, more = summary.problems
    assert (summary.media.errors, len(reasons)) == (7, 5)
    assert "… and 2 more" in more
