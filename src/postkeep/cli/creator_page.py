"""One creator as a page of text, as JSON, and several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from postkeep.cli.output import write
from postkeep.cli.sparkline import sparkline
from postkeep.cli.tables import Column, terminal_width, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, beginning, moment, plural, visible
from postkeep.cli.top_posts import grouped, percent, write_top
from postkeep.model import Json
from postkeep.views.creators import CreatorDetail, FigureView, TypeView

_NAME_WIDTH = 20
_GAP = 2
_UNITS = {"percent": " %", "ratio": " ×", "score": " / 100", "days": " days"}


def as_json(detail: CreatorDetail) -> dict[str, Json]:
    """The figures by name with how they were made, then what the page shows beside them."""
    return {
        **detail.analytics,
        "profile": {
            "profile_id": detail.profile_id,
            "platform": detail.platform,
            "kind": detail.kind,
            "username": detail.username,
            "name": detail.name,
            "url": detail.url,
            "active": detail.active,
        },
        "followers_at": detail.followers_at,
        "newest_observation": detail.newest_observation,
        "growth": detail.growth,
        "follower_history": detail.history,
        "types": detail.types,
        "top_posts": detail.top,
        "hours": detail.hours,
    }


def write_creator(detail: CreatorDetail) -> None:
    """Print a creator: who, growth, figures, posts by type, the best posts."""
    write_pairs(_head(detail))
    write("")
    write_table(
        (
            Column("Figure", whole=True),
            Column("Value", right=True),
            Column("Posts", right=True),
            Column("Since", whole=True, spare=1),
        ),
        [_figure(each) for each in detail.figures if each.same_as is None],
    )
    if detail.types:
        write("")
        write_table(
            (
                Column("Type", whole=True),
                Column("Posts", right=True),
                Column("Engagement", right=True),
                Column("Views", right=True, spare=1),
                Column("Rate", right=True),
            ),
            [_type(each) for each in detail.types],
        )
    if detail.top:
        write("")
        write_top(detail.top)


def write_comparison(details: Sequence[CreatorDetail]) -> None:
    """Print figures as lines and creators as columns, in as many tables as the terminal's width asks for."""
    for place, some in enumerate(_fitting(details)):
        if place:
            write("")
        titles = [beginning(_short(each), _NAME_WIDTH) for each in some]
        columns = (Column("Figure", whole=True), *(Column(title, right=True) for title in titles))
        rows = [("followers", *(grouped(each.followers) for each in some))]
        rows.append(("posts in the sample", *(_sample(each) for each in some)))
        rows.append(("newest observation", *(_day(each.newest_observation) for each in some)))
        figures = [[figure for figure in each.figures if figure.same_as is None] for each in some]
        rows += [(line[0].name, *(figure_text(each) for each in line)) for line in zip(*figures, strict=True)]
        write_table(columns, rows)


def _fitting(details: Sequence[CreatorDetail]) -> Iterator[Sequence[CreatorDetail]]:
    names = [each.name for each in details[0].figures if each.same_as is None]
    width = terminal_width()
    if width is None:
        yield details
        return
    room = max(1, (width - max(map(len, names))) // (_NAME_WIDTH + _GAP))
    for start in range(0, len(details), room):
        yield details[start : start + room]


def _head(detail: CreatorDetail) -> Iterator[tuple[str, str]]:
    yield "Creator", f"{detail.name} ({_short(detail)}, {detail.kind})"
    yield "Profile", detail.profile_id
    yield "Followers", f"{grouped(detail.followers)} ({moment(detail.followers_at)})"
    yield "Growth", "; ".join(rate_text(detail.growth[name], name) for name in ("daily", "weekly"))
    history = detail.history
    if len(history) > 1:
        counts = [each.followers for each in history]
        yield "Curve", f"{sparkline(counts)}  {min(counts):,} to {max(counts):,}"
        yield "Counted", f"{plural(len(history), 'time')}, {_day(history[0].at)} to {_day(history[-1].at)}"
    result = detail.analytics
    excluded = ", ".join(f"{number} {reason}" for reason, number in result["sample"]["excluded"].items())
    yield "Sample", f"{_sample(detail)} posts{f'; not counted: {excluded}' if excluded else ''}"
    yield "Observed", moment(detail.newest_observation)
    yield "Made by", f"{result['mode']} {result['version']}, times in {result['zone']}"
    if result["failed"]:
        yield "Broke off", str(result["failed"])


def rate_text(rate: Json, name: str) -> str:
    """A rate of growth with its basis, in words."""
    if rate is None:
        return f"{name} {UNKNOWN}"
    told = f"{name} {rate['percent']:+,.2f} %"
    if "elapsed_hours" not in rate:
        return told
    return f"{told} (from {rate['from_followers']:,}, {rate['elapsed_hours']:.0f} h before)"


def _figure(figure: FigureView) -> tuple[str, ...]:
    posts = UNKNOWN if figure.of is None else f"{figure.counted}/{figure.of}"
    return figure.name, figure_text(figure), posts, _day(figure.since) if figure.since else ""


def figure_text(figure: FigureView) -> str:
    """A figure with its unit, as people see it."""
    if figure.value is None:
        return UNKNOWN
    return visible(figure.text) + _UNITS.get(figure.unit, "")


def _type(each: TypeView) -> tuple[str, ...]:
    mean = UNKNOWN if each.mean_engagement is None else f"{each.mean_engagement:,.1f} ({each.counted})"
    views = UNKNOWN if each.mean_views is None else f"{each.mean_views:,.0f}"
    return each.form, str(each.posts), mean, views, percent(each.rate)


def _sample(detail: CreatorDetail) -> str:
    sample = detail.analytics["sample"]
    return f"{sample['counted']} of {sample['handed']}"


def _short(detail: CreatorDetail) -> str:
    return f"{detail.platform}/{detail.username}" if detail.username else detail.profile_id


def _day(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%Y-%m-%d}"
