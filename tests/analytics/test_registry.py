"""Every figure has a definition, and none is divided across a change of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postkeep.analytics.metrics_observed import VIEWS_BEGIN
from postkeep.analytics.reddit import GROUPS
from postkeep.analytics.registry import (
    COMPUTED_50,
    METRICS,
    Observed,
    definition_at,
    may_share_ratio,
    metric,
    shown,
)
from postkeep.analytics.stored import STORED_FIELDS

BEFORE = datetime(2025, 4, 20, 23, 59, tzinfo=UTC)
AFTER = datetime(2025, 4, 21, tzinfo=UTC)


def test_a_name_means_one_thing_on_a_platform() -> None:
    places = [(each.name, platform) for each in METRICS for platform in each.platforms]
    assert len(places) == len(set(places))
    assert all(each.platforms and each.definition.endswith(".") and each.formula_source for each in METRICS)


def test_everything_that_is_told_is_defined() -> None:
    assert len(COMPUTED_50) == len(set(COMPUTED_50)) == 50
    assert len(STORED_FIELDS) == len(set(STORED_FIELDS)) == 24
    named = {*COMPUTED_50, *STORED_FIELDS, *(f"{name}_post_avg_score" for name in GROUPS), "viral_score"}
    assert {name for name in named if metric(name) is None} == set()


def test_copies_and_successors_lead_somewhere() -> None:
    for each in METRICS:
        platform = min(each.platforms)
        for name in (each.same_as, each.predecessor, each.successor):
            assert name is None or metric(name, platform) is not None, each.name
        if each.successor:
            following = metric(each.successor, platform)
            assert following is not None
            assert (following.predecessor, following.valid_from) == (each.name, each.valid_to)


def test_what_a_count_meant_at_a_time() -> None:
    def meant(name: str, platform: str, at: datetime) -> str | None:
        found = definition_at(name, platform, at)
        return found and found.name

    assert AFTER.date() == VIEWS_BEGIN
    assert [meant("views", "instagram", at) for at in (BEFORE, AFTER)] == ["plays", "views"]
    assert [meant("plays", "instagram", at) for at in (BEFORE, AFTER)] == ["plays", "views"]
    assert [meant("views", "linkedin", at) for at in (BEFORE, AFTER)] == ["views", "views"]
    assert meant("nothing", "instagram", AFTER) is None


@pytest.mark.parametrize(
    ("one", "other", "allowed"),
    [
        (("views", "instagram", AFTER), ("views", "instagram", AFTER), True),
        (("views", "instagram", AFTER), ("plays", "instagram", BEFORE), False),
        (("plays", "instagram", BEFORE), ("views", "instagram", AFTER), False),
        (("views", "instagram", BEFORE), ("views", "instagram", AFTER), False),
        (("plays", "instagram", AFTER), ("plays", "instagram", BEFORE), False),
        (("views", "linkedin", BEFORE), ("views", "linkedin", AFTER), True),
        (("views", "linkedin", AFTER), ("views", "instagram", AFTER), False),
        (("comments", "instagram", AFTER), ("likes", "instagram", AFTER), True),
        (("views", "instagram", AFTER), ("likes", "instagram", AFTER), False),
        (("likes", "instagram", AFTER), ("views", "instagram", AFTER), False),
        (("avg_reel_views", "instagram", AFTER), ("followers", "instagram", AFTER), True),
        (("followers", "instagram", AFTER), ("followers", "instagram", BEFORE), True),
        (("followers", "instagram", AFTER), ("likes", "instagram", AFTER), False),
        (("comments", "reddit", AFTER), ("score", "reddit", AFTER), True),
        (("likes", "reddit", AFTER), ("score", "reddit", AFTER), False),
    ],
)
def test_what_may_be_divided(
    one: tuple[str, str, datetime], other: tuple[str, str, datetime], allowed: bool
) -> None:
    assert may_share_ratio(Observed(*one), Observed(*other)) is allowed


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("avg_reel_views", 265655.83, "265,656"),
        ("engagement_rate", 2.306, "2.31"),
        ("engagement_rate", 0, "0.00"),
        ("engagement_rate", None, "-"),
        ("uses_hashtags", True, "yes"),
        ("uses_hashtags", False, "no"),
        ("best_content_type", "reels", "reels"),
        ("unheard_of", 1, "-"),
    ],
)
def test_as_it_is_shown(name: str, value: float | str | bool | None, text: str) -> None:
    assert shown(name, value) == text


def test_the_page_names_every_metric() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+)`", page))
    assert {each.name for each in METRICS} - named == set()
