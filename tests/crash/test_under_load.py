"""One of three processes dies again and again while the others work: no row ever promises what is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.crowd import crowd, undisturbed_state
from tests.crash.load import Load, write_load
from tests.crash.test_kills import SEED, on_postgresql, on_sqlite
from tests.crash.world import State

_KILLS, _SERIES = 10, 10
_ROOMS = 6
_FEWER = 4
# What `make test` does of each.
_SHORT = 3
_ROLES = ("fetch", "import", "verify")


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    return write_load(tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def known() -> dict[str, State]:
    return {}


@pytest.fixture
def undisturbed(
    load: Load, known: dict[str, State], database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> State:
    """What a home holds when one process imported all, another fetched all, and nobody died."""
    if database_kind not in known:
        database = request.getfixturevalue("_reference_database")(False)
        known[database_kind] = undisturbed_state(tmp_path / "reference", database, load)
    return known[database_kind]


Run = Callable[[str, int, int], None]


@pytest.fixture
def run(database_url: str, tmp_path: Path, load: Load, undisturbed: State) -> Run:
    """Kill one of the three so many times under load, let all come to their end, and compare."""

    def run(victim: str, kills: int, series: int) -> None:
        print(f"seed {SEED}, series {series}")
        with crowd(tmp_path / "home", database_url, load, SEED, victim, series) as those:
            others = [those.start(role) for role in _ROLES if role != victim]
            complete: list[tuple[set[str], int]] = []
            for _ in range(kills):
                those.more()
                those.kill_one(victim)
                those.check()
                if victim == "fetch":
                    complete.append((those.committed(), len(those.workers)))
            workers = [those.start(victim), *others]
            # What is imported last is fetched by the last pass.
            those.end(*sorted(workers, key=lambda each: each.role == "fetch"))
            those.check_end(undisturbed)
            assert those.left("quarantine") == []
            assert [found["bad"] for found in those.told_by("verify") if found.get("bad")] == []
            for paths, number in complete:
                assert paths.isdisjoint(those.requested(number))
            if victim != "fetch":
                again = [path for path, count in those.requested().items() if count > 1]
                assert [path for path in again if path.startswith(("/img/", "/vid/", "/dms/"))] == []

    return run


def _series(kills: int, series: int) -> pytest.MarkDecorator:
    """The first deaths of the first series, and all of all series in the long form."""
    every = (pytest.param(kills, number, marks=pytest.mark.long) for number in range(series))
    return pytest.mark.parametrize(("kills", "series"), [(_SHORT, 0), *every])


@on_sqlite
@_series(_KILLS, _SERIES)
def test_the_one_that_fetches_dies(run: Run, kills: int, series: int) -> None:
    run("fetch", kills, series)


@on_postgresql
@_series(_FEWER, _FEWER)
def test_the_one_that_fetches_dies_on_postgresql(run: Run, kills: int, series: int) -> None:
    run("fetch", kills, series)


@on_sqlite
@_series(_ROOMS, _SERIES)
def test_one_that_makes_room_dies_while_others_fetch_and_read(
    database_url: str, tmp_path: Path, load: Load, undisturbed: State, kills: int, series: int
) -> None:
    """What left half-way is neither promised nor lost: it comes back, and in the end everything is there."""
    with crowd(tmp_path / "home", database_url, load, SEED, "room", series) as those:
        those.end(those.start("import"))
        others = [those.start("read"), those.start("fetch", "--warm")]
        for _ in range(kills):
            those.kill_one("room")
            those.check()
        those.end(those.start("room"), *others)
        those.check_end(undisturbed)
        assert those.left("quarantine") == []
        assert {md5 for each in those.told_by("read") for md5 in each.get("wrong", ())} == set()


@on_sqlite
@_series(_FEWER, _FEWER)
@pytest.mark.parametrize("victim", ["import", "verify"])
def test_another_dies(run: Run, victim: str, kills: int, series: int) -> None:
    run(victim, kills, series)
