"""One call of the command line over invented answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from types import ModuleType

import pytest

from postkeep import log
from postkeep.cli.run import run
from postkeep.library import Library
from postkeep.library.creators import Creators
from postkeep.library.erasing import Erasing
from postkeep.library.people import People
from tests.cli.answers import FakeLibrary

NOUNS = {"people": People, "creators": Creators, "erasing": Erasing}
"""The classes of what the library keeps in files of their own."""


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibrary]:
    """What the commands find in place of the library; the real one must understand what it is asked."""
    fake = FakeLibrary()
    module = ModuleType("postkeep.library")
    module.open_library = fake.open_library  # type: ignore[attr-defined]
    module.upgrade_database = fake.upgrade_database  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "postkeep.library", module)
    yield fake
    for verb, given, named in fake.asked:
        noun, _, method = verb.rpartition(".")
        owner = NOUNS[noun] if noun else Library
        signature(getattr(owner, method)).bind(None, *given, **named)


@pytest.fixture
def call(
    library: FakeLibrary, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Call]:
    """Run a command in a home and a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Called:
        code = run(["--home", str(tmp_path / "home"), *arguments])
        out, err = capfd.readouterr()
        return Called(code, out, err)

    yield call
    log.release_logging()
