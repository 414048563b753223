"""Records that could not be read, and what a run left, are told whole at 80 columns, and counts add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli import answers
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call

SOURCE = "/home/jane/scrapes/instagram/instagram_looter2_user_feeds_page1.json"
REASON = "no platform knows this record: keys attempts, items, more_available, next_max_id"


@pytest.fixture
def quarantined(library: FakeLibrary) -> list[str]:
    ids = [f"qua-67c2f6c00000000{number}" for number in (10, 11)]
    library.answers["quarantine"] = [
        replace(answers.QUARANTINED, quarantine_id=each, source=SOURCE, reason=REASON) for each in ids
    ]
    return ids


def test_a_quarantined_record_is_a_paragraph_where_a_table_is_too_wide(
    call: Call, quarantined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    paragraphs = call("quarantine", "list").out.split("\n\n")
    assert [each.splitlines()[0] for each in paragraphs] == [f"Record:    {each}" for each in quarantined]
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        assert f"Place:     {SOURCE}: record 3 (byte 120)" in lines
        assert f"Reason:    {REASON}" in lines
        assert len(lines) == 6


def test_elsewhere_a_quarantined_record_is_one_line(call: Call, quarantined: list[str]) -> None:
    head, *rows = call("quarantine", "list").out.splitlines()
    assert head.split() == ["Record", "Last", "seen", "Size", "Place", "Reason", "Replay"]
    assert [row.split()[0] for row in rows] == quarantined
    assert all(f"{SOURCE}: record 3 (byte 120)  {REASON}  yes" in row for row in rows)


def test_the_counts_of_an_import_add_up(call: Call, library: FakeLibrary) -> None:
    counts = {"processed": 26, "new": 22, "duplicates": 0, "errors": 4}
    media = {"media_found": 29, "media_cached": 5, "media_errors": 1}
    run = replace(answers.RUN, summary=counts | media)
    library.answers["run"] = answers.RunDetail(run, {}, ())
    out = call("runs", "show", "run-1").out
    assert "  Errors:       4 (quarantined)\n" in out
    assert "  Media others: 23 (expired, gone, or still to be fetched then)\n" in out
    run = replace(run, summary=run.summary | {"media_expired": 2, "media_gone": 1})
    library.answers["run"] = answers.RunDetail(run, {}, ())
    assert "  Media others:  20 (still to be fetched then)\n" in call("runs", "show", "run-1").out


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        ("import", {"errors": 0, "media_found": 3, "media_cached": 2, "media_errors": 1}),
        ("import", {"media_found": "many", "media_cached": None}),
        ("update_data.py", {"errors": 4, "media_found": 29, "media_cached": 0, "media_errors": 0}),
    ],
)
def test_no_count_is_made_up(kind: str, summary: dict[str, object], call: Call, library: FakeLibrary) -> None:
    library.answers["run"] = answers.RunDetail(replace(answers.RUN, kind=kind, summary=summary), {}, ())
    out = call("runs", "show", "run-1").out
    assert "others" not in out
    assert "quarantined" not in out
    assert all(f"{value}" in out for value in summary.values())
