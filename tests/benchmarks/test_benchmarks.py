"""The benchmarks run, and what they compare is the same work; how long it takes is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parents[2]


def run(tmp_path: Path, module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", "--json", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def test_the_bare_loop_and_postkeep_write_the_same_number_of_rows(tmp_path):
    # The benchmark itself compares the rows of both, after the first import and after the second.
    figures = run(tmp_path, "ingest", "--posts", "300")

    assert figures["rows"] == {
        "posts": 300,
        "data_downloads": 300,
        "post_media": figures["media"],
        "work": figures["media"],
        "raw_records": 300,
    }
    assert figures["media"] > 300
    [measured] = figures["rounds"]
    assert set(measured) == {"bare", "first", "again", "load"}
    assert figures["import_ratio"] == measured["first"]["wall"] / measured["bare"]["wall"]
    assert figures["again_ratio"] == measured["again"]["wall"] / measured["first"]["wall"]


def test_the_same_is_measured_on_postgresql(tmp_path, postgres_url):
    databases = "SELECT datname FROM pg_database WHERE datname LIKE 'postkeep_bench%'"
    figures = run(tmp_path, "ingest", "--posts", "300", "--database", postgres_url)

    assert figures["database"] == "postgresql"
    assert figures["settings"]["fsync"] in ("on", "off")
    assert figures["rows"]["posts"] == figures["rows"]["raw_records"] == 300
    assert figures["rows"]["work"] == figures["rows"]["post_media"] == figures["media"]
    [measured] = figures["rounds"]
    assert figures["import_ratio"] == measured["first"]["wall"] / measured["bare"]["wall"]
    assert figures["import_goal"] == 2.0
    assert figures["again_goal"] == 0.25
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute(databases).fetchall() == []


def test_memory_is_measured_at_two_sizes(tmp_path):
    figures = run(tmp_path, "ingest", "--memory", "20", "40")

    assert list(figures["peaks"]) == ["20", "40"]
    assert figures["memory_ratio"] == figures["peaks"]["40"] / figures["peaks"]["20"]


def test_starting_is_measured_against_python_alone(tmp_path):
    figures = run(tmp_path, "start", "--runs", "1")

    assert set(figures["ratios"]) == {"python -c pass", "postkeep --version", "postkeep --help"}


def test_every_page_is_measured_with_a_lookup_of_as_many_rows(tmp_path):
    figures = run(tmp_path, "pages", "--posts", "3000", "--runs", "2", "--plans")

    assert (figures["posts"], figures["media"]) == (3000, 9000)
    of_lists = {page["name"].partition(":")[0] for page in figures["pages"]}
    assert of_lists == {"posts", "post", "media", "failures", "work", "runs", "quarantine"}
    for page in figures["pages"]:
        assert page["rows"] > 0
        assert page["ratio"] == page["median"] / page["bare"]


def test_nothing_is_left_behind(tmp_path):
    run(tmp_path, "ingest", "--posts", "20")

    assert list(tmp_path.iterdir()) == []


def test_the_bare_loops_are_short():
    for name in ("baseline_ingest.py", "baseline_copy.py"):
        source = (ROOT / "benchmarks" / name).read_text()
        assert len(source.splitlines()) <= 60
