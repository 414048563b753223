"""The figures of a database and its media say what each of them counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call


@pytest.mark.parametrize(("posts", "told"), [(22, False), (71, True)])
def test_adopted_posts_without_a_raw_record_are_explained(
    posts: int, told: bool, call: Call, library: FakeLibrary
) -> None:
    library.answers["totals"] = replace(library.answers["totals"], posts=posts, raw_records=22)
    line = next(line for line in call("data", "stats").out.splitlines() if line.startswith("Raw records:"))
    assert line == "Raw records:  22" + " imported; adopted posts keep raw JSON of their own" * told


def test_files_in_the_cache_are_told_from_places_in_posts(call: Call, library: FakeLibrary) -> None:
    stats = replace(library.answers["media_stats"], files=0, places=126, by_state={"fetched": 126})
    library.answers["media_stats"] = stats
    out = call("media", "stats").out
    assert "Files:    0 in the cache" in out
    assert "In posts: 126 places" in out
    head, line = out.splitlines()[-2:]
    assert "in the cache or not" in head
    assert line.split() == ["fetched:", "126"]
