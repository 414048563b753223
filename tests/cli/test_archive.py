"""What the commands of the archive tell."""

from __future__ import annotations

from dataclasses import replace

from postkeep.model import MediaType, RunStatus
from postkeep.views.archives import ArchiveShare, ArchiveStatus
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
