"""Objects of a predecessor's archive are read before they count, and kept where they are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from postkeep.config import ArchiveConfig, CacheConfig, Config
from postkeep.library import Library, open_library, upgrade_database
from postkeep.model import RunStatus
from postkeep.store import bulk
from tests.adoption.conftest import agreeing
from tests.adoption.predecessor import Predecessor, Variant
from tests.media_bytes import jpeg, png

PICTURES = {"sound": jpeg(), "changed": png(3, 2, seed=b"changed"), "missing": png(3, 2, seed=b"missing")}
MD5 = {name: hashlib.md5(content).hexdigest() for name, content in PICTURES.items()}
PAGE = b"<html>no picture</html>"
MD5["page"] = hashlib.md5(PAGE).hexdigest()
SEEN = "https://media.licdn.com/dms/image/v2/{}/feedshare-shrink_800/0/1?e=1700000000&v=beta&t=A"


def key_of(name: str) -> str:
    return f"cache/2025/11/{MD5[name]}.bin"


def old(place: str) -> Predecessor:
    """One post for each object, and one whose object is in another place; every link has expired long ago."""
    made = Predecessor()
    for number, name in enumerate([*MD5, "elsewhere"]):
        post_id = f"p-0000000{number}"
        urn = f"730000000000000000{number}"
        made.add(
            "posts", {"post_id": post_id, "urn": urn, "platform": "linkedin", "posted_at_timestamp": 1740455627}
        )
        md5 = MD5.get(name, "0" * 32)
        made.add(
            "post_media",
            {
                "media_id": f"med-0000{number}a00",
                "post_id": post_id,
                "media_type": "image",
                "media_url": SEEN.format(f"D4E22AQ{name}"),
                "md5_sum": md5,
                "local_file_path": f"cache/media/images/{md5}.bin",
                "archive_url": f"{place}/{key_of(name)}" if name in MD5 else f"s3://other/cache/2025/11/{md5}.bin",
            },
        )
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive as a predecessor left it: one object sound, one changed, one missing, one a web page."""
    folder = tmp_path / "archive"
    for name, content in (("sound", PICTURES["sound"]), ("changed", PICTURES["sound"]), ("page", PAGE)):
        path = folder / key_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def config(empty_database_url: str, database_kind: str, tmp_path: Path, folder: Path) -> Config:
    made = old(folder.as_uri())
    if database_kind == "sqlite":
        made.to_sqlite(tmp_path / "empty.db", Variant(users_own=False))
    else:
        made.to_postgresql(empty_database_url, Variant(users_own=False))
    config = Config(tmp_path / "home", empty_database_url, archive=ArchiveConfig(directory=folder))
    upgrade_database(config, agreed=agreeing)
    return config


def rows(library: Library, statement: str) -> list[tuple[object, ...]]:
    with library._store.reading() as tx:
        return [tuple(row) for row in bulk.execute(tx, statement).all()]


def test_what_is_what_its_row_names_is_taken_up_and_kept_where_it_is(config: Config, folder: Path) -> None:
    objects = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    before = None
    with open_library(config) as library:
        assert library.archive_media().due == 0
        before = rows(library, "SELECT media_id, archive_url, md5_sum FROM post_media ORDER BY 1")

        summary = library.restore_archive()

        assert (summary.status, summary.due, summary.restored) == (RunStatus.PARTIAL, 4, 1)
        reasons = {path.rpartition("/")[2][:32]: reason for path, reason in summary.failed}
        assert set(reasons) == {MD5["changed"], MD5["missing"], MD5["page"]}
        assert "other bytes" in reasons[MD5["changed"]]
        assert "no such object" in reasons[MD5["missing"]]
        assert "not media" in reasons[MD5["page"]]
        assert rows(library, "SELECT media_id, archive_url, md5_sum FROM post_media ORDER BY 1") == before
        [media] = library.media_list(post="p-00000000")
        assert (media.cached, media.mime_type, media.sha256) == (
            True,
            "image/jpeg",
            hashlib.sha256(PICTURES["sound"]).hexdigest(),
        )
        assert (config.cache_root / str(media.path)).read_bytes() == PICTURES["sound"]
        assert rows(library, "SELECT key, state, proof FROM archive_objects") == [
            (key_of("sound"), "proven", "read_back")
        ]
        assert library.verify_database() == []
        assert library.verify_cache().clean
        assert library.archive_link(media.media_id).url == media.archive_url
        # It is there already: nothing goes up, and what it is can leave the cache and come back.
        assert library.archive_media().archived == 0
        assert library.verify_archive(sample=1.0).faults == ()
        again = library.restore_archive()
        assert (again.due, again.restored) == (3, 0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == objects


def test_of_one_post_or_of_a_few_and_not_beyond_the_limit(config: Config) -> None:
    with open_library(replace(config, cache=CacheConfig(max_bytes=10))) as library:
        full = library.restore_archive(post="p-00000000")
        assert (full.status, full.restored) == (RunStatus.FAILED, 0)
        assert "max_bytes" in str(full.error)
    with open_library(config) as library:
        none = library.restore_archive(post="p-00000002")
        assert (none.due, none.restored, len(none.failed)) == (1, 0, 1)
        elsewhere = library.restore_archive(post="p-00000004")
        assert (elsewhere.due, elsewhere.restored) == (0, 0)
        one = library.restore_archive(post="p-00000000", limit=1)
        assert (one.status, one.due, one.restored) == (RunStatus.COMPLETED, 1, 1)


def test_an_archive_that_is_away_changes_nothing(config: Config, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    with open_library(config) as library:
        summary = library.restore_archive()
        assert (summary.status, summary.restored) == (RunStatus.FAILED, 0)
        folder.with_name("away").rename(folder)
        assert library.restore_archive().restored == 1


def test_what_was_taken_up_comes_back_from_there_when_it_is_lost(config: Config) -> None:
    with open_library(config) as library:
        library.restore_archive()
        [media] = library.media_list(post="p-00000000")
        (config.cache_root / str(media.path)).unlink()
        assert library.verify_cache(repair=True).queued == 1
        summary = library.fetch_due()
        assert (summary.restored, summary.requests) == (1, 0)
        assert library.verify_cache().clean
