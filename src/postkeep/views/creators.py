"""What the library answers about creators: their figures with sample and age, and the posts that did best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from postkeep.model import Json, RunStatus


class AnalyticsMode(StrEnum):
    """CORRECTED is ours; COMPAT repeats an older program's formulas, flaws included."""

    CORRECTED = "corrected"
    COMPAT = "compat"


class CreatorOrder(StrEnum):
    """What a list of creators is sorted by: a name from A on, a number from the largest on."""

    NAME = "name"
    FOLLOWERS = "followers"
    RATE = "rate"


class TopBy(StrEnum):
    """What makes a post a top post; RATE is its engagement as percent of the followers known at that time."""

    LIKES = "likes"
    VIEWS = "views"
    COMMENTS = "comments"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class CreatorLine:
    """A creator in a list, by the stored figures; `computed_at` is None where none are stored. Unknown is None."""

    profile_id: str
    platform: str
    kind: str
    username: str | None
    name: str
    active: bool
    followers: int | None
    engagement_rate: float | None
    posts_per_week: float | None
    growth_weekly: float | None
    best_content_type: str | None
    last_post_days_ago: float | None
    mode: str | None
    version: str | None
    computed_at: datetime | None


class Basis(StrEnum):
    """What a figure's basis counts."""

    POSTS = "posts"
    AUTHORS = "authors"


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure with how it was made; `text` is its value with the digits it is shown with.

    `counted` of `of` posts (or authors, as `basis` says) had what it needs, from `since` on; all None where the
    mode tells no basis, and where it is made of no posts. `same_as` names the figure it is a copy of.
    """

    name: str
    value: float | int | str | bool | None
    text: str
    unit: str
    counted: int | None
    of: int | None
    since: datetime | None
    same_as: str | None
    basis: Basis = Basis.POSTS


@dataclass(frozen=True, slots=True)
class FollowersView:
    """A follower count as it was observed."""

    at: datetime
    followers: int


@dataclass(frozen=True, slots=True)
class TypeView:
    """Posts of one form in the sample: how many, of how many both likes and comments are known, their mean.

    `rate` is that mean as percent of the followers. On Reddit there are votes instead, and `counted` is of them.
    """

    form: str
    posts: int
    counted: int
    mean_engagement: float | None
    mean_views: float | None
    rate: float | None
    mean_votes: float | None = None


@dataclass(frozen=True, slots=True)
class TopPost:
    """A post with its newest counts; `rate` is made with the `followers` counted at `followers_at`.

    On Reddit `likes` are the votes for it minus those against, and there is no rate; on the page of a community or
    an author `comments_per_vote` stands instead, and for a rising post `viral_score`. Of one that is `hidden` its
    owner or the platform shows no likes and views.
    """

    post_id: str
    platform: str
    native_id: str
    form: str | None
    posted_at: datetime
    author: str | None
    text: str | None
    url: str | None
    likes: int | None
    comments: int | None
    views: int | None
    rate: float | None
    followers: int | None
    followers_at: datetime | None
    observed_at: datetime | None
    comments_per_vote: float | None = None
    viral_score: float | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class CreatorDetail:
    """A creator as of now. `analytics` is the whole result with sample and basis; `figures` are the same in words.

    `growth` holds the daily and the weekly rate with their basis, each None when unknown. `history` are follower
    counts, oldest first, at most a few hundred of them. `hours` counts the posts of the sample: seven days from
    Monday on, 24 hours each, by the clock the result names. `rising` are the posts of the last 72 hours with the
    highest viral score, of a community on Reddit. `private` is None when nobody told; of a private account no rate
    is known.
    """

    profile_id: str
    platform: str
    kind: str
    username: str | None
    name: str
    url: str | None
    active: bool
    followers: int | None
    followers_at: datetime | None
    newest_observation: datetime | None
    mode: AnalyticsMode
    analytics: Json
    figures: tuple[FigureView, ...]
    growth: Json
    history: tuple[FollowersView, ...]
    types: tuple[TypeView, ...]
    top: tuple[TopPost, ...]
    hours: tuple[tuple[int, ...], ...]
    rising: tuple[TopPost, ...] = ()
    private: bool | None = None
    biography: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes and MIME type, as the bytes themselves say."""

    mime_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class CreatorReport:
    """A creator, and small pictures as far as they are in the cache: of its best posts by post_id, its avatar."""

    detail: CreatorDetail
    pictures: Mapping[str, Picture]
    avatar: Picture | None = None


@dataclass(frozen=True, slots=True)
class CreatorsUpdated:
    """A run that computed and stored figures; `failed` has the errors by profile_id."""

    run_id: str
    status: RunStatus
    profiles: int
    updated: int
    posts: int
    failed: Mapping[str, str]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric by its definition, for the UTC days from `valid_from` to before `valid_to`."""

    name: str
    definition: str
    unit: str
    platforms: tuple[str, ...]
    source: str
    formula_source: str
    valid_from: date | None
    valid_to: date | None
    predecessor: str | None
    successor: str | None
    same_as: str | None
