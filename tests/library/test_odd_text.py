"""Text that a database cannot hold, and a megabyte of it, wherever it stands in a record: nothing is lost."""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postkeep.errors import SourceError
from postkeep.stages.ingest.candidate import decompress
from postkeep.store import Store, listing
from postkeep.store.verify import verify_rows
from tests.library.world import world
from tests.records import EPOCH, author, gallery, image, post, raw
from tests.stages.test_ingest import ingest, rows

ODD = ("\x00", "\ud800", "\udfff", "a\x00b", "\udc80#tag", "\x00\ud83d")
MEGABYTE = 1 << 20

RICH = post(
    1,
    text="Words #tag @jane https://example.org/a?b=c and more",
    media=gallery(image("A"), image("B")),
    author=author(profile_picture=image("F")["url"]),
    document={"title": "Paper", "page_count": 3, "url": image("D")["url"], "thumbnail": image("E")["url"]},
    reshared_post=post(2, text="Shared #other", media=gallery(image("C"))),
    article={"title": "An article", "url": "https://example.org/article", "subtitle": "s"},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where texts stand in a record."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*path, key))


PLACES = list(places(RICH))
# Records that differ only in what no database holds have one content, which one time holds once.
_seconds = itertools.count()


def with_text(changes: dict[tuple[Any, ...], str], *, key: str = "") -> bytes:
    """The record with something put into these texts, and a key that nobody knows."""
    record = copy.deepcopy(RICH)
    for path, added in changes.items():
        *outer, last = path
        holder = record
        for step in outer:
            holder = holder[step]
        holder[last] = holder[last] + added
    if key:
        record[key] = key
    return json.dumps(record).encode()


def kept(store: Store) -> list[bytes]:
    """Every raw record there is, of posts and in quarantine."""
    stored = rows(store, "SELECT codec, body FROM raw_records")
    stored += rows(store, "SELECT codec, body FROM quarantine WHERE body IS NOT NULL")
    return [decompress(codec, bytes(body)) for codec, body in stored]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(ODD), min_size=1, max_size=4),
    key=st.sampled_from(("", *ODD)),
)
def test_odd_characters_are_kept_in_the_record_and_replaced_where_one_searches(
    store: Store, changes: dict[tuple[Any, ...], str], key: str
) -> None:
    body = with_text(changes, key=key)

    tally = ingest(store, [raw(body, at=EPOCH + timedelta(seconds=next(_seconds)))])

    assert tally.processed == 1
    assert body in kept(store)
    if tally.new:
        newest = rows(store, "SELECT text_altered FROM posts WHERE post_id = (SELECT max(post_id) FROM posts)")
        assert [bool(altered) for (altered,) in newest] == [True]
    assert verify_rows(store) == []
    with store.reading() as tx:
        for line in listing.posts(tx, limit=100):
            listing.post(tx, line.post_id)


_SHORT = [("text",), ("author", "username"), ("author", "profile_url"), ("media", "images", 0, "url"), ("url",)]
_SHORT += [("urn", "activity_urn"), ("post_type",)]


@pytest.mark.parametrize(
    "path",
    [path if path in _SHORT else pytest.param(path, marks=pytest.mark.long) for path in PLACES],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_megabyte_anywhere(store: Store, path: tuple[Any, ...]) -> None:
    """Of noise, which no index can pack; with a hashtag that long in the text."""
    body = with_text({path: (" #" if path == ("text",) else "") + random.Random(7).randbytes(MEGABYTE // 2).hex()})
    tally = ingest(store, [raw(post(9)), raw(body, number=2), raw(post(10), number=3)])
    assert tally.processed == 3
    assert tally.new >= 2
    assert body in kept(store)
    assert verify_rows(store) == []


def test_odd_names_of_files_are_told_and_kept(tmp_path: Path, database_url: str) -> None:
    """Also in the run's error and in the quarantine's reason."""
    folder = tmp_path / "in"
    folder.mkdir()
    odd = os.fsdecode(b"\xff\xfe")
    good = folder / f"dataset_ja{odd}ne_2025-03-01_08-00-00-123.json"
    bad = folder / f"bad{odd}.json"
    good.write_bytes(with_text({("text",): "\x00"}))
    bad.write_bytes(b'{"what\\u0000\\ud800": "a\xff", "x')
    with world(tmp_path, database_url) as here:
        summary = here.library.import_([str(folder)], fetch=False)
        assert (summary.new, here.rows("SELECT count(*) FROM quarantine")) == (1, [(1,)])
        assert summary.unreadable + summary.quarantined == 1
        with pytest.raises(SourceError):
            here.library.import_([str(tmp_path / f"none{odd}.json")], fetch=False)
        assert len(here.library.runs()) == 2
        assert here.library.verify_database() == []
