"""Invented answers about creators."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postkeep.model import RunStatus
from postkeep.views.creators import (
    AnalyticsMode,
    Basis,
    CreatorDetail,
    CreatorLine,
    CreatorReport,
    CreatorsUpdated,
    FigureView,
    FollowersView,
    Picture,
    TopPost,
    TypeView,
)
from postkeep.views.post_figures import CurvePoint, HalfLifeView, PostFigures, PostPeople, VelocityView
from tests.media_bytes import png

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
ID = "prf-67c2f6c0000000001"
LINE = CreatorLine(
    *(ID, "instagram", "creator", "jane", "Jane", True, 1234, 1.5, 3.25, -0.5, "reels", 0.5),
    *("corrected", "1", NOON),
)
POST = TopPost(
    *("p-67c2f6c0000000001", "instagram", "7", "reel", NOON, "jane", "Hello world", "https://example.com/p"),
    *(1200, 34, 56_789, 98.7, 1250, NOON, NOON),
)
ANALYTICS = {
    "engagement_rate": 1.5,
    "avg_post_saves": None,
    "mode": "corrected",
    "version": "1",
    "input": "merged",
    "calculated_at": NOON.isoformat(),
    "zone": "UTC",
    "followers": 1234,
    "failed": None,
    "sample": {"handed": 20, "counted": 18, "excluded": {"not_own": 2}},
    "basis": {"engagement_rate": {"counted": 17, "of": 18, "since": NOON.isoformat()}},
}
DETAIL = CreatorDetail(
    profile_id=ID,
    platform="instagram",
    kind="creator",
    username="jane",
    name="Jane",
    url=None,
    active=True,
    followers=1234,
    followers_at=NOON,
    newest_observation=NOON,
    mode=AnalyticsMode.CORRECTED,
    analytics=ANALYTICS,
    figures=(
        FigureView("engagement_rate", 1.5, "1.50", "percent", 17, 18, NOON, None),
        FigureView("avg_engagement_rate", 1.5, "1.50", "percent", 17, 18, NOON, "engagement_rate"),
        FigureView("avg_post_saves", None, "-", "interactions", 0, 18, NOON, None),
    ),
    growth={
        "daily": None,
        "weekly": {"percent": -0.5, "from_followers": 1240, "elapsed_hours": 166.4},
        "previous_followers": 1240,
    },
    history=tuple(FollowersView(NOON + timedelta(days=day), 1200 + day) for day in range(8)),
    types=(TypeView("reel", 12, 11, 300.25, 5000.0, 24.3), TypeView("image", 6, 6, None, None, None)),
    top=(POST,),
    hours=((0,) * 24,) * 7,
)
_VOTED = replace(
    POST,
    platform="reddit",
    form="image",
    author="bob",
    views=None,
    rate=None,
    followers=None,
    comments_per_vote=0.0283,
)
COMMUNITY = replace(
    DETAIL,
    platform="reddit",
    kind="subreddit",
    username="python",
    name="Python",
    analytics={**ANALYTICS, "sample": {"handed": 20, "counted": 18, "excluded": {"stickied": 2}}},
    figures=(
        FigureView("avg_upvotes_per_post", 98.7, "98.7", "votes", 17, 18, None, None),
        FigureView("engagement", None, "-", "ratio", 0, 18, None, None),
        FigureView("min_post_karma", 40, "40", "votes", 7, 9, None, None, Basis.AUTHORS),
    ),
    types=(TypeView("image", 12, 11, None, None, None, 87.5), TypeView("text", 6, 0, None, None, None)),
    top=(_VOTED,),
    rising=(replace(_VOTED, viral_score=6.05),),
)
FIGURES = PostFigures(
    *(4.5, 1250, NOON, 3.25, 7),
    (VelocityView(NOON + timedelta(hours=2), NOON + timedelta(hours=6), 2.5),),
    HalfLifeView(1.5, at_most=True, settled=False),
    (
        CurvePoint(NOON, 0, virtual=True),
        CurvePoint(NOON + timedelta(hours=2), 30, virtual=False),
        CurvePoint(NOON + timedelta(hours=6), 40, virtual=False),
    ),
)
PEOPLE = PostPeople(mentions=("anna", "bob"), coauthors=("carl",))
UPDATED = CreatorsUpdated("run-1", RunStatus.COMPLETED, 2, 2, 30, {})


def everything() -> dict[str, Any]:
    """An answer for each verb about creators."""
    return {
        "creators.page": [LINE, replace(LINE, profile_id="prf-2", computed_at=None, mode=None, followers=None)],
        "creators.show": lambda name, **_: (
            COMMUNITY if name.startswith("r/") else replace(DETAIL, username=name.rpartition("/")[2])
        ),
        "creators.report": CreatorReport(DETAIL, {POST.post_id: Picture("image/png", png(3, 2))}),
        "creators.update": UPDATED,
        "creators.top_posts": [POST],
        "creators.post_figures": FIGURES,
        "creators.post_people": PEOPLE,
    }
