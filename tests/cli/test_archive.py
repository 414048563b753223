"""What the commands of the archive tell."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from postkeep.model import MediaType, RunStatus
from postkeep.views.archives import (
    ArchiveCheck,
    ArchiveFault,
    ArchiveShare,
    ArchiveStatus,
    RestoreSummary,
    StrangeObject,
)
from postkeep.views.costs import CostBy, CostLine, Costs, CostSum, Unpriced
from tests.cli import answers
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call

WHERE = "`postkeep archive failures`"


def test_what_failed_is_named(call: Call, library: FakeLibrary) -> None:
    called = call("archive", "failures", "--limit", "1")
    assert called.code == 0
    for told in ("fil-1\n", "source: it changed", "not by itself", "media/images/0.jpg", "media/2026/11/med-1.jpg",
                 "med-1 (p-1), med-2 (p-2) and 1 more"):  # fmt: skip
        assert told in called.out
    assert "--after media/2026/11/med-1.jpg" in called.err
    library.answers["archive_failures"] = []
    assert "nothing failed" in call("archive", "failures").err
    assert library.asked[0] == ("archive_failures", (), {"limit": 1, "after": None})


def test_whatever_failed_points_there(call: Call, library: FakeLibrary) -> None:
    assert WHERE not in call("media", "archive", "--all").err
    assert WHERE not in call("archive", "status").err
    failed = answers.archive_summary(status=RunStatus.PARTIAL, failed=1, kinds={"source": 1})
    library.answers["archive_media"] = failed
    library.answers["archive_status"] = ArchiveStatus(
        "s3://bucket", (ArchiveShare(MediaType.IMAGE, 3, 3072, 2, 2048, 1, 1),), 1
    )
    library.answers["archive_imported"] = replace(library.answers["archive_imported"], summary=failed)
    library.answers["watch_archive"] = replace(library.answers["watch_archive"], failed=1)
    for command in (("media", "archive", "--all"), ("media", "archive", "--watch"), ("archive", "status"),
                    ("import", "a.json", "--archive")):  # fmt: skip
        assert WHERE in call(*command).err, command


def test_what_waits_is_not_said_to_have_been_tried(call: Call, library: FakeLibrary) -> None:
    library.answers["archive_media"] = answers.archive_summary(waiting=3)
    assert "tried again" not in call("media", "archive", "--all", "--limit", "2").err


def test_a_link_is_never_shorter_than_was_asked_for(call: Call, library: FakeLibrary) -> None:
    assert call("archive", "url", "med-1", "--expires", "7d").code == 0
    assert library.asked[0] == ("archive_link", ("med-1",), {"seconds": 7 * 86_400})
    for span, told in (("8d", "'8d' is more than 7 days"), ("0", "not a span"), ("x", "not a span such as")):
        called = call("archive", "url", "med-1", "--expires", span)
        assert (called.code, told in called.err, "year" in called.err) == (2, True, False)
    assert len(library.asked) == 1
    assert "more than a year" in call("media", "archive", "--watch", "--every", "366d").err


CHECK: ArchiveCheck = answers.everything()["verify_archive"]
FAULT = ArchiveFault("s3://bucket/media/a.jpg", "missing", "fil-1", cached=True)


def test_a_check_names_what_it_does_not_know(call: Call, library: FakeLibrary) -> None:
    strange = tuple(StrangeObject(f"media/{number}.jpg", 2048) for number in range(20))
    library.answers["verify_archive"] = replace(CHECK, strangers=30, strange_bytes=61440, stranger_objects=strange)
    called = call("archive", "verify")
    assert "unknown: media/0.jpg (2.0 KB)\n" in called.err
    assert called.err.count("unknown: media/") == 5
    assert "and 25 more" in called.err
    document = json.loads(call("archive", "verify", "--json").out)
    assert len(document["stranger_objects"]) == 20
    assert document["stranger_objects"][0] == {"key": "media/0.jpg", "bytes": 2048}


def test_after_a_repair_it_is_said_what_to_do(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_archive"] = replace(CHECK, status=RunStatus.PARTIAL, faults=(FAULT,))
    called = call("archive", "verify")
    assert called.code == 5
    assert "verify --repair`" in called.err
    library.answers["verify_archive"] = replace(CHECK, status=RunStatus.PARTIAL, faults=(FAULT,), queued=1)
    called = call("archive", "verify", "--repair")
    assert called.code == 5
    assert "1 file queued to go up again: `postkeep media archive --all`" in called.err
    assert "--repair`" not in called.err
    library.answers["verify_archive"] = replace(
        CHECK, status=RunStatus.PARTIAL, faults=(replace(FAULT, cached=False),)
    )
    assert "`postkeep" not in call("archive", "verify", "--repair").err


def test_all_and_a_part_are_not_asked_for_at_once(call: Call, library: FakeLibrary) -> None:
    called = call("archive", "verify", "--full", "--sample", "20")
    assert (called.code, library.asked) == (2, [])
    assert "--sample" in called.err


def test_no_summary_in_the_help_is_cut(call: Call) -> None:
    _, _, commands = call("archive", "--help").out.partition("Commands:")
    assert "verify" in commands
    assert "…" not in commands
    assert "..." not in commands
    assert "A folder has no tags" in call("archive", "verify", "--help").out


def test_a_cost_without_prices_is_one_short_line(call: Call, library: FakeLibrary) -> None:
    unknown = tuple(Unpriced("s3", operation, "one", Decimal(3)) for operation in ("delete", "get", "put", "list"))
    month = CostLine("2026-11", CostSum({}, unknown))
    costs = Costs(CostBy.MONTH, None, answers.NOON, CostSum({}, unknown), (month,))
    library.answers["archive_costs"] = replace(costs, unpriced=True)

    def told() -> list[str]:
        return [line for line in call("archive", "status").out.splitlines() if "Cost" in line]

    assert told() == ["Cost so far: unknown: no prices are set (costs.prices)"]
    # Prices are set, and none of them is for this.
    library.answers["archive_costs"] = costs
    assert [line.split(":")[0] for line in told()] == ["Cost so far", "Cost in 2026-11"]
    assert all("no price, see `postkeep costs`" in line for line in told())
    paid = {"USD": Decimal("0.01")}
    library.answers["archive_costs"] = replace(costs, total=CostSum(paid, unknown), lines=(), unpriced=True)
    assert "0.01 USD, and what has no price" in told()[0]
    library.answers["archive_costs"] = replace(costs, total=CostSum(paid), lines=())
    assert told() == ["Cost so far: 0.01 USD"]


def test_each_reason_for_which_files_did_not_come_back_is_told_once(call: Call, library: FakeLibrary) -> None:
    refused = "bucket b: the secret key is not the one of this access key"
    summary: RestoreSummary = library.answers["restore_archive"]
    many = tuple((f"media/{number}.jpg", refused) for number in range(27))
    library.answers["restore_archive"] = replace(summary, status=RunStatus.FAILED, failed=many, error=refused)
    called = call("archive", "restore", "--all")
    assert called.code == 4
    assert called.err == f"error: {refused}\n"
    assert "Failed:   27\n" in called.out
    gone = ("media/gone.jpg", "The archive has no such object: s3://b/gone.jpg")
    library.answers["restore_archive"] = replace(summary, status=RunStatus.PARTIAL, failed=(*many, gone))
    called = call("archive", "restore", "--all")
    assert called.code == 1
    assert called.err.splitlines() == [f"27 files: {refused}", ": ".join(gone)]
