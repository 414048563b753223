"""The option `--patience`: how long a command may wait for what cannot be done yet."""

from __future__ import annotations

import re
from typing import Any

import click

_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_SECONDS = 365 * 86_400


class Patience(click.ParamType[float]):
    """A number of seconds: 90, 90s, 10m, 2h, 1d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _SPAN.fullmatch(str(value).strip())
        seconds = float(found[1]) * _SECONDS[found[2]] if found else -1.0
        if not 0 <= seconds <= _MOST_SECONDS:
            self.fail(f"{value!r} is not a span such as 90 (seconds), 10m or 2h, a year at most", param, ctx)
        return seconds
