"""A copy that is killed anywhere is unfinished, says so, and goes on to the same end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from postkeep.errors import StoreError
from postkeep.model import RunStatus
from postkeep.stages.copying import POINTS
from tests.moving import Databases, databases_for, fill
from tests.starting import start

MOMENTS = (
    "commit:2",
    "copy_marked:1",
    "copy_batch_written:5",
    "copy_batch_committed:40",
    "copy_written:1",
    "copy_proven:1",
)


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    with databases_for(request, tmp_path) as made:
        yield made


def test_every_point_is_killed_at() -> None:
    assert set(POINTS) <= {moment.partition(":")[0] for moment in MOMENTS}


@pytest.mark.parametrize(
    ("one", "other"),
    [("sqlite", "postgresql"), pytest.param("postgresql", "sqlite", marks=pytest.mark.long)],
)
def test_a_copy_killed_again_and_again_ends_like_one_that_was_not(
    databases: Databases, tmp_path: Path, one: str, other: str
) -> None:
    source, target = databases.url(one), databases.url(other)
    fill(databases.store(source), 10)
    before = databases.contents(source)

    for moment in MOMENTS:
        arguments = ["--home", str(tmp_path / "home"), "--database", source, "--to", target, "--kill-at", moment]
        assert start("tests.crash.copier", *arguments).wait() == -signal.SIGKILL, moment
        # The second commit would have made the target a copy.
        if moment != "commit:2":
            with pytest.raises(StoreError, match="unfinished copy"), databases.library(target):
                pass

    assert databases.copy(source, target).status is RunStatus.COMPLETED
    assert databases.contents(target) == before == databases.contents(source)
