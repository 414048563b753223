"""What importing pages keeps: people, places, captions, accounts, lists; and that what was erased stays away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postkeep.ids import IdFactory
from postkeep.model import ObservedSource, RawRecord, utc_now
from postkeep.stages.ingest import Ingest, Tally
from postkeep.stages.ingest.told import tell
from postkeep.store import Store, bulk, listings, runs, tombstones
from postkeep.store.verify import verify_rows
from tests.canonical import dump
from tests.pages import EPOCH, PLATFORM, Pages, day, entry, page, raw

IDS = IdFactory()
sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def ingest(store: Store, *records: RawRecord, **more: Any) -> Tally:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    stage = Ingest(store, platforms=[Pages()], ids=IDS, run_id=run_id, clock=utc_now, **more)
    for _ in stage.feed(records):
        pass
    assert stage.tally.problems == []
    return stage.tally


def rows(store: Store, statement: str, *parameters: object) -> list[tuple]:
    with store.reading() as tx:
        return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]


def counted(tally: Tally) -> tuple[int, int, int, int]:
    return tally.new, tally.duplicates, tally.updated, tally.refused


# --- posts of a page ------------------------------------------------------------------------------------


def test_a_page_is_one_record_with_the_snapshots_of_its_posts(store):
    tally = ingest(store, raw(page(entry(3, likes=5, shares=2), entry(2, hidden=True), entry(1))))

    assert counted(tally) == (3, 0, 0, 0)
    assert rows(store, "SELECT post_count FROM raw_records") == [(3,)]
    assert rows(
        store, "SELECT count(DISTINCT record_sha256), count(DISTINCT content_hash) FROM data_downloads"
    ) == [(1, 3)]
    found = rows(
        store,
        "SELECT p.native_id, d.likes, d.shares, d.counts_hidden FROM data_downloads d"
        " JOIN posts p ON p.post_id = d.post_id ORDER BY 1",
    )
    assert [(each[0], each[1], each[2], bool(each[3])) for each in found] == [
        ("1", None, None, False),
        ("2", None, None, True),
        ("3", 5, 2, False),
    ]


def test_one_changed_post_does_not_make_its_neighbours_changed(store):
    ingest(store, raw(page(entry(2), entry(1, likes=1))))

    tally = ingest(store, raw(page(entry(2), entry(1, likes=2)), at=day(1)))

    assert counted(tally) == (0, 2, 1, 0)


@pytest.mark.parametrize("source", [ObservedSource.FILE_NAME, ObservedSource.MTIME])
def test_the_same_page_again_changes_nothing_and_counts_all_its_posts(store, source):
    told = page(
        entry(2), entry(1), account={"followers": 10, "biography": "Hello", "links": ["https://a.example"]}
    )
    ingest(store, raw(told, source=source))
    before = dump(store)

    tally = ingest(store, raw(told, source=source), raw(told, source=source, name="copy.json"))

    assert counted(tally) == (0, 4, 0, 0)
    assert dump(store) == before


def test_at_an_assumed_time_known_content_says_nothing_new_of_an_account(store):
    told = page(entry(1), account={"followers": 10})
    ingest(store, raw(told))
    before = dump(store)

    ingest(store, raw(told, at=day(3), source=ObservedSource.MTIME))
    assert dump(store) == before

    # Other bytes with the same count: a list of its own, but no new observation of the count.
    ingest(store, raw(told | {"token": "b"}, at=day(4), source=ObservedSource.MTIME))
    assert rows(store, "SELECT count(*) FROM follower_history") == [(1,)]
    ingest(store, raw(page(entry(1), account={"followers": 11}), at=day(5), source=ObservedSource.MTIME))
    assert rows(store, "SELECT followers_count FROM follower_history ORDER BY observed_at") == [(10,), (11,)]


def test_a_page_of_known_posts_is_kept_for_the_list_it_was(store):
    ingest(store, raw(page(entry(2), entry(1))))

    ingest(store, raw(page(entry(1), kind="reels")))

    assert rows(store, "SELECT kind FROM listings ORDER BY kind") == [("feed",), ("reels",)]
    assert rows(store, "SELECT count(*) FROM raw_records") == [(2,)]
    assert verify_rows(store) == []


def test_pages_bring_no_more_posts_into_a_transaction_than_fit(store, monkeypatch):
    sizes = []
    write = Ingest._try_to_write

    def noting(self: Ingest, batch: Any) -> Any:
        sizes.append(sum(len(each.parsed.posts) for each in batch.candidates))
        return write(self, batch)

    monkeypatch.setattr(Ingest, "_try_to_write", noting)
    pages = [page(*(entry(100 * number + each) for each in range(100))) for number in range(12)]

    tally = ingest(store, *map(raw, pages))

    assert tally.new == 1200
    assert len(sizes) > 1
    assert max(sizes) <= 1000 + 100


# --- what posts are -------------------------------------------------------------------------------------


def test_people_places_titles_and_captions_are_kept(store):
    told = entry(
        1,
        title="A title",
        format="carousel",
        place="Ghent",
        tagged=["bob", "cid"],
        coauthors=["dot"],
        flags=["over_18"],
        media=[{"key": "M1", "caption": "One", "or": ["https://x.example/1"]}, {"key": "M2"}],
    )
    ingest(store, raw(page(told)))

    assert rows(
        store, "SELECT title, post_format, presence, flags, location_name, latitude, longitude FROM posts"
    ) == [("A title", "carousel", "there", '["over_18"]', "Ghent", 1.5, -2.25)]
    assert rows(
        store,
        "SELECT t.role, t.position, t.username, p.username FROM post_people t"
        " JOIN profiles p ON p.profile_id = t.profile_id ORDER BY 1, 2",
    ) == [("coauthor", 0, "dot", "dot"), ("tagged", 0, "bob", "bob"), ("tagged", 1, "cid", "cid")]
    assert rows(store, "SELECT media_key, caption, alternatives FROM post_media ORDER BY 1") == [
        ("M1", "One", '["https://x.example/1"]'),
        ("M2", None, None),
    ]


def test_what_a_later_record_does_not_tell_stays_and_what_it_tells_replaces(store):
    ingest(store, raw(page(entry(1, title="Old", place="Ghent", tagged=["bob", "cid"], flags=["spoiler"]))))

    ingest(store, raw(page(entry(1, title="New", tagged=["eve"])), at=day(2)))
    ingest(store, raw(page(entry(1, title="Between", place="Bruges", tagged=["dot"])), at=day(1)))

    assert rows(store, "SELECT title, location_name, flags FROM posts") == [("New", "Bruges", None)]
    assert rows(store, "SELECT username FROM post_people") == [("eve",)]


def test_a_post_that_is_gone_keeps_what_was_known_of_it(store):
    ingest(store, raw(page(entry(1, title="A title", media=[{"key": "M1"}]))))
    gone = {"id": "1", "day": 1, "presence": "deleted"}

    ingest(store, raw(page(gone), at=day(2)))

    at = day(2).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if store.is_sqlite else day(2)
    assert rows(store, "SELECT text_content, title, presence, presence_at FROM posts") == [
        ("Text 1", "A title", "deleted", at)
    ]
    assert rows(store, "SELECT absent_since FROM post_media") == [(None,)]
    with store.reading() as tx:
        [found] = listings.gone(tx, limit=10)
    assert (found.presence, found.observed_at) == ("deleted", day(2))

    ingest(store, raw(page(entry(1, title="Back")), at=day(3)))
    assert rows(store, "SELECT presence, presence_at, title FROM posts") == [("there", None, "Back")]


def test_counts_of_one_observation_are_merged_and_hidden_wins(store):
    ingest(store, raw(page(entry(1, likes=5, shares=None, hidden=True))))
    ingest(store, raw(page(entry(1, likes=None, shares=2))))

    [(likes, shares, hidden)] = rows(store, "SELECT likes, shares, counts_hidden FROM data_downloads")
    assert (likes, shares, bool(hidden)) == (5, 2, True)


# --- accounts -------------------------------------------------------------------------------------------


def account(store: Store) -> tuple:
    [found] = rows(
        store,
        "SELECT followers_count, following_count, media_count, biography, is_private, facts_json FROM profiles"
        " WHERE username = 'ann'",
    )
    return found


def test_the_latest_known_values_of_an_account_stand_in_its_profile(store):
    ingest(store, raw(page(account={"followers": 30, "facts": {"a": 1}}), at=day(3)))
    ingest(store, raw(page(account={"followers": 10, "following": 5, "biography": "First"}), at=day(1)))
    ingest(store, raw(page(account={"biography": "", "is_private": True, "facts": {"b": "x"}}), at=day(2)))

    followers, following, posts, biography, private, facts = account(store)
    assert (followers, following, posts, biography, bool(private)) == (30, 5, None, "", True)
    assert facts == '{"a":1,"b":"x"}'
    assert rows(store, "SELECT followers_count, following_count FROM follower_history ORDER BY observed_at") == [
        (10, 5),
        (30, None),
    ]
    assert rows(store, "SELECT text_content FROM profile_texts ORDER BY first_seen_at") == [("First",), ("",)]


def test_no_count_is_a_row_of_nothing(store):
    ingest(store, raw(page(account={"biography": "Hello"})))

    assert rows(store, "SELECT count(*) FROM follower_history") == [(0,)]


def test_links_have_a_history_and_those_shown_last_are_known(store):
    ingest(store, raw(page(account={"links": ["https://a.example", "https://b.example"]}), at=day(1)))
    ingest(store, raw(page(account={"links": ["https://b.example", "https://c.example"]}), at=day(2)))

    found = rows(
        store,
        "SELECT l.url, l.position, l.last_seen_at = p.links_seen_at FROM profile_links l"
        " JOIN profiles p ON p.profile_id = l.profile_id ORDER BY l.url",
    )
    assert [(url, position, bool(shown)) for url, position, shown in found] == [
        ("https://a.example", 0, False),
        ("https://b.example", 0, True),
        ("https://c.example", 1, True),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_where_a_link_leads_stays_known_when_a_record_does_not_tell_it(store, order):
    told = [
        {"external_url": "https://a.example", "links": ["https://a.example"]},
        {"external_url": "https://a.example"},
        {"external_url": "https://a.example", "followers": 5},
    ]
    for at in order:
        ingest(store, raw(page(account=told[at]), at=day(at)))
    assert rows(store, "SELECT external_url, external_url_kind FROM profiles") == [("https://a.example", "site")]

    ingest(store, raw(page(account={"external_url": "https://b.example"}), at=day(4)))
    assert rows(store, "SELECT external_url, external_url_kind FROM profiles") == [("https://b.example", None)]


def test_an_account_is_told_by_its_own_id_when_its_name_changed(store):
    ingest(store, raw(page(account={"followers": 10}), at=day(1)))
    ingest(store, raw(page(owner="anna", account={"followers": 20}), at=day(2)))

    assert rows(store, "SELECT username, followers_count FROM profiles") == [("anna", 20)]
    assert rows(store, "SELECT count(*) FROM follower_history") == [(2,)]
    assert rows(store, "SELECT value FROM profile_names WHERE kind = 'username' ORDER BY 1") == [
        ("ann",),
        ("anna",),
    ]


def test_a_new_avatar_stands_beside_the_old_one_that_is_absent_since(store):
    ingest(store, raw(page(account={"avatar": "A1"}), at=day(1)))
    ingest(store, raw(page(account={"avatar": "A2"}), at=day(3)))
    ingest(store, raw(page(account={"avatar": "A1"}), at=day(2)))

    [(one, gone), (two, there)] = rows(store, "SELECT media_key, absent_since FROM profile_media ORDER BY 1")
    assert (one, two, there) == ("A1", "A2", None)
    assert (datetime.fromisoformat(gone) if isinstance(gone, str) else gone) == day(3)
    # What a post shows of its author is no record of the profile: it takes nothing away.
    ingest(store, raw(page(entry(1), seen_avatar="A3"), at=day(4)))
    assert rows(store, "SELECT count(*) FROM profile_media WHERE absent_since IS NULL") == [(2,)]


# --- lists ----------------------------------------------------------------------------------------------


def missing(store: Store) -> list[tuple[str, datetime, datetime]]:
    with store.reading() as tx:
        [owner] = listings.owners(tx, limit=10)
        names = dict(bulk.execute(tx, "SELECT post_id, native_id FROM posts").all())
        return [
            (names[each.post_id], each.listed_at, each.missed_at) for each in listings.missing(tx, owner, limit=10)
        ]


def test_a_list_is_remembered_with_its_places(store):
    ingest(store, raw(page(entry(2, pinned=True), entry(9), entry(5), complete=True, page=0), at=day(10)))

    [(kind, source, in_order, complete)] = rows(
        store, "SELECT kind, source, in_time_order, complete FROM listings"
    )
    assert (kind, source, bool(in_order), bool(complete)) == ("feed", "page", True, True)
    with store.reading() as tx:
        [owner] = listings.owners(tx, limit=10)
        [newest] = listings.newest(tx, owner)
    assert (newest.oldest_posted_at, newest.newest_posted_at) == (day(5), day(9))
    assert [(each.position, each.pinned) for each in newest.posts] == [(0, True), (1, False), (2, False)]


def test_a_post_that_a_later_list_spans_and_lacks_is_missing(store):
    ingest(store, raw(page(entry(4), entry(3), entry(2), entry(1)), at=day(10)))
    ingest(store, raw(page(entry(5), entry(4), entry(2)), at=day(11)))
    ingest(store, raw(page(entry(6), entry(5), entry(4)), at=day(12)))

    assert missing(store) == [("3", day(10), day(11))]
    # It was seen again, somewhere else.
    ingest(store, raw(page(entry(3), kind="reels"), at=day(13)))
    assert missing(store) == []


def test_pages_of_what_is_missing_are_complete_though_a_post_is_missing_from_two_lists(store):
    for kind in ("feed", "reels"):
        ingest(store, raw(page(entry(4), entry(3), entry(2), entry(1), kind=kind), at=day(10)))
        ingest(store, raw(page(entry(4), entry(1), kind=kind), at=day(12)))

    with store.reading() as tx:
        [owner] = listings.owners(tx, limit=10)
        whole = listings.missing(tx, owner, limit=10)
        paged: list[listings.Missing] = []
        while page_ := listings.missing(
            tx, owner, limit=1, after=(paged[-1].post_id, paged[-1].kind) if paged else ("", "")
        ):
            paged += page_
    assert paged == whole
    assert sorted(each.kind for each in whole) == ["feed", "feed", "reels", "reels"]


@pytest.mark.parametrize(
    "later",
    [
        page(entry(1, pinned=True), entry(8), entry(7)),
        page(entry(8), entry(1), kind="hot"),
        page(entry(1), entry(8)),
        page(entry(9), entry(8), page=0),
        page(entry(8), entry(1), kind="reels"),
    ],
    ids=["pinned aside", "by rank", "out of order", "newer ones only", "another kind"],
)
def test_a_list_that_does_not_span_it_says_nothing_of_a_post(store, later):
    ingest(store, raw(page(entry(5), kind=later["kind"] if later["kind"] == "hot" else "feed"), at=day(9)))
    ingest(store, raw(later, at=day(11)))

    assert missing(store) == []


def test_the_first_page_reaches_up_to_its_time_and_the_last_one_down_to_the_first_post(store):
    ingest(store, raw(page(entry(9), entry(5), entry(1)), at=day(10)))
    ingest(store, raw(page(entry(5), page=0, complete=True), at=day(11)))

    assert missing(store) == [("1", day(10), day(11)), ("9", day(10), day(11))] or missing(store) == [
        ("9", day(10), day(11)),
        ("1", day(10), day(11)),
    ]


# --- what was erased ------------------------------------------------------------------------------------


def erase(store: Store, *stones: tombstones.Tombstone) -> None:
    with store.writing() as tx:
        tombstones.leave(tx, stones, reason="asked to", now=EPOCH)
        for each in stones:
            bulk.execute(tx, "DELETE FROM posts WHERE native_id = ?", each.id)
        bulk.execute(tx, "DELETE FROM raw_records")
        bulk.execute(tx, "UPDATE data_downloads SET record_sha256 = NULL")


def test_an_erased_post_stays_away_and_so_do_the_bytes_that_hold_it(store):
    told = page(entry(2), entry(1))
    ingest(store, raw(told))
    erase(store, tombstones.of_post(PLATFORM, "1"))

    again, later = ingest(store, raw(told)), ingest(store, raw(page(entry(3), entry(1)), at=day(4)))

    assert (counted(again), counted(later)) == ((0, 1, 0, 1), (1, 0, 0, 1))
    assert rows(store, "SELECT native_id FROM posts ORDER BY 1") == [("2",), ("3",)]
    assert rows(store, "SELECT count(*) FROM raw_records") == [(0,)]
    assert rows(store, "SELECT count(*) FROM tombstones WHERE id_hash LIKE '%1%' AND length(id_hash) < 64") == [
        (0,)
    ]
    assert verify_rows(store) == []

    readmitted = ingest(store, raw(told), readmit=True)
    assert (counted(readmitted), rows(store, "SELECT count(*) FROM tombstones")) == ((1, 1, 0, 0), [(0,)])


def test_an_erased_profile_comes_back_neither_by_its_posts_nor_by_its_name(store):
    names = tombstones.of_profile(PLATFORM, "creator", native_id="77", username="ann")
    erase(store, *names)

    tally = ingest(store, raw(page(entry(1), account={"followers": 5})), raw(page(entry(2), owner_id=None)))
    assert counted(tally) == (0, 0, 0, 2)
    tagging = ingest(store, raw(page(entry(3, tagged=["ann", "bob"]), owner="joe", owner_id="88")))
    assert counted(tagging) == (1, 0, 0, 0)
    assert rows(store, "SELECT username FROM profiles ORDER BY 1") == [("bob",), ("joe",)]
    assert rows(store, "SELECT username FROM post_people") == [("bob",)]
    assert rows(store, "SELECT count(*) FROM raw_records") == [(0,)]

    # Somebody else took the name over.
    assert counted(ingest(store, raw(page(entry(4), owner_id="99")))) == (1, 0, 0, 0)


def test_a_tombstone_can_be_lifted(store):
    stone = tombstones.of_post(PLATFORM, "1")
    with store.writing() as tx:
        assert tombstones.standing(tx, [stone]) == set()
        tombstones.leave(tx, [stone], reason="asked to", now=EPOCH)
        tombstones.leave(tx, [stone], reason="again", now=day(1))
        assert tombstones.standing(tx, [stone, tombstones.of_post(PLATFORM, "2")]) == {stone}
        tombstones.lift(tx, [stone])
        assert tombstones.standing(tx, [stone]) == set()


# --- order ----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    told=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.fixed_dictionaries({}, optional={"a": st.integers(0, 3), "b": st.sampled_from("xyz")}),
        ),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
)
def test_facts_are_those_told_last_in_whatever_order(told, order):
    def folded(records: Iterable[tuple[int, dict[str, Any]]]) -> tuple[dict[str, Any], str | None, Any]:
        values: dict[str, Any] = {}
        told_json, last = None, None
        for at, facts in records:
            told_json = tell(values, facts, day(at), last=last, told_json=told_json)
            last = day(at) if last is None else max(last, day(at))
        return values, told_json, last

    shuffled = list(told)
    order.shuffle(shuffled)
    assert folded(told) == folded(shuffled)
    for name in ("a", "b"):
        known = [(at, facts[name]) for at, facts in told if name in facts]
        assert folded(told)[0].get(name) == max(known, default=(0, None))[1]


_posts = st.fixed_dictionaries(
    {"id": st.sampled_from("123"), "text": st.sampled_from(["one", "two", "three"])},
    optional={
        "title": st.sampled_from(["A", "B"]),
        "format": st.sampled_from(["image", "video"]),
        "place": st.sampled_from(["Ghent", "Bruges"]),
        "tagged": st.lists(st.sampled_from(["bob", "cid"]), unique=True),
        "flags": st.lists(st.just("spoiler"), max_size=1),
        "presence": st.sampled_from(["there", "deleted", "removed"]),
        "media": st.lists(
            st.fixed_dictionaries(
                {"key": st.sampled_from(["M1", "M2"])}, optional={"caption": st.sampled_from("cd")}
            ),
            max_size=2,
            unique_by=lambda each: each["key"],
        ),
    },
).map(lambda told: told if told.get("presence", "there") == "there" else {**told, "text": None, "media": []})
_accounts = st.fixed_dictionaries(
    {},
    optional={
        "followers": st.integers(1, 3),
        "following": st.integers(1, 3),
        "biography": st.sampled_from(["", "a", "b"]),
        "is_private": st.booleans(),
        "links": st.lists(st.sampled_from(["https://a.example", "https://b.example"]), unique=True),
        "avatar": st.sampled_from(["A1", "A2", "A3"]),
        "facts": st.dictionaries(st.sampled_from("mn"), st.integers(0, 2), max_size=2),
    },
)
_pages = st.lists(
    st.tuples(
        st.integers(0, 5), st.lists(_posts, max_size=3, unique_by=lambda each: each["id"]), st.none() | _accounts
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda each: each[0],
)


@sqlite_only
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=_pages, order=st.randoms(use_true_random=False), one_batch=st.booleans())
def test_the_order_of_pages_does_not_matter(store, pages, order, one_batch):
    records = [
        raw(
            page(*({"day": int(each["id"])} | each for each in posts), **({"account": told} if told else {})),
            at=day(at),
        )
        for at, posts, told in sorted(pages, key=lambda each: each[0])
    ]
    shuffled = list(records)
    order.shuffle(shuffled)
    dumps = []
    for batch in (records, shuffled):
        with store.writing() as tx:
            for table in ("posts", "raw_records", "profiles", "work", "listings"):
                bulk.execute(tx, f"DELETE FROM {table}")
        for part in [batch] if one_batch else [[each] for each in batch]:
            ingest(store, *part)
        dumps.append(dump(store))
    assert dumps[0] == dumps[1]
