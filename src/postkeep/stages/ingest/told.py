"""What one record tells and another leaves out: each fact stays as it was told last. Pure.

Records come in any order and of any shape, so a row knows when each of its facts was told. Most were told by the
record observed last, and only the others are written down, as JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson

from postkeep.store.types import from_text, to_text


def tell(
    values: dict[str, Any],
    told: Mapping[str, Any],
    at: datetime,
    *,
    last: datetime | None,
    told_json: str | None,
    apart: Collection[str] = (),
) -> str | None:
    """Fold what a record observed at `at` tells into `values`, and give back the new `told_json`.

    None is not told. Of two that were told at one time the larger stays. `last` is when a record of this row was
    observed last before. The times of facts named in `apart` are always written down: their values are not at hand
    when a record does not tell them.
    """
    if told_json is None and not any(value is not None for value in (*values.values(), *told.values())):
        return None
    times = {name: from_text(text) for name, text in orjson.loads(told_json or "{}").items()}
    if last is not None:
        times = {name: last for name, value in values.items() if value is not None and name not in apart} | times
    for name, value in told.items():
        if value is None:
            continue
        before, current = times.get(name), values.get(name)
        if before is None or at > before or (at == before and _rank(value) > _rank(current)):
            values[name], times[name] = value, at
    newest = at if last is None else max(at, last)
    kept = {name: to_text(time) for name, time in times.items() if time != newest or name in apart}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else None


def most(one: int | None, other: int | None) -> int | None:
    """The larger of two counts of one time; one that is unknown says nothing."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def _rank(value: Any) -> tuple[int, int, str]:
    if value is None:
        return (0, 0, "")
    if isinstance(value, int):
        return (1, value, "")
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return (2, len(text), text)
