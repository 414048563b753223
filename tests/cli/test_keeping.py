"""Holds and retention at the command line: what is asked of the library, and what people are told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from postkeep.errors import NotFound
from postkeep.model import RunStatus
from postkeep.views import RetentionTotals
from tests.cli import answers
from tests.cli.answers import NOON, FakeLibrary
from tests.cli.conftest import Call


def asked(library: FakeLibrary) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    [(verb, given, named)] = library.asked
    return verb, given, {key: named[key] for key in named if key not in ("stop", "progress", "on_match")}


def test_a_hold_is_asked_for(call: Call, library: FakeLibrary) -> None:
    called = call("hold", "add", "jane", "--platform", "linkedin", "--reason", " a case ", "--by", "desk")
    assert (called.code, called.out) == (0, "hld-1\n")
    assert "2 files, 2.0 KB" in called.err
    assert asked(library) == (
        "add_hold",
        ("jane",),
        {"reason": "a case", "until": None, "held_by": "desk", "platform": "linkedin"},
    )


def test_a_hold_lasts_to_the_end_of_its_last_day(call: Call, library: FakeLibrary) -> None:
    call("hold", "add", "p-1", "--reason", "x", "--until", "2999-12-30")
    assert asked(library)[2]["until"] == datetime(2999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (datetime(2999, 12, 31, tzinfo=UTC), "2999-12-30 UTC"),
        (datetime(2999, 12, 31, 12, 30, tzinfo=UTC), "2999-12-31 12:30 UTC"),
    ],
)
def test_a_hold_is_listed_with_the_last_day_it_was_asked_for(
    ends: datetime, words: str, call: Call, library: FakeLibrary
) -> None:
    library.answers["holds"] = [replace(answers.HOLD, until=ends)]
    assert words in call("hold", "list").out


def test_holds_fit_a_narrow_terminal(call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    long = {"hold_id": "hld-67c2f6c0000000001", "subject": "p-67c2f6c0000000001", "reason": "because " * 9}
    library.answers["holds"] = [replace(answers.HOLD, until=NOON, **long)]
    head, row = call("hold", "list").out.splitlines()
    assert row.split()[:2] == [long["hold_id"], long["subject"]]
    assert "because" in row
    assert len(head) <= 80
    assert len(row) <= 80


@pytest.mark.parametrize(
    "arguments",
    [
        ("hold", "add", "p-1"),
        ("hold", "add", "p-1", "--reason", " "),
        ("hold", "add", "p-1", "--reason", "x", "--until", "2020-01-01"),
        ("hold", "add", "p-1", "--reason", "x", "--until", "soon"),
        ("hold", "add", "p-1", "--reason", "x", "--until", "9999-12-31"),
        ("retention", "add", "old"),
        ("retention", "add", "old", "--older-than", "0d"),
        ("retention", "add", "old", "--older-than", "365"),
        ("retention", "add", "old", "--older-than", "999999w"),
        ("retention", "add", "a b", "--older-than", "1d"),
        ("retention", "apply", "--limit", "0"),
    ],
)
def test_wrong_usage_asks_nothing(arguments: tuple[str, ...], call: Call, library: FakeLibrary) -> None:
    called = call(*arguments)
    assert (called.code, called.out, library.asked) == (2, "", [])


def test_what_nobody_knows_cannot_be_held(call: Call, library: FakeLibrary) -> None:
    library.answers["add_hold"] = NotFound("nothing is known as 'p-9'")
    called = call("hold", "add", "p-9", "--reason", "x")
    assert (called.code, called.out) == (2, "")
    assert "nothing is known as 'p-9'" in called.err


@pytest.mark.parametrize(("name", "verb"), [("hold", "holds"), ("retention", "policies")])
def test_an_empty_list_says_so(name: str, verb: str, call: Call, library: FakeLibrary) -> None:
    library.answers[verb] = []
    words, document = call(name, "list"), call(name, "list", "--json")
    assert (words.code, words.out) == (0, "")
    assert words.err
    assert (document.out, document.err) == ("[]\n", "")


def test_a_policy_is_asked_for(call: Call, library: FakeLibrary) -> None:
    assert call("retention", "add", "old", "--older-than", "2w", "--profile", "jane").code == 0
    assert asked(library) == (
        "add_policy",
        ("old",),
        {"older_than_days": 14, "platform": None, "profile": "jane"},
    )


def matching(library: FakeLibrary, *matches: Any, **changes: Any) -> None:
    def apply(*_: Any, on_match: Any, **__: Any) -> Any:
        for each in matches:
            on_match(each)
        return answers.retention_summary(**changes)

    library.answers["apply_retention"] = apply


def test_what_cannot_come_back_is_told_apart(call: Call, library: FakeLibrary) -> None:
    lost = answers.retention_match(path="media/images/lost.jpg", recoverable=False)
    matching(library, lost, answers.retention_match(), unrecoverable=RetentionTotals(1, 2048, NOON, NOON))

    called = call("retention", "apply", "old", "--dry-run", "--limit", "9")

    assert called.code == 0
    first, second = called.out.index("Can come back:\n"), called.out.index("Cannot come back:\n")
    assert first < called.out.index("media/images/0.jpg") < second < called.out.index("media/images/lost.jpg")
    assert "Cannot come back: 1 file, 2.0 KB, 2025-03-01 to 2025-03-01" in called.out
    assert "--include-unrecoverable" in called.err
    assert asked(library) == (
        "apply_retention",
        (("old",),),
        {"dry_run": True, "include_unrecoverable": False, "limit": 9},
    )


def test_long_lists_are_whole_only_in_json(call: Call, library: FakeLibrary) -> None:
    many = [answers.retention_match(path=f"media/images/{n}.jpg", recoverable=n % 2 == 0) for n in range(100)]
    matching(library, *many, unrecoverable=RetentionTotals(50, 50 * 2048, NOON, NOON))

    words, document = call("retention", "apply"), json.loads(call("retention", "apply", "--json").out)

    assert words.out.count("media/images/") == 40
    assert words.err.count("… and 30 more") == 2
    assert [each["path"] for each in document["recoverable"]] == [
        f"media/images/{n}.jpg" for n in range(0, 100, 2)
    ]
    assert len(document["unrecoverable"]) == 50
    assert document["summary"]["unrecoverable"]["files"] == 50


def test_what_was_removed_is_told(call: Call, library: FakeLibrary) -> None:
    matching(
        library,
        answers.retention_match(removed=True),
        run_id="run-1",
        dry_run=False,
        status=RunStatus.CANCELLED,
        removed=RetentionTotals(1, 2048, NOON, NOON),
    )
    called = call("retention", "apply", "--include-unrecoverable")
    assert "Removed:          1 file, 2.0 KB" in called.out
    assert "stopped before the end" in called.err


def test_without_policies_one_is_told_how_to_make_them(call: Call, library: FakeLibrary) -> None:
    matching(library, policies=(), recoverable=RetentionTotals())
    called = call("retention", "apply")
    assert called.code == 0
    assert "postkeep retention add" in called.err


def test_foreign_words_cannot_steer_the_terminal(call: Call, library: FakeLibrary) -> None:
    evil = answers.HoldView(
        "hld-1", "platform", answers.EVIL, answers.EVIL, answers.EVIL, NOON, NOON, NOON, False, 0, 0
    )
    library.answers["holds"] = [evil]
    matching(library, answers.retention_match(path=answers.EVIL))
    said = call("hold", "list").out + call("retention", "apply", "--dry-run").out
    assert not set("\x1b\x9b\u202e\u2066\x07") & set(said)
