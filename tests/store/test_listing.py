"""What people look at comes in pages by key, complete and in order, with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from tests.records import EPOCH, activity_id, author, gallery, image, post, raw, stats
from tests.stages.test_ingest import ingest

from postkeep.model import MediaState
from postkeep.stages import which
from postkeep.store import Store, bulk, listing

DAY = timedelta(days=1)
NOW = EPOCH + 400 * DAY


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """The statements that were sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def pages(store: Store, size: int, **more: Any) -> list[str]:
    """The texts of all posts, page by page, none of which is larger than `size`."""
    found: list[Any] = []
    while True:
        with store.reading() as tx:
            page = listing.posts(tx, limit=size, after=found[-1].post_id if found else None, **more)
        assert len(page) <= size
        if not page:
            return [line.text for line in found]
        found += page


def run(store: Store, statement: str, *parameters: object) -> None:
    with store.writing() as tx:
        bulk.execute(tx, statement, *parameters)


def ids(store: Store) -> dict[str, str]:
    """post_id by native_id."""
    with store.reading() as tx:
        return {native: post_id for post_id, native in bulk.execute(tx, "SELECT post_id, native_id FROM posts")}


# --- posts ----------------------------------------------------------------------------------------------


def test_posts_come_newest_first_in_pages_of_any_size(store):
    ingest(store, [raw(post(n, posted_at=EPOCH - n * DAY), number=n + 1) for n in range(23)])
    expected = [f"Text {n}" for n in range(23)]

    for size in (1, 2, 5, 22, 23, 24, 1000):
        assert pages(store, size) == expected


def test_posts_of_one_moment_are_neither_lost_nor_shown_twice(store):
    # All within one millisecond, so that only the id tells them apart.
    ingest(store, [raw(post(n), number=n + 1) for n in range(17)])

    for size in (1, 3, 16, 17):
        texts = pages(store, size)
        assert len(texts) == 17
        assert set(texts) == {f"Text {n}" for n in range(17)}


def test_posts_of_an_author_and_since_a_utc_day(store):
    at = [datetime(2025, 2, day, hour, tzinfo=UTC) for day, hour in ((1, 23), (2, 0), (2, 23), (3, 0))]
    ingest(
        store,
        [
            raw(post(n, posted_at=moment, author=author(("jane-doe", "joe-roe")[n % 2])), number=n + 1)
            for n, moment in enumerate(at)
        ],
    )

    assert pages(store, 2, author="jane-doe") == ["Text 2", "Text 0"]
    assert pages(store, 2, author="nobody") == []
    assert pages(store, 2, author="jane\0doe") == pages(store, 2, author="\udcff") == []
    assert pages(store, 1, since=date(2025, 2, 2)) == ["Text 3", "Text 2", "Text 1"]
    assert pages(store, 1, since=date(2025, 2, 2), author="joe-roe") == ["Text 3", "Text 1"]
    assert pages(store, 5, since=date(2025, 2, 4)) == []


def test_posts_of_a_platform_and_those_nobody_read(store):
    ingest(store, [raw(post(n, posted_at=EPOCH - n * DAY), number=n + 1) for n in range(6)])
    run(store, "UPDATE posts SET is_read = ? WHERE text_content IN ('Text 1', 'Text 4')", True)
    run(store, "UPDATE posts SET platform = 'reddit' WHERE text_content IN ('Text 2', 'Text 4', 'Text 5')")

    assert pages(store, 2, unread=True) == ["Text 0", "Text 2", "Text 3", "Text 5"]
    assert pages(store, 1, platform="reddit") == ["Text 2", "Text 4", "Text 5"]
    assert pages(store, 1, platform="reddit", unread=True) == ["Text 2", "Text 5"]
    assert pages(store, 2, platform="nowhere") == pages(store, 2, platform="\0") == []


def test_a_post_of_another_platform_is_found_by_its_own_id(store):
    ingest(store, [raw(post(0))])
    run(store, "UPDATE posts SET platform = 'reddit', native_id = 't3_abc', urn = 'reddit:t3_abc'")
    [post_id] = ids(store).values()

    with store.reading() as tx:
        assert listing.find_posts(tx, "t3_abc") == listing.find_posts(tx, "reddit:t3_abc") == [post_id]
        assert listing.find_posts(tx, "t3_xyz") == []


def test_a_page_after_a_post_nobody_knows_is_empty(store):
    ingest(store, [raw(post(1))])
    with store.reading() as tx:
        assert listing.posts(tx, limit=5, after="p-00000000") == []


def test_a_line_shows_the_latest_numbers_and_how_many_media_are_cached(store):
    ingest(store, [raw(post(1, media=gallery(image("A"), image("B")), stats=stats(5)))])
    ingest(store, [raw(post(1, media=gallery(image("A"), image("B")), stats=stats(9)), at=EPOCH + DAY)])
    ingest(store, [raw(post(1, media=gallery(image("A"), image("B")), stats=stats(7)), at=EPOCH + DAY / 2)])
    run(
        store,
        "INSERT INTO media_files (file_id, md5_sum, file_size, mime_type, extension, media_type, local_file_path,"
        " cached_at) VALUES ('fil-1', 'x', 1, 'image/png', 'png', 'image', 'media/images/x.png', ?)",
        NOW,
    )
    run(store, "UPDATE post_media SET file_id = 'fil-1' WHERE media_key = 'A'")

    with store.reading() as tx:
        [line] = listing.posts(tx, limit=5)

    assert line.latest is not None
    assert (line.latest.reactions, line.latest.observed_at) == (9, EPOCH + DAY)
    assert (line.media, line.cached, line.author, line.author_name) == (2, 1, "jane-doe", "Jane Doe")
    assert (line.native_id, line.kind, line.posted_at) == (activity_id(serial=1), "regular", EPOCH)


@pytest.mark.parametrize("posts", [1, 50])
def test_a_page_of_posts_is_two_queries_however_many_there_are(store, posts):
    ingest(store, [raw(post(n, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(posts)])
    with counted(store) as sent, store.reading() as tx:
        assert len(listing.posts(tx, limit=50)) == posts
    # Posts with their latest snapshot, then their media counts.
    assert len(sent) <= 3, sent
    assert len(sent) == len(set(sent))


def test_a_post_with_all_that_hangs_on_it_is_a_fixed_number_of_queries(store):
    ingest(store, [raw(post(1, media=gallery(image("A"))))])
    for n in range(1, 20):
        more = gallery(*(image(f"A{m}") for m in range(n)))
        ingest(store, [raw(post(1, text=f"Version {n} #tag{n}", media=more, stats=stats(n)), at=EPOCH + n * DAY)])
    ingest(store, [raw(post(2, media=gallery(image("A"))))])
    known = ids(store)
    numbers = []
    for native in (activity_id(serial=1), activity_id(serial=2)):
        with counted(store) as sent, store.reading() as tx:
            detail = listing.post(tx, known[native])
        numbers.append(len(sent))
    assert numbers[0] == numbers[1] <= 12
    assert detail is not None
    with store.reading() as tx:
        full = listing.post(tx, known[activity_id(serial=1)])
        assert listing.post(tx, "p-00000000") is None
    assert full is not None
    assert [each.observed_at for each in full.snapshots] == [EPOCH + n * DAY for n in range(20)]
    assert len(full.texts) == 19
    assert full.hashtags == ("tag19",)


# --- names ----------------------------------------------------------------------------------------------


def test_a_post_is_found_by_every_form_of_its_name(store):
    number = activity_id(serial=1)
    share = str(int(number) - 7)
    ingest(store, [raw(post(1)), raw(post(2), number=2)])
    post_id = ids(store)[number]
    forms = [
        post_id,
        number,
        f"urn:li:activity:{number}",
        f"urn:li:share:{share}",
        share,
        f"https://www.linkedin.com/posts/jane-doe_text-activity-{number}-AbCd?utm_source=x",
        f"https://www.linkedin.com/feed/update/urn:li:activity:{number}/",
        f"https://www.linkedin.com/feed/update/urn:li:share:{share}",
        f"http://de.linkedin.com/posts/jane-doe_text-share-{share}-XyZ_",
    ]
    with store.reading() as tx:
        assert {form: which.find_posts(tx, form) for form in forms} == {form: [post_id] for form in forms}


@pytest.mark.parametrize(
    "reference",
    ["", " ", "p-00000000", "p-0123456789abcdef0", "12345", "urn:li:activity:12345", "urn:li:share:12345",
     "https://www.linkedin.com/in/jane-doe", "jane-doe", "%", "_", "'", "\0", "a\0b", "\ud800", "9" * 5000,
     "x" * 70_000],
)  # fmt: skip
def test_what_nobody_is_called_finds_nobody(store, reference):
    ingest(store, [raw(post(1))])
    with store.reading() as tx:
        assert which.find_posts(tx, reference) == []


def test_a_name_of_several_posts_finds_them_all_and_a_post_s_own_name_finds_it_alone(store):
    one, two = post(1), post(2)
    shared = one["urn"]["share_urn"]
    two["urn"]["share_urn"] = shared
    ingest(store, [raw(one), raw(two, number=2)])
    known = ids(store)

    with store.reading() as tx:
        assert which.find_posts(tx, f"urn:li:share:{shared}") == sorted(known.values())
        assert which.find_posts(tx, shared) == sorted(known.values())
        assert which.find_posts(tx, activity_id(serial=2)) == [known[activity_id(serial=2)]]
        assert which.find_posts(tx, f"urn:li:ugcPost:{shared}") == []


# --- media ----------------------------------------------------------------------------------------------


def test_media_come_in_order_within_a_post_and_in_pages_by_id(store):
    ingest(
        store,
        [raw(post(n, media=gallery(*(image(f"A{n}{m}") for m in range(4)))), number=n + 1) for n in range(5)],
    )
    post_id = ids(store)[activity_id(serial=3)]
    with store.reading() as tx:
        of_post = listing.media(tx, post_id=post_id, limit=100)
        assert [each.position for each in of_post] == [0, 1, 2, 3]
        assert ["A3" in each.url for each in of_post] == [True] * 4
        assert {each.state for each in of_post} == {MediaState.PENDING}
        everything = listing.media(tx, limit=1000)
        assert len(everything) == 20
        for size in (1, 3, 19, 20, 21):
            found, after = [], None
            while page := listing.media(tx, limit=size, after=after):
                assert len(page) <= size
                found += page
                after = page[-1].media_id
            assert found == everything
    with counted(store) as sent, store.reading() as tx:
        listing.media(tx, limit=20)
    assert len(sent) == 1


def test_media_in_numbers(store):
    ingest(store, [raw(post(n, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(3)])
    run(store, "UPDATE post_media SET download_state = 'gone' WHERE media_key = 'A0'")
    run(store, "UPDATE work SET due_at = ?", NOW)
    run(store, "UPDATE work SET due_at = ? WHERE subject = (SELECT max(subject) FROM work)", NOW + DAY)
    for n, cached in ((1, NOW), (2, NOW), (3, None)):
        run(
            store,
            "INSERT INTO media_files (file_id, md5_sum, file_size, mime_type, extension, media_type,"
            " local_file_path, cached_at) VALUES (?, 'x', ?, 'm', 'e', ?, 'p', ?)",
            f"fil-{n}",
            n * 3_000_000_000,
            "video" if n == 2 else "image",
            cached,
        )

    with store.reading() as tx:
        found = listing.media_stats(tx, NOW, cache_limit=5, cache_root="/c")

    assert (found.places, found.files, found.bytes) == (3, 2, 9_000_000_000)
    assert {kind: (each.files, each.bytes) for kind, each in found.by_type.items()} == {
        "image": (1, 3_000_000_000),
        "video": (1, 6_000_000_000),
    }
    assert found.by_state == {"gone": 1, "pending": 2}
    assert (found.waiting, found.due, found.cache_limit, found.cache_root) == (3, 2, 5, "/c")


# --- totals ---------------------------------------------------------------------------------------------


def test_an_empty_database_in_numbers(store):
    with store.reading() as tx:
        found = listing.totals(tx)
        assert listing.posts(tx, limit=5) == listing.media(tx, limit=5) == []
        stats = listing.media_stats(tx, NOW, cache_limit=1, cache_root="")
    assert (found.posts, found.snapshots, found.runs, found.first_observed_at) == (0, 0, 0, None)
    assert (stats.places, stats.files, stats.bytes, stats.by_type) == (0, 0, 0, {})


def test_the_database_in_numbers(store):
    ingest(store, [raw(post(n, novelty=1, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(3)])
    ingest(store, [raw(post(1), at=EPOCH + DAY), raw(b"{}", number=2)])
    run(store, "UPDATE posts SET is_marked = ? WHERE text_content = 'Text 2'", True)

    with store.reading() as tx:
        found = listing.totals(tx)

    assert (found.posts, found.marked, found.snapshots, found.runs) == (3, 1, 4, 2)
    assert (found.profiles, found.media, found.raw_records, found.quarantined) == (1, 3, 4, 1)
    assert (found.first_observed_at, found.last_observed_at) == (EPOCH, EPOCH + DAY)
    assert found.unknown_keys == {"linkedin/apimaestro: novelty": 3}


# --- what is missing ------------------------------------------------------------------------------------


def test_incomplete_posts_are_those_that_a_try_may_help(store):
    states = ["pending", "retry", "gone", "expired", "refused", "unsupported", "failed", "fetched", "fetched"]
    ingest(store, [raw(post(n, media=gallery(image(f"A{n}"))), number=n + 1) for n in range(len(states) + 1)])
    run(store, "DELETE FROM work")
    for n, cached in ((7, NOW), (8, None)):
        run(
            store,
            "INSERT INTO media_files (file_id, md5_sum, file_size, mime_type, extension, media_type,"
            " local_file_path, cached_at) VALUES (?, 'x', 1, 'm', 'e', 'image', 'p', ?)",
            f"fil-{n}",
            cached,
        )
    for n, state in enumerate(states):
        run(store, "UPDATE post_media SET download_state = ? WHERE media_key = ?", state, f"A{n}")
    run(store, "UPDATE post_media SET file_id = 'fil-7' WHERE media_key = 'A7'")
    run(store, "UPDATE post_media SET file_id = 'fil-8' WHERE media_key = 'A8'")
    # The last one is pending, and waits for a time that has not come.
    run(
        store,
        "INSERT INTO work (stage, subject, host, due_at) SELECT 'fetch', media_id, 'h', ? FROM post_media"
        " WHERE media_key = 'A9'",
        NOW + DAY,
    )
    native = {post_id: number for number, post_id in ids(store).items()}

    with store.reading() as tx:
        found = listing.incomplete_posts(tx, NOW, after="", limit=100, since=None)
        wanted = listing.incomplete_media(tx, [post_id for post_id, *_ in found], NOW)
        assert listing.incomplete_of(tx, native) == 9
        later = listing.incomplete_posts(tx, NOW + 2 * DAY, after="", limit=100, since=None)
        paged = [
            *listing.incomplete_posts(tx, NOW, after="", limit=2, since=None),
            *listing.incomplete_posts(tx, NOW, after=found[1][0], limit=2, since=None),
        ]

    assert sorted(native[post_id] for post_id, *_ in found) == [activity_id(serial=n) for n in (0, 1, 8)]
    assert [(kind, items, at) for _, kind, items, at in found] == [("regular", 1, EPOCH)] * 3
    assert {post_id for _, post_id, _ in wanted} == {post_id for post_id, *_ in found}
    assert len(later) == 4
    assert paged == found
