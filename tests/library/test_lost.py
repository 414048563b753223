"""What was in the cache, is lost and cannot be fetched again is told as a class of its own, and can be retried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postkeep.errors import NotFound
from postkeep.model import MediaState, utc_now
from postkeep.store import bulk, places
from tests.library.world import World, with_pictures
from tests.records import EPOCH


def lose(here: World, *assets: str) -> None:
    """Let these contents be missing, and their sources gone."""
    for asset in assets:
        [path] = here.rows("SELECT local_file_path FROM post_media WHERE media_key = ? LIMIT 1", asset)
        (here.root / path[0]).unlink()
        here.server.route(f"/dms/image/v2/{asset}/feedshare-shrink_800/0/1", b"no", status=404)
    here.library.verify_cache(repair=True)


def facts(here: World) -> list[tuple[Any, ...]]:
    return here.rows(
        "SELECT media_id, file_id, md5_sum, file_size, width, download_state FROM post_media ORDER BY 1"
    )


@pytest.fixture
def lost(here: World) -> World:
    """Two posts show one lost picture, another picture is lost too, a third is there."""
    shared = here.asset("D4A")
    here.bring(with_pictures(1, shared, here.asset("D4B")), with_pictures(2, shared, here.asset("D4C")))
    lose(here, "D4A", "D4B")
    # Queued to be fetched again: not lost yet.
    assert here.library.media_stats().lost == 0
    here.library.fetch_due()
    return here


def test_it_is_told_by_class_and_one_by_one_and_counted(lost: World) -> None:
    found = lost.library.media_failures()

    [told] = found.classes
    assert (told.state, told.kind, told.media, found.total) == (MediaState.FETCHED, "lost", 3, 3)
    assert [each.kind for each in found.media] == ["lost"] * 3
    assert any("no longer here" in (each.message or "") and "404" in (each.message or "") for each in found.media)
    ids = [each.media_id for each in found.media]
    assert ids == sorted(ids, reverse=True)
    paged = lost.library.media_failures(limit=1)
    rest = lost.library.media_failures(after=paged.media[0].media_id)
    assert [*paged.media, *rest.media] == list(found.media)
    assert lost.library.media_failures(host="media.licdn.com").total == 3
    assert lost.library.media_failures(host="other.example").total == 0
    assert lost.library.media_failures(kinds=["lost"]).total == 3
    assert lost.library.media_failures(kinds=["timeout"]).total == 0
    assert lost.library.media_failures(states=[MediaState.GONE]).total == 0
    stats = lost.library.media_stats()
    assert (stats.lost, stats.by_state) == (3, {"fetched": 4})
    lost.check()


def test_a_retry_of_the_class_asks_again_and_rows_keep_what_they_know(lost: World) -> None:
    before = facts(lost)
    assert lost.library.retry_media(kinds=["lost"], dry_run=True).states == {"lost": 3}
    assert lost.queued() == 0
    # What is gone is asked for again only when somebody says so.
    assert lost.library.retry_media().queued + lost.library.retry_media(host="media.licdn.com").queued == 1
    assert facts(lost) == before
    lost.asset("D4A")
    lost.asset("D4B")
    assert lost.library.retry_media(kinds=["lost"]).states == {"lost": 1}
    lost.library.fetch_due()

    assert facts(lost) == before
    assert lost.library.media_failures().total == 0
    assert lost.library.media_stats().lost == 0
    assert lost.library.verify_cache().clean
    lost.check()


def test_links_that_are_over_are_left_alone_and_ids_can_be_named(lost: World) -> None:
    [[media_id]] = lost.rows("SELECT media_id FROM post_media WHERE media_key = 'D4B'")
    assert lost.library.retry_media(media_ids=[media_id], dry_run=True).states == {"lost": 1}
    lost.write_rows("UPDATE post_media SET expires_at = ?", utc_now() - timedelta(days=1))
    summary = lost.library.retry_media(media_ids=[media_id])
    assert (summary.queued, summary.expired, summary.other) == (0, 1, 0)
    with pytest.raises(NotFound):
        lost.library.retry_media(media_ids=["med-nothing"])


def test_what_left_on_purpose_or_is_in_an_archive_is_not_lost(lost: World) -> None:
    def count() -> int:
        return lost.library.media_stats().lost

    later = utc_now() + timedelta(hours=1)
    lost.write_rows("UPDATE media_files SET evicted_at = ?, evicted_because = 'lru'", later)
    assert count() == 0
    lost.write_rows("UPDATE media_files SET evicted_at = ?", EPOCH)
    assert count() == 3
    lost.write_rows("UPDATE media_files SET evicted_because = 'retention:old'")
    assert count() == 0
    lost.write_rows("UPDATE media_files SET evicted_at = NULL, evicted_because = NULL, archive_url = 's3://b/k'")
    assert count() == 0


def test_what_nobody_reads_was_never_asked_for_and_is_not_lost(lost: World) -> None:
    lost.write_rows("UPDATE post_media SET error_kind = ?", places.UNREAD_PLATFORM)
    assert lost.library.media_stats().lost == 0
    assert lost.library.retry_media(kinds=["lost"]).queued == 0


def test_a_fresh_link_and_a_retry_bring_it_back(lost: World) -> None:
    lost.write_rows("UPDATE post_media SET expires_at = ?", utc_now() - timedelta(days=1))
    fresh = [lost.asset(asset).replace("t=a", "t=b") for asset in ("D4A", "D4B")]
    lost.bring(with_pictures(1, *fresh), at=EPOCH + timedelta(days=1))
    assert lost.library.retry_media(kinds=["lost"]).queued == 2
    assert lost.library.fetch_due().cached == 2
    assert lost.library.media_stats().lost == 0
    assert lost.library.media_failures().total == 0


def test_a_few_lost_are_found_without_reading_all_media(lost: World) -> None:
    """The plan begins with the contents that are not here, which are few."""
    from postkeep.stages import lost as stage

    statement = f"EXPLAIN {'QUERY PLAN ' if lost.store.engine.dialect.name == 'sqlite' else ''}SELECT 1 "
    with lost.store.reading() as tx:
        plan = "\n".join(str(row) for row in bulk.execute(tx, statement + stage._from("post_media")).all())
    if lost.store.engine.dialect.name == "sqlite":
        assert "idx_files_absent" in plan
        assert "SCAN" not in plan.replace("SCAN f USING INDEX idx_files_absent", "")
