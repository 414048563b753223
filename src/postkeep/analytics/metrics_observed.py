"""The counts platforms give, each with the time for which it means what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from .metric import Metric, Source, Unit

INSTAGRAM: Final = frozenset({"instagram"})
LINKEDIN: Final = frozenset({"linkedin"})
REDDIT: Final = frozenset({"reddit"})
SOCIAL: Final = INSTAGRAM | LINKEDIN
ALL: Final = SOCIAL | REDDIT

# Meta's reference of media insights: "plays" ended in all versions on that day, "views" took its place.
VIEWS_BEGIN: Final = date(2025, 4, 21)

_FROM_PLATFORM: Final = "the platform's own count"

_COUNTS: Final = (
    ("likes", Unit.INTERACTIONS, INSTAGRAM, "Likes of a post; unknown where its owner hides them."),
    ("reactions", Unit.INTERACTIONS, LINKEDIN, "Reactions of every kind to a post."),
    (
        "comments",
        Unit.INTERACTIONS,
        ALL,
        "Comments under a post, answers to comments as the platform counts them.",
    ),
    ("reposts", Unit.INTERACTIONS, ALL, "How often others published the post again (crossposts on Reddit)."),
    ("shares", Unit.INTERACTIONS, INSTAGRAM, "How often a post was sent on to somebody."),
    (
        "saves",
        Unit.INTERACTIONS,
        INSTAGRAM,
        "How often a post was put aside; the collecting API does not tell it.",
    ),
    ("views", Unit.VIEWS, LINKEDIN, "Views of a post's video."),
    ("score", Unit.VOTES, REDDIT, "Votes for a post minus votes against it; blurred on purpose by Reddit."),
    ("upvote_ratio", Unit.RATIO, REDDIT, "The part of the votes that are for the post, between 0 and 1."),
    ("followers", Unit.FOLLOWERS, SOCIAL, "Accounts that follow a profile."),
    ("subscribers", Unit.FOLLOWERS, REDDIT, "Accounts that joined a subreddit."),
    ("following", Unit.PROFILES, SOCIAL, "Accounts a profile follows."),
    ("posts", Unit.POSTS, SOCIAL, "Posts of a profile as the platform counts them."),
)


def observed() -> Iterator[Metric]:
    """Every count that is stored as it came."""
    for name, unit, platforms, definition in _COUNTS:
        digits = 2 if unit is Unit.RATIO else 0
        yield Metric(name, definition, unit, platforms, Source.OBSERVED, _FROM_PLATFORM, digits)
    yield Metric(
        "plays",
        "How often a reel was started, replays apart.",
        Unit.VIEWS,
        INSTAGRAM,
        Source.OBSERVED,
        _FROM_PLATFORM,
        valid_to=VIEWS_BEGIN,
        successor="views",
    )
    yield Metric(
        "views",
        "How often a post was played or shown, replays included.",
        Unit.VIEWS,
        INSTAGRAM,
        Source.OBSERVED,
        _FROM_PLATFORM,
        valid_from=VIEWS_BEGIN,
        predecessor="plays",
    )
