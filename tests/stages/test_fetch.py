"""What fetching does to media rows, the cache and the servers it asks, through a whole library."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from postkeep import processes
from postkeep.errors import LeaseTaken
from postkeep.model import RunStatus, utc_now
from tests.canonical import dump
from tests.library.world import LATER, World, opened, picture, with_pictures, world
from tests.media_bytes import jpeg, mp4, pdf
from tests.records import EPOCH, author, post
from tests.servers.media import Exchange, MediaServer, redirect, slow

LARGE = "feedshare-shrink_2048_1536"
DAY = timedelta(days=1)
LONG_AGO = 1_600_000_000
sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def refused(status: int, **headers: str):
    def answer(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.head(status, {"Content-Length": "2", **named})
        exchange.send(b"no")

    return answer


def errors(here: World) -> list[tuple[str, str | None]]:
    return here.rows("SELECT download_state, error_kind FROM post_media ORDER BY media_key")


# --- once each ------------------------------------------------------------------------------------------


def test_everything_is_fetched_once_and_never_again(here):
    film = here.licdn(here.route("/playlist/vid/v2/D5VID/mp4-720p-30fp-crf28/0/1", mp4(seed=b"film")))
    cover = here.asset("D5VID", variant="videocover-high")
    paper = here.licdn(here.route("/dms/document/media/v2/D4DOC/feedshare-document-pdf/0/1", pdf(seed=b"paper")))
    records = [
        with_pictures(1, here.asset("D4A"), here.asset("D4B")),
        post(2, media={"type": "video", "url": film, "thumbnail": cover}),
        post(3, document={"title": "Paper", "page_count": 1, "url": paper, "thumbnail": None}),
        with_pictures(4, here.server.route("/plain.jpg", jpeg(seed=b"plain"))),
    ]

    first = here.bring(*records)
    asked = here.server.count()
    before = dump(here.store)
    again = here.bring(*records)

    assert (first.status, first.new, first.media.found, first.media.cached) == (RunStatus.COMPLETED, 4, 6, 6)
    assert asked == here.server.count() == 6
    assert (again.new, again.duplicates, again.media.cached, again.media.errors) == (0, 4, 6, 0)
    assert dump(here.store) == before
    assert set(here.states().values()) == {"fetched"}
    assert sorted(path.split("/")[1] for path in here.cached()) == ["documents"] + ["images"] * 4 + ["videos"]
    assert here.queued() == 0
    here.check()


def test_an_asset_in_two_posts_is_one_request_and_one_file(here):
    url = here.asset("D4A")
    summary = here.bring(with_pictures(1, url), with_pictures(2, url.replace("t=a", "t=b")))

    assert here.server.count() == 1
    assert summary.media.cached == 2
    assert here.rows("SELECT count(*), count(DISTINCT file_id) FROM post_media") == [(2, 1)]
    assert len(here.cached()) == 1
    here.check()


def test_an_asset_in_a_post_of_a_later_import_is_taken_from_the_cache(here):
    here.bring(with_pictures(1, here.asset("D4A")))
    summary = here.bring(
        with_pictures(2, here.licdn("/dms/image/v2/D4A/feedshare-shrink_800/0/1", t="other")), at=EPOCH + DAY
    )

    assert summary.media.cached == 1
    assert here.server.count() == 1
    here.check()


def test_one_content_under_two_urls_is_two_requests_and_one_file(here):
    same = picture("same")
    summary = here.bring(with_pictures(1, here.asset("D4A", same), here.asset("D4B", same)))

    assert here.server.count() == 2
    assert summary.media.cached == 2
    assert len(here.cached()) == 1
    assert here.rows("SELECT count(*), count(DISTINCT file_id) FROM post_media") == [(2, 1)]
    here.check()


def test_a_picture_repeated_in_a_gallery_is_one_request(here):
    url = here.asset("D4A")
    summary = here.bring(with_pictures(1, url, url, here.asset("D4B")))

    assert here.server.count() == 2
    assert (summary.media.found, summary.media.cached) == (3, 3)
    here.check()


def test_a_new_signature_of_a_fetched_asset_is_no_request(here):
    url = here.asset("D4A")
    here.bring(with_pictures(1, url))
    summary = here.bring(with_pictures(1, url.replace("t=a", "t=b")), at=EPOCH + DAY)
    here.library.fetch_due()

    assert summary.media.cached == 1
    assert here.server.count() == 1
    assert here.rows("SELECT media_url LIKE '%t=b' FROM post_media")[0][0]
    here.check()


# --- renditions -----------------------------------------------------------------------------------------


def test_a_larger_rendition_is_fetched_once_and_takes_the_place_of_the_smaller(here):
    here.bring(with_pictures(1, here.asset("D4A", picture("small"))))
    [(small,)] = here.rows("SELECT file_id FROM post_media")
    large = here.asset("D4A", picture("large", 9), variant=LARGE)
    here.bring(with_pictures(1, large), at=EPOCH + DAY)

    assert here.server.count() == 2
    assert here.rows("SELECT download_state, width, file_rendition FROM post_media") == [("fetched", 9, LARGE)]
    assert here.rows("SELECT file_id FROM post_media") != [(small,)]
    here.bring(with_pictures(1, here.asset("D4A", picture("small"))), at=EPOCH + 2 * DAY)
    assert here.server.count() == 2
    assert here.rows("SELECT width, file_rendition FROM post_media") == [(9, LARGE)]
    here.check()


@pytest.mark.parametrize(("status", "queued"), [(404, 0), (500, 1)])
def test_a_larger_rendition_that_fails_leaves_the_file_that_is_there(here, status, queued):
    here.bring(with_pictures(1, here.asset("D4A", picture("small"))))
    before = here.rows("SELECT file_id, local_file_path, md5_sum FROM post_media")
    large = here.asset("D4A", refused(status), variant=LARGE)
    summary = here.bring(with_pictures(1, large), at=EPOCH + DAY)

    assert here.server.count() == 2
    assert here.rows("SELECT file_id, local_file_path, md5_sum FROM post_media") == before
    assert errors(here) == [("fetched", f"http_{status}")]
    assert (summary.media.cached, summary.media.errors) == (1, 0)
    assert here.queued() == queued
    here.check()


# --- failures -------------------------------------------------------------------------------------------


def test_a_dead_link_is_gone_and_not_asked_for_again(here):
    record = with_pictures(1, here.asset("D4A", refused(404)), here.asset("D4B"))
    first = here.bring(record)
    here.bring(record)
    here.library.fetch_due()

    assert (first.status, first.media.gone, first.media.errors) == (RunStatus.COMPLETED, 1, 0)
    assert errors(here) == [("gone", "http_404"), ("fetched", None)]
    assert here.server.count() == 2
    assert here.queued() == 0
    here.check()


def test_a_refusal_before_the_link_expires_is_tried_again_only_when_due(here):
    record = with_pictures(1, here.asset("D4A", refused(403)))
    first = here.bring(record)
    again = here.bring(record)
    here.library.fetch_due()

    assert (first.status, first.media.errors, again.media.errors) == (RunStatus.PARTIAL, 1, 1)
    assert errors(here) == [("retry", "http_403")]
    assert here.server.count() == 1
    [(fails,)] = here.rows("SELECT fails FROM work")
    assert fails == 1
    assert here.library.media_list()[0].next_try_at > utc_now()

    here.asset("D4A")
    here.later(hours=1)
    assert here.library.fetch_due().cached == 1
    assert here.states() == {"D4A": "fetched"}
    assert here.queued() == 0
    here.check()


def test_tries_that_are_spent_are_a_failure(here):
    record = with_pictures(1, here.asset("D4A", refused(500)), here.asset("D4B"))
    here.bring(record)
    for hours in (1, 2, 12, 48):
        here.later(hours=hours)
        here.library.fetch_due()
    here.later(days=30)
    here.library.fetch_due()

    assert errors(here) == [("failed", "http_500"), ("fetched", None)]
    assert here.server.count() == 6
    assert here.queued() == 0
    here.check()


def test_a_link_whose_time_has_passed_is_never_asked_for(here):
    here.asset("D4A")
    path = "/dms/image/v2/D4A/feedshare-shrink_800/0/1"
    summary = here.bring(with_pictures(1, here.licdn(path, expires=LONG_AGO)))

    assert here.server.count() == 0
    assert (summary.status, summary.media.expired, summary.media.errors) == (RunStatus.COMPLETED, 1, 0)
    assert errors(here) == [("expired", "expired")]
    assert here.queued() == 0
    here.check()


def test_a_web_page_in_the_place_of_a_picture_is_unsupported_the_second_time(here):
    record = with_pictures(1, here.asset("D4A", b"<!DOCTYPE html><html>Sign in</html>", content_type="image/png"))
    first = here.bring(record)
    assert errors(here) == [("retry", "not_media")]
    here.later(hours=1)
    here.library.fetch_due()

    assert first.media.errors == 1
    assert errors(here) == [("unsupported", "not_media")]
    assert here.server.count() == 2
    assert (here.queued(), here.cached()) == (0, {})
    here.check()


def test_a_file_above_the_limit_is_refused(tmp_path, database_url):
    with world(tmp_path, database_url, max_bytes=200) as here:
        summary = here.bring(with_pictures(1, here.asset("D4A", picture() + b"x" * 300), here.asset("D4B")))

        assert errors(here) == [("refused", "too_large"), ("fetched", None)]
        assert (summary.media.refused, summary.media.errors) == (1, 1)
        assert here.queued() == 0
        here.check()


def test_a_redirect_to_another_port_of_this_machine_is_refused_and_not_followed(here):
    with MediaServer() as other:
        other.route("/secret.png", picture("secret"))
        here.bring(with_pictures(1, here.asset("D4A", redirect(other.url("/secret.png")))))

        assert errors(here) == [("refused", "refused")]
        assert other.requests == []
    assert here.cached() == {}
    here.check()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.png", "http://169.254.169.254/latest", "http://10.0.0.1/a.png"]
)
def test_an_address_of_a_private_network_is_refused_without_a_connection(here, url):
    here.bring(with_pictures(1, url))

    assert errors(here) == [("refused", "refused")]
    here.check()


@pytest.mark.parametrize("status", [429, 503])
def test_not_now_moves_only_the_time(here, status):
    summary = here.bring(with_pictures(1, here.asset("D4A", refused(status, Retry_After="7200"))))

    assert errors(here) == [("pending", f"http_{status}")]
    assert (summary.media.errors, summary.media.pending) == (0, 1)
    assert here.rows("SELECT fails FROM work") == [(0,)]
    here.asset("D4A")
    here.later(hours=1)
    assert here.library.fetch_due().due == 0
    here.later(hours=3)
    assert here.library.fetch_due().cached == 1
    assert here.server.count() == 2
    here.check()


def test_a_network_that_is_down_for_everybody_spends_no_try(tmp_path, database_url):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with world(tmp_path, database_url, allow=(f"127.0.0.1:{port}",)) as here:
        summary = here.bring(with_pictures(1, f"http://127.0.0.1:{port}/a.png"))

        assert errors(here) == [("pending", "connect")]
        assert here.rows("SELECT fails FROM work") == [(0,)]
        assert summary.media.errors == 0
        here.check()


@pytest.mark.parametrize("dead", ["gone", "expired", "failed", "unsupported"])
def test_a_fresh_link_starts_what_was_dead_again(here, dead):
    path = "/dms/image/v2/D4A/feedshare-shrink_800/0/1"
    old = here.licdn(path, t="old", expires=LONG_AGO if dead == "expired" else LATER)
    bad = {"gone": refused(410), "failed": refused(451), "expired": b"", "unsupported": b"plain words"}[dead]
    here.route(path, bad)
    here.bring(with_pictures(1, old))
    if dead == "unsupported":
        here.later(hours=1)
        here.library.fetch_due()
    assert here.states() == {"D4A": dead}
    asked = here.server.count()
    here.route(path, picture())

    here.bring(with_pictures(1, old), at=EPOCH + DAY)
    assert (here.states(), here.server.count()) == ({"D4A": dead}, asked)
    summary = here.bring(with_pictures(1, here.licdn(path, t="new")), at=EPOCH + 2 * DAY)

    assert here.states() == {"D4A": "fetched"}
    assert here.server.count() == asked + 1
    assert (summary.media.cached, summary.media.errors) == (1, 0)
    here.check()


# --- what is asked for ----------------------------------------------------------------------------------


def test_without_fetching_nothing_is_sent_until_it_is_asked_for(here):
    summary = here.bring(with_pictures(1, here.asset("D4A"), here.asset("D4B")), fetch=False)
    assert (here.server.count(), summary.fetched, summary.media.pending) == (0, False, 2)

    fetched = here.library.fetch_due()

    assert (fetched.due, fetched.cached, fetched.requests, fetched.waiting) == (2, 2, 2, 0)
    assert here.server.count() == 2
    here.check()


def test_an_import_fetches_its_own_posts_and_leaves_the_rest_of_the_list(here):
    here.bring(with_pictures(1, here.asset("D4A")), with_pictures(2, here.asset("D4B")), fetch=False)
    summary = here.bring(with_pictures(2, here.asset("D4B")))

    assert here.states() == {"D4A": "pending", "D4B": "fetched"}
    assert (summary.media.found, summary.media.cached) == (1, 1)
    here.check()


def test_a_limit_is_kept(here):
    here.bring(with_pictures(1, *(here.asset(f"D4{letter}") for letter in "ABCDEFG")), fetch=False)

    counts = [
        (each.due, each.cached, each.waiting) for each in (here.library.fetch_due(limit=3) for _ in range(3))
    ]

    assert counts == [(3, 3, 4), (3, 3, 1), (1, 1, 0)]
    assert here.server.count() == 7
    here.check()


@sqlite_only
def test_a_limit_ends_also_with_more_hosts_than_transfers(tmp_path, database_url):
    with (
        MediaServer() as server,
        opened(tmp_path, database_url, server, everywhere=True, concurrency=1, per_host=1) as here,
    ):
        server.route("/a.png", picture())
        here.bring(*(with_pictures(n, f"http://host{n}.test/a.png") for n in range(60)), fetch=False)

        assert here.library.fetch_due(limit=1).cached == 1
        assert server.count() == 1
        assert here.library.fetch_due().cached == 59
        here.check()


def test_stopping_keeps_what_arrived_and_the_next_time_goes_on(here):
    urls = [here.asset(f"D4{n:02}") for n in range(30)]
    here.bring(with_pictures(1, *urls), fetch=False)

    stopped = here.library.fetch_due(stop=lambda: here.server.count() >= 8)

    assert stopped.status is RunStatus.CANCELLED
    arrived = here.rows("SELECT count(*) FROM post_media WHERE download_state = 'fetched'")[0][0]
    assert 8 <= arrived == stopped.cached == here.server.count() < 30
    assert here.queued() == 30 - arrived
    here.check()
    assert here.library.fetch_due().status is RunStatus.COMPLETED
    assert here.server.count() == 30
    here.check()


def test_stopping_drops_what_takes_too_long(here, monkeypatch):
    monkeypatch.setattr("postkeep.stages.fetch.run._GRACE_SECONDS", 0.05)
    url = here.asset("D4A", slow(picture(), seconds=30))
    here.bring(with_pictures(1, url, here.asset("D4B")), fetch=False)

    stopped = here.library.fetch_due(stop=lambda: here.server.count() >= 2)

    assert stopped.status is RunStatus.CANCELLED
    assert here.states()["D4A"] == "pending"
    assert here.rows(
        "SELECT fails FROM work WHERE subject IN (SELECT media_id FROM post_media WHERE media_key = 'D4A')"
    ) == [(0,)]
    here.check()


def test_profile_pictures_are_fetched_only_when_wanted(tmp_path, database_url):
    with world(tmp_path, database_url) as here:
        record = post(
            1, author=author(profile_picture=here.asset("D4FACE", variant="profile-displayphoto-shrink_800_800"))
        )
        here.bring(record)
        here.library.fetch_due()
        assert here.server.count() == 0
        assert here.rows("SELECT download_state FROM profile_media") == [("pending",)]
        with opened(tmp_path / "2", database_url, here.server, avatars=True) as wanting:
            other = post(2, author=author("joe-roe", "Joe", "Roe", profile_picture=here.asset("D4JOE")))
            wanting.bring(other)
            assert here.server.count() == 1
            assert wanting.rows(
                "SELECT m.download_state, m.file_id IS NOT NULL, p.username FROM profile_media m"
                " JOIN profiles p ON p.profile_id = m.profile_id ORDER BY 3"
            ) == [("pending", False, "jane-doe"), ("fetched", True, "joe-roe")]
            wanting.check()


def test_outcomes_of_a_row_whose_post_was_removed_are_nobodys(here):
    here.bring(with_pictures(1, here.asset("D4A")), with_pictures(2, here.asset("D4B")), fetch=False)
    here.write_rows("DELETE FROM posts WHERE text_content = 'Text 1'")

    fetched = here.library.fetch_due()

    assert (fetched.due, fetched.cached, here.queued()) == (1, 1, 0)
    assert here.server.count() == 1
    here.check()


# --- one at a time --------------------------------------------------------------------------------------


@contextmanager
def another_process() -> Iterator[str]:
    """A living process and the words by which it would own a lease."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        yield f"{socket.gethostname()}:{processes.boot()}:{child.pid}:{processes.started(child.pid)}"
    finally:
        child.communicate()


def lease(here: World, owner: str) -> None:
    now = utc_now()
    here.write_rows(
        "INSERT INTO leases (name, owner, since, heartbeat_at) VALUES ('fetch', ?, ?, ?)", owner, now, now
    )


def test_a_second_fetch_leaves_while_another_process_fetches(here):
    here.bring(with_pictures(1, here.asset("D4A")), fetch=False)
    with another_process() as owner:
        lease(here, owner)
        with pytest.raises(LeaseTaken) as taken:
            here.library.fetch_due(wait=False)
        assert taken.value.owner == owner
        summary = here.bring(with_pictures(2, here.asset("D4B")), wait=False)

        assert (summary.new, summary.followed, summary.media.pending) == (1, owner, 1)
        assert here.server.count() == 0
        assert here.rows("SELECT owner FROM leases") == [(owner,)]
    assert [run.status for run in here.library.runs()].count(RunStatus.RUNNING) == 0

    # The process has ended: what it held is taken over at once.
    assert here.library.fetch_due(wait=False).cached == 2
    assert here.rows("SELECT count(*) FROM leases") == [(0,)]
    here.check()


def test_a_second_fetch_follows_until_the_work_is_done(here, monkeypatch):
    monkeypatch.setattr("postkeep.stages.fetching._POLL_SECONDS", 0.01)
    here.bring(with_pictures(1, here.asset("D4A")), fetch=False)
    looks = []

    def stop() -> bool:
        # The other process finishes its work after we looked a few times.
        looks.append(1)
        if len(looks) == 4:
            here.write_rows("DELETE FROM work")
        return False

    with another_process() as owner:
        lease(here, owner)
        followed = here.library.fetch_due(stop=stop)

        assert (followed.cached, followed.requests, followed.waiting) == (0, 0, 0)
        assert len(looks) >= 4
        assert here.server.count() == 0
        assert here.rows("SELECT owner FROM leases") == [(owner,)]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_two_that_take_the_lease_at_the_same_moment_do_not_clash(here, monkeypatch):
    from postkeep.errors import StoreClash
    from postkeep.store import leases

    take, clashes = leases.take, []

    def clash_once(tx, name, now):
        if not clashes:
            clashes.append(name)
            raise StoreClash
        take(tx, name, now)

    monkeypatch.setattr(leases, "take", clash_once)
    here.bring(with_pictures(1, here.asset("D4A")))

    assert clashes == ["fetch"]
    assert here.states() == {"D4A": "fetched"}


# --- the cache refuses ----------------------------------------------------------------------------------


def test_a_full_cache_ends_the_run_with_what_to_do_and_goes_on_when_raised(tmp_path, database_url):
    with MediaServer() as server:
        urls = []
        with opened(tmp_path, database_url, server, cache_bytes=1000) as here:
            urls = [here.asset(f"D4{n:02}", picture(f"{n:02}") + b"\0" * 200) for n in range(20)]
            size = len(picture("00")) + 200
            summary = here.bring(with_pictures(1, *urls))

            assert summary.status is RunStatus.FAILED
            assert "cache.max_bytes" in summary.error
            assert "download-all" in summary.error
            assert here.library.runs()[0].error == summary.error
            assert sum(path.stat().st_size for path in (here.root / "media").rglob("*.png")) <= 1000
            assert summary.media.cached == len(here.cached()) == 1000 // size
            assert summary.media.errors == 0
            assert here.queued() == 20 - summary.media.cached
            here.check()
            again = here.library.fetch_due()
            assert (again.status, again.cached) == (RunStatus.FAILED, 0)
        with opened(tmp_path, database_url, server, cache_bytes=100_000) as here:
            fetched = here.library.fetch_due()

            assert (fetched.status, fetched.cached) == (RunStatus.COMPLETED, 20 - 1000 // size)
            assert len(here.cached()) == 20
            here.check()


def test_content_that_is_there_already_needs_no_room(tmp_path, database_url):
    same = picture("same") + b"\0" * 500
    with world(tmp_path, database_url, cache_bytes=len(same) + 10, per_host=1) as here:
        here.bring(with_pictures(1, here.asset("D4A", same)))
        summary = here.bring(with_pictures(2, here.asset("D4B", same)))

        assert (summary.status, summary.media.cached) == (RunStatus.COMPLETED, 1)
        here.check()


def test_a_cache_folder_that_was_removed_is_said_and_nothing_is_put_elsewhere(here):
    here.bring(with_pictures(1, here.asset("D4A")))
    here.root.rename(here.root.with_name("elsewhere"))
    summary = here.bring(with_pictures(2, here.asset("D4B")))

    assert (summary.status, summary.new) == (RunStatus.FAILED, 1)
    assert str(here.root) in summary.error
    assert not here.root.exists()
    assert (here.states(), here.queued()) == ({"D4A": "fetched", "D4B": "pending"}, 1)
    shutil.move(here.root.with_name("elsewhere"), here.root)
    assert here.library.fetch_due().cached == 1
    here.check()


def test_a_cache_that_cannot_be_written_fails_the_run_in_words(here):
    here.root.mkdir(parents=True, exist_ok=True)
    (here.root / "media").write_bytes(b"a file where the folder should be")
    summary = here.bring(with_pictures(1, here.asset("D4A")))

    assert (summary.status, summary.new) == (RunStatus.FAILED, 1)
    assert str(here.root) in summary.error
    assert here.states() == {"D4A": "pending"}
    (here.root / "media").unlink()
    assert here.library.fetch_due().cached == 1
    assert here.library.verify_database() == []


# --- the database refuses -------------------------------------------------------------------------------


@sqlite_only
def test_outcomes_that_could_not_be_stored_are_stored_a_moment_later(here, monkeypatch):
    """Somebody else holds the database when the first outcomes are due."""
    from postkeep.errors import StoreBusy
    from postkeep.store import media

    store_arrivals, refusals = media.store_arrivals, []

    def busy_once(tx, arrivals, **more):
        if arrivals and not refusals:
            refusals.append(len(arrivals))
            raise StoreBusy
        store_arrivals(tx, arrivals, **more)

    monkeypatch.setattr(media, "store_arrivals", busy_once)
    monkeypatch.setattr("postkeep.stages.fetch.outcomes.OLDEST_SECONDS", 0.0)
    urls = [here.asset("D4A"), here.asset("D4B", slow(picture("b"), seconds=0.4))]
    here.bring(with_pictures(1, *urls), fetch=False)
    fetched = here.library.fetch_due()

    assert refusals
    assert (fetched.cached, here.states()) == (2, {"D4A": "fetched", "D4B": "fetched"})
    assert here.server.count() == 2
    here.check()


def test_a_url_that_changed_while_it_was_fetched_is_tried_afresh(here):
    """An import beside a running fetch brings a new link; the old one's failure is not the new one's."""
    path = "/dms/image/v2/D4A/feedshare-shrink_800/0/1"
    fresh = here.licdn(path, t="fresh")

    def change(exchange: Exchange) -> None:
        if "t=fresh" in exchange.request.path:
            exchange.head(200, {"Content-Length": str(len(picture()))})
            exchange.send(picture())
            return
        here.write_rows("UPDATE post_media SET media_url = ?", fresh)
        refused(404)(exchange)

    here.route(path, change)
    here.bring(with_pictures(1, here.licdn(path)))
    assert (errors(here), here.queued()) == ([("pending", None)], 1)

    assert here.library.fetch_due().cached == 1
    assert here.states() == {"D4A": "fetched"}
    assert here.server.count() == 2
    here.check()
