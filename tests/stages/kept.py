"""Small worlds of files, of the places that show them, and of holds, put straight into a store and a cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from postkeep.config import CacheConfig, Config
from postkeep.ids import IdFactory
from postkeep.media.cache import Cache, cache_path
from postkeep.model import CachedFile, Digest, Dimensions, Kind, MediaType, Proof
from postkeep.stages.eviction import Evictor
from postkeep.store import Store, bulk, caching, holds, schema, stored_files
from postkeep.store.holds import Hold
from tests.records import EPOCH

NOW = EPOCH
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IDS = IdFactory()


@dataclass(frozen=True)
class Post:
    name: str
    author: str = "jane"
    posted_at: datetime = NOW - 400 * DAY
    platform: str = "linkedin"


@dataclass(frozen=True)
class Place:
    """A row that shows a file: of a post, or as the avatar of a profile (`post` is None then)."""

    post: Post | None = None
    profile: str = "jane"
    expires_at: datetime | None = None
    absent: bool = False
    error: str | None = None
    rendition: str = "large"
    file_rendition: str = "large"
    seen_at: datetime = NOW - 400 * DAY


@dataclass(frozen=True)
class File:
    name: str
    size: int = 100
    used_at: datetime | None = NOW - 30 * DAY
    places: tuple[Place, ...] = ()
    urls: tuple[str, ...] = ()
    incomplete: bool = False
    archive_url: str | None = None
    cached: bool = True

    @property
    def content(self) -> bytes:
        return (self.name.encode() * self.size)[: self.size]


@dataclass
class Kept:
    """A store and a cache that hold these files."""

    store: Store
    root: Path
    cache: Cache
    now: datetime = NOW
    media_ids: dict[tuple[str, int], str] = field(default_factory=dict)
    file_ids: dict[str, str] = field(default_factory=dict)

    def evictor(self, limit: int, *, rule: str = "lru") -> Evictor:
        config = Config(self.root.parent, cache=CacheConfig(max_bytes=limit, evict=rule))
        return Evictor(self.store, self.cache, config, clock=lambda: self.now)

    def add(self, *files: File) -> None:
        profiles = {place.profile for each in files for place in each.places}
        posts = {place.post for each in files for place in each.places if place.post}
        with self.store.writing() as tx:
            for name in sorted(profiles | {post.author for post in posts}):
                bulk.insert(
                    tx,
                    schema.profiles,
                    ("profile_id", "username", "name", "platform", "kind"),
                    [(profile_id(name), name, name, "linkedin", "person")],
                    on_conflict="(profile_id) DO NOTHING",
                )
            for post in sorted(posts, key=lambda each: each.name):
                self._post(tx, post)
            for each in files:
                self._file(tx, each)
        self.cache.sync_directories()

    def _post(self, tx: Any, post: Post) -> None:
        columns = (
            "post_id", "urn", "native_id", "platform", "posted_at_timestamp", "posted_at", "author_profile_id",
            "author_username",
        )  # fmt: skip
        stamp = round(post.posted_at.timestamp() * 1000)
        values = (post_id(post), post.name, post.name, post.platform, stamp, post.posted_at)
        bulk.insert(
            tx,
            schema.posts,
            columns,
            [(*values, profile_id(post.author), post.author)],
            on_conflict="(post_id) DO NOTHING",
        )

    def _file(self, tx: Any, each: File) -> None:
        cached = self.write(each)
        stored = caching.keep_files(tx, [cached], ids=IDS, now=self.now)[cached.digest.sha256]
        self.file_ids[each.name] = stored.file_id
        bulk.execute(
            tx,
            "UPDATE media_files SET last_used_at = ?, incomplete_at_source = ?, archive_url = ? WHERE file_id = ?",
            each.used_at,
            each.incomplete,
            each.archive_url,
            stored.file_id,
        )
        if not each.cached:
            self.path(each).unlink()
            bulk.execute(tx, "UPDATE media_files SET cached_at = NULL WHERE file_id = ?", stored.file_id)
        for number, place in enumerate(each.places):
            self._place(tx, each, number, place, stored.file_id)
        for url in each.urls:
            stored_files.keep_url(tx, url, url, stored.file_id, self.now - 400 * DAY)

    def _place(self, tx: Any, each: File, number: int, place: Place, file_id: str) -> None:
        prefix, table, column = (
            ("med", schema.post_media, "post_id") if place.post else ("pfm", schema.profile_media, "profile_id")
        )
        media_id = self.media_ids[each.name, number] = IDS.new(prefix)
        owner = post_id(place.post) if place.post else profile_id(place.profile)
        values = {
            "media_id": media_id,
            column: owner,
            "media_type": "image",
            "media_url": f"https://media.test/{each.name}/{number}",
            "local_file_path": path_of(each),
            "file_size": each.size,
            "mime_type": "image/png",
            "width": 3,
            "height": 2,
            "md5_sum": digest_of(each).md5,
            "archive_url": each.archive_url,
            "file_id": file_id,
            "role": "own" if place.post else "avatar",
            "media_key": f"{each.name}-{number}",
            "rendition": place.rendition,
            "file_rendition": place.file_rendition,
            "expires_at": place.expires_at,
            "last_seen_at": place.seen_at,
            "absent_since": self.now - DAY if place.absent else None,
            "download_state": "fetched",
            "error_kind": place.error,
        }
        bulk.insert(tx, table, tuple(values), [tuple(values.values())])

    def write(self, each: File) -> CachedFile:
        """The bytes of a file in their place, and no row."""
        path = self.path(each)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.content)
        state = path.stat()
        kind = Kind("image/png", "png", MediaType.IMAGE)
        proof = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
        return CachedFile(path_of(each), digest_of(each), kind, Dimensions(3, 2), proof)

    def path(self, each: File) -> Path:
        return self.root / path_of(each)

    def hold(self, kind: str, subject: str, **more: Any) -> Hold:
        hold = replace(Hold(IDS.new("hld"), kind, subject, "a case", "jane", self.now - DAY, None), **more)
        with self.store.writing() as tx:
            holds.put(tx, hold)
        return hold

    # --- what came of it ---

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.store.reading() as tx:
            return [tuple(row) for row in bulk.execute(tx, statement, *parameters).all()]

    def left(self) -> set[str]:
        """The names of the files that are in the cache, by the rows."""
        names = {file_id: name for name, file_id in self.file_ids.items()}
        return {names[row[0]] for row in self.rows("SELECT file_id FROM media_files WHERE cached_at IS NOT NULL")}

    def check(self, *files: File) -> None:
        """Rows and bytes agree, and nothing is on its way out."""
        left = self.left()
        assert {each.name for each in files if self.path(each).exists()} == left
        assert self.rows("SELECT * FROM remembered") == []
        assert self.rows("SELECT count(*) FROM work") == [(0,)]


def made(store: Store, folder: Path, *files: File) -> Kept:
    kept = Kept(store, folder / "cache", Cache(folder / "cache"))
    kept.root.mkdir(parents=True, exist_ok=True)
    kept.add(*files)
    return kept


def digest_of(each: File) -> Digest:
    content = each.content
    return Digest(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))


def path_of(each: File) -> str:
    return cache_path(MediaType.IMAGE, digest_of(each).md5, "png")


def profile_id(name: str) -> str:
    return f"prf-{hashlib.md5(name.encode()).hexdigest()[:8]}"


def post_id(post: Post) -> str:
    return f"p-{hashlib.md5(post.name.encode()).hexdigest()[:8]}"
