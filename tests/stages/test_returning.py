"""What an archive holds is brought from there: the media server's own log says that nobody was asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postkeep.api import default, media_cache
from postkeep.config import ArchiveConfig, CacheConfig
from postkeep.model import RunStatus, utc_now
from postkeep.stages.eviction import Evictor
from tests.library.world import World, here, picture, with_pictures
from tests.records import EPOCH

__all__ = ["here"]

ASSETS = tuple(f"D4{letter}" for letter in "ABCDE")


def configure(here: World, **changes: object) -> None:
    """Let the library go on with other settings."""
    here.config = replace(here.config, **changes)
    here.library.config = here.config
    here.library._parts = replace(here.library._parts, config=here.config)


def asked(here: World) -> int:
    """How many requests the media server has seen since all was archived."""
    return int(here.server.count()) - len(ASSETS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def archived(here: World, folder: Path) -> Iterator[World]:
    """Five pictures of two posts, all of them in the cache and in the archive; nobody was asked yet."""
    configure(here, archive=ArchiveConfig(directory=folder))
    urls = [here.asset(asset) for asset in ASSETS]
    here.bring(with_pictures(1, *urls[:3]), with_pictures(2, *urls[2:]))
    assert here.library.archive_media().archived == 5
    assert asked(here) == 0
    yield here
    here.check()


def path_of(here: World, asset: str) -> Path:
    [path, *_] = here.rows("SELECT local_file_path FROM post_media WHERE media_key = ?", asset)
    return here.root / path[0]


def object_of(here: World, folder: Path, asset: str) -> Path:
    [[key], *_] = here.rows(
        "SELECT a.key FROM archive_objects a JOIN post_media m ON m.file_id = a.file_id WHERE m.media_key = ?",
        asset,
    )
    return folder / str(key)


def lose(here: World, *assets: str) -> None:
    for asset in assets:
        path_of(here, asset).unlink()
    here.library.verify_cache(repair=True)


def test_what_was_lost_or_damaged_comes_back_without_a_request(archived: World) -> None:
    before = archived.cached()
    path_of(archived, "D4A").write_bytes(b"damaged")
    path_of(archived, "D4C").unlink()
    assert archived.library.verify_cache(repair=True).queued == 2

    summary = archived.library.fetch_due()

    assert (summary.status, summary.restored, summary.linked, summary.cached) == (RunStatus.COMPLETED, 2, 2, 0)
    assert (summary.requests, asked(archived), archived.queued()) == (0, 0, 0)
    assert archived.cached() == before
    assert archived.library.verify_cache().clean
    assert archived.library.fetch_due().due == 0


def test_nothing_is_asked_for_that_is_over_at_its_source(archived: World) -> None:
    archived.write_rows("UPDATE post_media SET expires_at = ?", utc_now() - timedelta(days=1))
    lose(archived, *ASSETS)
    assert archived.library.fetch_due(limit=2).restored == 2
    assert archived.library.fetch_due().restored == 3
    assert asked(archived) == 0


def test_an_import_and_a_new_post_find_it_there_too(archived: World) -> None:
    for asset in ("D4A", "D4B"):
        path_of(archived, asset).unlink()
    again = archived.bring(with_pictures(1, *(archived.asset(asset) for asset in ASSETS[:3])))
    assert (again.media.found, again.media.cached, asked(archived)) == (3, 3, 0)
    # Nothing queues what made room; a post that shows it for the first time does.
    archived.write_rows("UPDATE media_files SET last_used_at = ?", EPOCH)
    configure(archived, cache=CacheConfig(max_bytes=1))
    parts = archived.library._parts
    Evictor(parts.store, parts.cache, parts.config, clock=parts.clock).make_room(1)
    assert archived.rows("SELECT count(*) FROM media_files WHERE cached_at IS NULL") == [(5,)]
    configure(archived, cache=CacheConfig())
    later = archived.bring(with_pictures(3, archived.asset("D4E")), at=EPOCH + timedelta(days=1))
    assert (later.media.found, later.media.cached, asked(archived)) == (1, 1, 0)
    assert len(archived.cached()) == 1


def test_a_url_that_is_asked_for_again_is_not_downloaded(archived: World) -> None:
    default.use(archived.library)
    try:
        url = archived.server.route("/alone.png", picture("alone"))
        got = media_cache.download_and_cache_media(url)
        assert archived.library.archive_media().archived == 1
        for damage in (Path.unlink, lambda path: path.write_bytes(b"damaged")):
            damage(Path(got["local_path"]))
            assert media_cache.find_cached_by_url(url) is None
            assert media_cache.download_and_cache_media(url) == got
        Path(got["local_path"]).unlink()
        assert media_cache.download_multiple_media([url, url]) == [got, got]
        assert asked(archived) == 1
    finally:
        default.use(None)


def test_a_host_that_is_left_alone_is_not_needed(archived: World) -> None:
    lose(archived, "D4A", "D4B")
    archived.write_rows(
        "INSERT INTO hosts (host, paused_until, failures, pauses, updated_at) VALUES (?, ?, 1, 1, ?)",
        "media.licdn.com",
        utc_now() + timedelta(hours=1),
        utc_now(),
    )
    summary = archived.library.fetch_due()
    assert (summary.restored, summary.requests, archived.queued()) == (2, 0, 0)


def test_what_the_archive_has_no_more_is_fetched_and_no_longer_called_archived(
    archived: World, folder: Path
) -> None:
    object_of(archived, folder, "D4A").unlink()
    changed = object_of(archived, folder, "D4B")
    changed.write_bytes(b"!" + changed.read_bytes()[1:])
    lose(archived, "D4A", "D4B", "D4D")

    summary = archived.library.fetch_due()

    assert (summary.restored, summary.cached, summary.requests, asked(archived)) == (1, 2, 2, 2)
    assert archived.rows("SELECT state, count(*) FROM archive_objects GROUP BY state ORDER BY state") == [
        ("claimed", 2),
        ("proven", 3),
    ]
    assert archived.rows("SELECT count(*) FROM media_files WHERE archive_url IS NULL") == [(2,)]
    assert archived.library.archive_media().archived == 2


def test_an_archive_that_is_away_is_told_once_and_the_source_is_asked(
    archived: World, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lose(archived, *ASSETS)
    folder.rename(folder.with_name("away"))
    with caplog.at_level(logging.WARNING, "postkeep.archive"):
        summary = archived.library.fetch_due()
    assert (summary.restored, summary.cached, asked(archived)) == (0, 5, 5)
    [told] = caplog.messages
    assert "the archive is not asked" in told
    assert archived.rows("SELECT DISTINCT state FROM archive_objects") == [("proven",)]


def test_what_no_source_gave_while_the_archive_was_away_is_asked_for_again(archived: World, folder: Path) -> None:
    away = folder.with_name("away")
    folder.rename(away)
    for asset in ("D4A", "D4B"):
        archived.server.route(f"/dms/image/v2/{asset}/feedshare-shrink_800/0/1", b"no", status=404)
    lose(archived, "D4A", "D4B")
    assert archived.library.fetch_due().failed == 2
    assert archived.queued() == 0
    away.rename(folder)
    # Even what is gone, and what has expired: the source is not needed.
    archived.write_rows("UPDATE post_media SET expires_at = ?", utc_now() - timedelta(days=1))
    assert archived.library.retry_media(kinds=["lost"], dry_run=True).queued == 2
    assert archived.library.retry_media(kinds=["lost"]).states == {"lost": 2}
    assert archived.library.fetch_due().restored == 2
    assert archived.library.retry_media(kinds=["lost"]).queued == 0
    assert asked(archived) == 2


def test_without_an_archive_nothing_is_looked_for(archived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(archived, "D4A")
    configure(archived, archive=ArchiveConfig())

    def never(*given: object) -> None:
        raise AssertionError("no archive is set up")

    monkeypatch.setattr("postkeep.store.archive_objects.absent_assets", never)
    assert archived.library.fetch_due().cached == 1
    assert asked(archived) == 1


def test_a_half_configured_archive_keeps_nobody_from_fetching(
    archived: World, caplog: pytest.LogCaptureFixture
) -> None:
    lose(archived, "D4A")
    configure(archived, archive=ArchiveConfig(store="s3"))
    with caplog.at_level(logging.WARNING, "postkeep.archive"):
        assert archived.library.fetch_due().cached == 1
    assert len([each for each in caplog.messages if "AWS_S3_BUCKET" in each]) == 1


def test_what_does_not_fit_stays_away_and_is_told(archived: World) -> None:
    lose(archived, *ASSETS)
    configure(archived, cache=CacheConfig(max_bytes=10))
    summary = archived.library.fetch_due()
    assert (summary.status, summary.restored, asked(archived)) == (RunStatus.FAILED, 0, 0)
    configure(archived, cache=CacheConfig())
    assert archived.library.fetch_due().restored == 5


def test_only_its_user_may_read_what_came_back(archived: World) -> None:
    modes = {path: (archived.root / path).stat().st_mode & 0o777 for path in archived.cached()}
    lose(archived, *ASSETS)
    archived.library.fetch_due()
    assert {path: (archived.root / path).stat().st_mode & 0o777 for path in archived.cached()} == modes
    assert set(modes.values()) == {0o600}


def test_links_and_what_comes_back_are_in_the_log_without_a_signature(
    archived: World, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [[media_id, file_id]] = archived.rows("SELECT media_id, file_id FROM post_media WHERE media_key = 'D4A'")
    key = object_of(archived, folder, "D4A").relative_to(folder).as_posix()
    with caplog.at_level(logging.INFO, "postkeep.archive"):
        archived.library.archive_link(media_id, seconds=60)
        lose(archived, "D4A")
        archived.library.fetch_due()
    told = {each.phrase: each.fields for each in caplog.records if hasattr(each, "phrase")}
    assert told["media_signed"] == {"media_id": media_id, "file_id": file_id, "object": key, "seconds": None}
    came = told["media_restored"]
    assert (came["file_id"], came["object"]) == (file_id, key)
    assert came["correlation_id"].startswith("run-")
