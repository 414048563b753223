"""One creator as a page of text, as JSON, and several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from postkeep.cli.output import write
from postkeep.cli.sparkline import sparkline
from postkeep.cli.tables import Column, terminal_width, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, beginning, day, known, moment, plural, visible
from postkeep.cli.top_posts import grouped, percent, write_top
from postkeep.model import Json, ProfileKind
from postkeep.views.creators import Basis, CreatorDetail, FigureView, TopPost, TypeView

_LONGEST = "newest observation"
_NAME_WIDTH = 20
_GAP = 2
_UNITS = {"percent": " %", "ratio": " ×", "days": " days"}
_SCALES = {"posting_consistency_score": " / 100", "user_score": " / 10"}
_COUNTS_OF_POSTS = {"reels_analyzed", "posts_analyzed", "total_content_analyzed"}
"""What is counted is the posts themselves: beside 5 reels, 5 of 17 posts would read as 5 of 17 reels."""
VOTED = "reddit"
_SHORT_KINDS: dict[str, str] = {ProfileKind.SUBREDDIT: "r", ProfileKind.REDDITOR: "u"}
_TOP = (
    Column("Post", whole=True),
    Column("Posted", whole=True),
    Column("Author", cut=True, spare=2),
    Column("Form", whole=True, spare=3),
    Column("Text", cut=True),
    Column("Votes", right=True),
    Column("Comm.", right=True),
    Column("Per vote", right=True, spare=1),
)


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
        "rising": detail.rising,
        "hours": detail.hours,
    }


def write_creator(detail: CreatorDetail) -> None:
    """Print a creator: who, growth, figures, posts by type, the best posts."""
    write_pairs(_head(detail))
    told = [each for each in detail.figures if each.same_as is None]
    known_of = [each for each in told if each.value is not None]
    # Of no posts nothing is known: lines of dashes would only hide the few figures there are.
    figures = [_figure(each) for each in (told if _counted(detail) else known_of)]
    if not _counted(detail):
        write("\nNo post counts, so there are no figures of posts")
    if figures:
        write("")
        write_table(
            (
                Column("Figure", whole=True),
                Column("Value", right=True),
                Column("Posts", right=True),
                Column("Since", whole=True, spare=1),
            ),
            figures,
        )
    if detail.types:
        write("")
        _write_types(detail)
    if detail.top:
        write("")
        if is_voted(detail):
            _write_voted(detail.top)
        else:
            write_top(detail.top, whose=False)
    if detail.rising:
        write("\nRising")
        _write_voted(detail.rising)


def _write_types(detail: CreatorDetail) -> None:
    if is_voted(detail):
        columns = Column("Type", whole=True), Column("Posts", right=True), Column("Votes", right=True)
        write_table(columns, [(each.form, str(each.posts), _mean(each, each.mean_votes)) for each in detail.types])
        return
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


def _write_voted(posts: Sequence[TopPost]) -> None:
    """Print posts of Reddit with their votes, and how fast they spread where that is told."""
    viral = any(each.viral_score is not None for each in posts)
    rows = []
    for post in posts:
        cells = (
            post.post_id,
            day(post.posted_at),
            beginning(post.author, 24) or known(None),
            known(post.form),
            beginning(post.text),
            grouped(post.likes),
            grouped(post.comments),
            UNKNOWN if post.comments_per_vote is None else f"{post.comments_per_vote:.4f}",
        )
        rows.append((*cells, _viral(post)) if viral else cells)
    write_table((*_TOP, Column("Viral", right=True)) if viral else _TOP, rows)


def _viral(post: TopPost) -> str:
    return UNKNOWN if post.viral_score is None else f"{post.viral_score:.2f}"


def is_voted(detail: CreatorDetail) -> bool:
    """Whether people vote there, and like nothing."""
    return detail.platform == VOTED


def members(detail: CreatorDetail) -> str:
    """What those are called who follow it."""
    return "Members" if detail.kind == ProfileKind.SUBREDDIT else "Followers"


def write_comparison(details: Sequence[CreatorDetail]) -> None:
    """Print figures as lines and creators as columns, in as many tables as the terminal's width asks for.

    A figure that means nothing for a creator has an empty cell there.
    """
    names = list(dict.fromkeys(each.name for detail in details for each in detail.figures if each.same_as is None))
    for place, some in enumerate(_fitting(details, names)):
        if place:
            write("")
        titles = [beginning(_short(each), _NAME_WIDTH) for each in some]
        columns = (Column("Figure", whole=True), *(Column(title, right=True) for title in titles))
        rows = [("followers", *(grouped(each.followers) for each in some))]
        rows.append(("posts in the sample", *(_sample(each) for each in some)))
        rows.append((_LONGEST, *(_day(each.newest_observation) for each in some)))
        told = [{figure.name: figure_text(figure) for figure in each.figures} for each in some]
        rows += [(name, *(values.get(name, "") for values in told)) for name in names]
        write_table(columns, rows)


def _fitting(details: Sequence[CreatorDetail], names: Sequence[str]) -> Iterator[Sequence[CreatorDetail]]:
    width = terminal_width()
    if width is None:
        yield details
        return
    room = max(1, (width - max(map(len, [*names, _LONGEST]))) // (_NAME_WIDTH + _GAP))
    for start in range(0, len(details), room):
        yield details[start : start + room]


def _head(detail: CreatorDetail) -> Iterator[tuple[str, str]]:
    label = "Community" if detail.kind == ProfileKind.SUBREDDIT else "Creator"
    yield label, f"{detail.name} ({_short(detail)}, {detail.kind})"
    yield "Profile", detail.profile_id
    if detail.private:
        yield "Private", "yes: of a private account no rate is known"
    yield members(detail), f"{grouped(detail.followers)} ({moment(detail.followers_at)})"
    if never := growth_unknown(detail):
        yield "Growth", f"unknown: {never}"
    else:
        yield "Per day", rate_text(detail.growth["daily"], "day")
        yield "Per week", rate_text(detail.growth["weekly"], "week")
    history = detail.history
    if len(history) > 1:
        yield "Curve", _curve([each.followers for each in history])
        yield "Counted", f"{plural(len(history), 'time')}, {_day(history[0].at)} to {_day(history[-1].at)}"
    result = detail.analytics
    excluded = ", ".join(f"{number} {reason}" for reason, number in result["sample"]["excluded"].items())
    told = f"; not counted: {excluded}" if excluded else ""
    if result["sample"].get("hidden"):
        told += f"; likes hidden: {result['sample']['hidden']}"
    yield "Sample", f"{_sample(detail)} posts{told}"
    yield "Observed", moment(detail.newest_observation)
    yield "Made by", f"{result['mode']} {result['version']}, times in {result['zone']}"
    if result["failed"]:
        yield "Broke off", str(result["failed"])


def _curve(counts: Sequence[int]) -> str:
    """The curve from the first count to the last; with the least and the most where these are others."""
    told = f"{sparkline(counts)}  {counts[0]:,} to {counts[-1]:,}"
    least, most = min(counts), max(counts)
    if {least, most} <= {counts[0], counts[-1]}:
        return told
    return f"{told} (least {least:,}, most {most:,})"


def growth_unknown(detail: CreatorDetail) -> str:
    """Why nothing is known of growth, empty when something may be."""
    if len(detail.history) > 1:
        return ""
    return f"{members(detail).lower()} were {'counted once' if detail.history else 'never counted'}"


def _counted(detail: CreatorDetail) -> int:
    return int(detail.analytics["sample"]["counted"])


def rate_text(rate: Json, span: str) -> str:
    """A rate of growth over a span with its basis, in words."""
    if rate is None:
        return f"{UNKNOWN} (no count about a {span} before the last)"
    told = f"{rate['percent']:+,.2f} %"
    if "elapsed_hours" not in rate:
        return told
    return f"{told} (from {rate['from_followers']:,}, {rate['elapsed_hours']:.0f} h before)"


def _figure(figure: FigureView) -> tuple[str, ...]:
    return figure.name, figure_text(figure), basis_text(figure), _day(figure.since) if figure.since else ""


def basis_text(figure: FigureView) -> str:
    """Of how many posts a figure is made, or of how many authors."""
    if figure.name in _COUNTS_OF_POSTS:
        return ""
    if figure.of is None:
        return UNKNOWN
    told = f"{figure.counted}/{figure.of}"
    return told if figure.basis is Basis.POSTS else f"{told} {figure.basis}"


def figure_text(figure: FigureView) -> str:
    """A figure with its unit, as people see it."""
    if figure.value is None:
        return UNKNOWN
    return visible(figure.text) + _SCALES.get(figure.name, _UNITS.get(figure.unit, ""))


def _type(each: TypeView) -> tuple[str, ...]:
    views = UNKNOWN if each.mean_views is None else f"{each.mean_views:,.0f}"
    return each.form, str(each.posts), _mean(each, each.mean_engagement), views, percent(each.rate)


def _mean(each: TypeView, mean: float | None) -> str:
    return UNKNOWN if mean is None else f"{mean:,.1f} ({each.counted})"


def _sample(detail: CreatorDetail) -> str:
    sample = detail.analytics["sample"]
    return f"{sample['counted']} of {sample['handed']}"


def _short(detail: CreatorDetail) -> str:
    return short_name(detail.platform, detail.kind, detail.username) or detail.profile_id


def short_name(platform: str, kind: str, username: str | None) -> str | None:
    """A name with its platform before it, on Reddit with the kind; None where there is no username."""
    if username is None:
        return None
    return f"{_SHORT_KINDS.get(kind, platform)}/{username}"


def _day(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%Y-%m-%d}"
