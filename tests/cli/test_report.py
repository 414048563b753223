"""The page of a creator stands alone, says what is known, and takes no stranger's text for HTML."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.cli.report_page import report_page
from postkeep.views.creators import CreatorReport, FigureView, FollowersView, Picture, TypeView
from tests.cli import creator_answers
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call
from tests.cli.creator_answers import DETAIL, NOON, POST
from tests.media_bytes import png

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x1b[2J\u202e"
_EMPTY = {"meta", "img"}


class Read(HTMLParser):
    """What stands in a page: its elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.text += text

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hostile(text: str) -> CreatorReport:
    post = replace(POST, text=text, url=text, author=text, form=text)
    types = (TypeView(text, 1, 1, 2.0, None, None),)
    return CreatorReport(
        replace(DETAIL, name=text, username=text, url=text, kind=text, top=(post,), types=types),
        {POST.post_id: Picture("image/png", png(3, 2))},
    )


def test_the_page_shows_charts_pictures_and_figures() -> None:
    hours = tuple(tuple(int((row, hour) == (2, 15)) * 3 for hour in range(24)) for row in range(7))
    read = Read(
        report_page(CreatorReport(replace(DETAIL, hours=hours), {POST.post_id: Picture("image/png", png(3, 2))}))
    )
    assert [each["class"] for each in read.of("svg")] == ["line", "bars", "heat"]
    assert len(read.of("circle")) == len(DETAIL.history)
    assert "Wed 15:00: 3" in read.text
    [image] = read.of("img")
    source = image["src"] or ""
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == png(3, 2)
    for told in (
        "1.50 %",
        "17/18",
        "18 of 20 posts counted",
        "56,789 views",
        "98.70 % of 1,250 followers",
        "Reel",
    ):
        assert told in read.text
    assert [each["href"] for each in read.of("a")] == [POST.url]


def test_a_communitys_page_tells_votes_and_members() -> None:
    page = report_page(CreatorReport(creator_answers.COMMUNITY, {POST.post_id: Picture("image/png", png(3, 2))}))
    read = Read(page)
    assert [each["aria-label"] for each in read.of("svg")] == [
        "Members from 1 Mar 2025 to 8 Mar 2025",
        "Mean votes by type of post",
    ]
    for told in (
        "r/python, subreddit",
        "1,234Members",
        "98.7Votes of a post",
        "87.5 (11 of 12)",
        "Posts with most votes",
        "1,200 votes, 34 comments, 0.0283 comments per vote, viral score 6.05 / 10",
        "7/9 authors",
    ):
        assert told in read.text
    assert "likes" not in read.text
    assert len(read.of("img")) == 2


def test_the_head_says_who_it_is_and_each_figure_has_words() -> None:
    hours = tuple(tuple(int((row, hour) == (2, 15)) * 3 for hour in range(24)) for row in range(7))
    day = FigureView("most_active_day", "Monday", "Monday", "day of the week", 3, 18, NOON, None)
    detail = replace(
        DETAIL, biography=f"painter\n{HOSTILE}", private=True, hours=hours, figures=(*DETAIL.figures, day)
    )
    page = report_page(CreatorReport(detail, {}, Picture("image/png", png(5, 5))))
    read = Read(page)
    [image] = read.of("img")
    assert image["class"] == "avatar"
    assert base64.b64decode((image["src"] or "").partition(",")[2]) == png(5, 5)
    assert "painter\n</title></style><script>alert(1)" in read.text
    assert read.of("script") == []
    assert "private: no rate is known" in read.text
    assert "3 of 18 posts of the sample, those since 1 Mar 2025" in read.text
    assert "Engagement rate engagement_rate" in read.text
    assert "2025-03-01T" not in read.text


def test_letters_of_charts_are_readable_on_a_phone() -> None:
    hours = ((1,) * 24,) * 7
    read = Read(report_page(CreatorReport(replace(DETAIL, hours=hours), {})))
    narrowest = 320 - 32
    for svg in read.of("svg"):
        *_, width, _height = (float(each) for each in (svg["viewbox"] or "").split())
        assert all(float(each["font-size"] or "") * narrowest / width >= 11 for each in read.of("text"))


def test_nothing_is_asked_of_anybody() -> None:
    page = report_page(hostile("https://example.com/p"))
    read = Read(page)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in read.elements}
    assert all((each["src"] or "").startswith("data:image/") for each in read.of("img"))
    assert not re.search(r"url\(|@import", page)
    policies = [each["content"] for each in read.of("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert (policies[0] or "").startswith("default-src 'none'; img-src data:;")


@pytest.mark.parametrize("text", [HOSTILE, "javascript:alert(1)", " data:text/html,x", 'HTTPS://ok.example/"x'])
def test_strangers_text_is_text(text: str) -> None:
    harmless, page = Read(report_page(hostile("plain"))), report_page(hostile(text))
    read = Read(page)
    links = [each["href"] or "" for each in read.of("a")]
    assert all(link.lower().startswith("https://") for link in links)
    tags = [tag for tag, _ in read.elements if tag != "a"]
    assert tags == [tag for tag, _ in harmless.elements if tag != "a"]
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert not set(page) & set("\x1b\u202e")


@given(st.text())
def test_no_text_makes_an_element(text: str) -> None:
    tags = [tag for tag, _ in Read(report_page(hostile(text))).elements]
    assert [tag for tag in tags if tag != "a"] == [
        tag for tag, _ in Read(report_page(hostile("x"))).elements if tag != "a"
    ]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2**40)), max_size=30))
def test_every_point_of_a_curve_is_inside(counts: list[tuple[int, int]]) -> None:
    history = tuple(
        FollowersView(NOON + timedelta(minutes=at), followers) for at, followers in sorted(dict(counts).items())
    )
    read = Read(report_page(CreatorReport(replace(DETAIL, history=history), {})))
    circles = read.of("circle")
    assert len(circles) == (len(history) if len(history) > 1 else 0)
    assert all(0 <= float(each["cx"] or "") <= 360 and 0 <= float(each["cy"] or "") <= 220 for each in circles)


def test_what_is_unknown_has_no_chart() -> None:
    bare = replace(DETAIL, history=(), types=(), top=(), newest_observation=None)
    read = Read(report_page(CreatorReport(bare, {})))
    assert read.of("svg") == []
    assert "newest observation unknown" in read.text


def test_the_file_is_replaced_as_a_whole(call: Call, library: FakeLibrary, tmp_path: Path) -> None:
    (tmp_path / "jane.html").write_text("before")
    told = json.loads(call("report", "jane", "--html", "jane.html", "--json").out)
    page = (tmp_path / "jane.html").read_bytes()
    assert told == {"path": "jane.html", "size": len(page), "posts": 1, "pictures": 1}
    assert page.decode() == report_page(creator_answers.everything()["creators.report"])
    called = call("report", "jane", "--html", "nowhere/jane.html")
    assert called.code != 0
    assert re.search("cannot write .*nowhere/jane.html", called.err)
    assert sorted(each.name for each in tmp_path.iterdir() if "jane" in each.name) == ["jane.html"]
