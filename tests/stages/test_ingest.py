"""What importing does to the store: identity, order, repetition, media, shares and history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postkeep.ids import IdFactory
from postkeep.model import ObservedSource, RawRecord, utc_now
from postkeep.platforms import load_platform
from postkeep.stages.ingest import Ingest, Tally
from postkeep.store import Store, bulk, listing, runs
from tests.canonical import dump
from tests.records import EPOCH, activity_id, author, gallery, image, post, raw, stats

IDS = IdFactory()


def ingest(store: Store, records: Iterable[RawRecord], *, priority: int = -1) -> Tally:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    stage = Ingest(
        store, platforms=[load_platform("linkedin")], ids=IDS, run_id=run_id, clock=utc_now, priority=priority
    )
    for _ in stage.feed(records):
        pass
    return stage.tally


def rows(store: Store, statement: str, *parameters: object) -> list[tuple]:
    with store.reading() as tx:
        return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]


def day(number: float) -> datetime:
    return EPOCH + timedelta(days=number)


# --- identity and repetition ----------------------------------------------------------------------------


def test_a_post_is_stored_with_its_numbers_media_and_author(store):
    tally = ingest(store, [raw(post(1, media=gallery(image("D4E22AQA"), image("D4E22AQB"))))])

    assert (tally.processed, tally.new, tally.duplicates, tally.errors) == (1, 1, 0, 0)
    [(native_id, kind, username, text)] = rows(
        store, "SELECT native_id, post_type, author_username, text_content FROM posts"
    )
    assert (native_id, kind, username, text) == (activity_id(serial=1), "regular", "jane-doe", "Text 1")
    assert rows(store, "SELECT total_reactions, comments, reposts, views FROM data_downloads") == [
        (12, 3, 1, None)
    ]
    assert rows(store, "SELECT media_key, position, role, download_state FROM post_media ORDER BY position") == [
        ("D4E22AQA", 0, "own", "pending"),
        ("D4E22AQB", 1, "own", "pending"),
    ]
    assert rows(store, "SELECT count(*) FROM work") == [(2,)]
    assert [bool(active) for (active,) in rows(store, "SELECT is_active FROM profiles")] == [False]


def test_the_same_records_again_change_nothing(store):
    records = [raw(post(n, media=gallery(image(f"ASSET{n}"))), number=n + 1) for n in range(20)]
    ingest(store, records)
    before = dump(store)

    tally = ingest(store, reversed(records))

    assert (tally.new, tally.duplicates, tally.updated) == (0, 20, 0)
    assert dump(store) == before


def test_other_signatures_at_the_same_time_change_nothing(store):
    ingest(store, [raw(post(1, media=gallery(image("A", t="one"))))])
    before = dump(store)
    resigned = post(1, media=gallery(image("A", t="two", expires=4102444801)), pagination_token="other")
    resigned["posted_at"]["relative"] = "5 days ago"

    tally = ingest(store, [raw(resigned)])

    assert (tally.new, tally.duplicates, tally.updated) == (0, 1, 0)
    assert dump(store) == before


def test_a_later_stamp_with_equal_numbers_is_one_snapshot_and_nothing_else(store):
    record = post(1, media=gallery(image("A")))
    ingest(store, [raw(record)])
    before = {line.split(":")[0] for line in dump(store)}, len(dump(store))

    tally = ingest(store, [raw(record, at=day(7))])

    assert (tally.new, tally.duplicates, tally.updated) == (0, 1, 0)
    assert {line.split(":")[0] for line in dump(store)} == before[0]
    assert len(dump(store)) == before[1] + 1
    assert rows(store, "SELECT count(*) FROM data_downloads") == [(2,)]


def test_equal_numbers_at_an_assumed_time_are_no_new_observation(store):
    record = post(1)
    ingest(store, [raw(record)])
    before = dump(store)

    ingest(store, [raw(record, at=day(7), source=ObservedSource.MTIME)])
    ingest(store, [raw(record | {"pagination_token": "x"}, at=day(8), source=ObservedSource.MTIME)])

    assert dump(store) == before
    ingest(store, [raw(record | {"stats": stats(13)}, at=day(9), source=ObservedSource.MTIME)])
    assert rows(store, "SELECT count(*) FROM data_downloads") == [(2,)]


def test_records_of_one_observation_are_merged_field_by_field(store):
    first = post(1, stats={"total_reactions": 10, "like": 10, "comments": 5})
    second = post(1, stats={"total_reactions": 9, "like": 9, "reposts": 2})

    ingest(store, [raw(first), raw(second)])

    assert rows(store, "SELECT total_reactions, comments, reposts FROM data_downloads") == [(10, 5, 2)]
    assert rows(store, "SELECT count(*) FROM snapshot_records") == [(1,)]
    assert rows(store, "SELECT count(*) FROM raw_records") == [(2,)]


def test_a_post_seen_through_two_profiles_is_one_post(store):
    ingest(store, [raw(post(1), via="jane-doe"), raw(post(1, pagination_token="z"), via="joe-roe")])

    assert rows(store, "SELECT count(*) FROM posts") == [(1,)]
    assert rows(
        store,
        "SELECT p.username FROM post_seen_via v JOIN profiles p ON p.profile_id = v.profile_id ORDER BY 1",
    ) == [("jane-doe",), ("joe-roe",)]


def test_the_very_same_bytes_through_another_profile_are_noted_once(store):
    for via in ("jane-doe", "joe-roe", "joe-roe"):
        ingest(store, [raw(post(1), via=via)])

    assert rows(store, "SELECT count(*) FROM post_seen_via") == [(2,)]
    assert rows(store, "SELECT count(*) FROM data_downloads") == [(1,)]


# --- what is current ------------------------------------------------------------------------------------


def test_the_text_of_the_record_observed_last_is_current_and_others_are_history(store):
    ingest(store, [raw(post(1, text="second"), at=day(2))])
    ingest(store, [raw(post(1, text="third"), at=day(3))])
    ingest(store, [raw(post(1, text="first"), at=day(1))])

    assert rows(store, "SELECT text_content FROM posts") == [("third",)]
    with store.reading() as tx:
        [post_id] = listing.find_posts(tx, activity_id(serial=1))
        detail = listing.post(tx, post_id)
    assert [(text.text, text.first_seen_at) for text in detail.texts] == [("first", day(1)), ("second", day(2))]
    assert [snapshot.observed_at for snapshot in detail.snapshots] == [day(1), day(2), day(3)]
    assert detail.line.latest.observed_at == day(3)


@pytest.mark.parametrize("at_once", [True, False])
def test_hashtags_and_mentions_are_those_of_the_current_text(store, at_once):
    texts = ["#old @[Ann](urn:li:member:1)", "#new words", "plain now"]
    records = [raw(post(1, text=text), at=day(number)) for number, text in enumerate(texts)]
    for each in [records] if at_once else [[record] for record in records]:
        ingest(store, each)

    assert rows(store, "SELECT text_content FROM posts") == [("plain now",)]
    assert rows(store, "SELECT hashtag FROM post_hashtags") == rows(store, "SELECT name FROM post_mentions") == []


def test_media_that_a_newer_whole_record_lacks_is_absent_and_returns(store):
    a, b = image("A"), image("B")
    ingest(store, [raw(post(1, media=gallery(a, b)))])
    ingest(store, [raw(post(1, media=gallery(b)), at=day(1))])
    assert rows(store, "SELECT media_key, position, absent_since IS NULL FROM post_media ORDER BY 1") == [
        ("A", 0, False),
        ("B", 0, True),
    ]

    ingest(store, [raw(post(1, media=gallery(b, a)), at=day(2))])
    assert rows(store, "SELECT media_key, position, absent_since IS NULL FROM post_media ORDER BY 1") == [
        ("A", 1, True),
        ("B", 0, True),
    ]


def test_a_repeated_picture_is_two_places_of_one_asset(store):
    ingest(store, [raw(post(1, media=gallery(image("A"), image("A"), image("B"))))])

    assert rows(store, "SELECT media_key, occurrence, position FROM post_media ORDER BY position") == [
        ("A", 0, 0),
        ("A", 1, 1),
        ("B", 0, 2),
    ]


def test_a_poorer_shape_after_a_richer_one_takes_nothing_away(store):
    ingest(store, [raw(post(1, media=gallery(image("A"))))])
    number = activity_id(serial=1)
    poorer = {
        "post": {
            "text": "Text 1",
            "url": f"https://www.linkedin.com/posts/jane-doe_text-activity-{number}-AbCd",
            "urn": {"activity_urn": number},
            "created_at": "2025-03-01",
            "type": "regular",
        },
        "author": author(),
        "stats": {"total_reactions": 20, "comments": 4, "shares": 2},
    }

    tally = ingest(store, [raw(poorer, at=day(1))])

    assert tally.errors == 0, tally.problems
    assert rows(store, "SELECT count(*), count(absent_since) FROM post_media") == [(1, 0)]
    assert rows(store, "SELECT total_reactions, reposts FROM data_downloads ORDER BY observed_at") == [
        (12, 1),
        (20, 2),
    ]


def test_a_fresh_link_starts_a_dead_row_again_and_leaves_a_refused_one(store):
    ingest(store, [raw(post(1, media=gallery(image("A", t="old"), image("B", t="old"))))])
    with store.writing() as tx:
        bulk.execute(tx, "DELETE FROM work")
        bulk.execute(tx, "UPDATE post_media SET download_state = 'gone' WHERE media_key = 'A'")
        bulk.execute(tx, "UPDATE post_media SET download_state = 'refused' WHERE media_key = 'B'")

    ingest(store, [raw(post(1, media=gallery(image("A", t="new"), image("B", t="new"))), at=day(1))])

    states = rows(store, "SELECT media_key, download_state, media_url LIKE ? FROM post_media ORDER BY 1", "%t=new")
    assert [(key, state, bool(new)) for key, state, new in states] == [
        ("A", "pending", True),
        ("B", "refused", True),
    ]
    assert rows(store, "SELECT count(*) FROM work") == [(1,)]


def test_a_larger_rendition_queues_a_fetched_row_and_a_smaller_one_changes_nothing(store):
    small = gallery(image("A", variant="feedshare-shrink_800"))
    ingest(store, [raw(post(1, media=small))])
    with store.writing() as tx:
        bulk.execute(tx, "DELETE FROM work")
        bulk.execute(tx, "UPDATE post_media SET download_state = 'fetched', file_rank = 800")
    larger = gallery(image("A", variant="feedshare-shrink_2048_1536"))

    ingest(store, [raw(post(1, media=larger), at=day(1))])
    assert rows(store, "SELECT rendition, download_state FROM post_media") == [
        ("feedshare-shrink_2048_1536", "fetched")
    ]
    assert rows(store, "SELECT count(*) FROM work") == [(1,)]

    with store.writing() as tx:
        bulk.execute(tx, "DELETE FROM work")
    ingest(store, [raw(post(1, media=small), at=day(2))])
    assert rows(store, "SELECT rendition FROM post_media") == [("feedshare-shrink_2048_1536",)]
    assert rows(store, "SELECT count(*) FROM work") == [(0,)]


# --- shares ---------------------------------------------------------------------------------------------


def repost_of(original: dict, serial: int) -> dict:
    number = activity_id(day(2), serial)
    return original | {
        "urn": original["urn"] | {"activity_urn": number},
        "posted_at": {"date": "x", "relative": "3 days ago", "timestamp": int(number) >> 22},
        "post_type": "repost",
    }


@pytest.mark.parametrize("original_first", [True, False])
def test_a_bare_repost_is_a_post_of_its_own_and_finds_its_original(store, original_first):
    original = post(1, media=gallery(image("A")), stats=stats(500))
    records = [raw(original), raw(repost_of(original, 2), via="joe-roe", number=2)]

    for record in records if original_first else reversed(records):
        ingest(store, [record])

    assert rows(store, "SELECT post_type, author_username, text_content FROM posts ORDER BY post_type") == [
        ("regular", "jane-doe", "Text 1"),
        ("repost", "joe-roe", None),
    ]
    assert rows(
        store,
        "SELECT s.post_type, o.text_content, p.native_id FROM post_originals o"
        " JOIN posts s ON s.post_id = o.post_id JOIN posts p ON p.post_id = o.original_post_id",
    ) == [("repost", "Text 1", activity_id(serial=1))]
    marks = rows(
        store,
        "SELECT p.post_type, d.of_original FROM data_downloads d JOIN posts p ON p.post_id = d.post_id ORDER BY 1",
    )
    assert [(kind, bool(mark)) for kind, mark in marks] == [("regular", False), ("repost", True)]
    assert rows(store, "SELECT role FROM post_media ORDER BY role") == [("own",), ("reshared",)]


# --- profiles -------------------------------------------------------------------------------------------


def test_a_name_that_was_taken_over_belongs_to_the_profile_seen_under_it_last(store):
    def named(username: str, member: str) -> dict:
        url = f"https://www.linkedin.com/in/{username}?miniProfileUrn=urn%3Ali%3Afsd_profile%3A{member}"
        return author(username, profile_url=url)

    first = post(1, author=named("jane-doe", "ACoAAfirst"))
    second = post(2, author=named("jane-doe", "ACoAAsecond"))
    ingest(store, [raw(second, at=day(5), via=None)])
    ingest(store, [raw(first, at=day(1), via=None)])

    found = rows(store, "SELECT native_id, username FROM profiles ORDER BY native_id")
    assert found == [("ACoAAfirst", None), ("ACoAAsecond", "jane-doe")]
    assert rows(store, "SELECT count(*) FROM profile_names WHERE value = 'jane-doe'") == [(2,)]


# --- bad records ----------------------------------------------------------------------------------------


def test_a_bad_record_is_kept_and_its_neighbours_arrive(store):
    records = [raw(post(1)), raw(b'{"what": "is this"}', number=2), raw(post(3), number=3)]

    tally = ingest(store, records)
    again = ingest(store, records)

    assert (tally.processed, tally.new, tally.errors) == (3, 2, 1)
    assert (again.processed, again.new, again.errors) == (3, 0, 1)
    [(source, number, reason)] = rows(store, "SELECT source_file_path, record_number, reason FROM quarantine")
    assert (source, number) == ("records.json", 2)
    assert "what" in reason


def test_text_a_database_cannot_hold_is_replaced_and_marked_and_the_record_is_exact(store):
    body = rb'{"urn":{"activity_urn":"%s"},"full_urn":null,"posted_at":{},"text":"a\u0000b\ud800c",' % (
        activity_id(serial=1).encode()
    )
    body += b'"url":null,"post_type":"regular","author":null,"stats":null}'

    tally = ingest(store, [raw(body)])

    assert tally.errors == 0, tally.problems
    [(text, altered)] = rows(store, "SELECT text_content, text_altered FROM posts")
    assert (text, bool(altered)) == ("a�b�c", True)
    with store.reading() as tx:
        [(codec, packed)] = bulk.execute(tx, "SELECT codec, body FROM raw_records").all()
    from postkeep.stages.ingest.candidate import decompress

    assert decompress(codec, bytes(packed)) == body


# --- order ----------------------------------------------------------------------------------------------

_observations = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["one", "two", "a third text"]),
        st.lists(st.sampled_from("ABC"), unique=True, max_size=3),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda observation: observation[0],
)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(observations=_observations, order=st.randoms(use_true_random=False), one_batch=st.booleans())
def test_the_order_of_files_does_not_matter(store, observations, order, one_batch):
    def records() -> list[RawRecord]:
        return [
            raw(
                post(1, text=text, stats=stats(total), media=gallery(*map(image, assets)) if assets else None),
                at=day(at),
            )
            for at, text, assets, total in observations
        ]

    dumps = []
    for shuffled in (False, True):
        with store.writing() as tx:
            for table in ("posts", "raw_records", "profiles", "work", "unknown_keys"):
                bulk.execute(tx, f"DELETE FROM {table}")
        batch = sorted(records(), key=lambda record: record.observation.at)
        if shuffled:
            order.shuffle(batch)
        if one_batch:
            ingest(store, batch)
        else:
            for record in batch:
                ingest(store, [record])
        dumps.append(dump(store))

    assert dumps[0] == dumps[1]
