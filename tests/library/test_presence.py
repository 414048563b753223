"""Nothing is said to be cached, stored or sound that is not: files, databases and records that went away."""

from __future__ import annotations

import shutil

import pytest

from postkeep.errors import NotFound, StoreError
from postkeep.model import RunStatus
from tests.library.world import World, picture
from tests.records import gallery, post


def shown(url: str) -> dict[str, object]:
    return {"url": url, "width": 3, "height": 2}


def one(here: World, *assets: str) -> dict[str, object]:
    return post(1, media=gallery(*[shown(here.asset(asset)) for asset in assets]))


def test_a_file_that_was_deleted_is_fetched_again_by_the_next_import(here):
    record = one(here, "A", "B")
    here.bring(record)
    path = sorted(here.cached())[0]
    (here.root / path).unlink()
    here.server.reset()

    summary = here.bring(record)

    assert (summary.new, summary.media.found, summary.media.cached) == (0, 2, 2)
    assert len(here.server.requests) == 1
    assert path in here.cached()
    assert any("no longer in the cache" in line for line in summary.problems)
    here.check()


def test_a_deleted_file_is_not_counted_as_cached_when_nothing_is_fetched(here):
    record = one(here, "A", "B")
    here.bring(record)
    (here.root / sorted(here.cached())[0]).unlink()

    summary = here.bring(record, fetch=False)

    assert (summary.media.found, summary.media.cached) == (2, 1)
    assert here.queued() == 1


def test_a_damaged_file_goes_to_quarantine_and_is_fetched_again(here):
    record = one(here, "A")
    here.bring(record)
    [path] = here.cached()
    (here.root / path).write_bytes(picture("something else"))

    summary = here.bring(record)

    assert summary.media.cached == 1
    assert len(list((here.root / "quarantine").iterdir())) == 1
    here.check()


def test_without_the_cache_nothing_is_said_to_be_cached(here):
    record = one(here, "A")
    here.bring(record)
    shutil.rmtree(here.root)

    summary = here.bring(record)

    assert (summary.media.found, summary.media.cached) == (1, 0)
    assert summary.status is RunStatus.FAILED
    assert "is not there" in summary.error


def test_untouched_files_cost_a_look_and_no_hash(here, monkeypatch):
    record = one(here, "A", "B")
    here.bring(record)
    monkeypatch.setattr(type(here.library._cache), "prove", None)

    assert here.bring(record).media.cached == 2


def test_other_bytes_from_the_same_source_are_told(here):
    record = one(here, "A")
    here.bring(record)
    [(before,)] = here.rows("SELECT sha256 FROM media_files")
    [path] = here.cached()
    (here.root / path).unlink()
    here.asset("A", picture("another picture"))

    here.bring(record)

    [(state, kind, message)] = here.rows("SELECT download_state, error_kind, error_message FROM post_media")
    assert (state, kind) == ("fetched", "changed")
    assert before in message
    assert here.rows("SELECT count(*) FROM media_files") == [(2,)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_that_was_moved_away_is_noticed(here):
    here.bring(post(1))
    path = here.store.path
    path.rename(path.with_suffix(".old"))

    with pytest.raises(StoreError, match="removed or replaced"):
        here.bring(post(2))


def test_a_raw_record_that_is_not_what_its_hash_says_is_found(here):
    here.bring(post(1), post(2))
    assert here.library.verify_database() == []
    [(sha256,)] = here.rows("SELECT min(sha256) FROM raw_records")

    here.write_rows("UPDATE raw_records SET body = ? WHERE sha256 = ?", b"\0", sha256)

    [finding] = here.library.verify_database()
    assert sha256 in finding.what


def test_no_page_follows_a_row_nobody_knows(here):
    here.bring(post(1))

    for ask in (here.library.posts, here.library.media_list, here.library.quarantine, here.library.runs):
        with pytest.raises(NotFound):
            ask(after="p-nobody")
