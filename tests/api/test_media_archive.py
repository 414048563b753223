"""The archive's functions by the contract's names: a name is given out when its object is proven."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from postkeep.api import default, media_archive, media_cache
from postkeep.config import ArchiveConfig
from postkeep.errors import (
    ArchiveUnavailable,
    ConfigError,
    FileDamaged,
    FileMissing,
    NotFound,
    NotMedia,
)
from postkeep.media.hashing import md5_bytes
from tests.library.world import World, picture, with_pictures
from tests.stages.test_returning import configure

NEW = "med-6926d2c0000000001"  # 26 November 2025, 10:12:48 UTC


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def world(here: World, folder: Path) -> Iterator[World]:
    """Two pictures of one post, one of them in the cache, and an empty archive; functions work on this library."""
    configure(here, archive=ArchiveConfig(directory=folder))
    here.bring(with_pictures(1, here.asset("D4A"), here.server.url("/none")))
    default.use(here.library)
    yield here
    default.use(None)
    here.check()


def media_id(world: World, asset: str) -> str:
    [[found]] = world.rows("SELECT media_id FROM post_media WHERE media_key LIKE ?", f"%{asset}")
    return str(found)


def path_of(world: World, asset: str) -> Path:
    [[found]] = world.rows("SELECT local_file_path FROM post_media WHERE media_key = ?", asset)
    return world.root / str(found)


def objects(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- keys -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "extension", "created_at", "key"),
    [
        (NEW, "jpg", None, f"media/2025/11/{NEW}.jpg"),
        (NEW, ".JPG", datetime(1999, 1, 1, tzinfo=UTC), f"media/2025/11/{NEW}.jpg"),
        ("med-0000abcd", "mp4", datetime(2025, 12, 31, 23, tzinfo=UTC), "media/2025/12/med-0000abcd.mp4"),
        (
            "med-0000abcd",
            "mp4",
            datetime(2025, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
            "media/2026/01/med-0000abcd.mp4",
        ),
    ],
)
def test_keys_are_named_by_the_time_of_the_id(
    subject: str, extension: str, created_at: datetime | None, key: str
) -> None:
    assert media_archive.generate_s3_key(subject, extension, created_at) == key


@pytest.mark.parametrize(
    ("subject", "extension", "created_at"),
    [
        ("med-0000abcd", "jpg", None),
        ("med-0000abcd", "jpg", datetime(2025, 12, 31)),  # noqa: DTZ001
        (NEW, "", None),
        (NEW, "j/pg", None),
    ],
)
def test_what_has_no_time_or_no_extension_has_no_key(
    subject: str, extension: str, created_at: datetime | None
) -> None:
    with pytest.raises(ValueError, match=r"id|extension"):
        media_archive.generate_s3_key(subject, extension, created_at)


# --- up -------------------------------------------------------------------------------------------------


def test_a_cached_file_goes_up_once_and_is_proven(world: World, folder: Path) -> None:
    subject, path = media_id(world, "D4A"), path_of(world, "D4A")

    url = media_archive.upload_to_s3(path, subject)

    assert url == f"{folder.as_uri()}/{media_archive.generate_s3_key(subject, 'png')}"
    assert objects(folder) == [path.read_bytes()]
    assert world.rows("SELECT archive_url FROM media_files") == [(url,)]
    assert world.rows("SELECT state FROM archive_objects") == [("proven",)]
    copy = world.folder / "copy.png"
    copy.write_bytes(path.read_bytes())
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    assert media_archive.upload_to_s3(str(copy), subject) == url
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*")} == before
    assert world.library.archive_media().due == 0


def test_a_medium_without_content_gets_that_of_the_file(world: World, folder: Path) -> None:
    subject = media_id(world, "/none")
    got = media_cache.download_and_cache_media(world.server.route("/elsewhere.png", picture("other")))

    url = media_archive.upload_to_s3(got["local_path"], subject)

    assert objects(folder) == [picture("other")]
    shown = world.library.media_list(post=world.library.posts()[0].post_id)
    assert {each.media_id: (each.md5, each.archive_url) for each in shown}[subject] == (got["md5_sum"], url)


def test_what_left_the_cache_comes_back_with_its_file(world: World, folder: Path) -> None:
    subject, path = media_id(world, "D4A"), path_of(world, "D4A")
    kept = world.folder / "kept.png"
    path.rename(kept)
    world.library.verify_cache(repair=True)
    media_archive.upload_to_s3(kept, subject)
    assert path.read_bytes() == kept.read_bytes()
    assert world.queued() == 0
    assert world.library.verify_cache().clean


def test_other_content_than_the_mediums_is_refused(world: World, folder: Path) -> None:
    subject = media_id(world, "D4A")
    other = world.folder / "other.png"
    other.write_bytes(picture("other"))
    with pytest.raises(FileDamaged, match=subject):
        media_archive.upload_to_s3(other, subject)
    for path in (world.folder / "none.png", world.folder):
        with pytest.raises(FileMissing):
            media_archive.upload_to_s3(path, subject)
    words = world.folder / "words.png"
    words.write_bytes(b"words")
    with pytest.raises(NotMedia):
        media_archive.upload_to_s3(words, media_id(world, "/none"))
    for name in ("med-00000000", "nothing", "", "med-\0"):
        with pytest.raises(NotFound):
            media_archive.upload_to_s3(other, name)
    assert objects(folder) == []


def test_a_refused_upload_is_queued_and_says_nothing_is_archived(world: World, folder: Path) -> None:
    subject, path = media_id(world, "D4A"), path_of(world, "D4A")
    folder.rmdir()
    with pytest.raises(ArchiveUnavailable):
        media_archive.upload_to_s3(path, subject)
    assert world.rows("SELECT archive_url FROM media_files") == [(None,)]
    assert world.rows("SELECT count(*) FROM work WHERE stage = 'archive'") == [(1,)]
    folder.mkdir()
    assert world.library.archive_media().archived == 1
    assert objects(folder) == [path.read_bytes()]


def test_without_an_archive_it_is_an_error_of_the_configuration(world: World) -> None:
    configure(world, archive=ArchiveConfig())
    with pytest.raises(ConfigError):
        media_archive.upload_to_s3(path_of(world, "D4A"), media_id(world, "D4A"))
    with pytest.raises(ConfigError):
        media_archive.verify_s3_upload("s3://bucket/key", "0" * 32)


# --- there ----------------------------------------------------------------------------------------------


def test_what_is_there_is_told_from_what_is_not(world: World, folder: Path) -> None:
    path = path_of(world, "D4A")
    md5 = md5_bytes(path.read_bytes())
    url = media_archive.upload_to_s3(path, media_id(world, "D4A"))
    assert media_archive.verify_s3_upload(url, md5.upper()) is True
    assert media_archive.verify_s3_upload(url, "0" * 32) is False
    assert media_archive.verify_s3_upload(url, "no MD5") is False
    assert media_archive.verify_s3_upload(f"{url}x", md5) is False
    [stored] = [each for each in folder.rglob("*") if each.is_file()]
    stored.write_bytes(b"!" + stored.read_bytes()[1:])
    assert media_archive.verify_s3_upload(url, md5) is False


@pytest.mark.parametrize(
    "url", ["", "s3://other/key", "https://cdn.test/media/2025/11/a.jpg", "file:///etc/passwd"]
)
def test_what_names_no_object_of_the_archive_is_no_answer(world: World, url: str) -> None:
    with pytest.raises(NotFound):
        media_archive.verify_s3_upload(url, "0" * 32)


def test_an_archive_that_is_away_is_no_answer_either(world: World, folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(ArchiveUnavailable):
        media_archive.verify_s3_upload(f"{folder.as_uri()}/media/a.jpg", "0" * 32)
