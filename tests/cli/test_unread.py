"""The page on importing tells the truth about platforms: which are read, and what becomes of records of others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from postkeep import log
from postkeep.cli.run import run
from postkeep.platforms import PLATFORMS

PAGE = Path(__file__).parents[2] / "docs" / "importing.md"


def test_the_page_names_the_platforms_that_are_read_and_no_other() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(), re.M)
    start = rows.index(("platform", "read today"))
    read, unread = rows[start + 1 : start + 1 + len(PLATFORMS)], rows[start + 1 + len(PLATFORMS)]
    assert {name.lower() for name, _ in read} == set(PLATFORMS)
    assert not any(told.startswith("not read") for _, told in read)
    assert unread[1].startswith("not read")


def test_a_page_of_another_platform_waits_with_its_bytes_and_a_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = json.dumps({"kind": "youtube#videoListResponse", "items": [{"kind": "youtube#video"}]})
    (tmp_path / "page.json").write_text(page)

    def answer(*arguments: str) -> tuple[int, Any]:
        code = run(["--home", str(tmp_path / "home"), *arguments, "--json"])
        return code, json.loads(capfd.readouterr().out)

    try:
        code, summary = answer("import", "--no-fetch", str(tmp_path / "page.json"))
        assert (code, summary["errors"], summary["quarantined"]) == (1, 1, 1)
        _, [record] = answer("quarantine", "list")
        assert (record["length"], record["replayable"]) == (len(page), True)
        assert record["reason"].startswith("no platform knows this record")
        code, replay = answer("quarantine", "replay")
        assert (code, replay["remaining"]) == (1, 1)
    finally:
        log.release_logging()
