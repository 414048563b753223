"""Commands accept the ids that an adopted database no longer has."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from postkeep import log
from postkeep.cli.run import run
from tests.adoption.conftest import Json, Small


@pytest.fixture
def adopted(small: Small) -> Iterator[Small]:
    small.upgrade()
    yield small
    log.release_logging()


def asked(house: Small, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    home = str(house.folder / "home")
    code = run(["--home", home, "--database", house.url, *arguments])
    out, err = capfd.readouterr()
    return code, out or err


def answered(house: Small, capfd: pytest.CaptureFixture[str], *arguments: str) -> Json:
    code, out = asked(house, capfd, *arguments, "--json")
    assert code == 0, out
    found: Json = json.loads(out)
    return found


def test_old_ids_are_understood(adopted: Small, capfd: pytest.CaptureFixture[str]) -> None:
    found = adopted.read()
    expected = adopted.built.expected
    twice = expected.post("two_rows")
    survivor = found.resolve("posts", min(twice.ids))
    assert survivor is not None
    (gone,) = twice.ids - {survivor["post_id"]}
    assert answered(adopted, capfd, "posts", "show", gone) == answered(
        adopted, capfd, "posts", "show", survivor["post_id"]
    )
    by_old = answered(adopted, capfd, "media", "list", "--post-id", gone)
    assert by_old == answered(adopted, capfd, "media", "list", "--post-id", survivor["post_id"])
    assert by_old
    for old_id in (gone, *expected.post("only_early").places[0].ids):
        code, told = asked(adopted, capfd, "hold", "add", old_id, "--reason", "a case")
        assert code == 0, told
    held = {row["subject"] for row in adopted.read().rows["holds"]}
    assert gone not in held


def test_old_names_are_understood(adopted: Small, capfd: pytest.CaptureFixture[str]) -> None:
    names = adopted.built.expected.post("other_names")
    row = adopted.read().resolve("posts", min(names.ids))
    assert row is not None
    by_id = answered(adopted, capfd, "posts", "show", row["post_id"])
    for old in adopted.built.old.rows["posts"]:
        if old["post_id"] in names.ids:
            assert answered(adopted, capfd, "posts", "show", old["urn"]) == by_id


def test_an_old_media_id_is_where_a_page_goes_on(adopted: Small, capfd: pytest.CaptureFixture[str]) -> None:
    (early,) = adopted.built.expected.post("only_early").places[0].ids
    row = adopted.read().resolve("post_media", early)
    assert row is not None
    assert answered(adopted, capfd, "media", "list", "--after", early) == answered(
        adopted, capfd, "media", "list", "--after", row["media_id"]
    )


def test_an_unknown_id_is_still_unknown(adopted: Small, capfd: pytest.CaptureFixture[str]) -> None:
    code, told = asked(adopted, capfd, "posts", "show", "p-00000000")
    assert code != 0
    assert "p-00000000" in told
