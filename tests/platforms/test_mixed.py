"""What people have in one folder comes in by one command: all dialects, packed or not, and what else is there."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from postkeep import log
from postkeep.cli.run import run
from postkeep.store import Store, bulk
from postkeep.store.verify import verify_rows
from tests.canonical import dump, files
from tests.platforms import mixed
from tests.platforms.mixed import Unit

Imports = Callable[[Path, Path, Store], tuple[int, dict[str, Any]]]

REASONS = {
    "no platform knows this record: keys settings": 1,
    "no platform knows this record: keys full_text, id_str": 1,
    "record is an array, not an object": 1,
    "record is a number, not an object": 1,
    "record is null, not an object": 1,
    "record is a string, not an object": 1,
    "the file ends inside record 2": 2,
    "taken_at: no time": 1,
    "status: the answer says that it failed": 1,
}
"""Why records of one round are in quarantine, and how many."""

UNREADABLE = {"it holds no records", "the file is not JSON but a web page", "the file is not JSON but binary"}
UNREADABLE |= {"the file is empty (0 bytes), as a failed scrape leaves it"}


@pytest.fixture
def imports(capfd: pytest.CaptureFixture[str]) -> Iterator[Imports]:
    """`postkeep import --no-fetch FOLDER --json` with a home and a database."""

    def imports(folder: Path, home: Path, store: Store) -> tuple[int, dict[str, Any]]:
        own = ["--home", str(home), "--database", store.url]
        code = run([*own, "import", "--no-fetch", str(folder), "--json"])
        return code, json.loads(capfd.readouterr().out)

    yield imports
    log.release_logging()


def counted(made: list[Unit]) -> dict[str, Any]:
    """What must be there, by what stands beside each unit."""
    posts, media = Counter[str](), Counter[str]()
    for unit in made:
        posts[unit.platform] += unit.posts
        media[unit.platform] += unit.media
    return {
        "posts": +posts,
        "media": +media,
        "listings": sum(unit.listings for unit in made),
        "kept": sum(unit.records - unit.refused for unit in made),
        "refused": sum(unit.refused for unit in made),
        "adopted": sum(unit.adopted for unit in made),
    }


def found(store: Store) -> dict[str, Any]:
    """What is there."""

    def rows(statement: str) -> list[Any]:
        with store.reading() as tx:
            return [tuple(row) for row in bulk.execute(tx, statement).all()]

    joined = "FROM post_media m JOIN posts p ON p.post_id = m.post_id"
    return {
        "posts": Counter(dict(rows("SELECT platform, count(*) FROM posts GROUP BY platform"))),
        "media": Counter(dict(rows(f"SELECT p.platform, count(*) {joined} GROUP BY p.platform"))),
        "listings": rows("SELECT count(*) FROM listings")[0][0],
        "kept": rows("SELECT count(*) FROM raw_records")[0][0],
        "refused": rows("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL AND body IS NOT NULL")[0][0],
        "adopted": rows("SELECT count(*) FROM post_media WHERE file_id IS NOT NULL")[0][0],
    }


def test_a_thousand_files_of_all_dialects_and_none_come_in_by_one_command(
    tmp_path: Path, store: Store, imports: Imports
) -> None:
    rounds = 20 if store.is_sqlite else 2
    made = mixed.write(tmp_path / "left", rounds, order=7)
    assert len(made) >= 50 * rounds
    expected = counted(made)

    code, first = imports(tmp_path / "left", tmp_path / "home", store)

    assert found(store) == expected
    assert (code, first["status"], first["fetched"]) == (1, "partial", False)
    assert first["new"] == sum(expected["posts"].values())
    assert first["errors"] == first["quarantined"] == expected["refused"]
    assert first["unreadable"] == sum(unit.unreadable for unit in made)
    assert first["sources"] == len(made) - first["unreadable"]
    assert first["media"]["cached"] == expected["adopted"] == len(files(tmp_path / "home" / "cache"))
    assert first["problems"][-1] == f"{expected['adopted']} files lay beside their records"
    with store.reading() as tx:
        reasons = bulk.execute(tx, "SELECT reason, count(*) FROM quarantine GROUP BY reason").all()
    assert dict(map(tuple, reasons)) == {reason: rounds * number for reason, number in REASONS.items()}
    assert verify_rows(store) == []

    before = dump(store)
    code, second = imports(tmp_path / "left", tmp_path / "home", store)
    assert (code, second["new"], second["updated"], second["processed"]) == (1, 0, 0, first["processed"])
    assert dump(store) == before


def whatever_the_order(store: Store) -> tuple[list[str], list[Any]]:
    """All that is there, but for where it stood; of several records that tell of a post at one time the first one
    read is its snapshot's, and the others stand beside it."""
    tables = ("quarantine", "data_downloads", "raw_records")
    places = {f"{table}.source_file_path" for table in tables}
    firsts = {"data_downloads.record_sha256", "data_downloads.content_hash"}
    lines = dump(store, leave_out=frozenset(places | firsts))
    with store.reading() as tx:
        told = bulk.execute(
            tx,
            "SELECT p.native_id, d.record_sha256 FROM data_downloads d JOIN posts p ON p.post_id = d.post_id"
            " UNION ALL SELECT p.native_id, s.record_sha256 FROM snapshot_records s"
            " JOIN data_downloads d ON d.download_id = s.download_id JOIN posts p ON p.post_id = d.post_id"
            " ORDER BY 1, 2",
        ).all()
    return [line for line in lines if not line.startswith("snapshot_records:")], [tuple(row) for row in told]


def test_the_order_of_files_does_not_matter(tmp_path: Path, sqlite_template: Path, imports: Imports) -> None:
    """Whatever they are called and wherever below the folder they stand."""
    there, told = [], []
    for order in (1, 2):
        home = tmp_path / f"home {order}"
        home.mkdir()
        shutil.copyfile(sqlite_template, home / "own.db")
        made = mixed.write(tmp_path / str(order), 2, order=order)
        with closing(Store(f"sqlite:///{home / 'own.db'}")) as store:
            code, summary = imports(tmp_path / str(order), home, store)
            assert (code, found(store)) == (1, counted(made))
            there.append(whatever_the_order(store))
        told.append({problem.partition(": ")[2] for problem in summary["problems"]})
    assert there[0] == there[1]
    assert told[0] == told[1] >= UNREADABLE


def test_the_samples_are_stored_as_they_are_written_down(tmp_path: Path, store: Store, imports: Imports) -> None:
    """22 posts of LinkedIn, 17 of Instagram in three lists, 54 of Reddit, with their assets in order."""
    data = Path(__file__).parents[1] / "data"
    expected: dict[tuple[str, str], tuple[str, list[tuple[str, str]]]] = {}
    for file in sorted(data.glob("*/expected/*.json")):
        shutil.copy(file.parents[1] / file.name, tmp_path / file.name)
        written = json.loads(file.read_text(encoding="utf-8"))
        for post in (
            post for page in (written if isinstance(written, list) else [written]) for post in page["posts"]
        ):
            assets = [(media["role"], media["media_key"]) for media in post.get("media", [])]
            # A post in several lists has the same assets in all.
            assert (
                expected.setdefault((post["platform"], post["native_id"]), (post["format"], assets))[1] == assets
            )
    assert Counter(platform for platform, _ in expected) == {"linkedin": 22, "instagram": 17, "reddit": 54}

    code, summary = imports(tmp_path, tmp_path / "home", store)

    assert (code, summary["errors"], summary["unreadable"]) == (0, 0, 0)
    with store.reading() as tx:
        posts = bulk.execute(tx, "SELECT post_id, platform, native_id, post_format FROM posts").all()
        media = bulk.execute(
            tx, "SELECT post_id, role, media_key FROM post_media ORDER BY post_id, position"
        ).all()
    found = {
        (platform, native): (form, [(role, key) for owner, role, key in media if owner == post_id])
        for post_id, platform, native, form in posts
    }
    assert found == expected
