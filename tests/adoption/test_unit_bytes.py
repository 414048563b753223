"""What was known by its MD5 alone gets its bytes from the old cache, and loses nothing by it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from postkeep.config import Config
from postkeep.errors import ConfigError
from postkeep.library import open_library, upgrade_database
from postkeep.model import MediaState
from postkeep.store import Store
from tests.adoption.predecessor import Predecessor, Variant
from tests.media_bytes import jpeg

BYTES = jpeg()
MD5 = hashlib.md5(BYTES).hexdigest()
ARCHIVED = f"s3://bucket/cache/2025/12/{MD5}.bin"
POST = {
    "post_id": "p-0000000a",
    "urn": "7300000000000000000",
    "platform": "linkedin",
    "posted_at_timestamp": 1740455627,
}
SEEN = "https://media.licdn.com/dms/image/v2/D4E22AQAAA/feedshare-shrink_800/0/1?e=4102400000&v=beta&t="


def old(*platforms: str) -> Predecessor:
    """Two rows of one picture for each platform, as two signatures of its URL left them."""
    made = Predecessor()
    for number, platform in enumerate(platforms):
        post_id = f"p-0000000{number}"
        made.add("posts", POST | {"post_id": post_id, "urn": f"730000000000000000{number}", "platform": platform})
        for signature, archived in (("A", ARCHIVED), ("B", None)):
            made.add(
                "post_media",
                {
                    "media_id": f"med-0000{number}{signature.lower()}00",
                    "post_id": post_id,
                    "media_type": "image",
                    "media_url": SEEN + signature,
                    "md5_sum": MD5 if archived else None,
                    "local_file_path": f"cache/media/images/{MD5}.bin" if archived else None,
                    "archive_url": archived,
                },
            )
    return made


def adopted(tmp_path: Path, *platforms: str) -> Config:
    path = tmp_path / "old.db"
    old(*platforms).to_sqlite(path, Variant(users_own=False))
    config = Config(tmp_path / "home", f"sqlite:///{path}")
    upgrade_database(config)
    return config


def test_the_old_cache_brings_the_bytes(tmp_path: Path) -> None:
    config = adopted(tmp_path, "linkedin")
    folder = tmp_path / "cache" / "media" / "images"
    folder.mkdir(parents=True)
    (folder / f"{MD5}.bin").write_bytes(BYTES)
    with open_library(config) as library:
        (before,) = library.media_list(post="p-00000000")
        assert (before.state, before.cached, before.archive_url) == (MediaState.FETCHED, False, ARCHIVED)
        summary = library.adopt_cache(tmp_path / "cache")
        assert (summary.adopted, summary.linked, summary.unknown) == (1, 1, 0)
        (after,) = library.media_list(post="p-00000000")
        assert (after.cached, after.archive_url, after.md5) == (True, ARCHIVED, MD5)
        assert library.verify_database() == []
        # Both signatures lead to it, also the one whose row had no file.
        assert library.media_list(post="p-00000000")[0].media_id in ("med-00000a00", "med-00000b00")


def test_a_size_that_nobody_knows_is_none(tmp_path: Path) -> None:
    with open_library(adopted(tmp_path, "linkedin")) as library:
        (listed,) = library.media_list(post="p-00000000")
        assert (listed.size, listed.mime_type) == (None, None)
        assert library.post("p-00000000").media == (listed,)


def test_media_of_a_platform_nobody_reads_are_never_queued(tmp_path: Path) -> None:
    config = adopted(tmp_path, "linkedin", "youtube")
    with open_library(config) as library:
        listed = {view.post_id for view in library.media_list()}
        wanted = {post.post_id for post in library.backfill(dry_run=True).posts}
        assert (listed, wanted) == ({"p-00000000", "p-00000001"}, {"p-00000000"})
        assert library.retry_media().queued == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_is_not_changed_without_a_word(empty_database_url: str, tmp_path: Path) -> None:
    old("linkedin").to_postgresql(empty_database_url, Variant(users_own=False))
    config = Config(tmp_path, empty_database_url)
    with pytest.raises(ConfigError, match=r"make a backup \(pg_dump .*db upgrade --yes"):
        upgrade_database(config)
    store = Store(empty_database_url)
    try:
        with store.reading() as tx:
            assert tx.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() is None
            assert tx.exec_driver_sql("SELECT count(*) FROM posts").scalar() == 1
    finally:
        store.close()
