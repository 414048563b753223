"""The benchmark of figures runs, and both of its sides come to the same numbers."""

from __future__ import annotations

import pytest

from tests.benchmarks.test_benchmarks import run

pytest.importorskip("polars", reason="needs the extra [analytics]")


def test_both_sides_tell_the_same_figures(tmp_path):
    figures = run(tmp_path, "analytics", "--creators", "14", "--posts", "60", "--runs", "1")

    # It raises for a figure that is told otherwise.
    assert figures["figures_compared"] > 14 * 30
    assert figures["posts"] == 14 * 60
    [measured] = figures["rounds"]
    assert figures["ratios"]["wall"] == measured["ours"]["wall"] / measured["bare"]["wall"]
