"""The demonstration says what failed, and believes the media server rather than the program."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from demo import __main__ as demonstration
from demo import world

Play = Callable[[Sequence[str], str], int]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "ROOT", tmp_path)
    monkeypatch.setattr(demonstration, "files", lambda: {})


def ask(address: str) -> None:
    request = urllib.request.Request(f"http://{address}{world.GLAZE.path}")
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()


def test_it_runs_the_commands_in_order_and_counts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    seen: list[tuple[str, ...]] = []

    def run(arguments: Sequence[str], address: str) -> int:
        if arguments[0] == "import" and not seen:
            assert len(list((tmp_path / arguments[1]).rglob("dataset_*.json"))) == 8
            ask(address)
        seen.append(tuple(arguments))
        return 0

    assert demonstration.main(run) == 0
    assert [each[:2] for each in seen] == [
        ("import", "build/demo/data"),
        ("posts", "list"),
        ("posts", "show"),
        ("media", "stats"),
        ("media", "failures"),
        ("media", "verify-cache"),
        ("import", "build/demo/data"),
    ]
    told = capsys.readouterr().out
    assert "requests the media server saw: before 1, after 1" in told
    assert "$ postkeep --home build/demo/home posts list --limit 8" in told
    assert ".venv/bin/postkeep --home build/demo/home runs list" in told


def test_a_second_import_that_fetches_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Sequence[str], address: str) -> int:
        if arguments[0] == "import":
            ask(address)
        return 0

    assert demonstration.main(run) == 1
    told = capsys.readouterr()
    assert "before 1, after 2" in told.out
    assert "the second import sent 1 requests" in told.err


@pytest.mark.parametrize(
    ("code", "words"), [(3, "`postkeep import build/demo/data` ended with exit code 3"), (0, "for nothing")]
)
def test_a_command_that_fails_or_does_nothing_is_told(
    capsys: pytest.CaptureFixture[str], code: int, words: str
) -> None:
    assert demonstration.main(lambda _arguments, _address: code) == 1
    assert words in capsys.readouterr().err
