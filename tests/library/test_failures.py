"""What could not be fetched is counted, listed and begun anew with: by state, kind, host or id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from postkeep.errors import NotFound
from postkeep.model import MediaState, utc_now
from postkeep.store import bulk, places
from postkeep.store.failures import STATES
from tests.canonical import dump
from tests.library.world import World, picture, with_pictures
from tests.records import EPOCH, post
from tests.servers.media import Reply
from tests.store.test_listing import counted

DAY = timedelta(days=1)
HOST = "media.licdn.com"


def fail(here: World, asset: str, state: str, kind: str | None, **more: Any) -> None:
    """Let an asset be as if a try had ended so; `more` are other columns."""
    columns = {"download_state": state, "error_kind": kind, "error_message": f"it was {kind}"} | more
    columns.setdefault("error_at", utc_now())
    marks = ", ".join(f"{name} = ?" for name in columns)
    here.write_rows(f"UPDATE post_media SET {marks} WHERE media_key = ?", *columns.values(), asset)
    if state != "retry":
        here.write_rows(
            "DELETE FROM work WHERE subject IN (SELECT media_id FROM post_media WHERE media_key = ?)", asset
        )
    else:
        here.write_rows(
            "UPDATE work SET due_at = ?, fails = 2 WHERE subject IN"
            " (SELECT media_id FROM post_media WHERE media_key = ?)",
            utc_now() + DAY,
            asset,
        )


ASSETS = {
    "A0": ("retry", "timeout"),
    "A1": ("retry", "timeout"),
    "A2": ("failed", "http_400"),
    "A3": ("refused", "too_large"),
    "A4": ("unsupported", "not_media"),
    "A5": ("gone", "http_404"),
    "A6": ("gone", "http_410"),
    "A7": ("expired", "expired"),
    "A8": ("pending", None),
}


@pytest.fixture
def failed(here: World) -> Iterator[World]:
    """One media in each class, two in one, one whose link is over, and one that waits for its first try."""
    here.bring(*(with_pictures(n, here.asset(asset)) for n, asset in enumerate(ASSETS)), fetch=False)
    for asset, (state, kind) in ASSETS.items():
        if state != "pending":
            over = {"expires_at": utc_now() - DAY} if state == "expired" else {}
            fail(here, asset, state, kind, **over)
    yield here
    here.check()


def keys(here: World) -> dict[str, str]:
    """media_id by asset."""
    return {key: media_id for media_id, key in here.rows("SELECT media_id, media_key FROM post_media")}


def queued(here: World) -> dict[str, int]:
    """The tries that queued assets have spent, for those that are due."""
    return dict(
        here.rows(
            "SELECT m.media_key, w.fails FROM work w JOIN post_media m ON m.media_id = w.subject"
            " WHERE w.due_at <= ?",
            utc_now(),
        )
    )


# --- looking ------------------------------------------------------------------------------------------


def test_classes_are_counted_and_the_media_follow(failed):
    found = failed.library.media_failures()

    assert found.total == 8
    assert (found.classes[0].state, found.classes[0].kind, found.classes[0].media) == ("retry", "timeout", 2)
    assert {(each.state.value, each.kind): each.media for each in found.classes} == {
        (state, kind): 2 if kind == "timeout" else 1 for state, kind in ASSETS.values() if kind
    }
    assert {(each.host, each.message) for each in found.classes} == {
        (HOST, f"it was {kind}") for _, kind in ASSETS.values() if kind
    }
    assert [each.media_id for each in found.media] == sorted((each.media_id for each in found.media), reverse=True)
    [one] = [each for each in found.media if each.media_id == keys(failed)["A0"]]
    assert (one.host, one.state, one.kind, one.fails) == (HOST, MediaState.RETRY, "timeout", 2)
    assert one.post_id is not None
    assert one.profile_id is None
    assert one.next_try_at > utc_now()
    assert "A0" in one.url


@pytest.mark.parametrize(
    ("options", "assets"),
    [
        ({"states": [MediaState.GONE]}, {"A5", "A6"}),
        ({"states": [MediaState.GONE, MediaState.RETRY], "kinds": ["http_410", "timeout"]}, {"A0", "A1", "A6"}),
        ({"kinds": ["http_404"], "host": HOST}, {"A5"}),
        ({"host": HOST.upper()}, set(ASSETS) - {"A8"}),
        ({"host": "licdn.com"}, set()),
        ({"kinds": ["no such kind", "\0", "\udc80"]}, set()),
        ({"kinds": ["\0"]}, set()),
    ],
)
def test_what_is_asked_for_narrows_classes_and_media(failed, options, assets):
    ids = keys(failed)
    found = failed.library.media_failures(**options)

    assert {each.media_id for each in found.media} == {ids[each] for each in assets}
    assert found.total == sum(each.media for each in found.classes) == len(assets)


@pytest.mark.parametrize("host", [None, HOST])
def test_pages_of_any_size_are_the_whole_and_classes_come_once(failed, host):
    whole = failed.library.media_failures(host=host)
    for size in (1, 3, 7, 8):
        found: list[Any] = []
        while True:
            after = found[-1].media_id if found else None
            page = failed.library.media_failures(host=host, limit=size, after=after)
            assert (page.classes == whole.classes) == (after is None)
            if not page.media:
                break
            assert len(page.media) <= size
            found += page.media
        assert tuple(found) == whole.media
    with pytest.raises(NotFound):
        failed.library.media_failures(after="med-nobody")


def test_pictures_of_profiles_fail_too(here):
    here.bring(post(1), fetch=False)
    [(profile_id,)] = here.rows("SELECT profile_id FROM profiles")
    here.write_rows(
        "INSERT INTO profile_media (media_id, profile_id, media_type, media_url, role, media_key, download_state,"
        " error_kind) VALUES ('pfm-00000001', ?, 'image', ?, 'banner', 'k', 'failed', 'tls')",
        profile_id,
        "https://Pictures.example:81?x",
    )

    [one] = here.library.media_failures().media

    assert (one.media_id, one.post_id, one.profile_id) == ("pfm-00000001", None, profile_id)
    assert one.host == "pictures.example:81"
    assert here.library.media_failures(limit=5, after="pfm-00000001").media == ()
    assert here.library.retry_media(host="pictures.example:81").queued == 1
    assert here.rows("SELECT subject, host FROM work") == [("pfm-00000001", "pictures.example:81")]
    assert here.rows("SELECT download_state FROM profile_media") == [("pending",)]


def test_a_library_without_failures_has_none(here):
    here.bring(with_pictures(1, here.asset("A")))
    found = here.library.media_failures()
    assert (found.total, found.classes, found.media) == (0, (), ())


# --- beginning anew -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "assets", "expired"),
    [
        ({}, {"A0", "A1", "A2", "A3", "A4"}, 1),
        ({"host": HOST}, {"A0", "A1", "A2", "A3", "A4"}, 1),
        ({"states": [MediaState.RETRY]}, {"A0", "A1"}, 0),
        ({"states": [MediaState.GONE]}, {"A5", "A6"}, 0),
        ({"kinds": ["http_404", "http_400"]}, {"A2", "A5"}, 0),
        ({"kinds": ["http_404"], "states": [MediaState.FAILED]}, set(), 0),
        ({"states": [MediaState.EXPIRED]}, set(), 1),
        ({"host": "elsewhere.example"}, set(), 0),
    ],
)
def test_what_is_queued_again_begins_anew(failed, options, assets, expired):
    untouched = {key: state for key, state in failed.states().items() if key not in assets}

    summary = failed.library.retry_media(**options)

    assert (summary.queued, summary.expired, summary.other) == (len(assets), expired, 0)
    assert sum(summary.states.values()) == len(assets)
    assert {key: fails for key, fails in queued(failed).items() if key != "A8"} == dict.fromkeys(assets, 0)
    assert failed.states() == untouched | dict.fromkeys(assets, "pending")
    assert failed.rows(
        "SELECT count(*) FROM post_media WHERE download_state = 'pending'"
        " AND (error_kind IS NOT NULL OR error_message IS NOT NULL OR error_at IS NOT NULL)"
    ) == [(0,)]
    assert failed.library.retry_media(**options).queued == 0


def test_an_id_is_explicit_enough_for_what_is_gone(failed):
    ids = keys(failed)
    summary = failed.library.retry_media(media_ids=[ids["A5"], ids["A0"], ids["A7"], ids["A8"], ids["A5"]])

    assert (summary.queued, summary.states, summary.expired) == (2, {"gone": 1, "retry": 1}, 1)
    assert summary.other == 1
    with pytest.raises(NotFound, match="med-nobody"):
        failed.library.retry_media(media_ids=[ids["A2"], "med-nobody", "\0"])
    assert failed.states()["A2"] == "failed"


def test_a_link_that_the_host_called_expired_may_be_tried_while_its_time_lasts(failed):
    fail(failed, "A7", "expired", "expired", expires_at=utc_now() + DAY)
    assert failed.library.retry_media(states=[MediaState.EXPIRED]).queued == 1


def test_a_dry_run_counts_the_same_and_writes_nothing(failed):
    before = dump(failed.store)
    dry = failed.library.retry_media(dry_run=True)
    assert dump(failed.store) == before
    summary = failed.library.retry_media()
    assert (dry.queued, dry.states, dry.expired) == (summary.queued, summary.states, summary.expired)
    assert (dry.dry_run, summary.dry_run) == (True, False)


def test_many_go_in_short_steps_and_stopping_keeps_what_is_done(failed, monkeypatch):
    monkeypatch.setattr("postkeep.stages.failures._PAGE", 2)
    asked = iter([False, False, True])
    summary = failed.library.retry_media(stop=lambda: next(asked, True))
    assert (summary.queued, summary.stopped) == (4, True)
    with counted(failed.store) as sent:
        rest = failed.library.retry_media()
    assert (rest.queued, rest.stopped) == (1, False)
    assert all("LIMIT" in each for each in sent if "download_state IN" in each)


def test_naming_a_host_ends_its_pause(failed):
    for name in (HOST, "other.example"):
        failed.write_rows(
            "INSERT INTO hosts (host, paused_until, reason, failures) VALUES (?, ?, 'HTTP 429', 3)",
            name,
            utc_now() + DAY,
        )

    assert failed.library.retry_media(host=HOST, dry_run=True).resumed is False
    assert failed.library.retry_media(states=[MediaState.FAILED]).resumed is False
    assert len(failed.rows("SELECT host FROM hosts")) == 2
    assert failed.library.retry_media(host=HOST.upper()).resumed is True
    assert failed.rows("SELECT host FROM hosts") == [("other.example",)]
    assert failed.library.retry_media(host="\udc80").resumed is False


def test_what_was_queued_again_is_fetched_by_the_next_fetch(here):
    url = here.asset("A", Reply(b"no", "text/plain", 404))
    here.bring(with_pictures(1, url))
    assert here.states() == {"A": "gone"}
    [kind] = [each.kind for each in here.library.media_failures().classes]
    here.asset("A", picture("A"))
    assert here.library.retry_media().queued == 0

    assert here.library.retry_media(kinds=[kind]).queued == 1
    summary = here.library.fetch_due()

    assert (summary.due, summary.cached) == (1, 1)
    assert here.states() == {"A": "fetched"}
    assert here.library.media_failures().total == 0


# --- how it is found ----------------------------------------------------------------------------------


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", ["post_media", "profile_media"])
def test_failures_are_read_from_their_index(here, table):
    """Ten failures among millions of media must not cost a look at each."""
    index = "idx_media_failures" if table == "post_media" else "idx_profile_media_failures"
    statements = {
        f"SELECT m.download_state, m.error_kind, count(*), max(m.media_id) FROM {table} m WHERE {places.LOST}"
        " GROUP BY m.download_state, m.error_kind": "COVERING INDEX",
        f"SELECT m.media_url FROM {table} m WHERE {places.LOST} AND m.media_id < 'x'"
        " ORDER BY m.media_id DESC LIMIT 5": "INDEX",
        f"SELECT m.media_url FROM {table} m WHERE {places.LOST} AND m.download_state IN ('gone')"
        " AND m.media_id > 'a' ORDER BY m.media_id LIMIT 5": "INDEX",
        f"SELECT m.media_url FROM {table} m WHERE {places.LOST} ORDER BY m.media_id DESC LIMIT 5": "INDEX",
    }
    with here.store.reading() as tx:
        for statement, how in statements.items():
            plan = " ".join(str(row[-1]) for row in bulk.execute(tx, f"EXPLAIN QUERY PLAN {statement}").all())
            assert f"{how} {index}" in plan, plan


def test_the_condition_of_the_index_is_all_states_without_bytes():
    named = set(places.LOST.partition("(")[2].rstrip(")").replace("'", "").split(", "))
    assert named == {str(state) for state in STATES}
    assert set(STATES) == set(MediaState) - {MediaState.PENDING, MediaState.FETCHED}


def test_the_cost_does_not_grow_with_what_is_well(failed):
    with counted(failed.store) as few:
        failed.library.media_failures()
    failed.bring(*(with_pictures(n, failed.asset(f"B{n}")) for n in range(40, 60)), at=EPOCH + DAY, fetch=False)
    with counted(failed.store) as many:
        failed.library.media_failures()
    assert len(few) == len(many)
