"""Figures are told with their sample, in 80 columns, and as JSON by the names they have."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.cli.sparkline import sparkline
from postkeep.cli.text import UNKNOWN
from postkeep.views.creators import AnalyticsMode, FollowersView, TopBy
from tests.cli import creator_answers
from tests.cli.answers import EVIL, FakeLibrary, post_detail
from tests.cli.conftest import Call


def make_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stdout be a terminal of 80 columns without colours."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")


PAGES = (
    ("creators", "list"),
    ("creators", "show", "jane"),
    ("creators", "show", "r/python"),
    ("creators", "compare", *(f"creator_number_{number}" for number in range(5))),
    ("creators", "update"),
    ("posts", "top"),
    ("metrics",),
)


@pytest.mark.parametrize("arguments", PAGES, ids=lambda each: " ".join(each[:2]))
def test_everything_fits_80_columns(
    arguments: tuple[str, ...], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_narrow(monkeypatch)
    lines = call(*arguments).out.splitlines()
    assert lines
    assert max(map(len, lines)) <= 80


def test_a_figure_has_its_value_sample_and_age(call: Call) -> None:
    lines = call("creators", "show", "jane").out.splitlines()
    assert "engagement_rate  1.50 %  17/18  2025-03-01" in lines
    assert f"avg_post_saves        {UNKNOWN}   0/18  2025-03-01" in lines
    assert not any(line.startswith("avg_engagement_rate") for line in lines)  # a copy
    assert "Sample:    18 of 20 posts; not counted: 2 not_own" in lines
    assert f"Per day:   {UNKNOWN} (no count about a day before the last)" in lines
    assert "Per week:  -0.50 % (from 1,240, 166 h before)" in lines
    assert "Curve:     ▁▂▃▄▅▆▇█  1,200 to 1,207" in lines


def test_a_falling_curve_reads_as_falling(call: Call, library: FakeLibrary) -> None:
    def curve(*counts: int) -> str:
        history = tuple(
            FollowersView(creator_answers.NOON + timedelta(days=day), each) for day, each in enumerate(counts)
        )
        library.answers["creators.show"] = replace(creator_answers.DETAIL, history=history)
        [told] = (line for line in call("creators", "show", "jane").out.splitlines() if line.startswith("Curve"))
        return told.split(None, 1)[1]

    assert curve(108_221, 107_000, 106_000) == "█▄▁  108,221 to 106,000"
    assert curve(106_000, 108_221, 107_000) == "▁█▄  106,000 to 107,000 (least 106,000, most 108,221)"


def test_what_is_unknown_says_why(call: Call, library: FakeLibrary) -> None:
    sample = {"handed": 20, "counted": 18, "excluded": {}, "hidden": 3}
    library.answers["creators.show"] = replace(
        creator_answers.DETAIL,
        private=True,
        analytics={**creator_answers.ANALYTICS, "sample": sample},
        history=creator_answers.DETAIL.history[:1],
        growth={"daily": None, "weekly": None, "previous_followers": None},
        top=(replace(creator_answers.POST, likes=None, views=None, rate=None, hidden=True),),
    )
    out = call("creators", "show", "jane").out
    assert "Private:   yes" in out
    assert "Growth:    unknown: followers were counted once" in out
    assert "18 of 20 posts; likes hidden: 3" in out
    assert re.search(r"Hello world +hidden +34 +hidden +–", out)


def test_of_no_posts_there_are_no_lines_of_dashes(call: Call, library: FakeLibrary) -> None:
    sample = {"handed": 0, "counted": 0, "excluded": {}}
    library.answers["creators.show"] = replace(
        creator_answers.DETAIL, analytics={**creator_answers.ANALYTICS, "sample": sample}, types=(), top=()
    )
    out = call("creators", "show", "jane").out
    assert "No post counts" in out
    assert "avg_post_saves" not in out


def test_votes_are_not_called_likes_and_a_mixed_list_says_where(call: Call, library: FakeLibrary) -> None:
    voted = replace(creator_answers.POST, platform="reddit", rate=None)
    library.answers["creators.top_posts"] = [voted]
    assert "Votes" in call("posts", "top").out.splitlines()[0].split()
    library.answers["creators.top_posts"] = [creator_answers.POST, voted]
    mixed = call("posts", "top")
    head, *rows = mixed.out.splitlines()
    assert "Likes/votes" in head
    assert [row.split()[2] for row in rows] == ["instagram/jane", "reddit/jane"]
    assert "votes on Reddit are no likes" in mixed.err


@pytest.mark.parametrize("by", TopBy)
def test_what_is_ranked_and_whose_it_is_stay_on_a_narrow_terminal(
    by: TopBy, call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_narrow(monkeypatch)
    post = replace(creator_answers.POST, author="a.rather.long.username", text="word " * 20, views=1_234_567)
    library.answers["creators.top_posts"] = [post]
    head, row = call("posts", "top", "--by", str(by)).out.splitlines()
    assert {TopBy.LIKES: "Likes", TopBy.VIEWS: "Views", TopBy.COMMENTS: "Comm.", TopBy.RATE: "Rate"}[by] in head
    assert "a.rather.long.username" in row


def test_a_post_tells_its_figures_and_whom_it_names(call: Call) -> None:
    lines = call("posts", "show", "p-1").out.splitlines()
    assert "Mentions:  @anna @bob" in lines
    assert "Made with: @carl" in lines
    figures = lines[lines.index("Figures") + 1 :][:5]
    assert figures == [
        "  Rate:      4.50 % of 1,250 followers, counted 2025-03-01 12:00 UTC",
        "  Viral:     3.25 × the median of 7 earlier posts of its kind",
        "  Velocity:  +2.50 an hour, 2025-03-01 14:00 UTC to 2025-03-01 18:00 UTC",
        "  Half-life: at most 1 h 30 min after posting, still moving",
        "  Curve:     ▁▆█  30 to 40 in 2 observations, from a zero that is only drawn",
    ]
    told = json.loads(call("posts", "show", "p-1", "--json").out)
    assert told["line"]["post_id"]
    assert (told["mentions"], told["figures"]["viral_multiplier"]) == (["anna", "bob"], 3.25)
    assert told["figures"]["curve"][0] == {"at": "2025-03-01T12:00:00Z", "engagement": 0, "virtual": True}


def test_what_the_platform_says_of_an_edit_stands_beside_what_was_seen(call: Call, library: FakeLibrary) -> None:
    library.answers["post"] = post_detail(edited=False)
    assert "the platform says no, but the text was another" in call("posts", "show", "p-1").out
    library.answers["post"] = post_detail(edited=False, texts=())
    assert re.search("^Edited: +no$", call("posts", "show", "p-1").out, re.MULTILINE)


def test_a_community_is_told_by_votes_and_authors(call: Call) -> None:
    told = call("creators", "show", "r/python").out
    lines = told.splitlines()
    assert "Community: Python (r/python, subreddit)" in lines
    assert "Members:   1,234 (2025-03-01 12:00 UTC)" in lines
    assert f"engagement                {UNKNOWN}         0/18" in lines
    assert "min_post_karma           40  7/9 authors" in lines
    assert "image     12  87.5 (11)" in lines
    assert f"text       6          {UNKNOWN}" in lines
    _, _, rising = told.partition("\nRising\n")
    assert re.search(r"1,200 +34 +0\.0283 +6\.05", rising)
    assert "Likes" not in told
    assert json.loads(call("creators", "show", "r/python", "--json").out)["rising"][0]["viral_score"] == 6.05


def test_what_means_nothing_for_one_has_an_empty_cell(call: Call) -> None:
    rows = [line.split() for line in call("creators", "compare", "jane", "r/python").out.splitlines()]
    assert ["Figure", "instagram/jane", "r/python"] in rows
    assert ["engagement_rate", "1.50", "%"] in rows
    assert ["avg_post_saves", UNKNOWN] in rows
    assert ["avg_upvotes_per_post", "98.7"] in rows


def test_json_is_the_result_with_what_stands_beside_it(call: Call) -> None:
    told = json.loads(call("creators", "show", "jane", "--json").out)
    assert {name: told[name] for name in creator_answers.ANALYTICS} == creator_answers.ANALYTICS
    assert told["profile"]["profile_id"] == creator_answers.ID
    assert [each["followers"] for each in told["follower_history"]] == list(range(1200, 1208))
    assert len(told["hours"]) == 7


def test_all_creators_are_compared_however_narrow_it_is(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    make_narrow(monkeypatch)
    names = [f"creator_number_{number}" for number in range(5)]
    heads = [line for line in call("creators", "compare", *names).out.splitlines() if line.startswith("Figure")]
    assert len(heads) > 1
    assert sum(head.count("instagram/") for head in heads) == 5


def test_comparing_platforms_is_warned_of(call: Call, library: FakeLibrary) -> None:
    assert call("creators", "compare", "jane", "john").err == ""
    library.answers["creators.show"] = lambda name, **_: replace(
        creator_answers.DETAIL, platform="linkedin" if name == "john" else "instagram"
    )
    assert "count different things" in call("creators", "compare", "jane", "john").err


def test_options_reach_the_library(call: Call, library: FakeLibrary) -> None:
    call("creators", "show", "jane", "--mode", "compat", "--zone", "Europe/Berlin", "--top", "2")
    call("posts", "top", "--by", "rate", "--author", "jane", "--platform", "instagram", "--limit", "3")
    assert library.asked == [
        ("creators.show", ("jane",), {"mode": AnalyticsMode.COMPAT, "zone": "Europe/Berlin", "top": 2}),
        (
            "creators.top_posts",
            (),
            {"by": TopBy.RATE, "limit": 3, "since": None, "author": "jane", "platform": "instagram"},
        ),
    ]


def test_a_failed_creator_is_named_and_told_by_the_exit_code(call: Call, library: FakeLibrary) -> None:
    library.answers["creators.update"] = replace(creator_answers.UPDATED, updated=1, failed={"prf-9": EVIL})
    called = call("creators", "update")
    assert called.code == 1
    assert "prf-9: safe \\x1b[2J" in called.err


def test_foreign_text_is_harmless(call: Call, library: FakeLibrary) -> None:
    post = replace(creator_answers.POST, text=EVIL, author=EVIL)
    library.answers["creators.show"] = replace(creator_answers.DETAIL, name=EVIL, username=EVIL, top=(post,))
    library.answers["creators.page"] = [replace(creator_answers.LINE, username=EVIL)]
    for arguments in PAGES[:4]:
        out = call(*arguments).out
        assert "\\x1b" in out
        assert not set(out) & set("\x1b\x9b\u202e\u2066\x07")


def test_a_changed_definition_names_the_other(call: Call) -> None:
    told = call("metrics", "plays").out.splitlines()
    assert {"Until:     2025-04-21, not included", "After it:  views"} <= set(told)
    views = json.loads(call("metrics", "views", "--json").out)
    assert [(each["platforms"], each["predecessor"]) for each in views] == [
        (["linkedin"], None),
        (["instagram"], "plays"),
    ]
    assert call("metrics", "nothing").code == 2


@given(st.lists(st.integers(0, 10**9), max_size=100), st.integers(2, 40))
def test_a_sparkline_shows_least_and_most(values: list[int], width: int) -> None:
    told = sparkline(values, width)
    assert len(told) == min(len(values), width)
    if len(values) <= width and len(set(values)) > 1:
        assert told[values.index(min(values))] == "▁"
        assert told[values.index(max(values))] == "█"
