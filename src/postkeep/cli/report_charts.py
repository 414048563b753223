"""Charts as SVG, drawn by hand: a page without script and library keeps for as long as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from postkeep.cli.text import beginning, visible
from postkeep.views.creators import FollowersView, TypeView

_WIDTH = 360
"""As wide as a phone, so that letters have there about the size that is written here."""
_LETTERS = 14
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def growth_chart(history: Sequence[FollowersView], whose: str = "Followers") -> str:
    """Followers (or members, as `whose` says) over time, in proportion; only what was counted has a dot.

    Empty with less than two counts.
    """
    if len(history) < 2:
        return ""
    height, left, right, top, bottom = 220, 6, 6, 26, 46
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
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3">'
        f"<title>{each.followers:,} on {date_words(each.at)}</title></circle>"
        for (x, y), each in zip(points, history, strict=True)
    )
    words = (
        _text(left, 14, f"{most:,}"),
        _text(left, height - bottom + 20, f"{least:,}") if least < most else "",
        _text(left, height - 4, date_words(begin)),
        _text(_WIDTH - right, height - 4, date_words(end), anchor="end"),
    )
    drawn = f'<polyline points="{line}"/>{dots}{"".join(words)}'
    return _svg(height, f"{whose} from {date_words(begin)} to {date_words(end)}", drawn, "line")


def types_chart(types: Sequence[tuple[TypeView, float | None]], of: str) -> str:
    """A bar for the mean of each type, from zero; types of which none is known have no bar. `of` says of what."""
    known = [(each, mean) for each, mean in types if mean is not None]
    most = max((mean for _, mean in known), default=0.0)
    if not most:
        return ""
    step, rows = 46, []
    for row, (each, mean) in enumerate(known):
        y = row * step
        rows.append(
            _text(0, y + 14, beginning(each.form, 16).capitalize())
            + _text(_WIDTH, y + 14, f"{mean:,.1f} ({each.counted} of {each.posts})", anchor="end")
            + f'<rect x="0" y="{y + 20}" width="{mean / most * _WIDTH:.1f}" height="14"/>'
        )
    return _svg(len(known) * step, f"Mean {of} by type of post", "".join(rows), "bars")


def hours_chart(hours: Sequence[Sequence[int]], zone: str) -> str:
    """Posts by day of the week and hour, darker where more; empty without any."""
    most = max((count for day in hours for count in day), default=0)
    if not most:
        return ""
    left, wide, high, gap = 36, 13.5, 22, 1.5
    cells = []
    for row, day in enumerate(hours):
        cells.append(_text(0, row * high + 16, _DAYS[row]))
        for hour, count in enumerate(day):
            strength = f"{count / most:.2f}" if count else "0"
            cells.append(
                f'<rect x="{left + hour * wide:.1f}" y="{row * high}" width="{wide - gap}" height="{high - gap}"'
                f' fill-opacity="{strength}" class="cell"><title>{_DAYS[row]} {hour:02}:00: {count}</title></rect>'
            )
    below = len(hours) * high + 16
    cells += [_text(left + hour * wide, below, f"{hour:02}") for hour in range(0, 24, 3)]
    return _svg(below + 6, f"Posts by day of the week and hour, {zone}", "".join(cells), "heat")


def date_words(at: datetime) -> str:
    """A day as people write it, in the time's own zone."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{_LETTERS}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(visible(text))}</text>"


def _svg(height: int, label: str, inside: str, kind: str) -> str:
    told = escape(visible(label), quote=True)
    return f'<svg class="{kind}" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{told}">{inside}</svg>'
