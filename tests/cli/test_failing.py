"""What failed, trying it again, fetching ahead, figures and hosts, in words; and tables that fit a terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postkeep.cli import exits
from postkeep.cli.media_table import state_words
from postkeep.model import MediaState, RunStatus, utc_now
from postkeep.store.failures import STATES
from postkeep.store.places import UNREAD_PLATFORM
from postkeep.views import MediaFailures, MediaTotals, RunView, WarmBy, WarmSummary
from tests.cli import answers
from tests.cli.answers import NOON, FakeLibrary
from tests.cli.conftest import Call


def asked(library: FakeLibrary, verb: str) -> dict[str, Any]:
    [named] = [named for name, _, named in library.asked if name == verb]
    return {key: value for key, value in named.items() if key not in ("stop", "progress")}


# --- what failed ----------------------------------------------------------------------------------


def test_failures_are_told_by_class_and_then_one_by_one(call: Call) -> None:
    called = call("media", "failures")
    classes, listed = called.out.split("\n\n")
    assert [line.split()[:4] for line in classes.splitlines()[1:]] == [["retry", "timeout", "1", "media.example"]]
    assert listed.splitlines()[1].startswith("med-1  p-1")
    assert "media retry" in called.err


def test_each_class_that_is_told_has_its_next_step(call: Call, library: FakeLibrary) -> None:
    found: MediaFailures = answers.failures_answer()
    [example] = found.classes
    classes = [
        *(replace(example, state=state) for state in STATES),
        replace(example, state=MediaState.FETCHED, kind="lost"),
    ]
    library.answers["media_failures"] = replace(found, classes=tuple(classes))
    called = call("media", "failures")
    assert called.out.splitlines()[len(classes)].split()[:2] == ["lost", "lost"]
    _, steps = called.err.split("What to do:\n")
    assert {line.split()[0] for line in steps.splitlines()[:-1]} == {*map(str, STATES), "lost"}
    assert all(len(line) <= 80 for line in called.err.splitlines())
    library.answers["media_failures"] = found
    assert "retry --kind lost" not in call("media", "failures").err


@pytest.mark.parametrize(
    ("state", "kind", "options", "told"),
    [
        (MediaState.RETRY, "timeout", (), True),
        (MediaState.EXPIRED, "expired", (), False),
        (MediaState.EXPIRED, "expired", ("--state", "expired"), False),
        (MediaState.UNSUPPORTED, "not_media", (), True),
        (MediaState.UNSUPPORTED, UNREAD_PLATFORM, (), False),
        (MediaState.GONE, "http_404", (), False),
        (MediaState.GONE, "http_404", ("--host", "media.example"), False),
        (MediaState.GONE, "http_404", ("--kind", "http_404"), True),
        (MediaState.FETCHED, "lost", (), True),
    ],
)
def test_a_retry_is_advised_only_where_it_queues_any(
    state: MediaState, kind: str, options: tuple[str, ...], told: bool, call: Call, library: FakeLibrary
) -> None:
    found: MediaFailures = answers.failures_answer()
    classes = (replace(found.classes[0], state=state, kind=kind),)
    library.answers["media_failures"] = replace(found, classes=classes)
    assert ("queues again what may still come" in call("media", "failures", *options).err) is told


def test_media_of_a_platform_nobody_reads_get_no_advice_that_does_nothing(
    call: Call, library: FakeLibrary
) -> None:
    found: MediaFailures = answers.failures_answer()
    unread = replace(found.classes[0], state=MediaState.UNSUPPORTED, kind=UNREAD_PLATFORM, media=70)
    library.answers["media_failures"] = replace(found, classes=(unread,))
    called = call("media", "failures")
    assert called.out.splitlines()[1].split()[:3] == ["unsupported", UNREAD_PLATFORM, "70"]
    assert called.err == "\nWhat to do:\n  no_parser  nothing yet: this version cannot read its platform\n"

    library.answers["retry_media"] = answers.retry_summary(queued=0, states={})
    for options in (("--state", "unsupported"), ("--kind", UNREAD_PLATFORM), ("--all-failed",)):
        assert call("media", "retry", *options).err == (
            "70 of a platform that this version cannot read, left as they are\n"
        )
    assert call("media", "retry", "--kind", "timeout").err == ""


@pytest.mark.parametrize("command", ["failures", "retry"])
def test_a_kind_that_is_none_is_2_and_the_kinds_are_named(call: Call, library: FakeLibrary, command: str) -> None:
    called = call("media", command, "--kind", "nonsense")
    assert (called.code, called.out, library.asked) == (2, "", [])
    for name in ("timeout", "dns", "not_media", "placeholder", "too_large", "lost", "http_404"):
        assert name in called.err
    for name in ("lost", "http_404", "dns", "error", UNREAD_PLATFORM):
        assert call("media", command, "--kind", name).code == 0


def test_what_is_lost_stands_in_the_numbers(call: Call, library: FakeLibrary) -> None:
    assert "Lost" not in call("media", "stats").out
    library.answers["media_stats"] = replace(library.answers["media_stats"], lost=3)
    assert "Lost:     3 (postkeep media failures --kind lost)" in call("media", "stats").out


def test_options_narrow_the_failures(call: Call, library: FakeLibrary) -> None:
    options = ("--state", "gone", "--state", "failed", "--kind", "http_404", "--host", "h", "--limit", "1")
    called = call("media", "failures", *options, "--after", "med-2")
    assert asked(library, "media_failures") == {
        "states": [MediaState.GONE, MediaState.FAILED],
        "kinds": ("http_404",),
        "host": "h",
        "limit": 1,
        "after": "med-2",
    }
    assert "--after med-1" in called.err


@pytest.mark.parametrize(("options", "words"), [((), "nothing failed\n"), (("--host", "h"), "no such media\n")])
def test_no_failures_are_told_too(call: Call, library: FakeLibrary, options: tuple[str, ...], words: str) -> None:
    library.answers["media_failures"] = MediaFailures(0, (), ())
    called = call("media", "failures", *options)
    assert (called.code, called.out, called.err) == (0, "", words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("media", "failures", "--state", "pending"),
        ("media", "retry"),
        ("media", "retry", "--dry-run"),
        ("media", "retry", "--all-failed", "--host", "h"),
        ("media", "warm", "--by", "views"),
        ("media", "stats", "--since", "yesterday"),
        ("media", "stats", "--since", "7"),
        ("media", "stats", "--since", f"{'9' * 5000}d"),
        ("media", "stats", "--since", "999999999d"),
        ("media", "stats", "--since", "0001-01-01"),
        ("media", "stats", "--since", "2025-02-30"),
        ("hosts", "resume"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], call: Call, library: FakeLibrary) -> None:
    called = call(*arguments)
    assert (called.code, called.out, library.asked) == (2, "", [])


# --- trying again ---------------------------------------------------------------------------------


def test_a_retry_says_how_many_and_what_next(call: Call, library: FakeLibrary) -> None:
    options = (
        "--state",
        "failed",
        "--kind",
        "timeout",
        "--host",
        "h",
        "--media-id",
        "med-1",
        "--media-id",
        "med-2",
    )
    called = call("media", "retry", *options)
    assert asked(library, "retry_media") == {
        "states": [MediaState.FAILED],
        "kinds": ("timeout",),
        "host": "h",
        "media_ids": ("med-1", "med-2"),
        "dry_run": False,
    }
    assert called.code == 0
    assert called.out == "Retry Summary:\nQueued:   3\n  Failed: 2\n  Retry:  1\n"
    assert called.err == "next: `postkeep media download-all`\n"


def test_a_retry_tells_what_it_left(call: Call, library: FakeLibrary) -> None:
    library.answers["retry_media"] = answers.retry_summary(expired=2, other=1, resumed=True, stopped=True)
    err = call("media", "retry", "--host", "h.example").err
    for words in ("h.example is no longer", "2 links expired", "1 of the ids", "stopped before the end"):
        assert words in err


def test_a_dry_retry_says_that_it_was_one(call: Call, library: FakeLibrary) -> None:
    library.answers["retry_media"] = answers.retry_summary(dry_run=True)
    called = call("media", "retry", "--all-failed", "--dry-run")
    assert asked(library, "retry_media")["dry_run"] is True
    assert called.err == "nothing was queued: that was a dry run\n"


# --- fetching ahead -------------------------------------------------------------------------------


def test_warming_sums_up(call: Call, library: FakeLibrary) -> None:
    called = call("media", "warm", "--by", "recency", "--profile", "jane-doe", "--limit", "7", "--no-wait")
    assert asked(library, "warm") == {
        "by": WarmBy.RECENCY,
        "profile": "jane-doe",
        "limit": 7,
        "wait": False,
        "dry_run": False,
    }
    assert called.out.startswith("Warm Summary:\nRun ID:     run-1\nChecked:    2\nComplete:   2\n\nMedia:\n")


def test_a_dry_warming_lists_posts(call: Call, library: FakeLibrary) -> None:
    library.answers["warm"] = answers.warm_summary(dry_run=True, run_id=None)
    called = call("media", "warm", "--dry-run")
    assert [line.split()[3:] for line in called.out.splitlines()[1:]] == [["12", "1"], ["–", "2"]]
    assert called.err == "2 posts with 3 files to fetch; nothing was fetched\n"


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (answers.warm_summary(), 0),
        (answers.warm_summary(media=MediaTotals(3, 1, gone=1, expired=1)), 0),
        (answers.warm_summary(media=MediaTotals(3, 2, errors=1)), 1),
        (answers.warm_summary(status=RunStatus.FAILED, error="the cache is full"), 4),
    ],
)
def test_warming_ends_with_the_codes_of_fetching(summary: WarmSummary, code: int) -> None:
    assert exits.of_warm(summary) == code


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span"),
    [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("4w", timedelta(weeks=4)), ("0h", timedelta())],
)
def test_since_may_be_a_span(call: Call, library: FakeLibrary, text: str, span: timedelta) -> None:
    before = utc_now()
    assert call("media", "stats", "--since", text).code == 0
    [(verb, (since,), _)] = library.asked
    assert verb == "media_metrics"
    assert before <= since + span <= utc_now()


def test_since_may_be_a_day_in_utc(call: Call, library: FakeLibrary) -> None:
    call("media", "stats", "--since", "2025-03-01")
    assert library.asked == [("media_metrics", (datetime(2025, 3, 1, tzinfo=UTC),), {})]


def test_the_six_metrics_are_told_with_what_they_were_counted_over(call: Call) -> None:
    out = call("media", "stats", "--since", "7d").out
    for words in (
        "Download success rate: 90.0% (9 of 10 tries)",
        "Cache hit rate:        25.0% (3 of 12 without a request)",
        "Mean download time:    120 ms (9 files)",
        "Storage, local:        2.0 KB",
        "Storage, archive:      0 B",
        "AI queue depth:        7",
        "Failed downloads:      1\n",
        "  http_404: 1",
    ):
        assert words in out


def test_what_was_not_counted_is_unknown_and_never_zero(call: Call, library: FakeLibrary) -> None:
    nothing = {"runs": 0, "cached": 0, "linked": 0, "failed": 0, "failed_by_kind": None}
    rates = dict.fromkeys(("download_success_rate", "cache_hit_rate", "mean_download_ms"))
    library.answers["media_metrics"] = answers.metrics_answer(**nothing, **rates)
    out = call("media", "stats", "--since", "7d").out
    assert out.count("unknown") == 4
    document = json.loads(call("media", "stats", "--since", "7d", "--json").out)
    assert [document[name] for name in (*rates, "failed_by_kind")] == [None] * 4


# --- hosts ----------------------------------------------------------------------------------------


def test_a_host_is_listed_with_its_pause(call: Call, library: FakeLibrary) -> None:
    out = call("hosts", "list").out
    assert out.splitlines()[1].split()[:3] == ["media.example", "5", "2"]
    assert out.rstrip().endswith("HTTP 429")
    library.answers["hosts"] = []
    assert call("hosts", "list").err == "no host has work\n"


def test_resuming_a_host_says_whether_it_was_left_alone(call: Call, library: FakeLibrary) -> None:
    assert call("hosts", "resume", "h.example").out == "h.example: no longer left alone\n"
    library.answers["resume_host"] = False
    assert call("hosts", "resume", "h.example").out == "h.example: was not left alone\n"


# --- facts of files, and narrow terminals ---------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"incomplete_at_source": True}, "cached; incomplete at its source"),
        ({"cached": False, "evicted_at": NOON}, f"evicted {date(2025, 3, 1)}"),
        ({"cached": False}, "known, not in the cache"),
        ({"cached": False, "error": "HTTP 404"}, "lost: not here, nor at its source"),
        ({"cached": False, "error": "HTTP 503", "next_try_at": NOON}, "known, not in the cache"),
        (
            {"cached": False, "evicted_at": NOON, "incomplete_at_source": True, "absent_since": NOON},
            "evicted 2025-03-01; incomplete at its source; no longer in the post",
        ),
    ],
)
def test_what_is_special_about_a_file_stands_with_its_state(changes: dict[str, Any], words: str) -> None:
    assert state_words(answers.media_view(**changes)) == words


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the test's body: before it, stdout is another one."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours


MEDIA = [f"med-67c2f6c00000000{number}" for number in (10, 11)]
POST = "p-67c2f6c0000000001"


def test_media_fit_a_narrow_terminal(call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch)
    library.answers["media_list"] = [
        answers.media_view(media_id=MEDIA[0], post_id=POST, incomplete_at_source=True, absent_since=NOON),
        answers.media_view(
            media_id=MEDIA[1],
            post_id=POST,
            state=MediaState.RETRY,
            cached=False,
            error="the host took too long " * 9,
            next_try_at=NOON,
        ),
    ]
    head, *rows = call("media", "list").out.splitlines()
    # The state is what the list is for: it goes on in the next line, and is never cut.
    assert [row.split()[:2] for row in rows if row[0] != " "] == [[each, POST] for each in MEDIA]
    assert all(len(row) <= 80 for row in (head, *rows))
    assert head.split() == ["Media", "Post", "State"]
    told = " ".join(" ".join(rows).split())
    assert "…" not in told
    for words in ("incomplete at its source", "no longer in the post", "to be tried again 03-01 "):
        assert all(word in told for word in words.split())
    assert any("to be tried again 03-01" in row for row in rows)


def test_media_that_are_well_leave_room_for_their_size(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch)
    library.answers["media_list"] = [answers.media_view(media_id=each, post_id=POST) for each in MEDIA]
    head, *rows = call("media", "list").out.splitlines()
    assert "Error" not in head
    assert all(len(row) <= 80 and "image/jpeg" in row and "2.0 KB" in row for row in rows)


def test_runs_fit_a_narrow_terminal(call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch)
    told = {"processed": 100_000, "new": 50_000, "media_found": 120_000, "media_cached": 110_000}
    ids = [f"run-67c2f6c00000000{number}" for number in (10, 11)]
    kinds = [("import", RunStatus.PARTIAL), ("verify-cache", RunStatus.INTERRUPTED)]
    library.answers["runs"] = [
        RunView(run_id, kind, status, NOON, NOON + timedelta(hours=7, minutes=9), None, told)
        for run_id, (kind, status) in zip(ids, kinds, strict=True)
    ]
    head, *rows = call("runs", "list").out.splitlines()
    assert [row.split()[0] for row in rows] == ids
    assert all(len(row) <= 80 for row in (head, *rows))
    assert all("process" in row and row.endswith("…") for row in rows)


def test_failures_fit_a_narrow_terminal(call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch)
    found: MediaFailures = answers.failures_answer()
    view = found.media[0]
    long = {"media_id": MEDIA[0], "post_id": POST, "host": "media-exp1.licdn.com", "message": "took too long " * 9}
    values = {name: getattr(view, name) for name in type(view).__slots__} | long
    library.answers["media_failures"] = MediaFailures(1, found.classes, (type(view)(**values),))
    classes, listed = call("media", "failures").out.split("\n\n")
    head, row, *more = listed.splitlines()
    assert row.split()[:3] == [MEDIA[0], POST, "retry"]
    # What the error says goes on in the next lines: it is what the list is for.
    assert " ".join(" ".join((row, *more)).split()).count("took too long") >= 6
    assert all(len(line) <= 80 for line in (*classes.splitlines(), head, row, *more))


def test_the_end_of_a_link_is_told_whole_on_a_narrow_terminal(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch)
    words = f"the link expired at {NOON:%Y-%m-%d %H:%M} UTC"
    over = {"media_id": MEDIA[0], "post_id": POST, "state": MediaState.EXPIRED, "expires_at": NOON}
    over["error_at"] = NOON + timedelta(days=1)
    library.answers["media_list"] = [answers.media_view(cached=False, error=words, **over)]
    listed = call("media", "list").out
    assert f"expired {NOON.date()}" in listed
    assert "Error" not in listed

    found: MediaFailures = answers.failures_answer()
    expired = replace(found.classes[0], state=MediaState.EXPIRED, kind="expired", message=words)
    view = replace(found.media[0], kind="expired", message=words, host="media-exp1.licdn.com", **over)
    library.answers["media_failures"] = MediaFailures(1, (expired,), (view,))
    out = call("media", "failures").out
    assert words in " ".join(out.partition("\n\n")[0].split())
    other = replace(expired, state=MediaState.UNSUPPORTED, kind=UNREAD_PLATFORM, host="i.ytimg.com")
    library.answers["media_failures"] = MediaFailures(2, (expired, other), (view,))
    classes = call("media", "failures").out.partition("\n\n")[0]
    assert "i.ytimg.com" in classes
    assert all(len(line) <= 80 for line in classes.splitlines())
    assert f"over since {NOON.date()}" in out
    assert "…" not in out
    assert all(len(line) <= 80 for line in (*listed.splitlines(), *out.splitlines()))


@pytest.mark.parametrize(
    ("expires_at", "words", "error"),
    [(NOON, f"expired {NOON.date()}", ""), (NOON + timedelta(days=9), "link expired", "the page says so")],
)
def test_a_host_that_ends_a_link_before_its_time_is_quoted(
    expires_at: datetime, words: str, error: str, call: Call, library: FakeLibrary
) -> None:
    ended = {"expires_at": expires_at, "error_at": NOON + timedelta(days=1), "error": "the page says so"}
    library.answers["media_list"] = [answers.media_view(state=MediaState.EXPIRED, cached=False, **ended)]
    row = call("media", "list").out.splitlines()[1]
    assert words in row
    assert row.endswith(error)
    assert ("the page says so" in row) is bool(error)


def test_a_hold_keeps_its_end_on_a_narrow_terminal(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch)
    ended = replace(
        answers.HOLD, hold_id="hld-67c2f6c0000000001", subject="prf-67c2f6c0000000001", reason="why " * 30
    )
    held = replace(ended, until=NOON + timedelta(days=1), kind="platform", subject="linkedin")
    library.answers["holds"] = [held, replace(ended, released_at=NOON)]
    head, *rows = call("hold", "list", "--all").out.splitlines()
    assert head.split() == ["Hold", "Subject", "Until", "Reason"]
    assert "platform:linkedin" in rows[0]
    assert "2025-03-02" in rows[0]
    assert "ended 2025-03-01" in rows[1]
    assert all(len(row) <= 80 and row.startswith("hld-67c2f6c0000000001 ") for row in rows)


def test_settings_are_never_broken_on_a_narrow_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    narrow(monkeypatch)
    folder = tmp_path / "a-folder-with-a-long-name" / "another-folder-with-a-long-name"
    monkeypatch.setenv("POSTKEEP_CACHE_DIRECTORY", str(folder))
    lines = call("config", "show").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("cache.directory"))
    assert lines[at].split() == ["cache.directory", "environment", "POSTKEEP_CACHE_DIRECTORY"]
    assert lines[at + 1] == f"  {folder}"
    assert any(line.split() == ["fetch.tries", "5", "default"] for line in lines)
    assert all(len(line) == 80 for line in lines if not line.startswith("  "))


def test_elsewhere_no_column_is_left_out(call: Call, library: FakeLibrary) -> None:
    head = call("media", "list").out.splitlines()[0]
    assert head.split() == ["Media", "Post", "State", "Role", "Type", "Size", "Dimensions", "Error"]
    assert "Took" in call("runs", "list").out.splitlines()[0]
