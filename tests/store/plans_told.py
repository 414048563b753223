"""People, accounts, lists and tombstones over a grown database, and the ways that ask for them."""

from __future__ import annotations

from datetime import timedelta

from benchmarks.grown import NOW, analyse
from tests.library.world import World
from tests.pages import PLATFORM, Pages, day, entry, page, raw

from postkeep.ids import IdFactory
from postkeep.model import ObservedSource
from postkeep.stages.ingest import Ingest
from postkeep.store import Store, bulk, listings, runs, schema, tombstones

_LISTS = 25_000
_IN_EACH = 4
_OWNERS = 500


def add_told(store: Store) -> None:
    """Fill the tables that `grow` leaves empty, so that they are big as well."""
    with store.writing() as tx:
        posts = [each for (each,) in bulk.execute(tx, "SELECT post_id FROM posts ORDER BY post_id").all()]
        owners = bulk.execute(tx, "SELECT profile_id FROM profiles ORDER BY profile_id LIMIT ?", _OWNERS).all()
        profiles = [each for (each,) in owners]
        lists = range(_LISTS)
        bulk.insert(
            tx,
            schema.listings,
            (
                *("listing_id", "profile_id", "platform", "kind", "source", "observed_at", "observed_source"),
                *("in_time_order", "oldest_posted_at", "newest_posted_at", "record_sha256"),
            ),
            [
                (
                    *(f"lst-{n:017x}", profiles[n % len(profiles)], "instagram", "feed", "page"),
                    *(NOW - timedelta(hours=_LISTS - n), "file_name", True),
                    *(NOW - timedelta(days=90), NOW - timedelta(days=1), f"{n:064x}"),
                )
                for n in lists
            ],
        )
        bulk.insert(
            tx,
            schema.listing_posts,
            ("listing_id", "position", "post_id"),
            [(f"lst-{n:017x}", i, posts[(n * 7 + i) % len(posts)]) for n in lists for i in range(_IN_EACH)],
        )
        bulk.insert(
            tx,
            schema.follower_history,
            ("history_id", "profile_id", "observed_at", "observed_source", "followers_count"),
            [
                (f"flw-{n:017x}", profiles[n % len(profiles)], NOW - timedelta(hours=n), "file_name", n)
                for n in lists
            ],
        )
        spans = (NOW - timedelta(days=9), NOW)
        bulk.insert(
            tx,
            schema.profile_texts,
            ("profile_id", "text_hash", "text_content", "first_seen_at", "last_seen_at"),
            [(profiles[n % len(profiles)], f"{n:064x}", "Hello", *spans) for n in lists],
        )
        bulk.insert(
            tx,
            schema.profile_links,
            ("profile_id", "url_hash", "position", "url", "first_seen_at", "last_seen_at"),
            [(profiles[n % len(profiles)], f"{n:064x}", 0, "https://a.example", *spans) for n in lists],
        )
        bulk.insert(
            tx,
            schema.post_people,
            ("post_id", "role", "position", "name"),
            [(post_id, "tagged", 0, "Bob") for post_id in posts],
        )
        tombstones.leave(tx, [tombstones.of_post(PLATFORM, f"e{n}") for n in lists], reason="asked to", now=NOW)
        bulk.execute(
            tx, "UPDATE posts SET presence = 'deleted', presence_at = observed_at WHERE post_id < ?", posts[500]
        )
    analyse(store)


def bring_pages(world: World) -> None:
    """Pages of known and new posts: again, later, at an assumed time, and with something that was erased."""
    store, ids = world.store, IdFactory()
    told = {"followers": 5, "biography": "Hello", "links": ["https://a.example"], "avatar": "A1"}
    full = [entry(n, tagged=["bob", "cid"], media=[{"key": f"M{n}"}]) for n in range(130)]
    known = [{**each, "title": "Changed"} for each in full]
    erased = [{**entry(1), "id": "e7"}]
    batches = (
        [raw(page(*full, account=told), at=NOW)],
        [raw(page(*full, account=told), at=NOW)],
        [raw(page(*known, account={**told, "followers": 6, "avatar": "A2"}), at=NOW + timedelta(days=1))],
        [raw(page(*full[:9], account=told), at=NOW - timedelta(days=1), source=ObservedSource.MTIME)],
        [raw(page(*known, account=told), at=day(1)), raw(page(*erased), at=NOW)],
    )
    for batch in batches:
        run_id = ids.new("run")
        with store.writing() as tx:
            runs.start(tx, run_id, "import", NOW, {})
        stage = Ingest(store, platforms=[Pages()], ids=ids, run_id=run_id, clock=lambda: NOW)
        for _ in stage.feed(batch):
            pass
        assert not stage.tally.errors
    assert stage.tally.refused == 1


def read_lists(world: World) -> None:
    """What is asked of lists."""
    with world.store.reading() as tx:
        first = listings.owners(tx, limit=50)
        assert len(listings.owners(tx, limit=50, after=first[-1])) == 50
        found = [each for owner in first[:3] for each in listings.missing(tx, owner, limit=5)]
        for each in found:
            listings.missing(tx, first[0], limit=5, after=(each.post_id, each.kind))
        assert listings.newest(tx, first[0])[0].posts
        page = listings.gone(tx, limit=50)
        assert len(listings.gone(tx, limit=50, after=page[-1].post_id)) == 50
