"""Beginnings of bodies are kept between runs, believed only as they were noted, and lost without an error."""

from __future__ import annotations

import errno
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import CacheError
from postkeep.media.cache import Cache
from postkeep.media.partials import Partials
from postkeep.model import Partial
from tests.media.disks import Failing, Noting

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEY = "https://media.example/a?e=1&t=\udc80"


class Place:
    """A cache root with its spool and the beginnings in it."""

    def __init__(self, root: Path) -> None:
        self.cache = Cache(root)
        self.partials = Partials(root)

    def partial(self, content: bytes, etag: str | None = '"v1"', **more: object) -> Partial:
        path = self.cache.spool()
        path.write_bytes(content)
        return Partial(path, len(content), **{"total": 1000, "etag": etag, "last_modified": None, **more})  # type: ignore[arg-type]

    def put(self, content: bytes, key: str = KEY, etag: str | None = '"v1"') -> bool:
        partial = self.partial(content, etag)
        kept = self.partials.put(key, partial)
        assert not partial.path.exists()
        return kept

    def get(self, key: str = KEY) -> bytes | None:
        found = self.partials.get(key, self.cache.spool)
        if found is None:
            return None
        content = found.path.read_bytes()
        assert len(content) == found.size
        found.path.unlink()
        return content

    def names(self) -> list[Path]:
        folder = self.partials.folder
        return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path / "cache")


def test_nothing_is_there_and_nothing_is_touched(here: Place) -> None:
    assert here.get() is None or here.partials.size() == 0
    here.partials.drop(KEY)
    assert here.partials.sweep(timedelta(0), NOW, keep_bytes=0) == 0
    assert not here.partials.folder.exists()


def test_a_beginning_comes_back_once(here: Place) -> None:
    partial = here.partial(b"begin", last_modified="Fri, 02 Jan 2026 00:00:00 GMT")
    assert here.partials.put(KEY, partial)
    assert here.partials.size() == 5
    again = Partials(here.cache.root)
    assert again.get("another", here.cache.spool) is None
    found = again.get(KEY, here.cache.spool)
    assert found is not None
    assert found.path.read_bytes() == b"begin"
    assert found.path.parent.parent == here.cache.root / "tmp"
    assert (found.size, found.total, found.etag, found.last_modified) == (
        5, 1000, '"v1"', "Fri, 02 Jan 2026 00:00:00 GMT",
    )  # fmt: skip
    assert here.get() is None
    assert here.names() == []


def test_it_is_for_its_user_alone_and_says_nothing_of_the_key(here: Place) -> None:
    here.put(b"begin")
    assert {stat.S_IMODE(path.stat().st_mode) for path in here.names()} == {0o600}
    assert stat.S_IMODE(here.partials.folder.stat().st_mode) == 0o700
    assert not any("example" in path.name or b"example" in path.read_bytes() for path in here.names())


def test_only_a_larger_one_replaces_it(here: Place) -> None:
    assert here.put(b"begin")
    assert not here.put(b"begi")
    assert not here.put(b"BEGIN")
    assert here.put(b"beginning")
    assert len(here.names()) == 2
    assert here.get() == b"beginning"


def test_a_newer_version_replaces_it_at_any_size(here: Place) -> None:
    assert here.put(b"begin")
    assert here.put(b"new", etag='"v2"')
    assert here.get() == b"new"


def test_one_without_validators_or_of_another_size_is_not_kept(here: Place) -> None:
    assert not here.put(b"begin", etag=None)
    partial = here.partial(b"begin")
    partial.path.write_bytes(b"beg")
    assert not here.partials.put(KEY, partial)
    partial = here.partial(b"begin")
    partial.path.unlink()
    assert not here.partials.put(KEY, partial)
    partial.path.symlink_to(here.cache.root / "other")
    (here.cache.root / "other").write_bytes(b"begin")
    assert not here.partials.put(KEY, partial)
    assert here.names() == []


def test_dropping_forgets(here: Place) -> None:
    here.put(b"begin")
    here.put(b"other", key="other")
    here.partials.drop(KEY)
    here.partials.drop(KEY)
    assert here.get() is None
    assert here.get("other") == b"other"


@pytest.mark.parametrize(
    "change",
    [
        {"size": 4}, {"size": 0}, {"size": "5"}, {"total": 3}, {"etag": None}, {"file": "../tmp/x"}, {"file": 5},
        {"file": "0" * 64 + ".json"}, {"file": "0" * 64 + "-" + "0" * 16 + ".part"}, {"file": "/etc/passwd"},
    ],
)  # fmt: skip
def test_a_note_that_is_not_true_is_not_believed(here: Place, change: dict[str, object]) -> None:
    here.put(b"begin")
    (note,) = (path for path in here.names() if path.suffix == ".json")
    note.write_text(json.dumps({**json.loads(note.read_text()), **change}))
    outside = here.cache.root / "tmp" / "x"
    outside.write_bytes(b"begin")
    assert here.get() is None
    assert outside.exists()
    here.partials.sweep(timedelta(days=1), NOW, keep_bytes=1000)
    assert here.names() == []


@pytest.mark.parametrize("damage", ["cut", "link", "folder", "gone"])
def test_a_file_that_is_not_as_noted_is_not_handed_out(here: Place, damage: str) -> None:
    here.put(b"begin")
    (part,) = (path for path in here.names() if path.suffix == ".part")
    part.unlink()
    outside = here.cache.root / "outside"
    outside.write_bytes(b"begin")
    if damage == "cut":
        part.write_bytes(b"beg")
    elif damage == "link":
        part.symlink_to(outside)
    elif damage == "folder":
        part.mkdir()
    assert here.get() is None
    assert outside.read_bytes() == b"begin"
    assert here.put(b"begin")
    assert here.get() == b"begin"


@settings(max_examples=50, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_note_at_all_gives_an_answer(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    here = Place(tmp_path_factory.mktemp("root"))
    here.put(b"begin")
    (note,) = (path for path in here.names() if path.suffix == ".json")
    note.write_bytes(raw)
    assert here.get() is None


def dated(here: Place, key: str, days: int, size: int = 10) -> None:
    before = set(here.names())
    here.put(b"x" * size, key=key)
    at = int((NOW - timedelta(days=days)).timestamp())
    for path in {*here.names()} - before:
        os.utime(path, (at, at))


def test_old_ones_and_the_oldest_beyond_the_room_go(here: Place) -> None:
    for days in (1, 5, 2, 9):
        dated(here, f"key {days}", days)
    assert here.partials.sweep(timedelta(days=9), NOW, keep_bytes=1000) == 1
    assert here.partials.size() == 30
    assert here.partials.sweep(timedelta(days=9), NOW, keep_bytes=25) == 1
    assert [here.get(f"key {days}") is not None for days in (1, 5, 2, 9)] == [True, False, True, False]


def test_a_large_one_goes_before_smaller_ones_that_fit(here: Place) -> None:
    dated(here, "large", 1, 100)
    dated(here, "small", 2, 10)
    assert here.partials.sweep(timedelta(days=9), NOW, keep_bytes=50) == 1
    assert here.get("small") is not None


def test_what_belongs_to_nothing_goes(here: Place) -> None:
    here.put(b"begin")
    for name in ("x", f"{'0' * 64}.json", f"{'1' * 64}-{'2' * 16}.part", f"{'1' * 64}.{'2' * 16}.new"):
        (here.partials.folder / name).write_bytes(b"{}")
    (here.partials.folder / "folder").mkdir()
    assert here.partials.sweep(timedelta(days=9), NOW, keep_bytes=50) == 0
    assert len(here.names()) == 3
    assert here.get() == b"begin"


def test_a_folder_that_cannot_be_listed_is_named(here: Place) -> None:
    here.cache.root.mkdir()
    here.partials.folder.write_bytes(b"")
    with pytest.raises(CacheError, match="partial"):
        here.partials.size()
    assert not here.put(b"begin")


def test_bytes_and_note_are_on_the_disk_before_it_says_so(here: Place) -> None:
    disk = Noting()
    partial = here.partial(b"begin")
    assert Partials(here.cache.root, disk=disk).put(KEY, partial)
    names = [step.name for step in disk.steps]
    before, after = ["make_folder", "restrict", "sync_file", "rename"], ["sync_file", "rename", "sync_folder"]
    assert names == [*before, "create", "write", *after]


@pytest.mark.parametrize("once", [True, False])
def test_a_disk_that_refuses_costs_the_new_one_at_most(tmp_path: Path, once: bool) -> None:
    for count in range(10):
        here = Place(tmp_path / f"root-{count}")
        here.put(b"begin")
        disk = Failing(count, OSError(errno.ENOSPC, "full"), once=once)
        partial = here.partial(b"beginning")
        kept = Partials(here.cache.root, disk=disk).put(KEY, partial)
        assert kept == (count >= 8)
        assert here.get() == (b"beginning" if kept else b"begin")
        here.partials.sweep(timedelta(days=9), NOW, keep_bytes=50)
        assert here.names() == []
        assert here.put(b"again")
        assert here.get() == b"again"


def test_a_disk_that_refuses_hands_nothing_out(tmp_path: Path) -> None:
    for count in range(2):
        here = Place(tmp_path / f"root-{count}")
        here.put(b"begin")
        disk = Failing(count, OSError(errno.EIO, "broken"))
        found = Partials(here.cache.root, disk=disk).get(KEY, here.cache.spool)
        assert (found is None) == (count == 0)
        assert here.put(b"begin") or here.get() == b"begin"


def test_a_root_that_went_away_is_not_made_anew(here: Place, tmp_path: Path) -> None:
    path = tmp_path / "loose"
    path.write_bytes(b"begin")
    assert not here.partials.put(KEY, Partial(path, 5, None, '"v1"', None))
    assert not here.cache.root.exists()
