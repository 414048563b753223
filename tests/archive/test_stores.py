"""What every kind of archive promises: the same suite for a folder and for buckets of every cloud."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from postkeep.archive.port import Archive, SetUpStep, Stored
from postkeep.archive.proof import Proof, of_part_tags, of_tag, tag_of_parts
from postkeep.archive.uploading import prove, upload
from postkeep.errors import ObjectDiffers, ObjectMissing, SourceChanged
from postkeep.model import Digest

PART = 5 * 1024 * 1024
SMALL = os.urandom(200_000)
LARGE = os.urandom(2 * PART + 17)


def digest(content: bytes) -> Digest:
    return Digest(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))


def send(archive: Archive, key: str, content: bytes, *, as_digest: Digest | None = None) -> Proof:
    proven = upload(
        archive,
        key,
        io.BytesIO(content),
        as_digest or digest(content),
        "image/jpeg",
        multipart_at=PART,
        part_size=PART,
    )
    assert proven.size == len(content)
    assert proven.key == key
    return proven.proof


def content_of(archive: Archive, key: str) -> bytes:
    return b"".join(archive.read(key))


@pytest.mark.parametrize("content", [SMALL, LARGE, b"x"], ids=["small", "in parts", "one byte"])
def test_what_was_sent_stands_there(archive: Archive, content: bytes) -> None:
    send(archive, "media/2026/11/a.jpg", content)
    assert content_of(archive, "media/2026/11/a.jpg") == content
    assert prove(archive, "media/2026/11/a.jpg", digest(content)) is not None
    # Again changes nothing.
    send(archive, "media/2026/11/a.jpg", content)
    assert content_of(archive, "media/2026/11/a.jpg") == content


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "in parts"])
def test_a_file_that_is_not_its_digest_is_not_stored(archive: Archive, content: bytes) -> None:
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    for wrong in (damaged, content[:-1], content + b"!"):
        with pytest.raises(SourceChanged):
            send(archive, "media/2026/11/a.jpg", wrong, as_digest=digest(content))
        assert archive.head("media/2026/11/a.jpg") is None
    assert list(archive.listing()) == []


def test_nothing_is_proven_of_another_object(archive: Archive) -> None:
    archive.put("k.jpg", SMALL[:-1] + b"!", "image/jpeg")
    assert prove(archive, "k.jpg", digest(SMALL)) is None
    assert prove(archive, "missing.jpg", digest(SMALL)) is None


def test_listing_is_whole_and_in_order(archive: Archive) -> None:
    keys = sorted(f"media/2026/{month:02}/{n}.jpg" for month in (1, 2) for n in range(7))
    for key in (*keys, "other/x.jpg"):
        archive.put(key, key.encode(), "image/jpeg")
    assert [each.key for each in archive.listing("media")] == keys
    assert [each.key for each in archive.listing("media", after=keys[4])] == keys[5:]
    assert {each.key for each in archive.listing()} == {*keys, "other/x.jpg"}
    assert all(each.size == len(each.key) for each in archive.listing())
    assert list(archive.listing("nothing")) == []


def test_deleting_twice_is_deleting_once(archive: Archive) -> None:
    archive.put("a.jpg", SMALL, "image/jpeg")
    archive.delete("a.jpg")
    archive.delete("a.jpg")
    assert archive.head("a.jpg") is None
    with pytest.raises(ObjectMissing):
        content_of(archive, "a.jpg")


def test_head_tells_the_size(archive: Archive) -> None:
    archive.put("a.jpg", SMALL, "image/jpeg")
    found = archive.head("a.jpg")
    assert found is not None
    assert (found.key, found.size) == ("a.jpg", len(SMALL))


def test_sweeping_takes_what_broke_off_and_nothing_else(archive: Archive) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * PART
        raise KeyboardInterrupt

    send(archive, "a.jpg", SMALL)
    with pytest.raises(KeyboardInterrupt):
        archive.put_parts("b.mp4", breaking(), PART, "video/mp4")
    archive.sweep(datetime.now(UTC) + timedelta(days=1))
    assert [each.key for each in archive.listing()] == ["a.jpg"]
    assert content_of(archive, "a.jpg") == SMALL


class Lax:
    """A store that keeps whatever arrives and tags it with nothing that proves anything; `damage` flips a bit."""

    place = "s3://lax"

    def __init__(self, *, damage: bool, tag: str = "") -> None:
        self.objects: dict[str, bytes] = {}
        self.damage, self.tag, self.reads = damage, tag, 0

    def url(self, key: str) -> str:
        return f"{self.place}/{key}"

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        self.objects[key] = bytes([content[0] ^ self.damage]) + content[1:]
        return self.tag

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        return self.put(key, b"".join(parts), mime_type)

    def head(self, key: str) -> Stored | None:
        return Stored(key, len(self.objects[key]), self.tag) if key in self.objects else None

    def read(self, key: str) -> Iterator[memoryview]:
        self.reads += 1
        yield memoryview(self.objects[key])

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        return iter(())

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def sweep(self, before: datetime) -> int:
        return 0

    def set_up(self, prefix: str) -> list[SetUpStep]:
        return []

    def link(self, key: str, seconds: int) -> str:
        return self.url(key)


@pytest.mark.parametrize("tag", ["", "0" * 32, "abc-3"], ids=["no tag", "another tag", "a tag of parts"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "in parts"])
def test_where_the_store_proves_nothing_it_is_read_back(content: bytes, tag: str) -> None:
    good, bad = Lax(damage=False, tag=tag), Lax(damage=True, tag=tag)
    assert send(good, "k", content) is Proof.READ_BACK
    assert good.reads == 1
    with pytest.raises(ObjectDiffers):
        send(bad, "k", content)
    assert bad.objects == {}


def test_a_right_tag_spares_the_reading() -> None:
    store = Lax(damage=False, tag=digest(SMALL).md5)
    assert send(store, "k", SMALL) is Proof.ETAG
    assert store.reads == 0


def test_tags() -> None:
    parts = [hashlib.md5(part).digest() for part in (b"a", b"b")]
    tag = hashlib.md5(b"".join(parts)).hexdigest() + "-2"
    assert tag_of_parts(parts) == tag
    assert of_part_tags(tag.upper(), parts) is Proof.ETAG_PARTS
    assert of_part_tags(tag, parts[::-1]) is None
    assert of_tag(digest(b"a").md5, digest(b"b").md5) is None
