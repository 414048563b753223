"""A cache with files and a database that knows them, and runs of the whole archive stage over any archive."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.archive.port import Archive
from postkeep.config import ArchiveConfig, Config
from postkeep.errors import LeaseTaken
from postkeep.ids import IdFactory
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import utc_now
from postkeep.net.fetcher import Fetcher
from postkeep.stages.archiving import Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store, bulk
from postkeep.store.verify import verify_rows
from postkeep.views.archives import ArchiveSummary
from tests.stages.kept import File, Kept, Place, Post, made

ONE = Post("one")
MB = 1024 * 1024


def files(number: int, size: int = 3000) -> list[File]:
    """Files of different content, each shown by a post."""
    return [File(f"f{n}-", size=size + n, places=(Place(ONE),)) for n in range(number)]


def parts_of(database: str, root: Path, archive: ArchiveConfig) -> Parts:
    """What a run works with; the store is the caller's to close."""

    def no_fetcher() -> Fetcher:
        raise AssertionError("archiving asks no stranger")

    config = Config(root.parent, archive=archive)
    return Parts(Store(database), Cache(root), Journal(root / "journal"), no_fetcher, config, IdFactory(), utc_now)


def run_stage(parts: Parts, archive: Archive, **more: Any) -> ArchiveSummary:
    asked: dict[str, Any] = {"post_id": None, "media_id": None, "limit": None, "stop": lambda: False}
    return Archives(parts, archive).run(**asked | {"progress": lambda step: None} | more)


@dataclass
class World:
    """Files in a cache, and what becomes of them; `config` is that of the stage."""

    kept: Kept
    database: str
    files: list[File]
    config: ArchiveConfig = field(default_factory=lambda: ArchiveConfig(concurrency=4))

    def run(self, archive: Archive, **more: Any) -> ArchiveSummary:
        """One run of the stage, to which everything left over is due."""
        parts = parts_of(self.database, self.kept.root, self.config)
        try:
            with parts.store.writing() as tx:
                bulk.execute(tx, "UPDATE work SET due_at = ?", utc_now())
            return run_stage(parts, archive, **more)
        finally:
            parts.store.close()

    def archived(self) -> dict[str, str]:
        """The key of every content that is called archived, by the file's name."""
        names = {file_id: name for name, file_id in self.kept.file_ids.items()}
        rows = self.kept.rows(
            "SELECT f.file_id, a.key, f.archive_url FROM media_files f"
            " JOIN archive_objects a ON a.file_id = f.file_id AND a.state = 'proven'"
        )
        assert all(url is not None and url.endswith(key) for _, key, url in rows)
        [(urls,)] = self.kept.rows("SELECT count(*) FROM media_files WHERE archive_url IS NOT NULL")
        assert urls == len(rows)
        return {names[file_id]: key for file_id, key, _ in rows}

    def check(self, archive: Archive, *, whole: bool = True) -> None:
        """What is called archived is equal; with `whole`, everything is, and nothing else stands there."""
        contents = {each.name: each.content for each in self.files}
        archived = self.archived()
        for name, key in archived.items():
            assert b"".join(archive.read(key)) == contents[name]
        assert verify_rows(self.kept.store) == []
        if whole:
            assert set(archived) == set(contents)
            assert {each.key for each in archive.listing()} == {*archived.values()}
            assert self.kept.rows("SELECT count(*) FROM work") == [(0,)]


def make(store: Store, folder: Path, database: str, given: list[File]) -> World:
    return World(made(store, folder, *given), database, given)


def through(bucket: Bucket, endpoint: str, **more: Any) -> BucketArchive:
    """The same bucket by another address."""
    return BucketArchive(replace(bucket, endpoint=endpoint, **more))


def lax_bucket(endpoint: str, **more: Any) -> Bucket:
    """A bucket of a store that checks nothing."""
    asked: dict[str, Any] = {"keys": lambda: Keys("anybody", "anything"), "seconds": 30}
    return Bucket("lax", "us-east-1", endpoint, **asked | more)


@contextmanager
def in_background(do: Any) -> Iterator[None]:
    """Do something meanwhile; what it raises is raised at the end."""
    raised: list[BaseException] = []

    def doing() -> None:
        try:
            do()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=doing)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        if raised:
            raise raised[0]


# --- as a process of its own --------------------------------------------------------------------------------


def main() -> None:
    """Arguments: database, cache root, endpoint, bucket, moment, which passing of it; dies there by SIGKILL."""
    import os
    import signal
    import sys

    from postkeep import points
    from tests.servers.ceph import ACCESS, SECRET

    warnings.simplefilter("error")
    database, root, endpoint, name, moment, number = sys.argv[1:]
    left = int(number)

    def hook(passed: str) -> None:
        nonlocal left
        left -= passed == moment
        if passed == moment and not left:
            os.kill(os.getpid(), signal.SIGKILL)

    points.watch(hook)
    bucket = Bucket(name, "us-east-1", endpoint, lambda: Keys(ACCESS, SECRET), seconds=30)
    config = ArchiveConfig(concurrency=2, multipart_at=5 * MB, part_size=5 * MB)
    parts = parts_of(database, Path(root), config)
    try:
        summary = run_stage(parts, BucketArchive(bucket))
        print(summary.status)
    except LeaseTaken:
        print("taken")
    finally:
        parts.store.close()


if __name__ == "__main__":
    main()
