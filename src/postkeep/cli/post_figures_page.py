"""A post's figures in words: each with what it was divided by, compared with, or measured between."""

from __future__ import annotations

from collections.abc import Iterator

from postkeep.cli.sparkline import sparkline
from postkeep.cli.text import UNKNOWN, duration, moment, plural
from postkeep.cli.top_posts import grouped, percent
from postkeep.views.post_figures import HalfLifeView, PostFigures, VelocityView

_LEAST_COMPARED = 5
_HOUR_SECONDS = 3600
_DAY_HOURS = 48


def pairs(figures: PostFigures) -> Iterator[tuple[str, str]]:
    """Label and value of each figure of which anything is known."""
    if figures.engagement_rate is not None:
        yield "Rate", f"{percent(figures.engagement_rate)} of {_followers(figures)}"
    elif figures.followers is not None:
        yield "Rate", f"{UNKNOWN} (likes or comments are unknown; {_followers(figures)})"
    if figures.compared is not None:
        yield "Viral", _viral(figures.viral_multiplier, figures.compared)
    if figures.velocities:
        yield "Velocity", _velocity(figures.velocities[-1])
    if figures.half_life is not None:
        yield "Half-life", _half_life(figures.half_life)
    if any(not each.virtual for each in figures.curve):
        yield "Curve", _curve(figures)


def _followers(figures: PostFigures) -> str:
    return f"{grouped(figures.followers)} followers, counted {moment(figures.followers_at)}"


def _viral(multiplier: float | None, compared: int) -> str:
    others = plural(compared, "earlier post")
    if multiplier is not None:
        return f"{multiplier:,.2f} × the median of {others} of its kind"
    if compared < _LEAST_COMPARED:
        return f"{UNKNOWN} ({others} of its kind; it takes {_LEAST_COMPARED})"
    return f"{UNKNOWN} (compared with {others} of its kind)"


def _velocity(last: VelocityView) -> str:
    return f"{last.per_hour:+,.2f} an hour, {moment(last.begin)} to {moment(last.end)}"


def _half_life(half: HalfLifeView) -> str:
    hours = half.hours
    told = f"{hours / 24:,.1f} days" if hours > _DAY_HOURS else duration(hours * _HOUR_SECONDS)
    most = "at most " if half.at_most else ""
    return f"{most}{told} after posting{'' if half.settled else ', still moving'}"


def _curve(figures: PostFigures) -> str:
    """The curve from its first to its last point; the zero it begins with was never observed."""
    counted = [each for each in figures.curve if not each.virtual]
    drawn = ", from a zero that is only drawn" if len(counted) < len(figures.curve) else ""
    span = f"{counted[0].engagement:,}"
    if len(counted) > 1:
        span += f" to {counted[-1].engagement:,}"
    times = f"{span} in {plural(len(counted), 'observation')}"
    return f"{sparkline([each.engagement for each in figures.curve])}  {times}{drawn}"
