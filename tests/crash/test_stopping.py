"""Ctrl-C in the middle: the run ends in good order as cancelled, and the next one does the rest."""

from __future__ import annotations

import pytest

from tests.crash.world import Home, Undisturbed, World


@pytest.mark.parametrize(
    ("database_kind", "moment"),
    [
        ("sqlite", "batch_committed:2"),
        ("sqlite", "lease_taken:1"),
        ("sqlite", "file_staged:1"),
        ("sqlite", "file_renamed:30"),
        ("sqlite", "outcomes_written:2"),
        ("postgresql", "file_renamed:30"),
    ],
    indirect=["database_kind"],
)
def test_stopped_and_run_again(home: Home, world: World, undisturbed: Undisturbed, moment: str) -> None:
    child = home.start(*world.sources, options=["--stop-at", moment])
    assert child.end() == 0
    assert home.runs() == ["cancelled"]
    assert [run["status"] for run in child.runs] == ["cancelled"]
    complete = home.complete()
    again = home.run(*world.sources)
    assert complete.isdisjoint(home.requested(again))
    assert home.runs() == ["cancelled", "partial", "partial"]
    home.check(undisturbed.state)
