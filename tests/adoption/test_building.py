"""The databases to be adopted are what they are said to be, and the expectations speak of every row."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.adoption.building import Built
from tests.adoption.conftest import Small
from tests.adoption.corpus import build
from tests.adoption.dumps import dump
from tests.adoption.predecessor import NOTES_TABLE, TABLES


@pytest.fixture(scope="module", params=[True, False], ids=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest) -> Built:
    return build(sqlite=request.param)


def test_the_same_seed_makes_the_same_rows() -> None:
    first, second = build(sqlite=True), build(sqlite=True)
    assert first.old.rows == second.old.rows
    assert first.expected == second.expected
    assert build(sqlite=True, seed=6).old.rows != first.old.rows


def test_every_row_is_expected_once(built: Built) -> None:
    rows, expected = built.old.rows, built.expected
    posts = Counter(old_id for post in expected.posts for old_id in post.ids)
    assert posts == Counter(row["post_id"] for row in rows["posts"])
    snapshots = [old_id for post in expected.posts for each in post.snapshots for old_id in each.ids]
    assert Counter(snapshots) == Counter(row["download_id"] for row in rows["data_downloads"])
    media = [old_id for post in expected.posts for place in post.places for old_id in place.ids]
    assert Counter(media) == Counter(row["media_id"] for row in rows["post_media"])
    assert expected.actions.keys() == {row["action_id"] for row in rows["action_queue"]}
    keys = {name: columns[0].split(" ", 1)[0] for name, columns in TABLES.items()}
    assert expected.ids.keys() == {row[keys[name]] for name in TABLES for row in rows[name]}


def test_no_two_posts_are_expected_under_one_name(built: Built) -> None:
    names = Counter((post.platform, post.native_id) for post in built.expected.posts if post.native_id)
    assert names.most_common(1)[0][1] == 1
    for post in built.expected.posts:
        times = [snapshot.observed_at for snapshot in post.snapshots]
        assert len(set(times)) == len(times), post.label


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_sqlite_holds_what_only_it_could(small: Small) -> None:
    with closing(sqlite3.connect(Path(str(small.path)))) as connection:
        types = {kind for (kind,) in connection.execute("SELECT typeof(posted_at_timestamp) FROM posts")}
        assert types == {"integer", "text"}
        nul = connection.execute("SELECT count(*) FROM posts WHERE instr(text_content, char(0))").fetchone()
        assert nul[0] > 0


def test_the_rows_are_written(small: Small) -> None:
    lines = Counter(line.split(":", 1)[0] for line in dump(small.url))
    assert {name: lines[name] for name in TABLES} == small.built.old.counts()
    assert lines[NOTES_TABLE] == len(small.built.old.notes) > 0
