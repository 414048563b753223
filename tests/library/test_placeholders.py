"""A content that stands for too many different media is shown for what it likely is, and nothing else is."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from postkeep.errors import NotFound
from postkeep.model import utc_now
from postkeep.store import placeholders
from postkeep.views import PlaceholderView
from tests.library.world import World, opened, picture, with_pictures
from tests.store.test_listing import counted


def shown(here: World, name: str, *, keys: int, posts: int = 25, first: int = 0) -> bytes:
    """Serve one content under so many assets, spread over so many posts, and bring them."""
    content = picture(name)
    urls = [here.asset(f"D4{name}{number}", content) for number in range(keys)]
    here.bring(*(with_pictures(first + n, *urls[n::posts]) for n in range(min(posts, keys))))
    return content


def told(found: list[PlaceholderView]) -> list[tuple[str | None, int, int, int]]:
    return [(each.sha256, each.media_keys, each.posts, each.profiles) for each in found]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_one_content_under_25_media_keys_is_likely_a_placeholder(here):
    content = shown(here, "gone", keys=25)
    shown(here, "rare", keys=19, first=100)

    [found] = here.library.placeholders()

    assert told([found]) == [(sha(content), 25, 25, 0)]
    assert (found.md5, found.size) == (hashlib.md5(content).hexdigest(), len(content))
    assert (here.root / found.path).read_bytes() == content
    assert (found.cached, found.listed, found.mime_type) == (True, False, "image/png")


def test_one_post_may_show_one_picture_as_often_as_it_likes(here):
    shown(here, "pages", keys=25, posts=1)
    assert here.library.placeholders() == []


def test_one_asset_in_many_posts_is_one_media_key(here):
    url = here.asset("D4SHARED")
    here.bring(*(with_pictures(n, url) for n in range(30)))
    assert here.library.placeholders() == []


def test_posts_and_profiles_count_together(here):
    content = shown(here, "ghost", keys=12)
    here.bring(with_pictures(900, here.asset("D4OTHER")))
    [(file_id,)] = here.rows("SELECT file_id FROM media_files WHERE sha256 = ?", sha(content))
    [(profile_id,)] = here.rows("SELECT profile_id FROM profiles LIMIT 1")
    for number in range(8):
        here.write_rows(
            "INSERT INTO profile_media (media_id, profile_id, media_type, media_url, role, media_key, file_id)"
            " VALUES (?, ?, 'image', 'u', 'avatar', ?, ?)",
            f"pm-{number}",
            profile_id,
            f"key {number}",
            file_id,
        )
    assert told(here.library.placeholders()) == [(sha(content), 20, 12, 1)]


def test_the_most_shown_comes_first_page_by_page(here):
    most, some, few = (
        sha(shown(here, name, keys=keys, first=first))
        for name, keys, first in (("most", 30, 0), ("some", 22, 100), ("few", 22, 200))
    )
    pages: list[PlaceholderView] = []
    while page := here.library.placeholders(limit=1, after=pages[-1].file_id if pages else None):
        pages += page

    assert [each.sha256 for each in pages] == [most, some, few]
    assert pages == here.library.placeholders(limit=50)
    for unknown in ("fil-1", "", "\0"):
        with pytest.raises(NotFound):
            here.library.placeholders(after=unknown)


@pytest.mark.parametrize("by", ["md5", "sha256"])
def test_what_is_listed_says_so_and_is_not_kept_again(tmp_path, database_url, here, by):
    content = shown(here, "gone", keys=20)
    listed = hashlib.new(by, content).hexdigest()
    with opened(tmp_path, database_url, here.server, placeholders=(listed,)) as again:
        again.bring(with_pictures(500, again.asset("D4NEW", content)))

        assert [each.listed for each in again.library.placeholders()] == [True]
        assert again.states()["D4NEW"] == "retry"


def test_what_is_not_in_the_cache_now_is_shown_too(here):
    shown(here, "gone", keys=20)
    here.write_rows("UPDATE media_files SET cached_at = NULL, evicted_at = ?", utc_now())
    assert [each.cached for each in here.library.placeholders()] == [False]


# --- the contents of a run ------------------------------------------------------------------------------


def file_ids(here: World) -> list[str]:
    return [file_id for (file_id,) in here.rows("SELECT file_id FROM media_files ORDER BY file_id")]


def test_only_the_contents_asked_for_are_judged(here):
    gone, other = sha(shown(here, "gone", keys=21)), sha(shown(here, "other", keys=24, first=100))
    shown(here, "pages", keys=25, posts=1, first=200)
    ids = {content: file_id for file_id, content in here.rows("SELECT file_id, sha256 FROM media_files")}
    with here.store.reading() as tx:
        assert told(placeholders.suspects(tx, [ids[gone]])) == [(gone, 21, 21, 0)]
        assert told(placeholders.suspects(tx, ids.values())) == [(other, 24, 24, 0), (gone, 21, 21, 0)]
        assert placeholders.suspects(tx, ["fil-none"]) == placeholders.suspects(tx, []) == []


def test_many_contents_are_asked_for_in_few_statements(here, monkeypatch):
    gone = sha(shown(here, "gone", keys=20))
    here.bring(*(with_pictures(700 + n, here.asset(f"D4N{n}")) for n in range(9)))
    monkeypatch.setattr(placeholders, "_CHUNK", 4)
    ids = file_ids(here)
    with here.store.reading() as tx, counted(here.store) as sent:
        found = placeholders.suspects(tx, ids)
    assert told(found) == [(gone, 20, 20, 0)]
    assert len(sent) == 3 + 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_rows_are_found_by_index(here):
    """A library of a million places is not read through to find a handful of contents."""
    shown(here, "gone", keys=20)
    sent: list[tuple[str, Any]] = []
    with here.store.reading() as tx, counted(here.store) as statements:
        placeholders.page(tx, limit=5)
        sent += [(each, (5,)) for each in statements]
        del statements[:]
        placeholders.suspects(tx, file_ids(here))
        sent += [(each, None) for each in statements]
        for statement, parameters in sent:
            given = parameters or ("[]",) * statement.count("?")
            plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
            assert plan
            for step in plan:
                assert not step.startswith(("SCAN post_media", "SCAN profile_media", "SCAN p ")) or "INDEX" in step
