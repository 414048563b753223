"""A folder of the cache that is a link: nothing is written through it, and the words say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from postkeep.errors import CacheError
from postkeep.media.cache import Cache
from postkeep.model import Body
from tests.media_bytes import png


def body(seed: bytes) -> Body:
    content = png(seed=seed)
    return Body(len(content), (content,))


@pytest.mark.parametrize("name", ["media", "media/images", "tmp"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "cache" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    cache = Cache(tmp_path / "cache")
    with pytest.raises(CacheError, match=r"is a link.*cache\.directory"):
        cache.commit(cache.stage(body(b"a")))
    assert list(outside.iterdir()) == []
    link.unlink()
    with cache.open(cache.commit(cache.stage(body(b"a"))).file.path) as file:
        assert file.read() == png(seed=b"a")
    cache.close()


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "large")
    cache = Cache(tmp_path / "cache")
    with cache.open(cache.commit(cache.stage(body(b"a"))).file.path) as file:
        assert file.read() == png(seed=b"a")
    cache.close()
