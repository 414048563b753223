"""A cache whose disk is not mounted: every use says so, nothing is made there, and nothing counts as missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from postkeep.errors import CacheError
from postkeep.model import RunStatus
from tests.library.world import World, with_pictures, world

USES: dict[str, Callable[[World], Any]] = {
    "import": lambda here: here.bring(with_pictures(1, here.asset("A1"))),
    "fetch": lambda here: here.library.fetch_due(),
    "verify": lambda here: here.library.verify_cache(),
    "url": lambda here: here.library.fetch_url(here.asset("B1")),
    "adopt": lambda here: here.library.adopt_cache(here.folder / "in"),
    "retention": lambda here: here.library.apply_retention(),
}


@pytest.mark.parametrize("use", USES)
def test_a_cache_that_is_gone_is_told_and_not_made_anew(tmp_path, database_url, use):
    with world(tmp_path, database_url) as here:
        here.bring(with_pictures(1, here.asset("A1")))
        before = here.states()
        here.library._cache.close()
        shutil.rmtree(here.root)
        try:
            summary = USES[use](here)
        except CacheError as error:
            told = error.message
        else:
            assert summary.status is RunStatus.FAILED
            told = summary.error
        assert "is not there: mount or restore it" in told
        assert not here.root.exists()
        assert (here.states(), here.queued()) == (before, 0)


@pytest.mark.parametrize("use", ["fetch", "verify"])
def test_a_folder_made_anew_on_purpose_is_taken_for_empty(tmp_path, database_url, use):
    with world(tmp_path, database_url) as here:
        here.bring(with_pictures(1, here.asset("A1")))
        here.library._cache.close()
        shutil.rmtree(here.root)
        here.root.mkdir()
        assert USES[use](here).error is None
