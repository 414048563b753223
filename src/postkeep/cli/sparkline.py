"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 32) -> str:
    """A bar for each value, the least the lowest; of more than `width` values as many, evenly taken.

    Values that are all equal stand in the middle.
    """
    if len(values) > width:
        values = [values[round(place * (len(values) - 1) / (width - 1))] for place in range(width)]
    if not values:
        return ""
    least, span = min(values), max(values) - min(values)
    if not span:
        return _BARS[len(_BARS) // 2] * len(values)
    return "".join(_BARS[round((value - least) / span * (len(_BARS) - 1))] for value in values)
