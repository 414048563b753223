"""Charts as SVG, drawn by hand: a page without script and library keeps for as long as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from postkeep.cli.text import visible
from postkeep.views.creators import FollowersView, TypeView

_WIDTH = 640
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def growth_chart(history: Sequence[FollowersView], whose: str = "Followers") -> str:
    """Followers (or members, as `whose` says) over time, in proportion; only what was counted has a dot.

    Empty with less than two counts.
    """
    if len(history) < 2:
        return ""
    height, left, right, top, bottom = 220, 10, 10, 24, 28
    counts = [each.followers for each in history]
    least, most = min(counts), max(counts)
    begin, end = history[0].at, history[-1].at
    seconds, span = (end - begin).total_seconds() or 1.0, (most - least) or 1

    def place(each: FollowersView) -> tuple[float, float]:
        x = left + (each.at - begin).total_seconds() / seconds * (_WIDTH - left - right)
        return x, top + (most - each.followers) / span * (height - top - bottom)

    points = [place(each) for each in history]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{each.followers:,} on {each.at:%Y-%m-%d}</title></circle>'
        for (x, y), each in zip(points, history, strict=True)
    )
    words = (
        _text(left, 14, f"{most:,}"),
        _text(left, height - bottom + 12, f"{least:,}"),
        _text(left, height - 2, f"{begin:%Y-%m-%d}"),
        _text(_WIDTH - right, height - 2, f"{end:%Y-%m-%d}", anchor="end"),
    )
    drawn = f'<polyline points="{line}"/>{dots}{"".join(words)}'
    return _svg(height, f"{whose} from {begin:%Y-%m-%d} to {end:%Y-%m-%d}", drawn, "line")


def types_chart(types: Sequence[tuple[TypeView, float | None]], of: str) -> str:
    """A bar for the mean of each type, from zero; types of which none is known have no bar. `of` says of what."""
    known = [(each, mean) for each, mean in types if mean is not None]
    most = max((mean for _, mean in known), default=0.0)
    if not most:
        return ""
    step, label = 30, 110
    rows = []
    for row, (each, mean) in enumerate(known):
        y, width = row * step + 4, mean / most * (_WIDTH - label - 150)
        told = f"{mean:,.1f} ({each.counted} of {each.posts})"
        rows.append(
            _text(0, y + 16, each.form)
            + f'<rect x="{label}" y="{y}" width="{width:.1f}" height="22"/>'
            + _text(label + width + 6, y + 16, told)
        )
    return _svg(len(known) * step + 4, f"Mean {of} by type of post", "".join(rows), "bars")


def hours_chart(hours: Sequence[Sequence[int]], zone: str) -> str:
    """Posts by day of the week and hour, darker where more; empty without any."""
    most = max((count for day in hours for count in day), default=0)
    if not most:
        return ""
    left, cell, gap = 40, 25, 2
    cells = []
    for row, day in enumerate(hours):
        cells.append(_text(0, row * cell + 17, _DAYS[row]))
        for hour, count in enumerate(day):
            strength = f"{count / most:.2f}" if count else "0"
            cells.append(
                f'<rect x="{left + hour * cell}" y="{row * cell}" width="{cell - gap}" height="{cell - gap}"'
                f' fill-opacity="{strength}" class="cell"><title>{_DAYS[row]} {hour:02}:00: {count}</title></rect>'
            )
    below = len(hours) * cell + 14
    cells += [_text(left + hour * cell, below, f"{hour:02}") for hour in range(0, 24, 3)]
    return _svg(below + 6, f"Posts by day of the week and hour, {zone}", "".join(cells), "heat")


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(visible(text))}</text>'


def _svg(height: int, label: str, inside: str, kind: str) -> str:
    told = escape(visible(label), quote=True)
    return f'<svg class="{kind}" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{told}">{inside}</svg>'
