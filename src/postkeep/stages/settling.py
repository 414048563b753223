"""What becomes of lost and damaged contents: the row says so, the file is put aside, the work is queued."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from postkeep.errors import FileDamaged, FileMissing
from postkeep.log import get_logger
from postkeep.media.cache import Cache
from postkeep.stages.hosts import host_of
from postkeep.store import Store, caching, proving
from postkeep.store.proving import Known

log = get_logger("settling")


@dataclass(frozen=True, slots=True)
class Settled:
    """The paths of what is damaged and of what is missing indeed, and how many fetches were queued for them."""

    damaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    queued: int = 0


def confirm(store: Store, cache: Cache, lost: Sequence[Known]) -> Settled:
    """Look once more at contents that were found missing or damaged, and change nothing.

    What another process committed, evicted or brought back since it was read is left out. Raises CacheError.
    """
    if not lost:
        return Settled()
    with cache.alone():
        damaged, missing = _look_again(cache, lost)
        with store.reading() as tx:
            still = proving.unchanged(tx, (*damaged, *missing))
    return Settled(_paths(damaged, still), _paths(missing, still))


def settle(
    store: Store,
    cache: Cache,
    lost: Sequence[Known],
    *,
    now: Callable[[], datetime],
    priority: int = 0,
    told: bool = True,
) -> Settled:
    """Take contents that were found missing or damaged out of the cache and queue them; idempotent.

    Nobody puts files into the cache meanwhile, and each is looked at once more, so that what another process
    committed, evicted or brought back since it was read is left alone. Row first, bytes second: a damaged file
    is no longer said to be cached before it is moved away. `priority` is that of the work. Without `told`
    people hear of single files from the caller, and only the log file has them here. Raises CacheError.
    """
    if not lost:
        return Settled()
    with cache.alone():
        damaged, missing = _look_again(cache, lost)
        with store.writing() as tx:
            still = proving.unchanged(tx, (*damaged, *missing))
            queued = 0
            for files, quarantined in ((damaged, True), (missing, False)):
                ids = [file.file_id for file in files if file.file_id in still]
                queued += caching.mark_uncached(
                    tx, ids, now(), quarantined=quarantined, hosts=host_of, priority=priority
                )
        settled = Settled(_paths(damaged, still), _paths(missing, still), queued)
        for path in settled.damaged:
            put_aside(cache, path, told=told)
    for path in settled.missing:
        _voice(told=told)("file_missing", path=path)
    return settled


def put_aside(cache: Cache, path: str, *, told: bool = True) -> None:
    """Move a damaged file to quarantine, if it is still there; `told` is that of `settle`."""
    with suppress(FileMissing):
        _voice(told=told)("file_damaged", path=path, quarantined_as=cache.quarantine(path).name)


def _voice(*, told: bool) -> Callable[..., None]:
    return log.error if told else log.info


def _look_again(cache: Cache, lost: Sequence[Known]) -> tuple[list[Known], list[Known]]:
    damaged, missing = [], []
    for file in lost:
        try:
            cache.prove(file.path, sha256=file.sha256, md5=file.md5_sum, strict=True)
        except FileMissing:
            missing.append(file)
        except FileDamaged:
            damaged.append(file)
    return damaged, missing


def _paths(files: Sequence[Known], still: set[str]) -> tuple[str, ...]:
    return tuple(file.path for file in files if file.file_id in still)
