"""The invented LinkedIn records, by file and by what they show."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from postkeep.model import Json

FOLDER = Path(__file__).parents[1] / "data" / "linkedin"
JANE = "dataset_jane-doe_2025-03-01_08-00-00-123.json"
RENE = "dataset_ren%C3%A9-imagined_2025-03-01_08-05-00-7.json"
TOVE = "dataset_tove-made-up_2025-03-08_09-00-00-004.json"
COMPANY = "dataset_linkedin-company-posts_2025-03-09_10-00-00-250.json"
DETAIL = "dataset_linkedin-post-detail_2025-03-09_10-30-00-001.json"

_NAME = re.compile(r"dataset_(.+)_[0-9-]{10}_[0-9-]+\.json")


@cache
def _texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))}


def records(file: str) -> list[Json]:
    """The records of a file, fresh each time."""
    found: list[Json] = json.loads(_texts()[file])
    return found


def via(file: str) -> str | None:
    """The scraped profile a file's name tells; None when it names a scraper."""
    match = _NAME.fullmatch(file)
    assert match
    return None if match[1].startswith("linkedin-") else unquote(match[1])


def everything() -> list[tuple[Json, str | None]]:
    return [(record, via(file)) for file in _texts() for record in records(file)]


def record(file: str, text: str | None) -> Json:
    """The first record of a file whose text begins so (None: that has none)."""
    for found in records(file):
        own = found.get("text", found.get("content"))
        if own == text if not text else (own or "").startswith(text):
            return found
    raise LookupError(text)
