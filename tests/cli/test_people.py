"""Profiles and tags at the command line: what is asked of the library, and what people are told."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import ConfigError
from postkeep.model import MediaState, Presence, ProfileKind
from postkeep.views import TextView
from postkeep.views.people import AccountView, BioLinkView, CountsView, NewProfile, PictureView, TagColor
from tests.cli import answers
from tests.cli.answers import EVIL, FakeLibrary
from tests.cli.conftest import Call

LIST: dict[str, Any] = {"limit": 50, "after": None, "platform": None, "tags": (), "active": None, "search": None}
EXPORT: dict[str, Any] = {"platform": None, "tags": (), "active": True, "overwrite": False}


@pytest.mark.parametrize(
    ("arguments", "verb", "given", "named"),
    [
        ("profiles list", "profiles", (), LIST),
        (
            "profiles list --limit 2 --after a --platform reddit --tag x --tag y --inactive --search jan",
            "profiles",
            (),
            {"limit": 2, "after": "a", "platform": "reddit", "tags": ("x", "y"), "active": False, "search": "jan"},
        ),
        ("profiles list --active", "profiles", (), LIST | {"active": True}),
        ("profiles add jane", "add", (NewProfile("jane"),), {}),
        (
            "profiles add x --name N --platform reddit --kind subreddit --tag a --tag b --note T --inactive",
            "add",
            (NewProfile("x", "N", "reddit", ProfileKind.SUBREDDIT, False, "T", ("a", "b")),),
            {},
        ),
        ("profiles activate a b", "set_active", (("a", "b"),), {"active": True}),
        ("profiles deactivate a", "set_active", (("a",),), {"active": False}),
        ("profiles note a hello", "set_notes", ("a", "hello"), {}),
        ("profiles note a --clear", "set_notes", ("a", None), {}),
        ("posts note p-1 hello", "set_post_notes", ("p-1", "hello"), {}),
        ("posts note p-1 --clear", "set_post_notes", ("p-1", None), {}),
        ("profiles export", "export_csv", (None,), EXPORT),
        (
            "profiles export x.csv --platform reddit --tag t --all --force",
            "export_csv",
            (Path("x.csv"),),
            {"platform": "reddit", "tags": ("t",), "active": None, "overwrite": True},
        ),
        ("tags list --limit 3 --after a", "tags", (), {"limit": 3, "after": "a"}),
        ("tags add a --color red --description d", "add_tag", ("a",), {"color": TagColor.RED, "description": "d"}),
        ("tags remove a", "remove_tag", ("a",), {"agreed": False}),
        ("tags remove a --yes", "remove_tag", ("a",), {"agreed": True}),
        (
            "tags put t --profile a --post p --profile b",
            "put_tag",
            ("t",),
            {"profiles": ("a", "b"), "posts": ("p",)},
        ),
        ("tags take t --post p", "take_tag", ("t",), {"profiles": (), "posts": ("p",)}),
    ],
)
def test_options_reach_the_library(
    arguments: str, verb: str, given: tuple[Any, ...], named: dict[str, Any], call: Call, library: FakeLibrary
) -> None:
    assert call(*arguments.split()).code == 0
    assert library.asked == [(f"people.{verb}", given, named)]


@pytest.mark.parametrize(
    "arguments",
    [
        "profiles add x --kind wizard",
        "profiles activate",
        "profiles note a",
        "profiles note a text --clear",
        "posts note p-1",
        "posts note p-1 text --clear",
        "tags add a --color pink",
        "tags put t",
        "tags take t",
    ],
)
def test_wrong_usage_asks_nothing(arguments: str, call: Call, library: FakeLibrary) -> None:
    called = call(*arguments.split())
    assert (called.code, called.out, library.asked) == (2, "", [])
    assert called.err


def test_lists_read_and_changes_write(call: Call, library: FakeLibrary) -> None:
    for arguments in ("profiles list", "profiles show a", "profiles export", "tags list"):
        call(*arguments.split())
    assert library.opened == [True] * 4
    for arguments in ("profiles add a", "profiles note a b", "tags add a", "profiles import a.csv"):
        call(*arguments.split())
    assert library.opened[4:] == [False] * 4


def test_profiles_fit_a_narrow_terminal(call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    long = {"name": "Jane " * 20, "tags": ("a long tag",) * 5, "notes": "well " * 30}
    library.answers["people.profiles"] = [
        answers.profile_line(profile_id="prf-67c2f6c0000000001", username=username, **long)
        for username in ("jane-doe", "j" * 31, "j" * 32, None)
    ]
    head, *rows = call("profiles", "list").out.splitlines()
    assert head.split()[:2] == ["Profile", "Name"]
    assert all(len(row) <= 80 for row in (head, *rows))
    assert [row.split()[0] for row in rows] == [
        "linkedin/jane-doe",
        f"linkedin/{'j' * 31}",
        *["prf-67c2f6c0000000001"] * 2,
    ]


def test_a_full_page_says_how_to_go_on(call: Call) -> None:
    assert "--after prf-1" in call("profiles", "list", "--limit", "1").err
    assert "--after tag-1" in call("tags", "list", "--limit", "1").err
    assert call("profiles", "list", "--limit", "2").err == call("tags", "list", "--limit", "2").err == ""


def test_a_profile_is_shown_with_its_names_and_note(call: Call, library: FakeLibrary) -> None:
    library.answers["people.show"] = replace(
        library.answers["people.show"], line=answers.profile_line(notes="one\ntwo \x1b[2J", native_id=None)
    )
    out = call("profiles", "show", "jane-doe").out
    assert "Tags:      ai, aws" in out
    assert "Own id:    –" in out
    assert "Note\n  one\n  two \\x1b[2J\n" in out
    assert "@jane-roe" in out


def test_long_histories_of_a_profile_are_cut_and_what_is_foreign_is_harmless(
    call: Call, library: FakeLibrary
) -> None:
    library.answers["people.show"] = replace(
        library.answers["people.show"],
        account=AccountView(
            answers.NOON,
            EVIL,
            EVIL,
            EVIL,
            "shop",
            True,
            None,
            None,
            None,
            5,
            6,
            7,
            {"total_karma": 12, "fbid": "1"},
        ),
        texts=tuple(TextView(f"bio {i} {EVIL}", answers.NOON, answers.NOON) for i in range(11)),
        links=(BioLinkView(EVIL, EVIL, None, answers.NOON, answers.NOON, shown=False),),
        pictures=(
            PictureView(
                *("pfm-1", "avatar", MediaState.EXPIRED, False, "https://a.example/", None, None, None),
                *(answers.NOON, None, answers.NOON),
            ),
        ),
        counts=tuple(CountsView(answers.NOON, "collector", 100 - i, None, 3) for i in range(12)),
    )
    out = call("profiles", "show", "jane-doe").out
    assert "Verified: yes" in " ".join(out.split())
    assert "Private" not in out
    assert "Karma: 12" in " ".join(out.split())
    assert "fbid" not in out
    assert "100 (+1)" in out
    assert "91 (+1)" in out
    assert "90" not in out
    assert "and 2 more: --json has all" in out
    assert "bio 9" in out
    assert "bio 10" not in out
    assert "link expired" in out
    assert "\x1b" not in out
    assert len(json.loads(call("profiles", "show", "jane-doe", "--json").out)["counts"]) == 12


def test_a_post_that_is_gone_is_told_from_the_others(call: Call, library: FakeLibrary) -> None:
    assert "Gone" not in call("posts", "list").out
    library.answers["posts"] = [
        answers.post_line(),
        answers.post_line(post_id="p-2", presence=Presence.REMOVED, presence_at=answers.NOON, notes="why?"),
    ]
    head, there, gone = call("posts", "list").out.splitlines()
    assert "Gone" in head
    assert "removed" not in there
    assert "removed" in gone
    assert [each["presence"] for each in json.loads(call("posts", "list", "--json").out)] == ["there", "removed"]

    library.answers["post"] = answers.post_detail(line=library.answers["posts"][1])
    out = call("posts", "show", "p-2").out
    assert "removed, seen 2025-03-01 12:00 UTC" in out
    assert "Note\n  why?\n" in out


@pytest.mark.parametrize(("new", "words"), [(True, "was added and is active"), (False, "was known and is active")])
def test_an_added_profile_is_told_from_a_known_one(
    new: bool, words: str, call: Call, library: FakeLibrary
) -> None:
    library.answers["people.add"] = replace(library.answers["people.add"], new=new)
    called = call("profiles", "add", "jane-doe")
    assert (called.out, called.err) == ("prf-1\n", f"linkedin/jane-doe {words}\n")


def test_bad_lines_are_told_and_seen_in_the_exit_code(call: Call, library: FakeLibrary) -> None:
    problems = tuple(replace(answers.BAD_LINE, line=line) for line in range(3, 26))
    library.answers["people.import_csv"] = replace(answers.PEOPLE_IMPORT, problems=problems)
    called = call("profiles", "import", "people.csv")
    assert called.code == 1
    assert called.out == "Lines:     5\nNew:       2\nChanged:   1\nUnchanged: 2\nSkipped:   23\n"
    told = called.err.splitlines()
    assert told[0] == "people.csv: its cells are separated by semicolons"
    assert told[1] == "people.csv: line 3: it has no username"
    assert told[21] == "and 3 more lines; --json has all"
    called = call("profiles", "import", "people.csv", "--json")
    assert (called.code, len(json.loads(called.out)["problems"]), called.err) == (1, 23, "")


def test_a_list_may_come_by_standard_input(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"name,username\n")))
    call("profiles", "import", "-", "--platform", "reddit")
    [(_, given, named)] = library.asked
    assert (given, named["platform"], named["stdin"].read()) == (("-",), "reddit", b"name,username\n")
    monkeypatch.setattr(sys, "stdin", None)
    assert call("profiles", "import", "-").code == 2


def test_an_export_goes_to_stdout_as_it_is_but_not_to_a_terminal(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = f'name,username\n"{EVIL}",jane\n'
    library.answers["people.export_csv"] = replace(answers.PEOPLE_EXPORT, csv=csv, path=None)
    called = call("profiles", "export")
    assert called.out == csv
    assert called.err == "1 profile without a username left out\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b" not in call("profiles", "export").out


def test_an_export_to_a_file_says_how_many(call: Call) -> None:
    called = call("profiles", "export", "people.csv")
    assert (called.out, called.err.splitlines()[0]) == ("", "1 profile in people.csv")
    told = json.loads(call("profiles", "export", "--json").out)
    assert [person["username"] for person in told["people"]] == ["jane-doe"]


def test_a_tag_in_use_is_not_removed_by_the_way(call: Call, library: FakeLibrary) -> None:
    library.answers["people.remove_tag"] = ConfigError("carried by 2 profiles; --yes removes it")
    called = call("tags", "remove", "aws")
    assert (called.code, called.err) == (2, "postkeep: carried by 2 profiles; --yes removes it\n")


def test_what_was_tagged_is_counted(call: Call) -> None:
    assert call("tags", "put", "aws", "--post", "p-1").err == "aws was put on 1 profile and 1 post\n"
    assert call("tags", "take", "aws", "--post", "p-1").err == "aws was taken from 1 profile and 1 post\n"
