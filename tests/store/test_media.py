"""Media rows and their files: what arrives, what fails, what is lost, and what is known of a URL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.records import EPOCH, author, gallery, image, image_url, post, raw
from tests.stages.test_ingest import ingest
from tests.store.test_listing import counted

from postkeep.ids import IdFactory
from postkeep.model import CachedFile, Digest, Dimensions, Kind, MediaState, MediaType, Proof, Stage
from postkeep.stages.hosts import host_of
from postkeep.store import Store, bulk, caching, media, stored_files, work
from postkeep.store.media import Arrival, Failure
from postkeep.store.verify import verify_rows

NOW = EPOCH
HOUR = timedelta(hours=1)
IDS = IdFactory()


def file(name: str, *, path: str = "", size: int = 100, proof: int = 1) -> CachedFile:
    digest = Digest(f"md5 of {name}", f"sha256 of {name}", size)
    where = path or f"media/images/{name}.png"
    kind = Kind("image/png", "png", MediaType.IMAGE)
    return CachedFile(where, digest, kind, Dimensions(3, 2), Proof(size, proof, proof))


def rows(store: Store, statement: str, *parameters: object) -> list[tuple]:
    with store.reading() as tx:
        return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]


def of(store: Store) -> dict[str, str]:
    """media_id by media key."""
    return dict(
        rows(
            store, "SELECT media_key, media_id FROM post_media UNION SELECT media_key, media_id FROM profile_media"
        )
    )


def with_media(store: Store, *assets: str) -> dict[str, str]:
    ingest(store, [raw(post(n, media=gallery(image(asset))), number=n + 1) for n, asset in enumerate(assets)])
    return of(store)


def arrive(store: Store, *arrivals: Arrival, now: datetime = NOW) -> None:
    with store.writing() as tx:
        media.store_arrivals(tx, arrivals, ids=IDS, now=now)


def sound(store: Store) -> None:
    assert verify_rows(store) == []


# --- arrivals -------------------------------------------------------------------------------------------


def test_an_arrival_gives_the_row_its_file_and_takes_its_work_from_the_list(store):
    known = with_media(store, "A", "B")
    arrive(store, Arrival(known["A"], file("a"), "small", 800))

    assert rows(
        store,
        "SELECT download_state, local_file_path, md5_sum, file_size, mime_type, width, height, file_rendition,"
        " file_rank FROM post_media WHERE media_key = 'A'",
    ) == [("fetched", "media/images/a.png", "md5 of a", 100, "image/png", 3, 2, "small", 800)]
    assert rows(store, "SELECT subject FROM work") == [(known["B"],)]
    sound(store)


def test_arrivals_of_one_content_share_a_row(store):
    known = with_media(store, "A", "B", "C")
    arrive(store, Arrival(known["A"], file("same"), None, None), Arrival(known["B"], file("same"), None, None))
    arrive(store, Arrival(known["C"], file("same", proof=2), None, None), now=NOW + HOUR)

    assert rows(store, "SELECT count(DISTINCT file_id), count(*) FROM post_media") == [(1, 3)]
    [(cached, proven, inode)] = rows(store, "SELECT cached_at, proven_at, proven_inode FROM media_files")
    assert (bulk.moment(cached), bulk.moment(proven), inode) == (NOW, NOW + HOUR, 2)
    sound(store)


def test_a_hundred_arrivals_are_a_fixed_number_of_statements(store):
    known = with_media(store, *(f"A{n}" for n in range(100)))
    numbers = []
    for some in (range(2), range(2, 100)):
        with counted(store) as sent:
            arrive(store, *(Arrival(known[f"A{n}"], file(f"{n}"), None, None) for n in some))
        numbers.append(len(sent))
    assert numbers[0] == numbers[1] <= 10
    sound(store)


def test_content_that_moves_moves_for_every_row_that_shows_it(store):
    known = with_media(store, "A", "B")
    arrive(store, Arrival(known["A"], file("same", path="images/legacy.png"), None, None))
    arrive(store, Arrival(known["B"], file("same"), None, None))

    assert rows(store, "SELECT local_file_path FROM post_media") == [("media/images/same.png",)] * 2
    sound(store)


def test_an_arrival_for_a_profile_is_stored_there(store):
    picture = image_url("FACE", variant="profile-displayphoto-shrink_800_800")
    ingest(store, [raw(post(1, author=author(profile_picture=picture)))])
    arrive(store, Arrival(of(store)["FACE"], file("face"), None, None))

    assert rows(store, "SELECT download_state, md5_sum FROM profile_media") == [("fetched", "md5 of face")]
    sound(store)


def test_no_arrivals_are_no_statements(store):
    with counted(store) as sent:
        arrive(store)
    assert sent == []


def test_a_known_content_in_the_cache_is_found_by_its_asset(store):
    known = with_media(store, "A", "B")
    arrive(store, Arrival(known["A"], file("a"), "small", 800))
    wanted = {
        ("linkedin", "A", "small"),
        ("linkedin", "A", "large"),
        ("reddit", "A", "small"),
        ("linkedin", "B", None),
    }

    with store.reading() as tx:
        found = media.cached_assets(tx, wanted)
        assert media.cached_assets(tx, set()) == {}
    assert {asset: (kept.sha256, rank) for asset, (kept, rank) in found.items()} == {
        ("linkedin", "A", "small"): ("sha256 of a", 800)
    }
    with store.writing() as tx:
        caching.mark_uncached(tx, [next(iter(found.values()))[0].file_id], NOW, quarantined=False, hosts=host_of)
        assert media.cached_assets(tx, wanted) == {}


# --- failures -------------------------------------------------------------------------------------------


def fail(store: Store, media_id: str, *, url: str = "", state=MediaState.RETRY, due=NOW + HOUR, fails=1) -> None:
    [(now_url,)] = rows(
        store,
        "SELECT media_url FROM post_media WHERE media_id = ?",
        media_id,
    )
    with store.writing() as tx:
        media.store_failures(
            tx, [Failure(media_id, url or now_url, state, "http_500", "why " * 500, due, fails)], NOW
        )


def test_a_failure_moves_the_work_or_ends_it(store):
    known = with_media(store, "A", "B")
    fail(store, known["A"], fails=3)
    fail(store, known["B"], state=MediaState.GONE, due=None)

    found = rows(
        store, "SELECT download_state, error_kind, length(error_message) FROM post_media ORDER BY media_key"
    )
    assert found == [("retry", "http_500", 500), ("gone", "http_500", 500)]
    [(subject, due, fails)] = rows(store, "SELECT subject, due_at, fails FROM work")
    assert (subject, bulk.moment(due), fails) == (known["A"], NOW + HOUR, 3)
    sound(store)


@pytest.mark.parametrize("due", [None, NOW + HOUR])
def test_the_failure_of_a_url_that_was_replaced_is_nobody_s(store, due):
    known = with_media(store, "A")
    before = rows(store, "SELECT * FROM post_media"), rows(store, "SELECT * FROM work")

    fail(store, known["A"], url=image_url("A", t="an older one"), state=MediaState.GONE, due=due)

    assert (rows(store, "SELECT * FROM post_media"), rows(store, "SELECT * FROM work")) == before


def test_a_row_that_has_a_file_keeps_it(store):
    known = with_media(store, "A")
    arrive(store, Arrival(known["A"], file("a"), None, None))
    with store.writing() as tx:
        work.add(tx, Stage.FETCH, [(known["A"], "h")], NOW)
    fail(store, known["A"], state=MediaState.GONE, due=None)

    assert rows(store, "SELECT download_state, md5_sum, error_kind FROM post_media") == [
        ("fetched", "md5 of a", "http_500")
    ]
    assert rows(store, "SELECT count(*) FROM work") == [(0,)]
    sound(store)


def test_a_failure_of_a_row_that_was_removed_is_nothing(store):
    with_media(store, "A")
    with store.writing() as tx:
        gone = [Failure("med-00000000", "u", MediaState.GONE, "k", "m", None, 1)]
        gone.append(Failure("pfm-00000000", "u", MediaState.RETRY, "k", "m", NOW, 1))
        media.store_failures(tx, gone, NOW)
    assert rows(store, "SELECT download_state FROM post_media") == [("pending",)]


# --- lost files -----------------------------------------------------------------------------------------


def test_a_lost_file_is_queued_once_for_the_link_that_lasts_longest(store):
    ends = {"A": 4_000_000_000, "B": 4_000_003_600, "C": 3_999_996_400}
    ingest(
        store,
        [
            raw(post(n, media=gallery(image(key, expires=e))), number=n + 1)
            for n, (key, e) in enumerate(ends.items())
        ],
    )
    known = of(store)
    arrive(store, *(Arrival(media_id, file("same"), None, None) for media_id in known.values()))
    [(file_id,)] = rows(store, "SELECT file_id FROM media_files")

    with store.writing() as tx:
        assert caching.mark_uncached(tx, [file_id], NOW, quarantined=True, hosts=host_of) == 1

    assert rows(store, "SELECT subject, host FROM work") == [(known["B"], "media.licdn.com")]
    [(cached, proven, quarantined)] = rows(store, "SELECT cached_at, proven_at, quarantined_at FROM media_files")
    assert (cached, proven, bulk.moment(quarantined)) == (None, None, NOW)
    with store.writing() as tx:
        bulk.execute(tx, "DELETE FROM work")
        bulk.execute(tx, "UPDATE post_media SET expires_at = NULL WHERE media_key = 'C'")
        # A link that never ends is better than any that does.
        caching.mark_uncached(tx, [file_id], NOW, quarantined=False, hosts=host_of)
    assert rows(store, "SELECT subject FROM work") == [(known["C"],)]
    sound(store)


def test_a_file_no_row_shows_is_marked_and_nothing_is_queued(store):
    with store.writing() as tx:
        kept = caching.keep_files(tx, [file("alone")], ids=IDS, now=NOW)["sha256 of alone"]
        assert (caching.cached_count(tx), caching.cached_bytes(tx)) == (1, 100)
        assert (
            caching.mark_uncached(tx, [kept.file_id, "fil-00000000"], NOW, quarantined=False, hosts=host_of) == 0
        )
        assert caching.mark_uncached(tx, [], NOW, quarantined=False, hosts=host_of) == 0
        assert (caching.cached_count(tx), caching.cached_bytes(tx)) == (0, 0)
        # The very content comes back: cached since then, and no longer quarantined.
        again = caching.keep_files(tx, [file("alone")], ids=IDS, now=NOW + HOUR)["sha256 of alone"]
    assert (again.file_id, again.cached_at) == (kept.file_id, NOW + HOUR)


def test_files_are_looked_up_by_their_hashes(store):
    with store.writing() as tx:
        kept = caching.keep_files(tx, [file(f"{n}") for n in range(7)], ids=IDS, now=NOW)
        assert caching.keep_files(tx, [], ids=IDS, now=NOW) == {}
    with store.reading() as tx:
        [one] = stored_files.files_by(tx, "sha256", ["sha256 of 3", "unknown", "\0", "\udcff"])
        assert one == kept["sha256 of 3"]
        assert (one.kind, one.dimensions, one.proof, one.cached_at) == (
            Kind("image/png", "png", MediaType.IMAGE), Dimensions(3, 2), Proof(100, 1, 1), NOW,
        )  # fmt: skip
        assert stored_files.files_by(tx, "md5_sum", []) == []
        with pytest.raises(ValueError, match="mime_type"):
            stored_files.files_by(tx, "mime_type", ["x"])
    assert stored_files.digest_of(one) == Digest("md5 of 3", "sha256 of 3", 100)


def test_large_sizes_and_inodes_fit(store):
    huge = file("huge", size=6_000_000_000, proof=2**63 - 1)
    with store.writing() as tx:
        kept = caching.keep_files(tx, [huge], ids=IDS, now=NOW)["sha256 of huge"]
    assert (kept.size, kept.proof) == (6_000_000_000, Proof(6_000_000_000, 2**63 - 1, 2**63 - 1))


# --- URLs -----------------------------------------------------------------------------------------------


def test_a_url_leads_to_the_content_it_brought_last(store):
    with store.writing() as tx:
        kept = caching.keep_files(tx, [file("a"), file("b")], ids=IDS, now=NOW)
        url = "https://a.test/x.png?y"
        assert stored_files.files_of_url(tx, url, "a.test/x.png?y") == []
        stored_files.keep_url(tx, "a.test/x.png?y", url, kept["sha256 of a"].file_id, NOW)
        assert stored_files.files_of_url(tx, url, "a.test/x.png?y") == [kept["sha256 of a"]]
        stored_files.keep_url(tx, "a.test/x.png?y", url, kept["sha256 of b"].file_id, NOW)
        assert stored_files.files_of_url(tx, url, "a.test/x.png?y") == [kept["sha256 of b"]]
        assert stored_files.files_of_url(tx, "\0", "\0") == []


def test_a_url_of_a_post_leads_to_its_file_but_not_to_a_smaller_rendition(store):
    known = with_media(store, "A")
    url = image_url("A")
    key = url.partition("://")[2]
    arrive(store, Arrival(known["A"], file("small"), "feedshare-shrink_800", 800))
    with store.reading() as tx:
        assert stored_files.files_of_url(tx, url, key) == []
    arrive(store, Arrival(known["A"], file("large"), "feedshare-shrink_2048_1536", 2048))
    with store.reading() as tx:
        assert [each.sha256 for each in stored_files.files_of_url(tx, url, key)] == ["sha256 of large"]
        other = url.replace("t=a", "t=b")
        assert stored_files.files_of_url(tx, other, other.partition("://")[2]) == []
