"""The clients that take turns: how each is started, and the proof that it fetched everything."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.children import ROOT
from benchmarks.fetch_child import Run, complaints
from benchmarks.fetch_corpus import Picture, digests, write_posts
from benchmarks.fetch_ours import PEAK_NAME
from benchmarks.fetch_server import HOST

CONNECTIONS = 16
OUT = "out"
HOME = "home"

_LARGEST = "20 GiB"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one client: a new folder of its own, and what there is to fetch."""

    folder: Path
    urls: Sequence[str]
    pictures: Sequence[Picture]
    port: int
    authority: Path
    home: Path


Finish = tuple[float | None, Run]


@dataclass(frozen=True, slots=True)
class Client:
    """How a client is started, and what proves that it is done.

    `start` prepares the turn's folder, unmeasured, and returns the command. `finish` raises RuntimeError unless
    every file is there as it was served, and returns when the last one was (seconds since 1970; None: when the
    server had sent it) and the run, corrected where the client knows better.
    """

    name: str
    start: Callable[[Turn], Sequence[str]]
    finish: Callable[[Turn, Run], Finish]
    environment: Mapping[str, str]


def plain_environment(scratch: Path, authority: Path) -> dict[str, str]:
    """The environment of every client: nothing of the caller's but where programs are, and whom to trust."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return {
        **kept,
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "TMPDIR": str(scratch),
        "SSL_CERT_FILE": str(authority),
        "REQUESTS_CA_BUNDLE": str(authority),
    }


# --- files as proof -----------------------------------------------------------------------------------


def files_written(turn: Turn, run: Run) -> Finish:
    """The proof of a client that leaves pictures below `out`, whatever it calls them."""
    found = pictures_below(turn.folder / OUT)
    try:
        compare(turn.pictures, found)
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {complaints(turn.folder)}") from error
    return max(path.stat().st_ctime_ns for path in found) / 1e9, run


def pictures_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.jpg") if path.is_file()]


def compare(pictures: Sequence[Picture], found: Sequence[Path]) -> None:
    """Raise RuntimeError unless the files are these pictures, byte for byte."""
    wanted = sum(picture.size for picture in pictures)
    size = sum(path.stat().st_size for path in found)
    if (len(found), size) != (len(pictures), wanted):
        raise RuntimeError(f"{len(found)} files of {size} bytes, not {len(pictures)} of {wanted}")
    if digests(iter(found)) != sorted(picture.md5 for picture in pictures):
        raise RuntimeError("the files are not those that were served")


# --- curl ---------------------------------------------------------------------------------------------


def curl(environment: Mapping[str, str]) -> Client:
    """The bound: it writes files and neither hashes, looks at, nor records them."""
    return Client("curl", _start_curl, files_written, environment)


def _start_curl(turn: Turn) -> Sequence[str]:
    out = turn.folder / OUT
    out.mkdir()
    transfers = "".join(f'url = "{url}"\noutput = "{out}/{n}.jpg"\n' for n, url in enumerate(turn.urls))
    (turn.folder / "curl.cfg").write_text(transfers)
    return (
        *("curl", "--parallel", "--parallel-immediate", "--parallel-max", str(CONNECTIONS), "--http1.1"),
        *("--silent", "--show-error", "--fail", "--cacert", str(turn.authority), "--config", "curl.cfg"),
    )


# --- postkeep -----------------------------------------------------------------------------------------


def postkeep(environment: Mapping[str, str], name: str, *, per_host: int | None) -> Client:
    """Our own command with everything on; without `per_host`, as it is when nobody configured anything."""
    ours = {**environment, "PYTHONPATH": python_path()}
    ours.pop("SSL_CERT_FILE")
    ours.pop("REQUESTS_CA_BUNDLE")
    if per_host is not None:
        ours["POSTKEEP_FETCH_PER_HOST"] = str(per_host)
    return Client(name, _start_postkeep, _finish_postkeep, ours)


def python_path() -> str:
    """Where our processes find the benchmarks, behind what the caller put before postkeep."""
    return os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))


def _start_postkeep(turn: Turn) -> Sequence[str]:
    home = turn.folder / HOME
    shutil.copytree(turn.home, home)
    return our_command(turn.authority, home, "media", "download-all", "--json")


def our_command(authority: Path, home: Path, *arguments: str) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "benchmarks.fetch_ours", str(authority)),
        *("--home", str(home), *arguments),
    )


def _finish_postkeep(turn: Turn, run: Run) -> Finish:
    home = turn.folder / HOME
    check_home(home, turn.pictures)
    return last_commit(home), exact_peak(turn.folder, run)


def exact_peak(folder: Path, run: Run) -> Run:
    """The run with the memory that the process itself saw last, not 30 ms before its end."""
    peak = int(json.loads((folder / PEAK_NAME).read_text())["peak"])
    return replace(run, peak=max(peak, run.peak))


def last_commit(home: Path) -> float:
    """When the newest run of a home was recorded as done, which is after its last batch was committed."""
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        query = "SELECT completed_at FROM download_runs ORDER BY started_at DESC LIMIT 1"
        [completed] = database.execute(query).fetchone()
    return datetime.fromisoformat(completed).timestamp()


def check_home(home: Path, pictures: Sequence[Picture]) -> None:
    """Raise RuntimeError unless each row has its picture, hashed and measured right, and the bytes are there."""
    query = """
        SELECT media_url, download_state, f.md5_sum, f.sha256, f.file_size, f.width, f.height, f.local_file_path
        FROM post_media LEFT JOIN media_files AS f USING (file_id) WHERE media_url LIKE '%.jpg'
    """
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        rows = {str(url).rpartition("/")[2]: tuple(rest) for url, *rest in database.execute(query)}
        [left] = database.execute("SELECT count(*) FROM work WHERE stage = 'fetch'").fetchone()
    wanted = {
        each.name: ("fetched", each.md5, each.sha256, each.size, each.width, each.height) for each in pictures
    }
    wrong = [name for name, expected in wanted.items() if rows.get(name, ())[:6] != expected]
    if wrong or len(rows) != len(wanted) or left:
        example = f", such as {wrong[0]}: {rows.get(wrong[0])}" if wrong else ""
        raise RuntimeError(f"{len(rows)} rows, {len(wrong)} of them wrong, {left} still due{example}")
    compare(pictures, pictures_below(home / "cache"))


def prepare_home(
    home: Path,
    urls: Sequence[str],
    *,
    port: int,
    environment: Mapping[str, str],
    videos: Sequence[str] = (),
    settings: Iterable[str] = (),
) -> None:
    """Make a home with one media row for each URL, all due and none fetched."""
    home.mkdir(parents=True)
    lines = (
        "[fetch]",
        f'allow = ["{HOST}:{port}"]',
        *settings,
        "[cache]",
        f'max_bytes = "{_LARGEST}"',
    )
    (home / "postkeep.toml").write_text("\n".join(lines) + "\n")
    source = write_posts(home.parent / f"{home.name}-posts", urls, videos=videos)
    command = (
        sys.executable,
        "-m",
        "postkeep",
        "--home",
        str(home),
        "import",
        "--no-fetch",
        "--json",
        str(source),
    )
    ours = {**environment, "PYTHONPATH": python_path()}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=home.parent, env=ours)
    if done.returncode != 0:
        raise RuntimeError(f"the import ended with {done.returncode}: {done.stderr[-2000:]}")
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        [due] = database.execute("SELECT count(*) FROM work WHERE stage = 'fetch'").fetchone()
    if due != len(urls) + len(videos):
        raise RuntimeError(f"{due} media are due, not {len(urls) + len(videos)}")
