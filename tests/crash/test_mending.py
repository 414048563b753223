"""A repair and a takeover that die at any moment: doing them again ends where one that nobody disturbed does."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postkeep.library import open_library
from tests.crash.crowd import Crowd, crowd
from tests.crash.load import Answers, Load, write_load
from tests.crash.test_kills import SEED
from tests.crash.world import State
from tests.media_bytes import png
from tests.servers.media import Reply, bare

_KILLS = 5
_EACH = 8
_series = pytest.mark.parametrize(
    "series", [0, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, 10))]
)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    return write_load(tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def damaged(load: Load, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A home whose cache is damaged in every way, some files of each."""
    folder = tmp_path_factory.mktemp("damaged") / "home"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "postkeep.db")
    with crowd(folder, "", load) as those:
        those.end(those.start("import"))
        those.end(those.start("fetch"))
    pictures = sorted((folder / "cache" / "media" / "images").iterdir())
    for number in range(_EACH):
        flipped, gone, moved, swapped = pictures[number * 4 : number * 4 + 4]
        content = flipped.read_bytes()
        flipped.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
        gone.unlink()
        moved.rename(moved.with_name(f"{number:032x}.png"))
        swapped.write_bytes(pictures[-number - 1].read_bytes())
        orphan = png(20, 20, seed=b"orphan %d" % number)
        path = flipped.parent / f"{hashlib.md5(orphan).hexdigest()}.png"
        path.write_bytes(orphan)
        path.chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def old(load: Load, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Path, Path]:
    """A home that knows its media and has none of them, and a predecessor's cache that has most."""
    folder = tmp_path_factory.mktemp("old")
    home, pictures = folder / "home", folder / "old" / "images"
    home.mkdir()
    pictures.mkdir(parents=True)
    shutil.copyfile(sqlite_template, home / "postkeep.db")
    with crowd(home, "", load) as those:
        those.end(those.start("import"))
        urls = [url for (url,) in those.home.select("SELECT media_url FROM post_media WHERE media_type = 'image'")]
    answers = Answers()
    for url in urls:
        reply = answers("/" + bare(url).split("/", 3)[3])
        if isinstance(reply, Reply) and reply.status == 200:
            (pictures / f"{hashlib.md5(url.encode()).hexdigest()}.bin").write_bytes(reply.body)
    return home, folder / "old"


def _repair(those: Crowd) -> None:
    with open_library(those.home.config) as library:
        library.verify_cache(repair=True)
    those.end(those.start("fetch"))


def _quarantined(those: Crowd) -> list[str]:
    """The contents that were put aside and stand nowhere else: whether a copy is kept, depends on the moment."""
    aside = {hashlib.md5(path.read_bytes()).hexdigest() for path in those.left("quarantine")}
    return sorted(aside - {Path(name).stem for name in those.state().files})


def _copy(home: Path, target: Path) -> None:
    shutil.copytree(home / "cache", target / "cache") if (home / "cache").exists() else target.mkdir()
    with (
        closing(sqlite3.connect(home / "postkeep.db")) as source,
        closing(sqlite3.connect(target / "postkeep.db")) as copy,
    ):
        source.backup(copy)


@pytest.fixture(scope="module")
def repaired(damaged: Path, load: Load, tmp_path_factory: pytest.TempPathFactory) -> tuple[State, list[str]]:
    """What a repair that nobody disturbs makes of it, and what it puts aside."""
    folder = tmp_path_factory.mktemp("repaired") / "home"
    _copy(damaged, folder)
    with crowd(folder, "", load) as those:
        _repair(those)
        state = those.state()
        those.check_end(state)
        return state, _quarantined(those)


@_series
def test_a_repair_dies(
    damaged: Path, repaired: tuple[State, list[str]], load: Load, tmp_path: Path, series: int
) -> None:
    state, quarantined = repaired
    assert len(quarantined) == _EACH
    _copy(damaged, tmp_path / "home")
    with crowd(tmp_path / "home", "", load, SEED, "repair", series) as those:
        for _ in range(_KILLS):
            those.kill_one("verify")
        _repair(those)
        those.check_end(state)
        assert _quarantined(those) == quarantined


@pytest.fixture(scope="module")
def adopted(old: tuple[Path, Path], load: Load, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What a takeover that nobody disturbs makes of the old cache."""
    folder = tmp_path_factory.mktemp("adopted") / "home"
    _copy(old[0], folder)
    with crowd(folder, "", load) as those:
        with open_library(those.home.config) as library:
            done = library.adopt_cache(old[1])
        assert done.adopted > 300
        return those.state()


@_series
def test_a_takeover_dies(old: tuple[Path, Path], adopted: State, load: Load, tmp_path: Path, series: int) -> None:
    _copy(old[0], tmp_path / "home")
    with crowd(tmp_path / "home", "", load, SEED, "adopt", series) as those:
        for _ in range(_KILLS):
            those.kill_one("adopt", "--source", str(old[1]))
            those.check()
        with open_library(those.home.config) as library:
            library.adopt_cache(old[1])
        those.check()
        state = those.state()
        assert state.lines == adopted.lines
        assert state.files == adopted.files
        assert those.left("tmp", "journal") == []
        assert those.home.server.count() == 0
