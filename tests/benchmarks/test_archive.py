"""The benchmark of archiving runs, and believes a client only when every object is there; times are not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.archive import BARE, OURS, Measured, prepare_home

from benchmarks import archive
from postkeep.config import load_config
from postkeep.library import open_library
from tests.servers import ceph

ROOT = Path(__file__).parents[2]
CALM = Measured(wall=2.0, active=1.0, cpu=1.0, peak=1, others=0.0)


@pytest.mark.skipif(ceph.missing() is not None, reason=ceph.missing() or "all there")
def test_ours_and_the_bare_client_send_the_same_objects(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.archive", "--json", "--objects", "20", "--size", "3000"),
            *("--runs", "1", "--patience", "0", "--scratch", str(tmp_path), "--only", OURS, BARE),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["objects"] == 20
    assert {name: len(turns) for name, turns in figures["turns"].items()} == {OURS: 1, BARE: 1}
    [ours], [bare] = figures["turns"][OURS], figures["turns"][BARE]
    assert figures["rate_ratio"] == bare["active"] / ours["active"]
    assert figures["cpu_ratio"] is None
    assert [goal["met"] for goal in figures["goals"] if goal["value"] is None] == [None]
    assert list(tmp_path.iterdir()) == []


def test_the_files_of_the_home_are_due_and_shown_by_posts(tmp_path):
    files = prepare_home(tmp_path / "home", 12, 1000)

    assert len({path.read_bytes() for path in files}) == 12
    home = str(tmp_path / "home")
    folder = tmp_path / "archive"
    folder.mkdir()
    flags = {"home": home, "archive.directory": str(folder)}
    with open_library(load_config(flags=flags, environ={}, user_folder=tmp_path)) as library:
        plan = library.plan_archive()
        assert (plan.files, plan.bytes) == (12, 12_000)
        library.archive_media()
    names = {path.name for path in folder.rglob("*.jpg")}
    assert len(names) == 12
    assert all(name.startswith("med-") for name in names), "keys are those of media rows"


def test_a_ratio_is_taken_within_a_round_and_from_calm_ones():
    busy = replace(CALM, active=100.0, others=1.0)
    theirs, ours = [CALM, CALM], [replace(CALM, active=2.0), busy]
    assert archive._ratio(theirs, ours, "active") == 0.5
    assert archive._ratio([busy], [CALM], "active") == 100.0
