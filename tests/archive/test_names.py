"""Keys and stable names: by the id's own time, and never a link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.archive.names import Name, key_for, key_in, md5_in, read_name
from postkeep.ids import IdFactory


def test_a_key_says_when_its_id_was_made() -> None:
    moment = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    media_id = IdFactory(lambda: moment).new("med")
    assert key_for(media_id, "jpg") == f"media/2026/03/{media_id}.jpg"
    assert key_for(media_id, ".JPG", prefix="a/b") == f"a/b/media/2026/03/{media_id}.jpg"


def test_an_old_id_takes_the_time_of_its_row_in_utc() -> None:
    created = datetime(2025, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert key_for("med-0a1b2c3d", "mp4", created) == "media/2026/01/med-0a1b2c3d.mp4"
    for unknown in (None, created.replace(tzinfo=None)):
        with pytest.raises(ValueError, match="holds no time"):
            key_for("med-0a1b2c3d", "mp4", unknown)


@pytest.mark.parametrize("extension", ["", "a/b", "..", "jpeg2000000", "é"])
def test_an_extension_is_an_extension(extension: str) -> None:
    with pytest.raises(ValueError, match="no file extension"):
        key_for(IdFactory().new("med"), extension)


@given(st.lists(st.text(min_size=1).filter(lambda part: "/" not in part and part not in (".", "..")), min_size=1))
def test_names_are_read_as_they_were_written(parts: list[str]) -> None:
    key = "/".join(parts)
    if key.isprintable() and key == key.strip():
        for name in (Name("s3", "bucket", key), Name("gs", "bucket", key), Name("az", "account/container", key)):
            assert read_name(str(name)) == name


def test_a_folder_name() -> None:
    assert read_name(Path("/a b/media/x.jpg").as_uri()) == Name("file", "/a b/media", "x.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://cdn.example/x.jpg",
        "s3://bucket",
        "s3:///key",
        "s3://b/k?versionId=1",
        "file://host/x",
        "az://account/container",
        "az://account//key",
        "gs://bucket/",
    ],
)
def test_a_link_is_no_name(url: str) -> None:
    assert read_name(url) is None


def test_the_predecessors_keys_name_their_content() -> None:
    md5 = "0cc175b9c0f1b6a831c399e269772661"
    assert md5_in(f"cache/2025/11/{md5}.jpg") == md5
    assert md5_in(f"more/cache/2025/11/{md5}.jpg") == md5
    assert md5_in("media/2025/11/med-0a1b2c3d.jpg") is None


@pytest.mark.parametrize(
    "tail",
    ["", "old//b.jpg", "a/../b", "a/./b", "a/", "/b", "a%2f%2e%2e/b", "..%2fsecret.txt", "a%0Ab", "a%00b", "a%7fb",
     "a%5Cb", "a%252e", "a\\b", "x" * 1100, "é" * 513, ".under-way/x", "m/%2Eunder-way/x", "a?versionId=1",
     "a\ud800"],
)  # fmt: skip
def test_a_key_that_no_store_can_hold_is_none(tail: str) -> None:
    assert key_in(f"s3://bucket/{tail}", "s3://bucket") is None
    assert key_in(f"file:///folder/{tail}", "file:///folder") is None


def test_the_key_in_a_name() -> None:
    assert key_in("s3://bucket/cache/a%20b/%C3%A9.jpg", "s3://bucket") == "cache/a b/é.jpg"
    assert key_in("s3://bucket2/a.jpg", "s3://bucket") is None
