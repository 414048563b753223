"""Whatever is wrong with a file or a record is said, kept where it can be, and costs no neighbour anything."""

from __future__ import annotations

import ctypes
import gzip
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from postkeep.errors import SourceError
from postkeep.model import RunStatus
from postkeep.stages.ingest.candidate import decompress
from postkeep.views import ImportSummary
from tests.library.world import World, picture
from tests.records import EPOCH, post
from tests.servers.media import MediaServer

STAMP = f"{EPOCH:%Y-%m-%d_%H-%M-%S}-000"
GOOD, OTHER = orjson.dumps(post(1)), orjson.dumps(post(2))


def altered(**more: Any) -> bytes:
    return orjson.dumps({**post(3), **more})


@dataclass(frozen=True)
class Case:
    """A file's bytes; what its summary counts, what a line of it says, and the exit code of the command."""

    content: bytes
    new: int = 0
    errors: int = 0
    unreadable: int = 0
    says: str = ""
    code: int = 0


def among(body: bytes, **more: Any) -> Case:
    """A record between two good ones."""
    content = b"[" + GOOD + b"," + body + b"," + OTHER + b"]"
    counts = {"new": 3, **more}
    return Case(content, code=1 if counts.get("errors") or counts.get("unreadable") else 0, **counts)


def bad(body: bytes, says: str) -> Case:
    return among(body, new=2, errors=1, says=says)


CASES: dict[str, Case] = {
    "an empty file": Case(b"", unreadable=1, says="empty (0 bytes)", code=2),
    "white space": Case(b" \n\t ", unreadable=1, says="white space", code=2),
    "an empty array": Case(b"[]", says="holds no records"),
    "UTF-16": Case("[]".encode("utf-16"), unreadable=1, says="UTF-16", code=2),
    "a web page": Case(b"<!DOCTYPE html>", unreadable=1, says="a web page", code=2),
    "an archive": Case(b"PK\x03\x04rest", unreadable=1, says="ZIP", code=2),
    "cut inside a record": Case(
        b"[" + GOOD + b"," + OTHER[:-40], new=1, errors=1, says="ends inside record 2", code=1
    ),
    "cut after a record": Case(b"[" + GOOD + b"," + OTHER, new=2, unreadable=1, says="closing bracket", code=1),
    "cut gzip": Case(gzip.compress(b"[" + GOOD + b"]")[:-9], new=1, unreadable=1, says="cut off", code=1),
    "null": bad(b"null", "record is null"),
    "a number": bad(b"12", "record is a number"),
    "a string": bad(b'"words"', "record is a string"),
    "an array in the array": bad(b"[1]", "record is an array"),
    "no JSON": bad(b"{what}", "not JSON"),
    "an empty object": bad(b"{}", "without keys"),
    "another object": bad(b'{"what": 1}', "keys what"),
    "null author, stats and media": among(altered(author=None, stats=None, media=None)),
    "empty author and stats": among(altered(author={}, stats={}, media={})),
    "the urn as a string": among(altered(urn=post(3)["full_urn"])),
    "a urn without a number": bad(altered(urn={"activity_urn": "x"}, full_urn="x", url="x"), "no id"),
    "no time": among(altered(posted_at=None)),
    "a byte order mark": Case(b"\xef\xbb\xbf[" + GOOD + b"]", new=1),
    "one record alone": Case(GOOD, new=1),
    "lines": Case(GOOD + b"\n\n" + OTHER + b"\n", new=2),
    "no commas": Case(b"[" + GOOD + OTHER + b"]", new=2),
    "a comma too much": Case(b"[" + GOOD + b"," + OTHER + b",]", new=2),
    "NUL": among(altered(text="a\0b", author={"username": "a\0b", "headline": "\0"})),
    "raw NUL bytes": among(altered(text="MARK").replace(b"MARK", b"a\0b")),
    "lone surrogates": among(altered(text="MARK").replace(b"MARK", rb"a\ud800b\udfff")),
    "bytes that are no UTF-8": among(altered(text="MARK").replace(b"MARK", b"a\xff\xfeb\xc3")),
    "a long text": among(altered(text="x" * 10_000_000)),
    "a long name": among(altered(author={"username": "x" * 10_000_000, "headline": "y" * 10_000_000})),
    "a long URL": among(altered(url="https://a.test/" + "x" * 10_000_000)),
    "200 deep": among(altered(deep=orjson.loads(b"[" * 200 + b"]" * 200))),
    "5000 deep": bad(altered(deep="MARK").replace(b'"MARK"', b"[" * 5000 + b"]" * 5000), "nested"),
    "huge numbers": among(
        altered(stats={"total_reactions": 10**15, "comments": -1}).replace(b"1000000000000000", b"9" * 400)
    ),
    "NaN": among(altered(stats={"comments": 7777}).replace(b"7777", b"NaN")),
    "one key twice": among(altered(text="MARK").replace(b'"text"', b'"text":"first","text"')),
    "a large record": Case(
        b"[" + GOOD + b',{"x":"' + b"y" * (65 << 20) + b'"},' + OTHER + b"]",
        new=2, errors=1, says="64 MiB", code=1,
    ),
}  # fmt: skip
# What one database can hold and the other cannot.
DATABASES_DIFFER = {
    *("NUL", "raw NUL bytes", "lone surrogates", "bytes that are no UTF-8"),
    *("a long text", "a long name", "a long URL", "huge numbers", "a large record"),
}


def check(case: Case, summary: ImportSummary, here: World) -> None:
    counts = (summary.new, summary.errors, summary.quarantined, summary.unreadable)
    assert counts == (case.new, case.errors, case.errors, case.unreadable), summary.problems
    assert (case.says in " ".join(summary.problems)) if case.says else not summary.problems
    assert here.rows("SELECT count(*) FROM posts") == [(case.new,)]
    assert here.rows("SELECT count(*) FROM quarantine") == [(case.errors,)]
    assert here.library.runs()[0].status is (RunStatus.PARTIAL if case.code else RunStatus.COMPLETED)
    assert here.library.verify_database() == []


def kept(here: World) -> set[bytes]:
    return {decompress(codec, bytes(body)) for codec, body in here.rows("SELECT codec, body FROM raw_records")}


@pytest.mark.parametrize(
    ("database_kind", "name"),
    [
        (kind, name)
        for name, case in CASES.items()
        for kind in ("sqlite", "postgresql")
        if case.code != 2 and (kind == "sqlite" or name in DATABASES_DIFFER)
    ],
    indirect=["database_kind"],
)
def test_records_are_stored_or_kept_and_said(here, name):
    case = CASES[name]
    path = here.folder / f"dataset_jane-doe_{STAMP}.json"
    path.write_bytes(case.content)

    summary = here.library.import_([str(path)], fetch=False)

    check(case, summary, here)
    assert all(body in case.content or case.content[:2] == b"\x1f\x8b" for body in kept(here))
    assert len(kept(here)) == case.new
    again = here.library.import_([str(path)], fetch=False)
    assert (again.new, again.duplicates, again.errors) == (0, case.new, case.errors)
    assert here.rows("SELECT count(*) FROM quarantine") == [(case.errors,)]


sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@sqlite_only
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.code == 2])
def test_a_file_that_holds_nothing_is_said_and_beside_others_it_stops_nobody(here, name):
    case = CASES[name]
    path = here.folder / "bad.json"
    path.write_bytes(case.content)

    with pytest.raises(SourceError, match=r"bad\.json") as error:
        here.library.import_([str(path)])
    assert case.says in error.value.message
    assert here.library.runs()[0].status is RunStatus.FAILED

    summary = here.library.import_([str(path), here.write(post(1))])
    assert (summary.status, summary.new, summary.unreadable, summary.sources) == (RunStatus.PARTIAL, 1, 1, 1)
    assert case.says in summary.problems[0]


@sqlite_only
@pytest.mark.parametrize("name", ["nothing there", "an empty folder", "a dead link", ""])
def test_nothing_to_read_is_an_error_that_names_it(here, name):
    path = here.folder / name if name else Path()
    if name == "an empty folder":
        path.mkdir()
    if name == "a dead link":
        path.symlink_to(here.folder / "nowhere")
    with pytest.raises(SourceError) as error:
        here.library.import_([str(path) if name else ""])
    assert name in error.value.message


@sqlite_only
def test_a_folder_is_read_past_what_cannot_be_read_in_it(here, monkeypatch):
    folder = here.folder / "in"
    (folder / "deep" / "x.json").mkdir(parents=True)
    here.write(post(1), name="a.json")
    (folder / "deep" / "x.json" / "inside.json").write_bytes(OTHER)
    (folder / "vanishes.json").write_bytes(GOOD)
    (folder / "dead.json").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder)
    (folder / "notes.txt").write_text("no JSON")
    path_open = Path.open

    def vanish(path: Path, *args: Any, **more: Any) -> Any:
        if path.name == "vanishes.json":
            path.unlink()
        return path_open(path, *args, **more)

    monkeypatch.setattr(Path, "open", vanish)
    summary = here.library.import_([str(folder)])

    assert (summary.new, summary.sources, summary.unreadable) == (2, 2, 2)
    problems = [line for line in summary.problems if not line.startswith("sources without")]
    assert len(problems) < len(summary.problems)
    assert sorted(line.rpartition(":")[2].strip() for line in problems) == [
        "it vanished before it could be read",
        "the link leads nowhere",
    ]


@sqlite_only
@pytest.mark.timeout(30)
def test_a_pipe_in_a_folder_is_not_waited_for(here):
    here.write(post(1), name="a.json")
    os.mkfifo(here.folder / "in" / "pipe.json")

    assert here.library.import_([str(here.folder / "in")]).new == 1


@sqlite_only
def test_standard_input_is_read_like_a_file(here):
    summary = here.library.import_(["-"], stdin=io.BytesIO(b"[" + GOOD + b",null," + OTHER + b"]"))
    assert (summary.new, summary.errors) == (2, 1)
    assert summary.problems[0].startswith("-")


# --- the command ----------------------------------------------------------------------------------------


def command(home: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("POSTKEEP_")}
    return subprocess.run(
        [sys.executable, "-m", "postkeep", "--home", str(home), *arguments],
        capture_output=True, timeout=120, check=False, env=clean, cwd=home.parent, **more,
    )  # fmt: skip


QUICK = [
    "an empty file",
    "an empty array",
    "cut inside a record",
    "null",
    "NUL",
    "bytes that are no UTF-8",
    "5000 deep",
]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in CASES]
)
def test_the_command_says_it_and_leaves_with_the_documented_code(tmp_path, name):
    case = CASES[name]
    path = tmp_path / f"dataset_jane-doe_{STAMP}.json"
    path.write_bytes(case.content)

    done = command(tmp_path / "home", "import", "--no-fetch", "--json", str(path))

    assert done.returncode == case.code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    if case.code == 2:
        assert case.says in done.stderr.decode()
        return
    told = orjson.loads(done.stdout)
    assert (told["new"], told["errors"], told["unreadable"]) == (case.new, case.errors, case.unreadable)
    assert case.says in " ".join(told["problems"])


_LIBC = ctypes.CDLL(None, use_errno=True)
_DROP = 24
_OVERRIDES = (1, 2)
"""What lets root read and write whatever its mode says."""


def _like_anybody() -> None:
    for each in _OVERRIDES:
        _LIBC.prctl(_DROP, each, 0, 0, 0)


@pytest.fixture
def anybody(tmp_path: Path) -> dict[str, Any]:
    """Options for a child that permissions hold for, also when root runs the tests."""
    if os.getuid() != 0:
        return {}
    options = {"preexec_fn": _like_anybody}
    locked = tmp_path / "probe"
    locked.write_text("x")
    locked.chmod(0)
    reading = [sys.executable, "-c", f"open({str(locked)!r})"]
    if subprocess.run(reading, capture_output=True, check=False, **options).returncode == 0:  # type: ignore[call-overload]
        pytest.skip("root cannot give up reading everything here")
    locked.unlink()
    return options


def test_a_folder_and_a_file_without_permission_are_said_and_the_rest_is_read(tmp_path, anybody):
    folder = tmp_path / "in"
    (folder / "locked").mkdir(parents=True)
    (folder / "locked" / "x.json").write_bytes(OTHER)
    (folder / "secret.json").write_bytes(OTHER)
    (folder / "open.json").write_bytes(GOOD)
    (folder / "locked").chmod(0)
    (folder / "secret.json").chmod(0)
    try:
        done = command(tmp_path / "home", "import", "--no-fetch", "--json", str(folder), **anybody)
    finally:
        (folder / "locked").chmod(0o755)

    assert done.returncode == 1, done.stderr.decode()
    told = orjson.loads(done.stdout)
    assert (told["new"], told["unreadable"]) == (1, 2)
    problems = [line for line in told["problems"] if not line.startswith("sources without")]
    assert sorted(Path(line.partition(": ")[0]).name for line in problems) == ["locked", "secret.json"]
    assert all("permission denied" in line for line in problems)


def test_a_cache_this_user_may_not_write_fails_the_import_in_words(tmp_path, anybody):
    home = tmp_path / "home"
    (home / "cache").mkdir(parents=True)
    with MediaServer() as server:
        url = server.route("/a.png", picture())
        path = tmp_path / "a.json"
        path.write_bytes(orjson.dumps(post(1, media={"type": "image", "url": url, "images": [{"url": url}]})))
        (home / "postkeep.toml").write_text(f'[fetch]\nallow = ["{server.allow}"]\n')
        (home / "cache").chmod(0o555)
        done = command(home, "import", "--json", str(path), **anybody)
        (home / "cache").chmod(0o755)
        again = command(home, "media", "download-all", "--json")

    assert done.returncode == 4, done.stderr.decode()
    told = orjson.loads(done.stdout)
    assert (told["status"], told["new"]) == ("failed", 1)
    assert "permission denied" in told["error"]
    assert (again.returncode, orjson.loads(again.stdout)["cached"]) == (0, 1)
