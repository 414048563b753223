"""The exit codes, each row of docs/exit-codes.md."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from postkeep import errors
from postkeep.cli import exits
from postkeep.cli.exits import Exit
from postkeep.model import MediaState, RunStatus
from postkeep.views import Md5Check, MediaTotals
from tests.cli import answers, commands
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call

FAILED = {"status": RunStatus.FAILED, "error": "the cache is full"}
clean = MediaTotals(found=9, cached=5)

ANSWERS: list[tuple[Callable[[Any], Exit], Any, int]] = [
    (exits.of_import, answers.import_summary(media=clean), 0),
    (exits.of_import, answers.import_summary(media=MediaTotals(9, 5, expired=2, gone=2, pending=1)), 0),
    (exits.of_import, answers.import_summary(media=clean, updated=4), 0),
    (exits.of_import, answers.import_summary(media=clean, errors=1), 1),
    (exits.of_import, answers.import_summary(media=clean, quarantined=1), 1),
    (exits.of_import, answers.import_summary(media=clean, unreadable=1), 1),
    (exits.of_import, answers.import_summary(), 1),
    (exits.of_import, answers.import_summary(processed=0, sources=0, unreadable=2, media=clean), 2),
    (exits.of_import, answers.import_summary(**FAILED), 4),
    (exits.of_fetch, answers.fetch_summary(), 0),
    (exits.of_fetch, answers.fetch_summary(failed=2, states={MediaState.GONE: 1, MediaState.EXPIRED: 1}), 0),
    *(
        (exits.of_fetch, answers.fetch_summary(failed=1, states={state.value: 1}), 1)
        for state in exits.FAILED_STATES
    ),
    (exits.of_fetch, answers.fetch_summary(**FAILED), 4),
    (exits.of_backfill, answers.backfill_summary(), 0),
    (exits.of_backfill, answers.backfill_summary(media=MediaTotals(3, 2, errors=1)), 1),
    (exits.of_backfill, answers.backfill_summary(failed=1, media=MediaTotals(3, 2, gone=1)), 0),
    (exits.of_backfill, answers.backfill_summary(**FAILED), 4),
    (exits.of_verify, answers.verify_summary(strangers=("x",), adopted=1), 0),
    (exits.of_verify, answers.verify_summary(damaged=("x",)), 5),
    (exits.of_verify, answers.verify_summary(missing=("x",)), 5),
    (exits.of_verify, answers.verify_summary(**FAILED), 4),
    (exits.of_verify, answers.verify_summary(damaged=("x",), **FAILED), 5),
    (exits.of_md5, Md5Check("0", True, True, "x", ""), 0),
    (exits.of_md5, Md5Check("0", True, False, "x", ""), 5),
    (exits.of_md5, Md5Check("0", False, False, None, ""), 2),
    (exits.of_replay, answers.replay_summary(), 0),
    (exits.of_replay, answers.replay_summary(remaining=1), 1),
    (exits.of_urls, [answers.url_outcome()], 0),
    (exits.of_urls, [answers.url_outcome(), answers.url_outcome("dns")], 1),
    (exits.of_urls, [answers.url_outcome("http")], 1),
    (exits.of_urls, [answers.url_outcome("dns"), answers.url_outcome("connect")], 4),
    (exits.of_findings, [], 0),
    (exits.of_findings, [answers.FINDING], 3),
]


@pytest.mark.parametrize(("judge", "answer", "code"), ANSWERS)
def test_answers(judge: Callable[[Any], Exit], answer: Any, code: int) -> None:
    assert judge(answer) == code


ERRORS = [
    (errors.ConfigError(), 2),
    (errors.SourceError(), 2),
    (errors.ExtraMissing("postgres", "PostgreSQL"), 2),
    (errors.NotFound(), 2),
    (errors.StoreBusy(), 3),
    (errors.SchemaNewer(), 3),
    (errors.LeaseTaken("fetch", "1"), 3),
    (errors.NameUnresolved(), 4),
    (errors.CacheFull(), 4),
    (errors.FileDamaged("x"), 5),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda each: type(each).__name__)
def test_errors_are_one_line_and_a_code(
    error: errors.PostkeepError, code: int, call: Call, library: FakeLibrary
) -> None:
    library.answers["posts"] = error
    called = call("posts", "list")
    assert (called.code, called.out) == (code, "")
    assert called.err == f"postkeep: {error.message}\n"


def test_every_error_has_a_code_of_the_table() -> None:
    def below(kind: type[errors.PostkeepError]) -> set[type[errors.PostkeepError]]:
        return {kind, *(each for one in kind.__subclasses__() for each in below(one))}

    for kind in below(errors.PostkeepError):
        Exit(kind.exit_code)


def test_our_own_mistakes_are_not_dressed_up(call: Call, library: FakeLibrary) -> None:
    library.answers["posts"] = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        call("posts", "list")


def test_a_summary_that_tells_failures_ends_so(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = answers.import_summary()
    assert call(*commands.CALLS["import"]).code == 1
    assert call(*commands.CALLS["import"], "--json").code == 1


def test_signals_end_as_shells_write_it() -> None:
    assert exits.of_signal(signal.SIGINT) == 130
    assert exits.of_signal(signal.SIGTERM) == 143


@pytest.mark.parametrize(
    "arguments",
    [["archive", "verify", "--sample", "nan"], ["archive", "url", "med-1", "--expires", "0"],
     ["archive", "url", "med-1", "--expires", "0.5s"]],
)  # fmt: skip
def test_what_is_no_share_and_no_time_is_refused(arguments: list[str], call: Call) -> None:
    called = call(*arguments)
    assert (called.code, called.out) == (2, "")
