"""The library at the limit of its cache: what single URLs and readers see of eviction and retention."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postkeep.config import CacheConfig
from postkeep.errors import CacheFull
from postkeep.model import utc_now
from tests.library.world import World, picture, with_pictures
from tests.records import EPOCH


def limited(here: World, size: int, rule: str) -> None:
    config = replace(here.config, cache=CacheConfig(max_bytes=size, evict=rule))
    here.library._parts = replace(here.library._parts, config=config)


def urls(here: World, *names: str) -> list[str]:
    return [here.server.url(here.route(f"/{name}.png", picture(name))) for name in names]


def all_cached(here: World) -> list[tuple[Any, ...]]:
    return here.rows("SELECT url FROM file_urls u JOIN media_files f ON f.file_id = u.file_id"
                     " WHERE f.cached_at IS NOT NULL ORDER BY f.last_used_at")  # fmt: skip


def test_a_url_that_does_not_fit_makes_room(here: World) -> None:
    a, b, c = urls(here, "a", "b", "c")
    size = len(picture("a"))
    limited(here, 2 * size + 1, "lru")
    # Its `file_urls` row is what says that its source has it.
    here.library.fetch_url(a)
    here.later(hours=2)
    here.library.fetch_url(b)
    here.later(hours=4)
    found = here.library.find_file(url=a)
    assert found is not None
    assert here.library.fetch_url(c).path

    assert all_cached(here) == [(a,), (c,)]
    assert here.library.find_file(url=b) is None
    assert here.queued() == 0
    here.check()
    here.later(hours=6)
    assert here.library.fetch_url(b).path
    assert here.server.count() == 4
    here.check()


def test_without_leave_nothing_makes_room(here: World) -> None:
    a, b = urls(here, "a", "b")
    limited(here, len(picture("a")) + 1, "archived")
    here.library.fetch_url(a)
    here.later(days=9)
    with pytest.raises(CacheFull, match=r'cache\.evict = "lru"'):
        here.library.fetch_url(b)
    assert all_cached(here) == [(a,)]
    here.check()


def test_retention_and_verification_go_together(here: World) -> None:
    here.bring(with_pictures(1, here.asset("D4A"), here.asset("D4B")))
    here.library.add_policy("old", older_than_days=30)
    here.library.add_hold("platform:linkedin", reason="x", until=utc_now() + timedelta(days=400))
    here.now_is(EPOCH + timedelta(days=300))
    assert here.library.apply_retention().held.files == 2
    [hold] = here.library.holds()
    here.library.release_hold(hold.hold_id)

    assert here.library.apply_retention(["old"]).removed.files == 2

    assert here.cached() == {}
    assert here.states() == {"D4A": "fetched", "D4B": "fetched"}
    requests = here.server.count()
    here.library.backfill(sleep_min=0, sleep_max=0)
    here.library.fetch_due()
    assert (here.server.count(), here.queued()) == (requests, 0)
    assert here.library.verify_cache().clean
    here.check()
