"""How fast are media archived? 2,000 objects of 200 KB, against the bare client and boto3, on one strict store.

The bare client is the library postkeep uses, with as many threads: it reads files and puts them. postkeep hashes,
claims, proves and writes rows besides.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from tests.servers.ceph import ACCESS, SECRET, Ceph, missing

from benchmarks.archive_puts import REGION
from benchmarks.children import ROOT
from benchmarks.corpus import write_corpus
from benchmarks.fetch_child import CALM, SAID_NAME, busy_seconds, calm_down, run
from benchmarks.fetch_goals import Goal, print_goals
from benchmarks.fetch_peers import install
from postkeep.config import load_config
from postkeep.ids import IdFactory
from postkeep.library import open_library
from postkeep.media.cache import cache_path
from postkeep.model import CachedFile, Digest, Dimensions, Kind, MediaType, Proof, utc_now
from postkeep.store import Store, bulk, media

REQUIREMENTS = ("boto3==1.*",)
OURS, BARE, PEER = "postkeep", "obstore", "boto3"
CLIENTS = (OURS, BARE, PEER)
CPU_GOAL, RATE_GOAL = 3.0, 0.7
SEED = 20251125
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Ground:
    """What all turns share: the files, the home in which they are due, and the store."""

    scratch: Path
    home: Path
    files: Sequence[Path]
    server: Ceph
    peers: Path
    threads: int
    patience: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn, in seconds and bytes. `active` is without the start of the process; `others` is in cores."""

    wall: float
    active: float
    cpu: float
    peak: int
    others: float


# --- the files ----------------------------------------------------------------------------------------


def prepare_home(home: Path, number: int, size: int) -> list[Path]:
    """A home whose cache holds so many files, each shown by a post, and nothing of it archived."""
    corpus = write_corpus(home / "posts", number, seed=SEED)
    config = load_config(flags={"home": str(home)}, environ={}, user_folder=home)
    with open_library(config) as library:
        library.import_([str(path) for path in corpus.files], fetch=False)
    shutil.rmtree(home / "posts")
    store = Store(config.database_url)
    try:
        return list(_fill(store, config.cache_root, number, size))
    finally:
        store.close()


def _fill(store: Store, root: Path, number: int, size: int) -> Iterator[Path]:
    ids, random = IdFactory(), Random(SEED)
    with store.reading() as tx:
        rows = bulk.execute(tx, "SELECT media_id FROM post_media ORDER BY media_id LIMIT ?", number).all()
    for start in range(0, number, _BATCH):
        arrivals = []
        for (media_id,) in rows[start : start + _BATCH]:
            cached, path = _write(root, random.randbytes(size))
            arrivals.append(media.Arrival(media_id, cached, None, None))
            yield path
        with store.writing() as tx:
            media.store_arrivals(tx, arrivals, ids=ids, now=utc_now())


def _write(root: Path, content: bytes) -> tuple[CachedFile, Path]:
    digest = Digest(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))
    name = cache_path(MediaType.IMAGE, digest.md5, "jpg")
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    state = path.stat()
    proof = Proof(state.st_size, state.st_mtime_ns, state.st_ino)
    kind = Kind("image/jpeg", "jpg", MediaType.IMAGE)
    return CachedFile(name, digest, kind, Dimensions(1080, 1350), proof), path


# --- a turn -------------------------------------------------------------------------------------------


def measure(ground: Ground, name: str, number: int) -> Measured:
    """One turn of one client into a bucket of its own; raises RuntimeError unless every object is there."""
    bucket, folder = f"{name}-{number}", ground.scratch / f"{name}-{number}"
    folder.mkdir()
    store = _store(ground.server)
    store.create_bucket(Bucket=bucket)
    environment = {"PATH": os.environ["PATH"], "HOME": str(ground.scratch), "TMPDIR": str(ground.scratch)}
    if name == OURS:
        shutil.copytree(ground.home, folder / "home", symlinks=True)
        command: tuple[str, ...] = (sys.executable, "-m", "postkeep", "--home", str(folder / "home"))
        command += ("media", "archive", "--all", "--json")
        environment |= _settings(ground, bucket)
    else:
        listed = folder / "files"
        listed.write_text("".join(f"{path}\n" for path in ground.files))
        python = sys.executable if name == BARE else str(install(PEER, ground.peers, REQUIREMENTS) / "python")
        script = str(Path(__file__).with_name("archive_puts.py"))
        where = (ground.server.endpoint, bucket, ACCESS, SECRET)
        command = (python, script, name, str(listed), str(ground.threads), *where)
    calm_down(ground.patience)
    busy, before = busy_seconds(), ground.server.cpu
    one = run(command, folder=folder, environment=environment)
    of_server = ground.server.cpu - before
    others = max(0.0, (busy_seconds() - busy - one.cpu - of_server) / one.wall)
    said = json.loads((folder / SAID_NAME).read_text())
    active = _recorded(folder / "home", said, len(ground.files)) if name == OURS else said["active"]
    _check(store, bucket, ground.files)
    shutil.rmtree(folder)
    return Measured(one.wall, active, one.cpu, one.peak, others)


def _settings(ground: Ground, bucket: str) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT / "src"),
        "AWS_S3_BUCKET": bucket,
        "AWS_S3_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "POSTKEEP_ARCHIVE_S3_ENDPOINT": ground.server.endpoint,
        "POSTKEEP_ARCHIVE_CONCURRENCY": str(ground.threads),
    }


def _recorded(home: Path, said: dict[str, Any], number: int) -> float:
    """How long our run took by its own row, when it and all rows say that everything is archived."""
    if (said["status"], said["archived"]) != ("completed", number):
        raise RuntimeError(f"not everything was archived: {said}")
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        query = "SELECT started_at, completed_at FROM download_runs WHERE run_id = ?"
        began, ended = map(datetime.fromisoformat, database.execute(query, (said["run_id"],)).fetchone())
        for table in ("media_files", "post_media"):
            query = f"SELECT count(*) FROM {table} WHERE archive_url IS NOT NULL"
            [(rows,)] = database.execute(query)
            if rows < number:
                raise RuntimeError(f"{rows} rows of {table} say that they are archived, not {number}")
    return (ended - began).total_seconds()


def _store(server: Ceph) -> Any:
    from botocore.session import Session

    return Session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
    )


def _check(store: Any, bucket: str, files: Sequence[Path]) -> None:
    """Raise RuntimeError unless the bucket holds exactly these files, by their MD5; then empty it."""
    keys, tags = [], []
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", ()):
            keys.append({"Key": each["Key"]})
            tags.append(each["ETag"].strip('"'))
    if sorted(tags) != sorted(path.stem for path in files):
        raise RuntimeError(f"{bucket} holds {len(tags)} objects, which are not the {len(files)} files")
    for start in range(0, len(keys), 1000):
        store.delete_objects(Bucket=bucket, Delete={"Objects": keys[start : start + 1000], "Quiet": True})


# --- what is shown ------------------------------------------------------------------------------------


def compare(ground: Ground, runs: int, chosen: Sequence[str]) -> dict[str, Any]:
    """Let the clients take turns."""
    turns: dict[str, list[Measured]] = {name: [] for name in chosen}
    number = len(ground.files)
    print(f"{'':10}{'wall s':>8}{'active s':>10}{'objects/s':>11}{'CPU s/1k':>10}{'peak MB':>9}{'others':>8}")
    for turn in range(runs):
        names = [*turns]
        shift = turn % len(names)
        for name in (*names[shift:], *names[:shift]):
            one = measure(ground, name, turn)
            turns[name].append(one)
            print(
                f"{name:10}{one.wall:8.2f}{one.active:10.2f}{number / one.active:11,.0f}"
                f"{one.cpu / number * 1000:10.3f}{one.peak / 1e6:9.0f}{one.others:8.1f}",
                flush=True,
            )
    return {
        "objects": number,
        "turns": {name: [asdict(each) for each in each_turns] for name, each_turns in turns.items()},
        "cpu_ratio": _ratio(turns.get(PEER, ()), turns.get(OURS, ()), "cpu"),
        "rate_ratio": _ratio(turns.get(BARE, ()), turns.get(OURS, ()), "active"),
        "rate_ratio_whole": _ratio(turns.get(BARE, ()), turns.get(OURS, ()), "wall"),
        "calm": any(_calm(*each) for each in zip(*turns.values(), strict=True)),
    }


def _ratio(theirs: Sequence[Measured], ours: Sequence[Measured], which: str) -> float | None:
    """How many times theirs is ours: the median over the calm rounds, or over all if none was."""
    if not theirs or not ours:
        return None
    rounds = list(zip(theirs, ours, strict=True))
    calm = [pair for pair in rounds if _calm(*pair)]
    return median(getattr(other, which) / getattr(one, which) for other, one in calm or rounds)


def _calm(*turns: Measured) -> bool:
    return all(each.others < CALM for each in turns)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--size", type=int, default=200_000, help="bytes of each")
    parser.add_argument("--threads", type=int, default=8, help="uploads at a time, for each of the three")
    parser.add_argument("--runs", type=int, default=3, help="how often the three take turns")
    parser.add_argument("--only", nargs="+", choices=CLIENTS, default=CLIENTS, help="leave out the others")
    parser.add_argument("--scratch", type=Path, default=Path("/dev/shm"), help="where files are made")
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "postkeep-benchmarks")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for others, before each turn")
    parser.add_argument("--json", action="store_true", help="end with one JSON object of all figures")
    given = parser.parse_args(arguments)
    if (reason := missing()) is not None:
        raise SystemExit(f"no strict S3 server: {reason}")
    with (
        tempfile.TemporaryDirectory(prefix="postkeep-bench-", dir=given.scratch) as folder,
        Ceph(Path(folder) / "ceph") as server,
    ):
        scratch = Path(folder)
        files = prepare_home(scratch / "home", given.objects, given.size)
        ground = Ground(scratch, scratch / "home", files, server, given.peers, given.threads, given.patience)
        figures = compare(ground, given.runs, given.only)
    goals = [
        Goal("objects per CPU second in times boto3's", figures["cpu_ratio"], CPU_GOAL),
        Goal("objects/s in times the bare client's", figures["rate_ratio"], RATE_GOAL),
    ]
    print_goals(goals)
    if not figures["calm"]:
        print("others used the machine in every turn: read the CPU seconds, and the times with care")
    if given.json:
        print(json.dumps({**figures, "goals": [goal.shown() for goal in goals]}))


if __name__ == "__main__":
    main(sys.argv[1:])
