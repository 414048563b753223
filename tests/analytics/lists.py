"""Small lists as an API hands them over, each entry only what the figures need."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postkeep.analytics.creator import calculate_analytics
from postkeep.analytics.result import Analytics, Mode

SAMPLES = Path(__file__).parent.parent / "data" / "instagram"
NOW = datetime(2025, 9, 17, 9, 6, 40, tzinfo=UTC)
OWNER = "76445488180"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Raw = dict[str, Any]


def raw(number: int, ago: timedelta | None = None, *, owner: str = OWNER, **fields: Any) -> Raw:
    """An entry with the id `number`, posted `ago` before NOW (default: as many days)."""
    at = NOW - (number * DAY if ago is None else ago)
    return {"id": f"{number}_{owner}", "taken_at": int(at.timestamp()), "user": {"pk": owner}, **fields}


def reel(number: int, ago: timedelta | None = None, **fields: Any) -> Raw:
    return raw(number, ago, product_type="clips", **fields)


def wrapped(entry: Raw, **around: Any) -> Raw:
    return {"media": entry, **around}


def both(
    reels: list[Any], posts: list[Any], followers: int | None = 1000, **more: Any
) -> tuple[Analytics, Analytics]:
    """The same lists as built and corrected."""
    compat, corrected = (
        calculate_analytics(reels, posts, followers, now=NOW, mode=mode, **more)
        for mode in (Mode.COMPAT, Mode.CORRECTED)
    )
    return compat, corrected


def sample_lists() -> tuple[list[Raw], list[Raw]]:
    reels, posts = (
        json.loads((SAMPLES / f"instagram_looter2_{name}_page1.json").read_bytes())["items"]
        for name in ("reels", "user_feeds")
    )
    return reels, posts
