"""One call of the command line over invented answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from postkeep import log
from postkeep.cli.run import run
from tests.cli.answers import FakeLibrary


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    """What the commands find in place of the library."""
    fake = FakeLibrary()
    module = ModuleType("postkeep.library")
    module.open_library = fake.open_library  # type: ignore[attr-defined]
    module.upgrade_database = fake.upgrade_database  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "postkeep.library", module)
    return fake


@pytest.fixture
def call(library: FakeLibrary, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run a command in a home of its own."""

    def call(*arguments: str) -> Called:
        code = run(["--home", str(tmp_path / "home"), *arguments])
        out, err = capfd.readouterr()
        return Called(code, out, err)

    yield call
    log.release_logging()
