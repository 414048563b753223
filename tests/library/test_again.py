"""The promise about repetition, over files as a user has them: what is known already costs nothing again."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from benchmarks.corpus import STAMP, write_corpus

from postkeep.model import RunStatus
from postkeep.net.fetcher import Fetcher
from tests.canonical import dump
from tests.library.world import World, opened
from tests.servers.media import MediaServer, made_up

POSTS = 1000


def corpus(here: World, name: str, *, stamp: datetime = STAMP, resign: int = 0, order: int | None = None) -> str:
    folder = here.folder / name
    made = write_corpus(folder, POSTS, seed=11, stamp=stamp, resign=resign)
    if order is not None:
        chance = random.Random(order)
        for path in made.files:
            records = orjson.loads(path.read_bytes())
            chance.shuffle(records)
            path.write_bytes(orjson.dumps(records))
    return str(folder)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Signed links are told from other content only on the platform's own hosts, and those speak TLS."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    pair = folder / "certificate.pem", folder / "key.pem"
    arguments = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    arguments += ["-days", "2", "-subj", "/CN=licdn.com", "-addext", "subjectAltName=DNS:*.licdn.com"]
    subprocess.run([*arguments, "-out", str(pair[0]), "-keyout", str(pair[1])], check=True, capture_output=True)
    return pair


def trusting(here: World, certificate: Path) -> None:
    """Lead the platform's media hosts to our server, and trust what it shows."""

    def fetcher() -> Fetcher:
        return Fetcher(
            here.config.fetch,
            spool=here.library._cache.spool,
            connect_to=[f"{name}.licdn.com:443:127.0.0.1:{here.server.port}" for name in ("media", "dms")],
            certificates=certificate,
        )

    here.library._parts = replace(here.library._parts, fetcher=fetcher)


def renamed(folder: str) -> str:
    """The same files, under names that put them in another order and are copies; the stamps stay."""
    for path in sorted(Path(folder).iterdir()):
        path.rename(path.with_name(f"Copy of {path.name}"))
    return folder


def tables(lines: list[str]) -> Counter[str]:
    """How many lines of a dump each table has."""
    return Counter(line.partition(":")[0] for line in lines)


def test_a_thousand_posts_three_times_are_a_thousand_posts_once(tmp_path, database_url, certificate):
    with (
        MediaServer(certificate=certificate, default=made_up) as server,
        opened(tmp_path, database_url, server) as here,
    ):
        trusting(here, certificate[0])
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
        # Beside snapshots and what companies' followers were, only the times of last sight move on.
        was, now = tables(before), tables(dump(here.store))
        assert was.keys() == now.keys()
        grown = {name for name in was if was[name] != now[name]}
        assert grown == {"data_downloads", "follower_history"}
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
