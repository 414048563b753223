"""A loss that a summary names is not told a second time beside it; one that nobody names is."""

from __future__ import annotations

import logging

import pytest

from tests.library.world import World, with_pictures

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def spoil(here: World, *, asset: str, content: bytes | None) -> str:
    [[path]] = here.rows("SELECT local_file_path FROM post_media WHERE media_key = ?", asset)
    if content is None:
        (here.root / path).unlink()
    else:
        (here.root / path).write_bytes(content)
    return str(path)


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_repair_keeps_its_findings_to_the_log_file(here: World, caplog: pytest.LogCaptureFixture) -> None:
    here.bring(with_pictures(1, here.asset("D4A"), here.asset("D4B")))
    missing = spoil(here, asset="D4A", content=None)
    damaged = spoil(here, asset="D4B", content=b"other bytes")
    (here.root / "media" / "images" / f"{'0' * 32}.png").write_bytes(b"no picture")
    with caplog.at_level(logging.INFO, "postkeep"):
        summary = here.library.verify_cache(repair=True)

    assert (summary.missing, summary.damaged[0], summary.quarantined) == ((missing,), damaged, 2)
    assert loud(caplog) == []
    kept = [record.getMessage() for record in caplog.records if record.name == "postkeep.settling"]
    assert any(missing in each and "file_missing" in each for each in kept)
    assert any(damaged in each and "file_damaged" in each for each in kept)


def test_an_import_that_finds_a_loss_tells_it(here: World, caplog: pytest.LogCaptureFixture) -> None:
    record = with_pictures(1, here.asset("D4A"))
    here.bring(record)
    missing = spoil(here, asset="D4A", content=None)
    with caplog.at_level(logging.INFO, "postkeep"):
        here.bring(record)

    assert any(missing in each for each in loud(caplog))
