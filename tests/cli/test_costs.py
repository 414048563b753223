"""Costs and archiving in the background, as the command line tells them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from postkeep.errors import ArchiveUnavailable, ConfigError, StoreBusy
from postkeep.model import RunStatus
from postkeep.views import ImportSummary
from postkeep.views.costs import CostBy, CostLine, Costs, CostSum, Unpriced
from postkeep.views.watching import ImportArchived, WatchRound, WatchSummary
from tests.cli import answers
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call


def test_costs_are_told_with_what_is_unknown_and_by_which_prices(call: Call, library: FakeLibrary) -> None:
    called = call("costs", "--by", "post", "--limit", "1")
    assert called.code == 0
    assert "Cost:    0.000010000 USD\nUnknown: 1.5 get (s3)\n" in called.out
    rows = [line.split() for line in called.out.splitlines()]
    assert ["p-1", "urn:li:activity:1", "0.000007000", "USD", "nothing"] in rows
    assert ["2", "others", "0.000003000", "USD", "nothing"] in rows
    assert ["unassigned", "unknown", "1.5", "get", "(s3)"] in rows
    assert "price: s3 put 5 USD per million from 2025-01-01" in called.err
    assert "costs.prices" in called.err
    [(verb, _, named)] = library.asked
    assert (verb, named) == ("costs", {"by": CostBy.POST, "since": None, "limit": 1})


def test_amounts_are_texts_in_json(call: Call) -> None:
    document = json.loads(call("costs", "--json").out)
    assert document["total"]["amounts"] == {"USD": "0.000010000"}
    assert document["total"]["unknown"][0]["quantity"] == "1.500000000"


def test_no_cost_is_nothing_and_no_price_is_unknown(call: Call, library: FakeLibrary) -> None:
    library.answers["costs"] = Costs(CostBy.KIND, None, answers.NOON, CostSum(), ())
    assert "Cost:    nothing" in call("costs").out
    unknown = CostSum({}, answers.COSTS.total.unknown)
    library.answers["costs"] = Costs(CostBy.KIND, None, answers.NOON, unknown, ())
    assert "Cost:    unknown" in call("costs").out


def test_the_status_of_the_archive_says_what_it_cost(call: Call) -> None:
    assert "Cost so far:" in call("archive", "status").out
    document = json.loads(call("archive", "status", "--json").out)
    assert document["place"] == "s3://bucket"
    assert document["costs"]["total"]["amounts"] == {"USD": "0.000010000"}


# --- behind an import ---------------------------------------------------------------------------------------

FAILED = answers.archive_summary(status=RunStatus.FAILED, error="no answer", archived=0)
PARTLY = answers.archive_summary(status=RunStatus.PARTIAL, failed=1, archived=1)
BAD_IMPORT = answers.import_summary(status=RunStatus.PARTIAL, errors=1, quarantined=1)


def good() -> ImportSummary:
    return answers.everything()["import_"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("summary", "archived", "code", "told"),
    [
        (good(), ImportArchived(2, answers.archive_summary()), 0, "archive: 2 files archived, 2.0 KB sent"),
        (good(), ImportArchived(0), 0, "archive: nothing new"),
        (good(), ImportArchived(2, left_to="1@host"), 0, "2 files left to another process that archives (1@host)"),
        (good(), ImportArchived(2, PARTLY), 1, "1 file archived, 2.0 KB sent, 1 failed"),
        (good(), ImportArchived(2, FAILED), 4, "archiving failed: no answer"),
        (good(), ArchiveUnavailable("gone away"), 4, "archiving failed: gone away"),
        (good(), StoreBusy("locked"), 3, "archiving failed: locked"),
        (BAD_IMPORT, ArchiveUnavailable("gone away"), 1, "archiving failed: gone away"),
    ],
)
def test_what_the_archive_does_makes_no_import_fail(
    summary: ImportSummary, archived: Any, code: int, told: str, call: Call, library: FakeLibrary
) -> None:
    library.answers |= {"import_": summary, "archive_imported": archived}
    called = call("import", "x", "--archive")
    assert called.code == code
    assert called.out.startswith("Import Summary:\n")
    assert told in called.err
    assert [verb for verb, *_ in library.asked if "archive" in verb] == ["must_have_archive", "archive_imported"]
    document = json.loads(call("import", "x", "--archive", "--json").out)
    assert document["run_id"] == summary.run_id
    if isinstance(archived, ImportArchived):
        assert document["archive"]["files"] == archived.files
    else:
        assert document["archive"] == {"error": archived.message}


def test_an_archive_that_is_not_set_up_is_told_before_the_import(call: Call, library: FakeLibrary) -> None:
    library.answers["must_have_archive"] = ConfigError("no archive is set up")
    assert call("import", "x", "--archive").code == 2
    assert [verb for verb, *_ in library.asked] == ["must_have_archive"]


# --- beside everything --------------------------------------------------------------------------------------


def test_a_watch_tells_what_is_new_and_no_trouble_twice(call: Call, library: FakeLibrary) -> None:
    def watched(*, every: float, on_round: Any, **_named: Any) -> WatchSummary:
        assert every == 600.0
        sent = WatchRound(answers.archive_summary())
        away, held = WatchRound(error="it is away"), WatchRound(left_to="1@host")
        for one in (sent, away, away, held, WatchRound(), WatchRound(), sent):
            on_round(one)
        return WatchSummary("s3://bucket", 2, 4, 0, 0, 4096)

    library.answers["watch_archive"] = watched
    called = call("media", "archive", "--watch", "--every", "10m")
    assert called.code == 0
    assert called.err.splitlines() == [
        "2 files archived, 2.0 KB sent",
        "it is away; it is tried again",
        "another process (1@host) archives; it is tried again",
        "it goes on",
        "2 files archived, 2.0 KB sent",
    ]
    assert "Archived: 4" in called.out


@pytest.mark.parametrize(("changes", "code"), [({"failed": 1}, 1), ({"error": "it is away"}, 4), ({}, 0)])
def test_the_exit_code_of_a_watch(changes: dict[str, Any], code: int, call: Call, library: FakeLibrary) -> None:
    library.answers["watch_archive"] = replace(answers.everything()["watch_archive"], **changes)
    assert call("media", "archive", "--all", "--watch").code == code


@pytest.mark.parametrize("more", [("--post-id", "p-1"), ("--media-id", "m"), ("--dry-run",), ("--limit", "1")])
def test_a_watch_sends_all(more: tuple[str, ...], call: Call, library: FakeLibrary) -> None:
    assert call("media", "archive", "--watch", *more).code == 2
    assert library.asked == []


# --- what is told where room is short -----------------------------------------------------------------------

_OPERATIONS = ("delete", "get", "head", "list", "put")
MANY = tuple(Unpriced("s3", each, "one", Decimal(3)) for each in _OPERATIONS)


def by_post(**changes: Any) -> Costs:
    line = CostLine("p-67c2f6c0000000001", CostSum({}, MANY), "urn:li:activity:7300000000000000001")
    costs = Costs(
        CostBy.POST, None, answers.NOON, CostSum({}, MANY), (line,), CostSum({}, MANY), 1, CostSum({}, MANY)
    )
    return replace(costs, **changes)


def test_a_narrow_terminal_shows_what_is_unknown(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.answers["costs"] = by_post(unpriced=True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    called = call("costs", "--by", "post")
    table = called.out.split("\n\n")[1].splitlines()
    assert "Unknown" in table[0]
    assert all(len(line) <= 80 for line in table)
    assert "3 delete (s3)," in table[1]
    unknown = " ".join(line[table[0].index("Unknown") :].strip() for line in table)
    assert {unknown.count(f"3 {each.operation} (s3)") for each in MANY} == {3}
    assert any(line.startswith("1 other ") for line in table)
    assert called.err == "no prices are set (costs.prices): see docs/costs.md\n"


def test_the_order_of_several_currencies_is_told(call: Call, library: FakeLibrary) -> None:
    told = "dearest first: by EUR, then by USD\n"
    library.answers["costs"] = by_post(total=CostSum({"USD": Decimal(2), "EUR": Decimal(1)}))
    assert told in call("costs", "--by", "post").err
    library.answers["costs"] = by_post(total=CostSum({"USD": Decimal(2)}))
    assert "dearest" not in call("costs", "--by", "post").err
