from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postkeep.model import BadSource, RawRecord, SourceDone
from postkeep.sources import read_sources
from postkeep.sources.reading import SourceEvent

NOW = datetime(2025, 12, 1, 12, tzinfo=UTC)


def read(*arguments: str | Path) -> list[SourceEvent]:
    return list(read_sources(arguments, zone=ZoneInfo("UTC"), now=lambda: NOW))


def outline(events: Sequence[SourceEvent], root: Path) -> list[tuple[str, str]]:
    """Each source's path below the root, with `read` or why it was not."""
    return [
        (str(Path(event.source).relative_to(root)), "read" if isinstance(event, SourceDone) else event.reason)
        for event in events
        if isinstance(event, SourceDone | BadSource)
    ]


def grow(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'[{"a":1}]')


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    grow(tmp_path, "b.json", "a/z.json", "a/b/c.jsonl", "c.ndjson.gz", "a.JSON", "é/x.json", "d.json/e.json")
    assert outline(read(tmp_path), tmp_path) == [
        (name, "read")
        for name in ("a/b/c.jsonl", "a/z.json", "a.JSON", "b.json", "c.ndjson.gz", "d.json/e.json", "é/x.json")
    ]


def test_only_json_is_taken_from_folders_but_anything_that_is_named(tmp_path: Path) -> None:
    grow(
        tmp_path, "a.json", "b.txt", "c.json~", ".d.json", "#e.json", "~f.json", ".g/h.json", "i.json.swp", "j.gz"
    )
    assert outline(read(tmp_path), tmp_path) == [("a.json", "read")]
    assert outline(read(tmp_path / "b.txt", tmp_path / ".g"), tmp_path) == [
        ("b.txt", "read"),
        (".g/h.json", "read"),
    ]


def test_a_file_reached_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, "a/x.json", "b/y.json")
    (tmp_path / "a" / "z.json").symlink_to(tmp_path / "b" / "y.json")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    once = [("a/x.json", "read"), ("a/z.json", "read")]
    assert outline(read(tmp_path), tmp_path) == once
    assert outline(read(tmp_path, tmp_path / "a", tmp_path / "b" / "y.json", str(tmp_path)), tmp_path) == once
    monkeypatch.chdir(tmp_path)
    assert [e.source for e in read("a/x.json", "./a/x.json", "c") if isinstance(e, SourceDone)] == [
        "a/x.json",
        "c/z.json",
    ]


def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    grow(tmp_path, "a.json")
    os.link(tmp_path / "a.json", tmp_path / "b.json")
    assert len(outline(read(tmp_path), tmp_path)) == 2


def test_loops_of_links_end(tmp_path: Path) -> None:
    grow(tmp_path, "a/x.json")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self.json").symlink_to(tmp_path / "self.json")
    (tmp_path / "lost.json").symlink_to(tmp_path / "nowhere")
    assert outline(read(tmp_path), tmp_path) == [
        ("a/x.json", "read"),
        ("lost.json", "the link leads nowhere"),
        ("self.json", "the link leads nowhere"),
    ]


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    grow(tmp_path, "a.json")
    os.mkfifo(tmp_path / "b.json")
    assert stat.S_ISFIFO((tmp_path / "b.json").stat().st_mode)
    assert outline(read(tmp_path), tmp_path) == [("a.json", "read")]


def test_a_deep_tree_needs_no_stack(tmp_path: Path) -> None:
    # 1,100 folders deep and still a path the system takes.
    folders = [tmp_path]
    for _ in range(1100):
        folders.append(Path(f"{folders[-1]}/a"))
        folders[-1].mkdir()
    file = Path(f"{folders[-1]}/x.json")
    file.write_bytes(b"[]")
    try:
        (event,) = read(tmp_path)
    finally:
        # Nobody else can remove so deep a tree.
        file.unlink()
        for folder in reversed(folders[1:]):
            folder.rmdir()
    assert isinstance(event, SourceDone)


@pytest.mark.parametrize("argument", ["", "no/such/file.json", "x\0y", "a" * 5000])
def test_arguments_that_name_nothing(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    grow(tmp_path, "there.json")
    bad, *rest = read(argument, "there.json")
    assert isinstance(bad, BadSource)
    assert [type(event) for event in rest] == [RawRecord, SourceDone]


def test_a_folder_without_any_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (event,) = read(tmp_path)
    assert isinstance(event, BadSource)
    assert "no .json" in event.reason


def test_a_name_that_is_no_text_can_be_stored(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.json")
    grow(tmp_path, name)
    for event in read(tmp_path) + read(tmp_path / name):
        if isinstance(event, SourceDone):
            assert event.source.endswith("caf\ufffd.json")


LOCKED = PermissionError(13, "Permission denied")


def test_a_locked_folder_deep_in_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, "a/x.json", "b/locked/y.json", "c/z.json")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("locked"):
            raise LOCKED
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert outline(read(tmp_path), tmp_path) == [
        ("a/x.json", "read"),
        ("b/locked", "it cannot be read: permission denied"),
        ("c/z.json", "read"),
    ]


@pytest.mark.parametrize(
    ("error", "says"),
    [(LOCKED, "permission denied"), (FileNotFoundError(2, "No such file or directory"), "vanished")],
)
def test_a_file_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, says: str
) -> None:
    grow(tmp_path, "a.json", "b.json", "c.json")
    opened = Path.open

    def refusing(path: Path, mode: str = "r") -> object:
        if path.name == "b.json":
            raise error
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", refusing)
    (_, first), (_, second), (_, third) = outline(read(tmp_path), tmp_path)
    assert (first, third) == ("read", "read")
    assert says in second


def test_a_file_that_vanishes_between_listing_and_reading(tmp_path: Path) -> None:
    grow(tmp_path, "a.json", "b.json", "c.json")
    events = []
    for event in read_sources([tmp_path], zone=ZoneInfo("UTC"), now=lambda: NOW):
        events.append(event)
        (tmp_path / "b.json").unlink(missing_ok=True)
    assert [name for name, said in outline(events, tmp_path) if said == "read"] == ["a.json", "c.json"]
    assert [name for name, said in outline(events, tmp_path) if said != "read"] == ["b.json"]
