"""What people read of videos and their sound: in summaries, on the page of a post, and from `media join`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from postkeep.errors import LeaseTaken, ProgramMissing
from postkeep.model import MediaType, RunStatus
from postkeep.views.joining import Joins, Unjoined
from tests.cli.answers import (
    EVIL,
    NOON,
    FakeLibrary,
    fetch_summary,
    import_summary,
    join_summary,
    joined_view,
    media_view,
    post_detail,
    verify_summary,
)
from tests.cli.conftest import Call

FAILED = Joins(failed=12, apart=3, failures=tuple(Unjoined(f"v{n}.mp4", "ffmpeg_failed", EVIL) for n in range(12)))


def test_it_says_what_was_joined(call: Call) -> None:
    called = call("media", "join", "--limit", "5")
    assert called.code == 0
    said = [line.split() for line in called.out.splitlines()]
    assert said[0] == ["Join", "Summary:"]
    assert said[2:] == [["Joined:", "2"], ["Failed:", "0"], ["Waiting:", "0"], ["Bytes:", "4.0", "KB"]]


def test_it_names_the_first_that_could_not_be_joined(call: Call, library: FakeLibrary) -> None:
    library.answers["join_media"] = join_summary(status=RunStatus.PARTIAL, joins=FAILED)
    called = call("media", "join")
    told = called.err.splitlines()
    assert (called.code, len(told)) == (1, 11)
    assert told[0].startswith("not joined: v0.mp4: safe ")
    assert told[-1] == "… and 2 videos more"
    assert "\x1b" not in called.err


@pytest.mark.parametrize(
    ("error", "code"), [(ProgramMissing("joining needs ffmpeg"), 2), (LeaseTaken("fetch", "me"), 3)]
)
def test_what_keeps_it_from_beginning(call: Call, library: FakeLibrary, error: Exception, code: int) -> None:
    library.answers["join_media"] = error
    called = call("media", "join")
    assert (called.code, called.out, called.err.count("\n")) == (code, "", 1)


def test_at_the_limit_it_ends_with_four(call: Call, library: FakeLibrary) -> None:
    full = join_summary(status=RunStatus.FAILED, error="the cache has reached its limit")
    library.answers["join_media"] = full
    assert call("media", "join").code == 4
    assert json.loads(call("media", "join", "--json").out)["joins"]["joined"] == 2


@pytest.mark.parametrize("verb", ["fetch_due", "import_"])
def test_a_fetch_is_quiet_without_such_videos_and_tells_the_rest_once(
    call: Call, library: FakeLibrary, verb: str
) -> None:
    command = ("media", "download-all") if verb == "fetch_due" else ("import", ".")
    summary = fetch_summary() if verb == "fetch_due" else import_summary()
    library.answers[verb] = summary
    quiet = call(*command)
    assert "oin" not in quiet.out + quiet.err
    library.answers[verb] = replace(summary, joins=Joins(joined=2, failed=1, error="no room"))
    told = call(*command)
    assert told.code == quiet.code
    assert "Joined:     2" in told.out
    assert "1 video could not be joined" in told.err
    assert "ended early: no room" in told.err
    library.answers[verb] = replace(summary, joins=Joins(apart=3, without_ffmpeg=True))
    told = call(*command)
    assert told.err.count("3 videos have their sound apart") == 1
    assert "Joined" not in told.out


def test_a_post_shows_it_below_the_video(call: Call, library: FakeLibrary) -> None:
    video = media_view(media_type=MediaType.VIDEO, mime_type="video/mp4")
    for joined, words in (
        (joined_view(), "cached; joined with its sound"),
        (joined_view(cached=False, evicted_at=NOON), "evicted 2025-03-01; joined"),
        (joined_view(cached=False), "to be made again"),
        (
            joined_view(cached=False, path=None, error_kind="timeout", error="too slow"),
            "not joined with its sound",
        ),
    ):
        library.answers["post"] = post_detail(media=(replace(video, joined=joined),))
        page = call("posts", "show", "p-1").out
        lines = [line for line in page.splitlines() if line.startswith(("med-1", "+ joined"))]
        assert [line.split(" ")[0] for line in lines] == ["med-1", "+"]
        assert words in " ".join(page.split())
    library.answers["post"] = post_detail(media=(replace(video, joined=joined_view()), media_view()))
    shown = json.loads(call("posts", "show", "p-1", "--json").out)["media"]
    assert [shown[0]["joined"]["path"], shown[1]["joined"]] == ["media/videos/1.mp4", None]


def test_a_lost_joined_file_is_no_alarm(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_cache"] = verify_summary(to_remake=("media/videos/1.mp4",))
    called = call("media", "verify-cache")
    assert (called.code, "To remake:  1" in called.out) == (0, True)
    assert "joined file not there, can be made again: media/videos/1.mp4" in called.err
    library.answers["verify_cache"] = verify_summary(to_remake=("media/videos/1.mp4",), repaired=True)
    assert "1 joined file queued: `postkeep media download-all` makes them" in call("media", "verify-cache").err
