"""Spans of time on the command line, such as how long a command may wait for what cannot be done yet."""

from __future__ import annotations

import re
from typing import Any

import click

_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DAY = 86_400


class Patience(click.ParamType[float]):
    """A number of seconds: 90, 90s, 10m, 2h, 1d; at least so many, and at most so many days."""

    name = "span"

    def __init__(self, *, least: float = 0, most_days: int = 365) -> None:
        self._least, self._most_days = least, most_days

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _SPAN.fullmatch(str(value).strip())
        seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
        if found and seconds > self._most_days * _DAY:
            most = "a year" if self._most_days == 365 else f"{self._most_days} days"
            self.fail(f"{value!r} is more than {most}", param, ctx)
        if seconds < self._least or not found:
            self.fail(f"{value!r} is not a span such as 90 (seconds), 10m or 2h", param, ctx)
        return seconds
