"""A power cut at any moment: no name may stand for wrong content, and what was said to be safe must be there."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.media.cache import Cache, Fsync
from postkeep.media.hashing import md5_bytes
from postkeep.model import Body
from tests import media_bytes as make
from tests.media.disks import Noting, Step

SAFE = "safe"
"""A step of the tests' own: these names were said to be on the disk."""


@dataclass
class File:
    """One file of the model: what was written, and what a cut is sure to leave of it."""

    content: bytes = b""
    synced: bytes | None = None

    def leftovers(self) -> list[bytes]:
        """What a cut may leave: all, nothing, half of it, the right number of zeros."""
        if self.synced == self.content:
            return [self.content]
        half = len(self.content) // 2
        return [
            b"",
            self.content[:half],
            self.content[:half] + bytes(half),
            bytes(len(self.content)),
            self.content,
        ]


@dataclass
class Model:
    """A disk that promises no more than POSIX does: what was not synced is there, or in part, or is not.

    `names` is what a cut is sure to leave; `pending` are the changes of names since their folder was synced,
    of which any may be lost without the others. `steps` are still to be done.
    """

    files: dict[str, File] = field(default_factory=dict)
    names: dict[str, File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    pending: list[tuple[str, File | None]] = field(default_factory=list)
    safe: dict[str, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    _open: str = ""

    def do(self, step: Step) -> None:
        getattr(self, f"_{step.name}", self._ignored)(*step.arguments)

    def _ignored(self, *arguments: object) -> None:
        raise AssertionError(f"the model does not know {arguments}")

    def _safe(self, contents: dict[str, bytes]) -> None:
        self.safe |= contents

    def _create(self, path: str) -> None:
        self._name(path, File())
        self._open = path

    def _write(self, descriptor: int, content: bytes) -> None:
        self.files[self._open].content += bytes(content)

    def _sync_file(self, path: str) -> None:
        self.files[path].synced = self.files[path].content

    def _link(self, source: str, target: str) -> None:
        self._name(target, self.files[source])

    def _unlink(self, path: str) -> None:
        self._name(path, None)

    def _rename(self, source: str, target: str) -> None:
        self._name(target, self.files[source])
        self._name(source, None)

    def _make_folder(self, path: str) -> None:
        self._name(path, File(synced=b""))

    def _sync_folder(self, folder: str) -> None:
        mine = [change for change in self.pending if _above(change[0]) == folder]
        self.pending = [change for change in self.pending if _above(change[0]) != folder]
        _change(self.names, mine)

    def _name(self, path: str, file: File | None) -> None:
        self.pending.append((path, file))
        _change(self.files, [(path, file)])

    # --- after the cut ---

    def cuts(self, rng: random.Random, most: int) -> Iterator[dict[str, bytes]]:
        """What the disk may hold after a cut now, by path: the extremes, and some in between."""
        everything, nothing = [True] * len(self.pending), [False] * len(self.pending)
        choices = [everything, nothing]
        if 2 ** len(self.pending) <= most:
            choices = [list(each) for each in itertools.product([False, True], repeat=len(self.pending))]
        else:
            choices += [[rng.random() < 0.5 for _ in self.pending] for _ in range(most)]
        for chosen in choices:
            names = dict(self.names)
            _change(names, [change for change, kept in zip(self.pending, chosen, strict=True) if kept])
            names = {path: file for path, file in names.items() if self._reached(path, names)}
            for variant in range(5):
                yield {
                    path: left[variant] if len(left := file.leftovers()) > 1 else left[0]
                    for path, file in names.items()
                }

    def _reached(self, path: str, names: dict[str, File]) -> bool:
        """Whether every folder above a name is still there."""
        above = _above(path)
        return above in self.folders or (above in names and self._reached(above, names))


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _change(names: dict[str, File], changes: list[tuple[str, File | None]]) -> None:
    for path, file in changes:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def run(root: Path, batches: list[list[bytes]], fsync: Fsync, *, sync: bool, torn: bytes = b"") -> Model:
    """Bring batches into a cache and note every step; the model knows the root's parent and the torn file."""
    disk = Noting()
    model = Model(folders={str(root.parent)})
    if torn:
        path = root / name_of(torn)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"torn")
        for each in (path, *path.relative_to(root).parents):
            model.files[str(root / each)] = model.names[str(root / each)] = File(b"torn", b"torn")
    with contextlib.closing(Cache(root, fsync=fsync, disk=disk)) as cache:
        for batch in batches:
            staged = [cache.stage(Body(len(content), (content,))) for content in batch]
            if sync:
                cache.sync(staged)
            files = [cache.commit(each).file for each in staged]
            cache.sync_directories()
            there = {str(root / file.path): content for file, content in zip(files, batch, strict=True)}
            disk.steps.append(Step(SAFE, (there,)))
    model.steps = disk.steps
    return model


def name_of(content: bytes) -> str:
    return f"media/images/{md5_bytes(content)}.gif"


def violations(model: Model, root: Path, *, torn: bytes = b"", most: int = 32) -> Iterator[str]:
    """What is wrong after a cut at each moment: a name with other content, or what was safe and is not there."""
    rng = random.Random(5)
    media = f"{root}/media/images/"
    for number, step in enumerate(model.steps):
        model.do(step)
        for left in model.cuts(rng, most):
            for path, content in left.items():
                # Damage that was there before the batch may be there after it.
                before = torn and content == b"torn" and path not in model.safe
                if path.startswith(media) and Path(path).stem != md5_bytes(content) and not before:
                    yield f"after step {number} ({step.name}): {path} has {len(content)} wrong bytes"
            for path, content in model.safe.items():
                if left.get(path) != content:
                    yield f"after step {number} ({step.name}): {path} was said to be safe"


def gifs(*seeds: int) -> list[bytes]:
    return [make.gif(seed=b"%d" % seed) for seed in seeds]


BATCHES = [gifs(1, 2, 3), gifs(3, 4), gifs(5)]


@pytest.mark.parametrize("fsync", [Fsync.BATCH, Fsync.EACH])
@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("torn", [b"", make.gif(seed=b"2")])
def test_no_moment_is_a_bad_one(tmp_path: Path, fsync: Fsync, sync: bool, torn: bytes) -> None:
    root = tmp_path / "cache"
    model = run(root, BATCHES, fsync, sync=sync, torn=torn)
    assert list(violations(model, root, torn=torn)) == []
    assert sorted(model.safe) == sorted(str(root / name_of(content)) for content in gifs(1, 2, 3, 4, 5))


def test_without_syncing_there_are_bad_moments(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    found = list(violations(run(root, BATCHES, Fsync.NONE, sync=True), root))
    assert any("wrong bytes" in line for line in found)
    assert any("said to be safe" in line for line in found)


@pytest.mark.parametrize("dropped", ["sync_file", "sync_folder"])
def test_the_model_misses_neither_kind_of_syncing(tmp_path: Path, dropped: str) -> None:
    root = tmp_path / "cache"
    model = run(root, BATCHES, Fsync.BATCH, sync=True)
    model.steps = [step for step in model.steps if step.name != dropped]
    assert next(violations(model, root), None) is not None


@settings(max_examples=20, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=5), min_size=1, max_size=3),
    fsync=st.sampled_from([Fsync.BATCH, Fsync.EACH]),
    sync=st.booleans(),
)
def test_any_batches_survive(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], fsync: Fsync, sync: bool
) -> None:
    root = tmp_path_factory.mktemp("cut") / "cache"
    model = run(root, [gifs(*batch) for batch in batches], fsync, sync=sync)
    assert list(violations(model, root, most=4)) == []
