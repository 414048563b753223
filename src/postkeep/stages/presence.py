"""Looks whether the files a run counts as cached are there, before anybody is told so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from postkeep.errors import FileDamaged, FileMissing
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.stages.hosts import host_of
from postkeep.store import Store, media, runs
from postkeep.store.media import StoredFile

log = get_logger("presence")

_POSTS = 500


def look_over(store: Store, cache: Cache, run_id: str, *, now: Callable[[], datetime], priority: int = 0) -> int:
    """Check the cached files of a run's posts; what is missing or damaged is no longer cached, and is queued.

    A file whose size, time and inode are as they were when it was proven costs one look; others are hashed.
    `priority` is that of the work that is queued. Returns how many contents were lost. Idempotent. Raises
    CacheError when the whole cache is not there.
    """
    lost = 0
    for files in _pages(store, run_id):
        absent, damaged, sound = [], [], []
        for file in files:
            if file.proof is not None and cache.is_as_proven(file.path, file.proof):
                continue
            try:
                _, proof = cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum)
                sound.append((file.file_id, proof))
            except FileMissing:
                absent.append(file)
            except FileDamaged:
                damaged.append(file)
        if absent or damaged or sound:
            with store.writing() as tx:
                media.refresh_proofs(tx, sound, now())
                for found, quarantined in ((absent, False), (damaged, True)):
                    ids = [file.file_id for file in found]
                    media.mark_uncached(tx, ids, now(), quarantined=quarantined, hosts=host_of, priority=priority)
            _put_aside(cache, absent, damaged)
            lost += len(absent) + len(damaged)
    return lost


def _put_aside(cache: Cache, absent: list[StoredFile], damaged: list[StoredFile]) -> None:
    for file in damaged:
        cache.quarantine(file.path)
    for file in (*absent, *damaged):
        log.error("file_lost", path=file.path, sha256=file.sha256, damaged=file in damaged)


def _pages(store: Store, run_id: str) -> Iterator[list[StoredFile]]:
    last = ""
    while True:
        with store.reading() as tx:
            posts = [post_id for post_id, _ in runs.posts_of(tx, run_id, limit=_POSTS, after=last)]
            files = media.files_of_posts(tx, posts)
        if not posts:
            return
        last = posts[-1]
        yield files
