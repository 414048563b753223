"""What is kept and told, what never is, and that several processes and full disks do no harm."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import multiprocessing
import re
import string
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep import log
from postkeep.errors import ConfigError, ExtraMissing, HttpStatus
from postkeep.redaction import redact_text, redact_value


@dataclass(frozen=True)
class Settings:
    log_file: Path
    sentry_dsn: str = ""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(tmp_path / "home" / "log" / "media.log")
    log.release_logging()


def lines(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in settings.log_file.read_text().splitlines()]


# --- what is written ----------------------------------------------------------------------------


def test_a_line_is_one_json_object(settings: Settings) -> None:
    log.configure_logging(settings, run_id="run-1", stderr=io.StringIO())
    log.get_logger("postkeep.net").bind(host="a.example").info("fetched", size=7, ratio=0.5, of=None)
    [line] = lines(settings)
    assert list(line)[:5] == ["timestamp", "level", "event", "correlation_id", "logger"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "level": "info", "event": "fetched", "correlation_id": "run-1", "logger": "postkeep.net",
        "host": "a.example", "size": 7, "ratio": 0.5, "of": None,
    }  # fmt: skip


def test_the_file_is_made_by_the_first_line_and_is_its_users_alone(settings: Settings) -> None:
    log.configure_logging(settings, stderr=io.StringIO())
    assert not settings.log_file.parent.parent.exists()
    log.get_logger("x").debug("first")
    assert settings.log_file.stat().st_mode & 0o777 == 0o600
    assert settings.log_file.parent.stat().st_mode & 0o777 == 0o700
    assert settings.log_file.parent.parent.stat().st_mode & 0o777 == 0o700


def test_any_value_can_be_logged(settings: Settings) -> None:
    log.configure_logging(settings, stderr=io.StringIO())
    ring: list[object] = []
    ring.append(ring)
    log.get_logger("x").info(
        "odd", when=datetime(2025, 3, 1, tzinfo=UTC), path=Path("/a"), number=float("nan"), raw=b"\xff",
        ring=ring, lone="\udc80", level="mine", seen={1}, line="a\nb\u2028c",
    )  # fmt: skip
    [line] = lines(settings)
    assert (line["when"], line["path"], line["number"]) == ("2025-03-01T00:00:00+00:00", "/a", "nan")
    assert (line["level"], line["level_"], line["seen"]) == ("info", "mine", [1])


def test_exceptions_are_kept_without_their_secrets(settings: Settings) -> None:
    told = io.StringIO()
    log.configure_logging(settings, stderr=told)
    try:
        raise ValueError("https://cdn.example/a?t=GEHEIM")
    except ValueError:
        log.get_logger("x").exception("broken")
    [line] = lines(settings)
    assert "ValueError: https://cdn.example/a?***" in line["exception"]
    assert "GEHEIM" not in settings.log_file.read_text() + told.getvalue()
    assert told.getvalue() == "error: broken\n"


def test_lines_of_other_loggers_below_ours_are_kept_and_redacted(settings: Settings) -> None:
    log.configure_logging(settings, run_id="run-2", stderr=io.StringIO())
    logging.getLogger("postkeep.old").warning("see %s", "https://u:p@h/x?t=1")
    [line] = lines(settings)
    assert (line["event"], line["correlation_id"]) == ("see https://h/x?***", "run-2")


# --- runs ---------------------------------------------------------------------------------------


def test_runs_are_bound_to_their_context(settings: Settings) -> None:
    log.configure_logging(settings, run_id="run-0", stderr=io.StringIO())
    voice = log.get_logger("x")

    async def one(run: str) -> None:
        with log.bind_run(run):
            await asyncio.sleep(0)
            voice.info(run)
            await asyncio.to_thread(voice.info, run)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one("run-1"))
            group.create_task(one("run-2"))

    asyncio.run(both())
    thread = threading.Thread(target=voice.info, args=("run-0",))
    thread.start()
    thread.join()
    assert len(lines(settings)) == 5
    assert all(line["event"] == line["correlation_id"] for line in lines(settings))


# --- what is told -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verbosity", "told"),
    [
        (-1, ["error: d"]),
        (0, ["warning: c n=1", "error: d"]),
        (1, ["b", "warning: c n=1", "error: d"]),
        (2, ["debug: a", "b", "warning: c n=1", "error: d"]),
    ],
)
def test_verbosity(settings: Settings, verbosity: int, told: list[str]) -> None:
    stderr = io.StringIO()
    log.configure_logging(settings, verbosity=verbosity, stderr=stderr)
    voice = log.get_logger("x")
    voice.debug("a")
    voice.info("b")
    voice.warning("c", n=1)
    voice.error("d")
    assert stderr.getvalue().splitlines() == told
    assert [line["event"] for line in lines(settings)] == ["a", "b", "c", "d"]


def test_what_strangers_wrote_cannot_move_the_cursor(settings: Settings) -> None:
    stderr = io.StringIO()
    log.configure_logging(settings, stderr=stderr)
    log.get_logger("x").warning("odd\x1b[2J", text="a\x1b]0;title\x07\nb\x9b1m")
    assert stderr.getvalue().removesuffix("\n").isprintable()


def test_stderr_is_looked_up_for_each_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging(settings)
    log.get_logger("x").warning("here")
    assert capsys.readouterr() == ("", "warning: here\n")


def test_a_second_call_replaces_the_first(settings: Settings) -> None:
    first, second = io.StringIO(), io.StringIO()
    log.configure_logging(settings, stderr=first)
    log.configure_logging(settings, stderr=second)
    log.get_logger("x").warning("once")
    assert (first.getvalue(), second.getvalue()) == ("", "warning: once\n")
    assert len(lines(settings)) == 1


# --- a library in somebody else's program -------------------------------------------------------


def run(program: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False, **more
    )


def test_unconfigured_nothing_is_written_and_structlog_stays_away(tmp_path: Path) -> None:
    done = run(
        "import sys, postkeep.log as log\n"
        "voice = log.get_logger('postkeep.x')\n"
        "voice.debug('a'); voice.info('b')\n"
        "assert 'structlog' not in sys.modules\n"
        "voice.warning('c'); voice.error('d')\n",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_embedding_program_hears_us_and_keeps_its_own_logging() -> None:
    done = run(
        "import logging, sys, structlog, postkeep.log as log\n"
        "logging.basicConfig(format='%(name)s %(message)s', stream=sys.stdout)\n"
        "before = structlog.get_config()\n"
        "log.get_logger('postkeep.x').warning('heard', url='https://h/p?t=SIG')\n"
        "logging.getLogger('theirs').warning('mine')\n"
        "assert structlog.get_config() == before and len(logging.getLogger().handlers) == 1\n"
    )
    assert (done.stdout, done.stderr) == ("postkeep.x heard url=https://h/p?***\ntheirs mine\n", "")


def test_configured_the_root_logger_is_left_alone(settings: Settings) -> None:
    before = list(logging.getLogger().handlers)
    log.configure_logging(settings, stderr=io.StringIO())
    assert logging.getLogger().handlers == before
    assert logging.getLogger("postkeep").propagate is False
    log.release_logging()
    assert logging.getLogger("postkeep").propagate is True


# --- the file -----------------------------------------------------------------------------------


def test_the_file_turns_over_and_the_oldest_goes(settings: Settings) -> None:
    log.configure_logging(settings, stderr=io.StringIO(), file_bytes=800, files_kept=2)
    voice = log.get_logger("x")
    for number in range(12):
        voice.info("line", number=number, filler="x" * 60)
    names = sorted(path.name for path in settings.log_file.parent.iterdir())
    assert names == ["media.log", "media.log.1", "media.log.2"]
    kept = [
        json.loads(line)["number"]
        for name in reversed(names)
        for line in (settings.log_file.parent / name).read_text().splitlines()
    ]
    assert kept == list(range(12 - len(kept), 12))
    assert len(kept) > 3
    for name in names:
        path = settings.log_file.parent / name
        assert path.stat().st_size <= 800
        assert path.stat().st_mode & 0o777 == 0o600


def write_many(path: Path, writer: int) -> None:
    log.configure_logging(Settings(path), stderr=io.StringIO(), file_bytes=20_000, files_kept=40)
    for number in range(150):
        log.get_logger("x").info("line", writer=writer, number=number, filler="y" * (number * 7 % 900))


def test_processes_share_the_file_without_losing_or_mixing_a_line(settings: Settings) -> None:
    # Spawned, because a forked child would inherit this process's threads' locks.
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(settings.log_file, number)) for number in range(3)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    seen = []
    for path in settings.log_file.parent.iterdir():
        assert path.stat().st_size <= 20_000
        seen += [(line["writer"], line["number"]) for line in map(json.loads, path.read_text().splitlines())]
    assert sorted(seen) == [(writer, number) for writer in range(3) for number in range(150)]


def test_a_log_that_cannot_be_written_is_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    settings = Settings(tmp_path / "home" / "log" / "media.log")
    log.configure_logging(settings)
    try:
        for _ in range(3):
            log.get_logger("x").info("unheard")
    finally:
        log.release_logging()
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no log is kept" in told
    assert str(settings.log_file) in told


def test_a_full_disk_leaves_no_half_line_and_comes_back(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "media.log")
    done = run(
        "import resource, signal, sys, pathlib, dataclasses\n"
        "from postkeep import log\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "@dataclasses.dataclass\n"
        "class Settings:\n"
        "    log_file: pathlib.Path\n"
        "    sentry_dsn: str = ''\n"
        "log.configure_logging(Settings(pathlib.Path(sys.argv[1])))\n"
        "say = log.get_logger('x').info\n"
        "say('one')\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))\n"
        "say('two'); say('three')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "say('four')\n".replace("sys.argv[1]", repr(str(settings.log_file)))
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no log is kept") == 1
    assert [line["event"] for line in lines(settings)] == ["one", "four"]


# --- redaction ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://m.licdn.com/dms/a/0/1?e=1&v=beta&t=SIG", "https://m.licdn.com/dms/a/0/1?***"),
        ("see https://u:p@h.example:8443/x#access_token=1.", "see https://h.example:8443/x#***"),
        ("https://token@h/x", "https://h/x"),
        ("https://h/x?SIGNATURE", "https://h/x?***"),
        ("https://h/@someone/post and you@example.org", "https://h/@someone/post and you@example.org"),
        ("https://h:8080/@someone", "https://h:8080/@someone"),
        ("http://[::1]:8080/x?a=1", "http://[::1]:8080/x?***"),
        ('postgresql://u:a"b/c@d@host/db', "postgresql://host/db"),
        ("//cdn.example/x?e=1&t=SIG ok", "//cdn.example/x?*** ok"),
        (r"https:\/\/cdn.example\/x?e=1&t=SIG", r"https:\/\/cdn.example\/x?***"),
        ("Authorization: Bearer abc\nnext", "Authorization: ***\nnext"),
        ("host=h password='a b' user=me", "host=h password=*** user=me"),
        ("tokens_used=5 media_key=D4E", "tokens_used=5 media_key=D4E"),
        ("Is it true? Yes: a=b", "Is it true? Yes: a=b"),
    ],
)
def test_redacted_texts(text: str, clean: str) -> None:
    assert redact_text(text) == clean


def test_redacted_names() -> None:
    secret = ["token", "api_key", "accessToken", "AWS_SECRET_ACCESS_KEY", "Set-Cookie", "sentry_dsn", "passwords"]
    plain = ["media_key", "url_key", "tokens_used", "keyboard", "author", "event", "text", "size"]
    clean = redact_value(dict.fromkeys(secret + plain, "x") | {"nothing_secret": None})
    assert clean == dict.fromkeys(secret, "***") | dict.fromkeys(plain, "x") | {"nothing_secret": None}


SECRETS = st.text(string.ascii_letters + string.digits + "-_.~%", min_size=6).map("SIG".__add__)


@st.composite
def hiding_places(draw: st.DrawFn) -> tuple[str, Any]:
    """A value with a secret somewhere in it, and the secret."""
    secret = draw(SECRETS)
    value: Any = draw(
        st.sampled_from(
            [
                f"https://cdn.example/a/b?e=1&t={secret}",
                f"failed: https://cdn.example/?{secret} (again)",
                f"https://me:{secret}@cdn.example/a",
                f"https://{secret}@cdn.example/a",
                f"https://cdn.example/a#{secret}",
                {draw(st.sampled_from(["token", "apiKey", "x-secret", "Cookie"])): [secret]},
                HttpStatus(403, url=""),
                Path(f"/x/https://h/p?t={secret}"),
                {f"https://cdn.example/a?t={secret}": 1},
            ]
        )
    )
    if isinstance(value, HttpStatus):
        value = RuntimeError(f"GET https://cdn.example/x?t={secret}")
    for wrap in draw(st.lists(st.sampled_from(["list", "dict", "tuple", "set"]), max_size=8)):
        if wrap == "dict":
            value = {"inner": value, "other": 1}
        elif wrap == "set" and isinstance(value, str):
            value = {value}
        else:
            value = (value,) if wrap == "tuple" else [value, "x"]
    return secret, value


@given(hiding_places())
def test_no_secret_survives_at_any_depth(place: tuple[str, Any]) -> None:
    secret, value = place
    event = log.redact(None, "info", {"event": "x", "field": value})
    assert secret not in json.dumps(event, ensure_ascii=False)


@given(st.recursive(st.none() | st.integers() | st.text(string.ascii_letters), lambda each: st.lists(each)))
def test_what_is_harmless_is_left_alone(value: object) -> None:
    assert redact_value(value) == value


@given(st.text())
def test_redaction_takes_any_text_and_twice_is_once(text: str) -> None:
    assert redact_text(redact_text(text)) == redact_text(text)


# --- Sentry -------------------------------------------------------------------------------------

SENTRY = """
import json, pathlib, dataclasses, sentry_sdk
from sentry_sdk.transport import Transport
from postkeep import log

sent, asked = [], {}

class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.extend(part.payload.json for part in envelope.items if part.payload.json)

real = sentry_sdk.init
def init(**options):
    asked.update(options)
    return real(transport=Kept, **options)
sentry_sdk.init = init

@dataclasses.dataclass
class Settings:
    log_file: pathlib.Path
    sentry_dsn: str

log.configure_logging(Settings(pathlib.Path("media.log"), "https://abc@sentry.example/1"), run_id="run-1")
voice = log.get_logger("x")
voice.info("before", url="https://cdn.example/a?t=GEHEIM")
def broken():
    local = "GEHEIM"
    raise ValueError("https://me:GEHEIM@cdn.example/b?t=GEHEIM " + local[:0])
try:
    broken()
except ValueError:
    voice.exception("broke", api_key="GEHEIM")
sentry_sdk.flush()
asked["pii"] = sentry_sdk.get_client().should_send_default_pii()
print(json.dumps([sent, {key: str(value) for key, value in asked.items()}]))
"""


def test_sentry_gets_the_same_redaction(tmp_path: Path) -> None:
    pytest.importorskip("sentry_sdk")
    done = run(SENTRY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sent, asked = json.loads(done.stdout)
    assert (asked["include_local_variables"], asked["max_request_body_size"]) == ("False", "never")
    assert asked["pii"] == "False"
    [event] = [each for each in sent if "exception" in each]
    assert "GEHEIM" not in json.dumps({key: value for key, value in event.items() if key != "exception"})
    [error] = event["exception"]["values"]
    assert error["value"].strip() == "https://cdn.example/b?***"
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])
    assert event["tags"]["correlation_id"] == "run-1"
    assert "https://cdn.example/a?***" in json.dumps(event["breadcrumbs"])


def test_sentry_missing_or_misnamed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Settings(settings.log_file, "no dsn")
    with pytest.raises(ConfigError, match="sentry_dsn"):
        log.configure_logging(asked)
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ExtraMissing, match=r"postkeep\[sentry\]"):
        log.configure_logging(asked)
