"""The command line over the real library, from an empty home to a verified database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postkeep import log
from postkeep.cli.run import run

DATA = Path(__file__).parents[1] / "data" / "linkedin"

Answer = Callable[..., tuple[int, Any]]


@pytest.fixture
def answer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Answer]:
    """Run a command with `--json`; returns its exit code and document (None when it gave none)."""

    def answer(*arguments: str) -> tuple[int, Any]:
        code = run(["--home", str(tmp_path / "home"), *arguments, "--json"])
        out = capfd.readouterr().out
        return code, json.loads(out) if out else None

    yield answer
    log.release_logging()


def test_posts_come_in_once_and_are_found_again(answer: Answer) -> None:
    code, first = answer("import", "--no-fetch", str(DATA))
    assert (code, first["status"]) == (0, "completed")
    assert first["processed"] == first["new"] > 0
    code, second = answer("data", "import", "--no-fetch", str(DATA))
    assert (code, second["new"], second["duplicates"]) == (0, 0, first["processed"])

    _, posts = answer("posts", "list", "--limit", "500")
    assert len(posts) == first["new"]
    pages = []
    while page := answer("posts", "list", "--limit", "7", *(["--after", pages[-1]] if pages else []))[1]:
        pages += [post["post_id"] for post in page]
    assert pages == [post["post_id"] for post in posts]

    _, shown = answer("posts", "show", posts[0]["post_id"])
    assert shown["line"] == posts[0]
    assert len(shown["media"]) == posts[0]["media"]

    _, runs = answer("runs", "list")
    assert {each["run_id"] for each in runs} == {first["run_id"], second["run_id"]}
    _, stats = answer("data", "stats")
    assert stats["posts"] == len(posts)
    _, listed = answer("media", "list", "--limit", "500")
    assert len(listed) == first["media"]["found"] == stats["media"]
    assert answer("db", "verify") == (0, [])
    assert answer("media", "verify-cache")[0] == 0


def test_a_bad_record_is_told_and_the_others_stay(answer: Answer, tmp_path: Path) -> None:
    source = tmp_path / "dataset_jane-doe_2025-03-01_08-00-00-123.jsonl"
    good = json.loads((DATA / source.with_suffix(".json").name).read_text())[0]
    source.write_text(json.dumps(good) + "\n{broken\n")
    code, summary = answer("import", "--no-fetch", str(source))
    assert (code, summary["new"], summary["errors"]) == (1, 1, 1)
    code, quarantined = answer("quarantine", "list")
    assert (code, len(quarantined), quarantined[0]["record"]) == (0, 1, 2)
    code, replayed = answer("quarantine", "replay")
    assert (code, replayed["remaining"]) == (1, 1)


def test_what_is_not_there_is_2(answer: Answer, tmp_path: Path) -> None:
    assert answer("import", str(tmp_path / "nowhere")) == (2, None)
    assert answer("posts", "show", "p-67c2f6c0000000001") == (2, None)
    assert answer("runs", "show", "run-67c2f6c0000000001") == (2, None)
    assert answer("media", "verify", "0" * 32)[0] == 2


def test_refused_addresses_are_1(answer: Answer) -> None:
    code, [outcome] = answer("media", "fetch", "http://127.0.0.1:1/x.jpg")
    assert (code, outcome["file"]) == (1, None)


def test_a_copy_is_not_overwritten(answer: Answer, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    assert answer("db", "backup", str(target)) == (3, None)
    assert not target.exists()
    assert answer("db", "upgrade")[0] == 0
    assert answer("db", "backup", str(target))[0] == 0
    assert answer("db", "backup", str(target)) == (3, None)


def test_closed_streams_do_not_keep_it_from_its_work(tmp_path: Path) -> None:
    home = tmp_path / "home"
    source = tmp_path / "dataset_jane-doe_2025-03-01_08-00-00-000.json"
    source.write_bytes(b"[]")
    command = f"{sys.executable} -m postkeep --home {home} import --no-fetch {source}"

    for closed in ("2>&-", ">&-", "<&-", "<&- >&- 2>&-"):
        ended = subprocess.run(
            ["/bin/sh", "-c", f"{command} {closed}"], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, (closed, ended.stderr)
        assert "Traceback" not in ended.stderr
    asked = f"{sys.executable} -m postkeep --home {home} import - <&-"
    ended = subprocess.run(["/bin/sh", "-c", asked], capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


@pytest.mark.parametrize(
    ("variable", "value", "arguments", "code"),
    [
        ("TZ", "UTC+99", ["runs", "list"], 0),
        ("POSTKEEP_DATABASE", "postgresql://me:secret@127.0.0.1:bad/db", ["posts", "list"], 2),
        ("POSTKEEP_DATABASE", "postgresql://me:secret@[::1/db", ["db", "verify"], 2),
    ],
)
def test_odd_surroundings_give_one_line(
    tmp_path: Path, variable: str, value: str, arguments: list[str], code: int
) -> None:
    home = ["--home", str(tmp_path / "home")]
    base = [sys.executable, "-m", "postkeep", *home]
    subprocess.run([*base, "db", "upgrade"], capture_output=True, check=True)
    environ = os.environ | {variable: value}

    ended = subprocess.run([*base, *arguments], capture_output=True, text=True, env=environ, check=False)

    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
