"""What a link says of its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.archive.objects import BucketArchive
from postkeep.archive.port import Archive
from postkeep.stages.archiving import LONGEST_LINK, Archives
from postkeep.store import Store
from tests.archive.world import files, lax_bucket, make, parts_of
from tests.servers.s3lax import LaxS3


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Archive]:
    if kind == "folder":
        (folder / "what? an archive").mkdir()
        yield DirectoryArchive(folder / "what? an archive")
        return
    with LaxS3() as lax:
        bucket = lax_bucket(lax.endpoint)
        yield BucketArchive(bucket if kind == "signed" else replace(bucket, link_base="https://cdn.example"))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("kind", "ends"), [("folder", False), ("signed", True), ("cdn", False)])
def test_only_a_signed_link_ends(store: Store, tmp_path: Path, database_url: str, kind: str, ends: bool) -> None:
    world = make(store, tmp_path, database_url, files(1))
    media_id = world.kept.media_ids["f0-", 0]
    with opened(kind, tmp_path) as archive:
        world.run(archive)
        parts = parts_of(database_url, world.kept.root, world.config)
        try:
            link = Archives(parts, archive).link(media_id, seconds=LONGEST_LINK)
            assert link.seconds == (LONGEST_LINK if ends else None)
            assert (f"Expires={LONGEST_LINK}" in link.url) is ends
            for wrong in (0, LONGEST_LINK + 1):
                with pytest.raises(ValueError, match="604800"):
                    Archives(parts, archive).link(media_id, seconds=wrong)
        finally:
            parts.store.close()
