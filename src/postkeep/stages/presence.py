"""Looks whether the files a run counts as cached are there, before anybody is told so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from postkeep.errors import FileDamaged, FileMissing
from postkeep.media.cache import Cache
from postkeep.stages.settling import settle
from postkeep.store import Store, caching, proving, runs, stored_files
from postkeep.store.stored_files import StoredFile

_POSTS = 500


def must_be_there(store: Store, cache: Cache) -> None:
    """Raise CacheError when rows count on files and the cache's whole folder is not there; makes nothing.

    To be asked before anything may make the folder: an empty new one would let every file count as missing.
    """
    with store.reading() as tx:
        counted_on = caching.any_cached(tx)
    if counted_on:
        cache.must_be_there()


def look_over(store: Store, cache: Cache, run_id: str, *, now: Callable[[], datetime], priority: int = 0) -> int:
    """Check the cached files of a run's posts; what is missing or damaged is no longer cached, and is queued.

    A file whose size, time and inode are as they were when it was proven costs one look; others are hashed.
    `priority` is that of the work that is queued. Returns how many contents were lost. Idempotent. Raises
    CacheError when the whole cache is not there.
    """
    return sum(look_at(store, cache, files, now=now, priority=priority) for files in _pages(store, run_id))


def look_at(
    store: Store, cache: Cache, files: Iterable[StoredFile], *, now: Callable[[], datetime], priority: int = 0
) -> int:
    """Check these files as `look_over` does; returns how many contents were lost. Idempotent."""
    unsound, sound = [], []
    for file in files:
        if file.proof is not None and cache.is_as_proven(file.path, file.proof):
            continue
        try:
            _, proof = cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum)
            sound.append((file, proof))
        except (FileMissing, FileDamaged):
            unsound.append(file)
    if sound:
        with store.writing() as tx:
            proving.refresh(tx, sound, now())
    settled = settle(store, cache, unsound, now=now, priority=priority)
    return len(settled.damaged) + len(settled.missing)


def _pages(store: Store, run_id: str) -> Iterator[list[StoredFile]]:
    last = ""
    while True:
        with store.reading() as tx:
            posts = [post_id for post_id, _ in runs.posts_of(tx, run_id, limit=_POSTS, after=last)]
            files = stored_files.files_of_posts(tx, posts)
        if not posts:
            return
        last = posts[-1]
        yield files
