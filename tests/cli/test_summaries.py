"""Summaries to the letter: scripts read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from postkeep.cli import summaries
from postkeep.model import RunStatus
from postkeep.views import Finding, MediaTotals
from tests.cli import answers
from tests.cli.answers import NOON, FakeLibrary
from tests.cli.conftest import Call

CONTRACT = """\
Import Summary:
Run ID:     run-67c2f6c0000000001
Processed:  100
New:        50
Duplicates: 50
Errors:     0

Media:
  Found:    120
  Cached:   115
  Errors:   5
"""

ALL_LINES = """\
Import Summary:
Run ID:     run-67c2f6c0000000001
Processed:  100
New:        50
Duplicates: 50
Updated:    3
Errors:     2
Quarantine: 2
Unreadable: 1

Media:
  Found:    120
  Cached:   100
  Errors:   5
  Expired:  6
  Gone:     4
  Refused:  3
  Pending:  5
"""


def test_the_contract_is_kept_byte_for_byte(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary()
    called = call("import", "x")
    assert (called.out, called.err) == (CONTRACT, "")


def test_lines_that_tell_something_are_added(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary(
        updated=3,
        errors=2,
        quarantined=2,
        unreadable=1,
        media=MediaTotals(120, 100, 5, pending=5, expired=6, gone=4, refused=3),
        problems=tuple(f"a.json: record {number}" for number in range(3)),
    )
    library.answers["hosts"] = []
    called = call("import", "x")
    assert called.out == ALL_LINES
    assert called.err == (
        "a.json: record 0\na.json: record 1\na.json: record 2\n"
        "5 files wait: `postkeep media download-all` fetches those whose links still live\n"
    )


def test_the_values_of_every_line_stand_in_one_column(call: Call, library: FakeLibrary) -> None:
    counts = {
        "new": 0,
        "duplicates": 0,
        "updated": 0,
        "processed": 5,
        "errors": 5,
        "quarantined": 5,
        "unreadable": 5,
    }
    library.answers["import_"] = answers.import_summary(**counts, media=MediaTotals())
    lines = call("import", "x").out.partition("\n\n")[0].splitlines()[2:]
    assert {line[:12].rstrip()[-1] for line in lines} == {":"}
    assert [line[12:] for line in lines] == ["5", "0", "0", "5", "5", "5"]


def test_a_number_is_written_in_one_way_whatever_stands_beside_it(call: Call, library: FakeLibrary) -> None:
    library.answers["hosts"] = [answers.HostView("media.example", 12923, 0, NOON, "HTTP 429", 1)]
    library.answers["fetch_due"] = answers.fetch_summary(waiting=12923, resting={"media.example": NOON})
    called = call("media", "download-all")
    assert "Waiting:    12923\n" in called.out
    assert "for it 12923 files wait\n" in called.err


def test_ten_problems_are_told_and_the_rest_counted(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary(
        errors=40, unreadable=2, problems=tuple(f"a.json: record {number}" for number in range(20))
    )
    lines = call("import", "x").err.splitlines()
    assert lines[:10] == [f"a.json: record {number}" for number in range(10)]
    assert lines[10:] == ["… and 32 more: postkeep quarantine list"]


def test_why_work_ended_early_is_told(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary(
        status=RunStatus.CANCELLED, media=MediaTotals(), followed="host:1"
    )
    err = call("import", "x").err
    assert "another process" in err
    assert "stopped before the end" in err
    library.answers["fetch_due"] = answers.fetch_summary(status=RunStatus.FAILED, error="the cache\nis full")
    called = call("media", "download-all")
    assert (called.code, called.err) == (4, "postkeep: the cache is full\n")


def test_a_fetch_counts_facts_apart_from_errors() -> None:
    text = summaries.fetch_text(
        answers.fetch_summary(
            due=6, failed=3, linked=1, waiting=2, states={"gone": 1, "expired": 1, "refused": 1, "retry": 2}
        )
    )
    assert text == (
        "Fetch Summary:\nRun ID:     run-1\nDue:        6\nCached:     3\nLinked:     1\nErrors:     3\n"
        "Expired:    1\nGone:       1\nRefused:    1\nRequests:   3\nBytes:      2.9 KB\nWaiting:    2"
    )


RESTING = "media.example rests until 2025-03-01 12:00 UTC (HTTP 429); for it 9970 files wait\n"
NEXT = "`postkeep media download-all` goes on with it then; `--patience 2h` waits for it\n"


def test_hosts_that_rest_are_counted_and_named(call: Call, library: FakeLibrary) -> None:
    library.answers["hosts"] = [
        answers.HostView("other.example", 7, 0, NOON, "no answer", 5),
        answers.HostView("well.example", 7, 7, None, None, 0),
        answers.HostView("media.example", 9970, 0, NOON, "HTTP 429", 1),
    ]
    library.answers["fetch_due"] = answers.fetch_summary(waiting=9984, resting={"media.example": NOON})
    called = call("media", "download-all")
    assert called.code == 0
    assert called.out.endswith("Waiting:    9984\nResting:    1\n")
    assert called.err == RESTING + NEXT


@pytest.mark.parametrize(
    ("arguments", "verb", "answer"),
    [
        (("import", "x"), "import_", answers.import_summary),
        (("media", "warm"), "warm", answers.warm_summary),
        (("media", "backfill"), "backfill", answers.backfill_summary),
    ],
)
def test_media_that_wait_for_a_host_are_told(
    arguments: tuple[str, ...], verb: str, answer: Callable[..., Any], call: Call, library: FakeLibrary
) -> None:
    library.answers["hosts"] = [answers.HostView("media.example", 9970, 0, NOON, "HTTP 429", 1)]
    library.answers[verb] = answer(media=MediaTotals(found=3, cached=2, pending=1))
    assert call(*arguments).err == RESTING + NEXT
    assert call(*arguments, "--json").err == ""


def test_of_many_hosts_those_with_most_work_are_named(call: Call, library: FakeLibrary) -> None:
    library.answers["hosts"] = [
        answers.HostView(f"{number}.example", number, 0, NOON, None, 1) for number in range(8)
    ]
    library.answers["import_"] = answers.import_summary(media=MediaTotals(found=3, pending=3))
    lines = call("import", "x").err.splitlines()
    assert [line.split()[0] for line in lines[:5]] == [f"{number}.example" for number in (7, 6, 5, 4, 3)]
    assert lines[5] == "… and 2 more hosts: postkeep hosts list"


def test_an_import_that_fetches_nothing_blames_no_host(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary(fetched=False, media=MediaTotals(found=1, pending=1))
    assert call("import", "--no-fetch", "x").err == (
        "1 file waits: `postkeep media download-all` fetches those whose links still live\n"
    )


def test_a_fetch_that_broke_off_uncounted_shows_no_zeros(call: Call, library: FakeLibrary) -> None:
    library.answers["fetch_due"] = answers.fetch_summary(
        status=RunStatus.FAILED, error="the cache is full", due=0, cached=0, requests=0, bytes=0, waiting=29
    )
    assert call("media", "download-all").out == "Fetch Summary:\nRun ID:     run-1\nWaiting:    29\n"


def test_a_backfill_says_where_to_read_what_posts_still_lack(call: Call, library: FakeLibrary) -> None:
    library.answers["backfill"] = answers.backfill_summary(failed=2, media=MediaTotals(3, 1, gone=2))
    called = call("media", "backfill")
    assert (called.code, called.err) == (
        0,
        "2 posts still lack some of their media: `postkeep media failures` says why\n",
    )


@pytest.mark.parametrize(("state", "told"), [("refused", True), ("retry", True), ("gone", False)])
def test_a_fetch_says_where_to_read_what_failed(state: str, told: bool, call: Call, library: FakeLibrary) -> None:
    library.answers["fetch_due"] = answers.fetch_summary(failed=1, states={state: 1})
    assert ("postkeep media failures" in call("media", "download-all").err) is told


def test_a_dry_run_lists_posts_in_the_contracts_form(call: Call, library: FakeLibrary) -> None:
    library.answers["backfill"] = answers.backfill_summary(dry_run=True, run_id=None)
    called = call("media", "backfill", "--dry-run")
    assert called.out == "p-1 - regular (1 item)\np-2 - quote (2 items)\n"
    assert "nothing was fetched" in called.err


def test_a_backfill_sums_up_posts_and_media() -> None:
    assert summaries.backfill_text(answers.backfill_summary()) == (
        "Backfill Summary:\nRun ID:     run-1\nChecked:    2\nWith media: 2\nProcessed:  2\nFailed:     0\n"
        "\nMedia:\n  Found:    3\n  Cached:   3\n  Errors:   0"
    )


def test_damage_is_named_and_what_mends_it(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_cache"] = answers.verify_summary(
        checked=40,
        sound=10,
        damaged=tuple(f"d{number}" for number in range(29)),
        missing=("m",),
        queued=30,
        repaired=True,
    )
    called = call("media", "verify-cache", "--repair")
    assert called.code == 5
    assert "Damaged:    29\nMissing:    1\nQueued:     30\n" in called.out
    assert "and 9 more" in called.err
    assert "missing: m" in called.err
    assert "download-all" in called.err
    assert "nothing was changed" not in called.err


def test_without_repair_each_finding_is_named_and_nothing_was_changed(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_cache"] = answers.verify_summary(
        orphans=("o.png",),
        misnamed=(Finding("w.png", "name", "r.png", "w.png"),),
        collisions=(Finding("c.png", "another content has the same MD5", "1", "2"),),
        strangers=(Finding("s\x1b.txt", "a foreign name"),),
    )
    called = call("media", "verify-cache")
    assert called.code == 0
    assert "Orphans:    1\nMisnamed:   1\nCollisions: 1\nStrangers:  1\n" in called.out
    for told in (
        "no row counts on it: o.png",
        "wrong name: w.png (should be r.png)",
        "equal MD5, other content: c.png",
        "odd: s\\x1b.txt: a foreign name",
        "nothing was changed: `postkeep media verify-cache --repair`",
    ):
        assert told in called.err


def test_what_cannot_be_read_is_no_clean_cache(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_cache"] = answers.verify_summary(unreadable=("u.png",))
    called = call("media", "verify-cache")
    assert (called.code, "cannot be read: u.png" in called.err) == (5, True)


def test_adopting_tells_what_was_left_out(call: Call, library: FakeLibrary) -> None:
    called = call("cache", "adopt", ".")
    assert called.code == 0
    assert "Adopted:    3\nKnown:      1\nLinked:     4\nUnknown:    1\n" in called.out
    assert "Not media:  1\nDamaged:    0\n" in called.out
    assert "not media: images/1.jpg (HTML)" in called.err
    assert "1 file that no post shows" in called.err
    library.answers["adopt_cache"] = answers.adopt_summary(damaged=(Finding("a.png", "other content"),))
    assert call("cache", "adopt", ".", "--dry-run").code == 1
    library.answers["adopt_cache"] = answers.adopt_summary(status=RunStatus.FAILED, error="the cache is full")
    assert call("cache", "adopt", ".").code == 4
    assert library.asked[-2][2]["dry_run"] is True
    assert call("cache", "adopt", "no such folder").code == 2


def test_what_cannot_be_replayed_is_told(call: Call, library: FakeLibrary) -> None:
    library.answers["replay_quarantine"] = answers.replay_summary(remaining=2)
    called = call("quarantine", "replay")
    assert (called.code, "Remaining:  2" in called.out) == (1, True)
