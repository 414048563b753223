"""Servers, a spool folder, and fetchers that may reach the first server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.config import FetchConfig
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import BASE, Spool
from tests.servers.media import MediaServer


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def other() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Spool(folder)


@pytest.fixture
def make(server: MediaServer, spool: Spool) -> Iterator[Callable[..., Fetcher]]:
    """Makes fetchers that may reach `server`; all are closed, and whatever they failed to is seen."""
    made: list[Fetcher] = []

    def make(config: FetchConfig = BASE, *, allow: tuple[str, ...] = (), **more: Any) -> Fetcher:
        config = replace(config, allow=(server.allow, *allow))
        made.append(Fetcher(config, spool=spool, **more))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "postkeep-net"]
