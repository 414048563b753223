"""The invented records keep the rules that were found true of real ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo import records as scraped
from demo import world
from postkeep.model import PostKind, Role
from postkeep.platforms import load_platform

BASE = "http://127.0.0.1:1"
NAME = re.compile(r"dataset_(.+)_(\d{4}-\d\d-\d\d)_(\d\d-\d\d-\d\d)-(\d{1,3})\.json")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("data")
    written = scraped.write_records(folder, BASE)
    return [(path.relative_to(folder), record) for path in written for record in json.loads(path.read_text())]


Records = list[tuple[Path, dict[str, Any]]]


def urls(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [url for inner in value.values() for url in urls(inner)]
    if isinstance(value, list):
        return [url for inner in value for url in urls(inner)]
    return [value] if isinstance(value, str) and value.startswith(BASE) else []


def test_files_are_named_as_the_scraper_names_them(records: Records) -> None:
    for path in {path for path, _ in records}:
        match = NAME.fullmatch(path.name)
        assert match
        stamp = f"{match[2]}_{match[3]}".replace("-", "")
        assert path.parts[:2] == (stamp, "linkedin")
    assert len({path for path, _ in records}) == sum(len(visit.users) for visit in scraped.VISITS)


def test_ids_tell_the_time_and_numbers_add_up(records: Records) -> None:
    for _, record in records:
        assert int(record["urn"]["activity_urn"]) >> 22 == record["posted_at"]["timestamp"]
        stats = dict(record["stats"])
        total = stats.pop("total_reactions")
        assert total == sum(stats.values()) - stats["comments"] - stats["reposts"]
        assert all(count >= 0 for count in stats.values())


def test_every_record_is_read_whole(records: Records) -> None:
    linkedin = load_platform("linkedin")
    kinds: Counter[PostKind] = Counter()
    roles: Counter[Role] = Counter()
    for path, record in records:
        match = NAME.fullmatch(path.name)
        assert match
        parsed = linkedin.parse(record, match[1])
        assert parsed.unknown_keys == ()
        [post] = parsed.posts
        if path.parts[0] == scraped.VISITS[0].folder:
            kinds[post.kind] += 1
            roles.update(ref.role for ref in post.media)
            if match[1] == world.MARA.slug and post.native_id == scraped.CURVE_ID:
                assert [ref.width for ref in post.media] == [640] * 5
    assert kinds == {PostKind.REGULAR: 21, PostKind.QUOTE: 5, PostKind.REPOST: 2}
    assert set(roles) >= {
        Role.OWN, Role.THUMBNAIL, Role.DOCUMENT, Role.COVER, Role.ARTICLE, Role.RESHARED,
        Role.RESHARED_THUMBNAIL, Role.RESHARED_DOCUMENT, Role.RESHARED_COVER,
    }  # fmt: skip


def test_a_bare_repost_carries_the_originals_names(records: Records) -> None:
    ids = {record["urn"]["activity_urn"] for _, record in records}
    reposts = [record for _, record in records if record["post_type"] == "repost"]
    originals = [record["full_urn"].rpartition(":")[2] for record in reposts]
    assert all(
        record["urn"]["activity_urn"] != original for record, original in zip(reposts, originals, strict=True)
    )
    assert scraped.CURVE_ID in originals
    assert set(originals) - ids
    assert not any("reshared_post" in record for record in reposts)


def test_numbers_grow_and_one_text_is_edited(records: Records) -> None:
    seen: dict[str, list[dict[str, Any]]] = {}
    for _, record in records:
        seen.setdefault(record["urn"]["activity_urn"], []).append(record)
    again = {native_id: found for native_id, found in seen.items() if len(found) > 1}
    assert len(again) > 15
    for found in again.values():
        totals = [record["stats"]["total_reactions"] for record in found]
        assert totals == sorted(set(totals))
    assert len(seen[scraped.CURVE_ID]) == 3
    # A bare repost shows the original's text, so it changes with it.
    own = {native_id: found for native_id, found in seen.items() if found[0]["post_type"] != "repost"}
    edited = [native_id for native_id, found in own.items() if len({record["text"] for record in found}) > 1]
    assert edited == [scraped.CURVE_ID]


def test_every_address_is_served_but_for_the_two_that_should_not_be(records: Records) -> None:
    served = world.files()
    named = {urlsplit(url).path for _, record in records for url in urls(record)}
    assert named - set(served) == {world.LOST.path}
    assert set(served) - named == set()
    late = [url for _, record in records for url in urls(record) if f"e={world.PAST}" in url]
    assert {urlsplit(url).path for url in late} == {world.LATE.path}
    assert served[world.GLAZE.path].body == served[world.SAME_GLAZE.path].body


def test_records_are_the_same_every_time(tmp_path: Path) -> None:
    one = [path.read_bytes() for path in scraped.write_records(tmp_path / "one", BASE)]
    two = [path.read_bytes() for path in scraped.write_records(tmp_path / "two", BASE)]
    assert one == two
