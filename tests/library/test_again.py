"""The promise about repetition, over files as a user has them: what is known already costs nothing again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from benchmarks.corpus import STAMP, write_corpus
from postkeep.model import RunStatus
from tests.canonical import dump
from tests.library.world import World, opened
from tests.servers.media import MediaServer, made_up

POSTS = 1000


def corpus(here: World, name: str, *, stamp: datetime = STAMP, resign: int = 0, order: int | None = None) -> str:
    folder = here.folder / name
    made = write_corpus(
        folder, POSTS, seed=11, media_base=here.server.url(""), stamp=stamp, resign=resign
    )
    if order is not None:
        chance = random.Random(order)
        for path in made.files:
            records = orjson.loads(path.read_bytes())
            chance.shuffle(records)
            path.write_bytes(orjson.dumps(records))
    return str(folder)


def renamed(folder: str) -> str:
    """The same files, under names that put them in another order and are copies; the stamps stay."""
    for path in sorted(Path(folder).iterdir()):
        path.rename(path.with_name(f"Copy of {path.name}"))
    return folder


def test_a_thousand_posts_three_times_are_a_thousand_posts_once(tmp_path, database_url):
    with (
        MediaServer(default=made_up) as server,
        opened(tmp_path, database_url, server) as here,
    ):
        # The corpus is signed for a time of its own.
        here.now_is(STAMP.replace(tzinfo=UTC))
        first = here.library.import_([corpus(here, "first")])
        assert (first.status, first.processed, first.new) == (RunStatus.COMPLETED, POSTS, POSTS)
        assert first.media.found == first.media.cached > POSTS
        before, files, asked = dump(here.store), here.cached(), server.count()
        assert here.rows("SELECT count(*) FROM data_downloads") == [(POSTS,)]

        for folder in (
            renamed(corpus(here, "renamed")),
            corpus(here, "shuffled", order=5),
            corpus(here, "resigned", resign=1),
        ):
            again = here.library.import_([folder])
            assert (again.status, again.new, again.duplicates, again.updated) == (RunStatus.COMPLETED, 0, POSTS, 0)
            assert (again.media.found, again.media.cached) == (first.media.found, first.media.cached)
            assert dump(here.store) == before
            assert here.cached() == files
            assert server.count() == asked

        later = here.library.import_([corpus(here, "later", stamp=STAMP + timedelta(days=7))])
        here.library.fetch_due()
        assert (later.new, later.duplicates, later.updated) == (0, POSTS, 0)
        assert here.rows("SELECT count(*) FROM posts") == [(POSTS,)]
        assert here.rows("SELECT count(*), count(DISTINCT post_id) FROM data_downloads") == [(2 * POSTS, POSTS)]
        assert here.cached() == files
        assert server.count() == asked
        after = [line for line in dump(here.store) if not line.startswith("data_downloads:")]
        # Beside the snapshots only the times of last sight move on.
        assert {line.partition(":")[0] for line in before} - {"data_downloads"} == {
            line.partition(":")[0] for line in after
        }
        assert len(after) == len([line for line in before if not line.startswith("data_downloads:")])
        here.check()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_numbers_of_a_later_stamp_are_one_snapshot_each(tmp_path, database_url):
    with MediaServer(default=made_up) as server, opened(tmp_path, database_url, server) as here:
        for week in range(3):
            folder = tmp_path / f"week {week}"
            write_corpus(folder, 100, seed=3, stamp=STAMP + timedelta(weeks=week), resign=week, grow=week)
            here.library.import_([str(folder)], fetch=False)

        [(post_id,)] = here.rows("SELECT post_id FROM posts WHERE post_type = 'regular' LIMIT 1")
        snapshots = here.library.post(post_id).snapshots
        stamps = [STAMP.replace(tzinfo=UTC) + timedelta(weeks=week) for week in range(3)]
        assert [each.observed_at for each in snapshots] == stamps
        totals = [each.reactions for each in snapshots]
        assert totals == sorted(set(totals))
        assert here.rows("SELECT count(*) FROM data_downloads") == [(300,)]
