"""A post's JSON to rows and files, for new posts and known ones; media that fail never fail the post."""

from __future__ import annotations

import json

import pytest

from postkeep.api.manage_data import extract_and_store_media
from postkeep.errors import NotFound, ParseError
from tests.library.world import picture, with_pictures
from tests.records import activity_id, post


def test_the_media_of_a_new_post_are_stored_and_fetched(here):
    record = with_pictures(1, here.asset("D4A"), here.asset("D4B"))

    got = extract_and_store_media(here.library, "", record)

    assert (got["media_count"], got["media_cached"], got["media_errors"]) == (2, 2, 0)
    assert [(each,) for each in got["media_ids"]] == here.rows("SELECT media_id FROM post_media ORDER BY position")
    assert extract_and_store_media(here.library, "", record) == got
    assert here.server.count() == 2
    assert here.rows("SELECT count(*) FROM posts") == [(1,)]
    here.check()


@pytest.mark.parametrize("name", ["id", "digits", "urn", "url"])
def test_a_known_post_is_named_by_any_of_its_names(here, name):
    record = with_pictures(1, here.asset("D4A"))
    here.bring(post(1))
    [(post_id,)] = here.rows("SELECT post_id FROM posts")
    reference = {
        "id": post_id,
        "digits": activity_id(serial=1),
        "urn": f"urn:li:activity:{activity_id(serial=1)}",
        "url": record["url"],
    }[name]

    got = extract_and_store_media(here.library, reference, record)

    assert (got["media_count"], got["media_cached"]) == (1, 1)
    assert here.rows("SELECT post_id FROM post_media") == [(post_id,)]
    here.check()


def test_failures_are_counted_kept_and_tried_again(here):
    here.server.route("/broken", b"", status=500)
    record = with_pictures(1, here.asset("D4A"), here.server.url("/broken"), here.server.url("/none"))

    got = extract_and_store_media(here.library, "", record)

    assert (got["media_count"], got["media_cached"], got["media_errors"]) == (3, 1, 1)
    assert len(got["media_ids"]) == 3
    assert sorted(here.states().values()) == ["fetched", "gone", "retry"]
    here.server.route("/broken", picture("mended"))
    here.later(hours=1)
    assert here.library.fetch_due().cached == 1
    assert extract_and_store_media(here.library, "", record)["media_cached"] == 2
    here.check()


def test_a_post_without_media_has_none(here):
    got = extract_and_store_media(here.library, "", post(1))
    assert got == {"media_ids": [], "media_count": 0, "media_cached": 0, "media_errors": 0}
    assert here.rows("SELECT count(*) FROM posts") == [(1,)]


def test_media_the_post_no_longer_shows_are_not_among_its_ids(here):
    both = with_pictures(1, here.asset("D4A"), here.asset("D4B"))
    here.bring(both)
    got = extract_and_store_media(here.library, "", with_pictures(1, here.asset("D4B")))

    assert here.rows("SELECT media_id FROM post_media WHERE media_key = 'D4B'") == [(got["media_ids"][0],)]
    assert got["media_count"] == len(got["media_ids"]) == 1


def test_the_json_of_another_post_is_refused_and_nothing_is_stored(here):
    here.bring(post(1))
    with pytest.raises(NotFound, match="not of"):
        extract_and_store_media(here.library, activity_id(serial=1), post(2))
    with pytest.raises(NotFound, match="no post"):
        extract_and_store_media(here.library, "p-00000000", post(2))
    assert here.rows("SELECT count(*) FROM posts") == [(1,)]


@pytest.mark.parametrize(
    "data", [{}, {"what": "is this"}, {"urn": None}, {"urn": {"activity_urn": "no number"}, "post_type": "x"}]
)
def test_what_is_no_post_is_a_parse_error(here, data):
    with pytest.raises(ParseError):
        extract_and_store_media(here.library, "", data)
    assert here.library.totals().quarantined == 0


def test_what_json_cannot_hold_is_a_parse_error(here):
    with pytest.raises(ParseError, match="JSON"):
        extract_and_store_media(here.library, "", post(1, text=object()))


def test_text_that_only_json_can_write_is_taken(here):
    record = with_pictures(1, here.asset("D4A"), text=json.loads(r'"a\ud800b\u0000"'), extra=2**70)

    got = extract_and_store_media(here.library, "", record)

    assert got["media_cached"] == 1
    assert here.library.posts()[0].text == "a\ufffdb\ufffd"
