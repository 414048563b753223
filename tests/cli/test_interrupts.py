"""One signal stops in good order, two stop at once, and the exit code says which it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from postkeep.cli.exits import Exit
from postkeep.cli.interrupts import ENDED, NOTICE, Interrupts, StopAtOnce
from postkeep.model import RunStatus
from postkeep.views import Stop
from tests.cli.answers import FakeLibrary, import_summary
from tests.cli.conftest import Call

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_asks_and_the_second_ends(number: signal.Signals, code: int) -> None:
    told: list[str] = []
    before = signal.getsignal(number)
    with Interrupts(lambda: told.append("once")) as interrupts:
        assert interrupts.code(Exit.DONE) == 0
        signal.raise_signal(number)
        assert interrupts.stopping
        assert interrupts.code(Exit.SOME_FAILED) == code
        with pytest.raises(StopAtOnce) as caught:
            signal.raise_signal(number)
    assert caught.value.number == number
    assert told == ["once"]
    assert signal.getsignal(number) is before


def test_other_threads_change_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with Interrupts() as interrupts:
            seen.extend([signal.getsignal(signal.SIGINT), interrupts.stopping])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before, False]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_summary_of_stopped_work_is_printed(
    number: signal.Signals, code: int, call: Call, library: FakeLibrary
) -> None:
    def stopped(*_given: object, stop: Stop, **_named: object) -> object:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        return import_summary(status=RunStatus.CANCELLED)

    library.answers["import_"] = stopped
    called = call("import", "x")
    assert called.code == code
    assert called.out.startswith("Import Summary:\n")
    assert called.err.startswith(f"{NOTICE}\n")


def test_the_second_signal_ends_the_command(call: Call, library: FakeLibrary) -> None:
    def stubborn(*_given: object, **_named: object) -> object:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("unreachable")

    library.answers["import_"] = stubborn
    called = call("import", "x")
    assert (called.code, called.out, called.err) == (143, "", f"{NOTICE}\n")


def test_ctrl_c_ends_a_quick_command_without_a_traceback(call: Call, library: FakeLibrary) -> None:
    library.answers["posts"] = KeyboardInterrupt()
    called = call("posts", "list")
    assert (called.code, called.err) == (130, "")


SLOW = """
import sys, types
from tests.cli.answers import FakeLibrary, import_summary
from postkeep.cli.run import run
from postkeep.model import RunStatus

def slow(*given, stop, **named):
    import time
    print("ready", file=sys.stderr, flush=True)
    while not stop() or "stubborn" in sys.argv:
        time.sleep(0.01)
    return import_summary(status=RunStatus.CANCELLED)

fake = FakeLibrary()
fake.answers["import_"] = slow
sys.modules["postkeep.library"] = types.SimpleNamespace(open_library=fake.open_library)
sys.exit(run(["--home", sys.argv[1], "import", "x"]))
"""


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_process_is_interrupted_as_a_whole(stubborn: bool, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path), *(["stubborn"] if stubborn else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    assert process.stdout is not None
    with process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == f"{NOTICE}\n"
        if stubborn:
            process.send_signal(signal.SIGINT)
        out, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out.startswith("Import Summary:") is not stubborn


DEAF = SLOW.replace(
    "    while not stop()",
    """    import ctypes
    ctypes.CDLL(None).system(b"echo deaf >&2; read line")
    while not stop()""",
)


def test_the_second_signal_ends_what_hears_none(tmp_path: Path) -> None:
    """The C library's wait for a program goes on through every signal, as that of most libraries does."""
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF, str(tmp_path)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])},
    )
    assert process.stderr is not None
    with process:
        assert [process.stderr.readline(), process.stderr.readline()] == ["ready\n", "deaf\n"]
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readline() == f"{NOTICE}\n"
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readline() == f"{ENDED}\n"
        assert process.wait(60) == 143
