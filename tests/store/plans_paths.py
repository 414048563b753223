"""The ways through the product that ask a database once a page or once a batch, walked over a grown database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from benchmarks.grown import NOW, OPEN_HOST, PAUSED_HOST
from tests.library.world import World, gallery, with_pictures
from tests.media_bytes import png
from tests.records import post
from tests.store.plans_creators import creator_ways
from tests.store.plans_erasing import erasing_ways, reading_ways
from tests.store.plans_people import people_ways
from tests.store.plans_recording import Recorder
from tests.store.plans_told import bring_pages, read_lists

from postkeep.config import CacheConfig
from postkeep.errors import NotFound
from postkeep.model import MediaState
from postkeep.stages import eviction
from postkeep.stages.archive import failing
from postkeep.stages.eviction import Evictor, lasts, take_out
from postkeep.store import Store, bulk, keeping, linking, listing, proving, records, renditions
from postkeep.store.renditions import Made
from postkeep.views import WarmBy

PAGE = 50


Rows = Callable[..., list[tuple[Any, ...]]]
"""Runs a query that is none of the product's, by a connection nobody listens to."""


def ways(world: World, rows: Rows) -> dict[str, Callable[[], None]]:
    """Each way by name; in this order, for later ones ask of what earlier ones left."""
    reading = _Reading(world, rows)
    writing = _Writing(world, rows)
    return {
        "posts": reading.posts,
        "post": reading.post,
        "media": reading.media,
        "failures": reading.failures,
        "runs": reading.runs,
        "quarantine": reading.quarantine,
        "archive failures": reading.archive_failures,
        "holds": reading.holds,
        "files": reading.files,
        "records": reading.records,
        **people_ways(world),
        **creator_ways(world),
        **reading_ways(world, rows),
        "import": writing.bring,
        "import again": writing.bring_again,
        "store media": writing.store_media,
        "fetch": writing.fetch,
        "fetch refused": writing.fetch_refused,
        "fetch url": writing.fetch_url,
        "retry": writing.retry,
        "warm": writing.warm,
        "backfill": writing.backfill,
        "verify": writing.verify,
        "evict": writing.evict,
        "retain": writing.retain,
        "adopt": writing.adopt,
        "join": writing.join,
        "replay": writing.replay,
        "import pages": lambda: bring_pages(world),
        "lists": lambda: read_lists(world),
        **erasing_ways(world, rows),
    }


def walk(world: World, recorder: Recorder) -> None:
    """Go all the ways, each as a path of the recorder's."""
    quiet = Store(world.config.database_url)

    def rows(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with quiet.reading() as tx:
            return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]

    try:
        with recorder.recording():
            for name, way in ways(world, rows).items():
                with recorder.path(name):
                    way()
    finally:
        quiet.close()


class _Reading:
    """What faces list and show."""

    def __init__(self, world: World, rows: Rows) -> None:
        self.world, self.library, self.rows = world, world.library, rows

    def one(self, statement: str) -> tuple[Any, ...]:
        return self.rows(f"{statement} LIMIT 1")[0]

    def posts(self) -> None:
        first = self.library.posts(limit=PAGE)
        assert len(first) == PAGE
        assert len(self.library.posts(limit=PAGE, after=first[-1].post_id)) == PAGE
        [deep] = self.one(
            "SELECT post_id FROM posts WHERE posted_at_timestamp BETWEEN 1670000000000 AND 1680000000000"
        )
        assert len(self.library.posts(limit=PAGE, after=deep)) == PAGE
        [author] = self.one("SELECT author_username FROM posts")
        page = self.library.posts(limit=PAGE, author=author)
        self.library.posts(limit=PAGE, author=author, after=page[0].post_id)
        self.library.posts(limit=PAGE, since=date(2025, 12, 1))
        self.library.posts(limit=PAGE, author="nobody", since=date(2025, 12, 1))
        with self.world.store.reading() as tx:
            for more in ({"platform": "reddit"}, {"unread": True}, {"platform": "reddit", "unread": True}):
                page = listing.posts(tx, limit=PAGE, **more)
                assert len(page) == PAGE
                assert len(listing.posts(tx, limit=PAGE, after=page[-1].post_id, **more)) == PAGE

    def archive_failures(self) -> None:
        place = self._with_claims()
        with self.world.store.reading() as tx:
            first = failing.failures(tx, place, limit=PAGE, after=None)
            assert len(first) == PAGE
            assert failing.failures(tx, place, limit=PAGE, after=first[-1].key)

    def _with_claims(self) -> str:
        """Claims of every file in a store that proves nothing, a few of which failed."""
        place, quiet = "s3://another", Store(self.world.config.database_url)
        try:
            with quiet.writing() as tx:
                bulk.execute(
                    tx,
                    "INSERT INTO archive_objects (object_id, file_id, store, key, state, claimed_at, error_kind)"
                    " SELECT 'obj' || file_id, file_id, ?, 'media/' || file_id, 'claimed', ?,"
                    " CASE WHEN file_id LIKE '%00' THEN 'source' END FROM media_files",
                    place,
                    NOW,
                )
                tx.exec_driver_sql("ANALYZE archive_objects")
        finally:
            quiet.close()
        return place

    def post(self) -> None:
        post_id, urn, native, url = self.one(
            "SELECT post_id, urn, native_id, url FROM posts WHERE platform = 'linkedin'"
            " AND post_id IN (SELECT post_id FROM post_originals)"
        )
        [share] = self.one("SELECT value FROM post_aliases WHERE kind = 'share'")
        for reference in (post_id, urn, native, url, share, f"urn:li:share:{share}"):
            assert self.library.post(reference).media
        [elsewhere] = self.one("SELECT native_id FROM posts WHERE platform = 'reddit'")
        for unknown in ("p-00000000", "123", "urn:li:share:1", "t3_nobody", elsewhere):
            try:
                self.library.post(unknown)
            except NotFound:
                continue

    def media(self) -> None:
        first = self.library.media_list(limit=PAGE)
        assert len(self.library.media_list(limit=PAGE, after=first[-1].media_id)) == PAGE
        assert self.library.media_list(post=first[0].post_id)

    def failures(self) -> None:
        for more in (
            {},
            {"states": [MediaState.REFUSED]},
            {"kinds": ["timeout"]},
            {"states": [MediaState.FAILED], "kinds": ["timeout"]},
            {"host": PAUSED_HOST},
        ):
            found = self.library.media_failures(limit=20, **more).media
            assert len(found) == 20
            assert self.library.media_failures(limit=20, after=found[-1].media_id, **more).media

    def runs(self) -> None:
        first = self.library.runs(limit=PAGE)
        assert len(self.library.runs(limit=PAGE, after=first[-1].run_id)) == PAGE
        assert self.library.run(first[-1].run_id).posts

    def quarantine(self) -> None:
        first = self.library.quarantine(limit=PAGE)
        assert len(self.library.quarantine(limit=PAGE, after=first[-1].quarantine_id)) == PAGE

    def holds(self) -> None:
        [[file_id]] = self.rows("SELECT file_id FROM media_files WHERE cached_at IS NOT NULL LIMIT 1")
        [[media_id]] = self.rows("SELECT media_id FROM post_media LIMIT 1")
        for subject in (file_id, media_id, "author-1999"):
            self.library.release_hold(self.library.add_hold(subject, reason="asked").hold_id)
        assert len(self.library.holds()) == 15
        assert len(self.library.holds(ended=True)) == 33

    def files(self) -> None:
        [[md5, url]] = self.rows(
            "SELECT f.md5_sum, m.media_url FROM media_files f JOIN post_media m ON m.file_id = f.file_id"
            " WHERE f.cached_at IS NOT NULL LIMIT 1"
        )
        assert self.library.find_file(url=url) is None
        assert self.library.find_file(md5=md5) is None
        assert self.library.find_file(url="https://example.com/100.jpg") is None
        assert not self.library.verify_md5(md5).sound

    def records(self) -> None:
        with self.world.store.reading() as tx:
            page = records.page(tx, after="", limit=PAGE)
            assert records.page(tx, after=page[-1][0], limit=PAGE)


class _Writing:
    """What works through posts, media and files, batch by batch."""

    def __init__(self, world: World, rows: Rows) -> None:
        self.world, self.library, self.rows = world, world.library, rows

    def new(self, serial: int, *assets: str, **more: Any) -> dict[str, Any]:
        return with_pictures(serial, *(self.world.asset(asset) for asset in assets), posted_at=NOW, **more)

    def bring(self) -> None:
        brought = self.world.bring(self.new(1, "A1", "A2"), self.new(2, "A3"), {"no": "post"}, at=NOW)
        assert (brought.new, brought.media.cached, brought.errors) == (2, 3, 1)

    def bring_again(self) -> None:
        """Known posts with other numbers and media, a share of one, and posts the database grew with."""
        known = self.rows(
            "SELECT native_id, author_username FROM posts WHERE platform = 'linkedin' ORDER BY post_id LIMIT 20"
        )
        grown = [
            post(
                int(native) & 0x3FFFFF,
                posted_at=_posted(native),
                author={"username": author, "first_name": "A", "last_name": "B"},
                media=gallery(self.world.asset(f"B{number}")),
            )
            for number, (native, author) in enumerate(known)
        ]
        share = post(3, posted_at=NOW, kind="quote", reshared_post=post(1, posted_at=NOW))
        brought = self.world.bring(
            self.new(1, "A1", "A4", text="Changed"), share, *grown, at=NOW + timedelta(days=1)
        )
        assert (brought.new, brought.duplicates) == (1, 21)

    def store_media(self) -> None:
        record = self.new(9, "C1")
        self.world.bring(post(9, posted_at=NOW), at=NOW, fetch=False)
        [[post_id]] = self.rows("SELECT post_id FROM posts ORDER BY post_id DESC LIMIT 1")
        assert self.library.extract_and_store_media(post_id, record).cached == 1

    def fetch(self) -> None:
        fetched = self.library.fetch_due(limit=5)
        assert fetched.failed >= 5

    def fetch_refused(self) -> None:
        self.world.write_rows("UPDATE remembered SET value = '{}' WHERE name = 'fetch_limits'")
        self.library.fetch_due(limit=1)
        assert self.rows("SELECT count(*) FROM post_media WHERE download_state = 'refused'") == [(0,)]

    def fetch_url(self) -> None:
        path = self.world.route("/alone.png", png(2, 2, seed=b"alone"))
        assert self.library.fetch_url(self.world.licdn(path)).md5

    def retry(self) -> None:
        ids = [each for (each,) in self.rows("SELECT media_id FROM post_media LIMIT 3")]
        self.library.retry_media(media_ids=ids)
        assert self.library.retry_media(states=[MediaState.UNSUPPORTED], dry_run=True).queued
        assert self.library.retry_media(kinds=["not_media"]).queued
        assert self.library.retry_media(host=OPEN_HOST).queued
        self.library.retry_media()
        assert self.library.resume_host(PAUSED_HOST)

    def warm(self) -> None:
        for by in WarmBy:
            assert len(self.library.warm(by=by, limit=20, dry_run=True).posts) == 20
        [[author]] = self.rows("SELECT author_username FROM posts ORDER BY post_id LIMIT 1")
        assert self.library.warm(profile=author, limit=2, dry_run=True).posts
        assert self.library.warm(limit=1).posts

    def backfill(self) -> None:
        assert self.library.backfill(limit=4, dry_run=True, batch_size=2).checked == 4
        assert self.library.backfill(limit=2, batch_size=1, sleep_min=0, sleep_max=0).checked == 2
        self.library.backfill(
            limit=2, batch_size=1, sleep_min=0, sleep_max=0, start_date=date(2022, 1, 1), dry_run=True
        )

    def verify(self) -> None:
        for repair in (False, True):
            assert self.library.verify_cache(repair=repair, stop=_after(700)).missing
        with self.world.store.reading() as tx:
            [page] = [proving.cached_after(tx, "", limit=PAGE)]
            md5 = [each.md5_sum for each in page]
            assert proving.by_hash(tx, md5=md5, sha256=[each.sha256 or "" for each in page])
            assert proving.paths_by_md5(tx, md5)

    def evict(self) -> None:
        world = self.world
        with world.store.reading() as tx:
            page = keeping.by_use(tx, None, NOW, limit=PAGE, lasts=lasts)
            page = keeping.by_use(tx, keeping.key_of(page[-1]), NOW, limit=PAGE, lasts=lasts)
            page = keeping.by_use(tx, (NOW - timedelta(days=400), ""), NOW, limit=PAGE, lasts=lasts)
            assert len(page) == PAGE
        config = replace(world.config, cache=CacheConfig(max_bytes=2**40, evict="lru"))
        evictor = Evictor(world.store, self.library._cache, config, clock=world.library._parts.clock)
        ids = [each.file_id for each in page]
        gone = take_out(
            world.store,
            self.library._cache,
            lambda tx: [
                eviction.Leaving(kept, "lru") for kept in keeping.locked(tx, ids, evictor.clock(), lasts=lasts)
            ],
            evictor.clock(),
        )
        assert len(gone) == PAGE

    def retain(self) -> None:
        self.library.add_policy("old", older_than_days=30)
        self.library.add_policy("hers", older_than_days=30, profile="author-7")
        found = self.library.apply_retention(limit=3, dry_run=True)
        assert found.recoverable.files + found.unrecoverable.files == 3
        assert self.library.apply_retention(limit=3, include_unrecoverable=True).removed.files == 3

    def adopt(self) -> None:
        folder = self.world.folder / "other"
        folder.mkdir()
        (folder / "a.png").write_bytes(png(4, 4, seed=b"other"))
        assert self.library.adopt_cache(folder, dry_run=True).unknown == 1
        assert next(iter(linking.stated(self.world.store)))

    def join(self) -> None:
        """The first place of some posts is a video now, and the last its sound."""
        store, ids = self.world.store, self.library._parts.ids
        pairs = self.rows(
            "SELECT min(media_id), max(media_id) FROM post_media WHERE file_id IS NOT NULL"
            " GROUP BY post_id HAVING min(file_id) <> max(file_id) LIMIT 20"
        )
        quiet = Store(self.world.config.database_url)
        try:
            with quiet.writing() as tx:
                for number, (video, sound) in enumerate(pairs):
                    named = f"film{number}"
                    bulk.execute(
                        tx,
                        "UPDATE post_media SET media_key = ?, media_type = 'video' WHERE media_id = ?",
                        named,
                        video,
                    )
                    bulk.execute(
                        tx,
                        "UPDATE post_media SET media_key = ?, role = 'audio_track' WHERE media_id = ?",
                        named,
                        sound,
                    )
        finally:
            quiet.close()
        with store.writing() as tx:
            last = renditions.queue_page(tx, "", NOW, limit=PAGE)
            assert last is not None
            assert renditions.queue_page(tx, last, NOW, limit=PAGE)
            renditions.queue_for(tx, [video for video, _ in pairs], NOW)
            assert renditions.waiting(tx)
            wanted = renditions.due(tx, limit=PAGE)
            for each in wanted:
                made = renditions.begin(tx, each.source_file_id, ids=ids, now=NOW)
                assert made is not None
                assert renditions.made(tx, Made(made, each.sounds[0], each.sounds[0]), NOW)
                assert renditions.failed(tx, made, each.sounds[0], kind="timeout", message="late", now=NOW)
                assert renditions.made(tx, Made(made, each.sounds[0], each.sounds[0]), NOW)
            sounds = [each.sounds[0] for each in wanted]
            renditions.queue_lost(tx, sounds, NOW)
            assert not renditions.derived_among(tx, sounds)
            assert renditions.joined(tx, [each.source_file_id for each in wanted])
            keeping.made_of_others(tx, "", NOW, limit=PAGE, lasts=lasts)
            renditions.done(tx, [each.source_file_id for each in wanted])
        with store.writing() as tx:
            # Not for the ways behind this one.
            bulk.execute(tx, "DELETE FROM renditions WHERE source_file_id <> ''")

    def replay(self) -> None:
        assert self.library.replay_quarantine().remaining


def _posted(native: str) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp((int(native) >> 22) / 1000, UTC)


def _after(times: int) -> Callable[[], bool]:
    """Says stop when it was asked so often."""
    asked: Iterator[int] = iter(range(times))
    return lambda: next(asked, None) is None
