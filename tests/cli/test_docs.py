"""What the pages tell people to type is understood, and every page is found from the first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Call

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Behind a command stand what it is piped into, where it is written to, or after two blanks what it is for.
_COMMAND = re.compile(r"(?:^|[|&$] )postkeep (?!\[)(.+?)(?=$|\s{2,}| \| | && | > )")
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
_INLINE = re.compile(r"`postkeep ([a-z][^`…\n]*)`")


def typed(page: Path) -> Iterator[str]:
    """The commands in the page's blocks."""
    for block in _FENCE.findall(page.read_text()):
        for line in block.splitlines():
            yield from (found for found in _COMMAND.findall(line) if "…" not in found)


def named(page: Path) -> Iterator[str]:
    """The commands in its sentences, which may leave out what is obvious there."""
    yield from _INLINE.findall(_FENCE.sub("", page.read_text()))


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with what the pages speak of."""
    (tmp_path / "old" / "cache").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(command: str, user: Path) -> list[str]:
    return [each.replace("~", str(user), 1) if each.startswith("~") else each for each in shlex.split(command)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_are_understood(page: Path, call: Call, user: Path) -> None:
    for command in typed(page):
        called = call(*arguments(command, user))
        assert called.code in (0, 1), f"postkeep {command}\n{called.err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_sentences_are_understood(page: Path, call: Call, user: Path) -> None:
    for command in named(page):
        called = call(*arguments(command, user))
        assert "No such" not in called.err, f"postkeep {command}\n{called.err}"


def test_the_first_page_and_the_longest_are_read() -> None:
    """Should the pages' form change, the two tests above must not pass by reading nothing."""
    assert "media verify-cache" in list(typed(ROOT / "README.md"))
    assert {"media failures", "hosts resume media.licdn.com"} <= set(typed(ROOT / "docs" / "failures.md"))
    assert "hosts list" in set(named(ROOT / "docs" / "failures.md"))


def test_every_page_is_linked_from_the_first() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+)", PAGES[0].read_text()))
    assert linked == {str(page.relative_to(ROOT)) for page in PAGES[1:]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        if "://" in path:
            continue
        to = (page.parent / path) if path else page
        assert to.is_file(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", to.read_text(), re.M)
            assert heading in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, target
