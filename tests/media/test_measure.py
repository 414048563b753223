"""Sizes and lengths read from headers, and what strangers' headers may not do to us."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.media.header import MAX_BYTES, MAX_READS
from postkeep.media.measure import measure
from postkeep.media.sniff import KINDS
from postkeep.model import Dimensions
from tests import media_bytes as make

UNKNOWN = Dimensions()


class Counting(io.BytesIO):
    """A file that knows how much was read of it."""

    reads = total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.reads += 1
        self.total += len(found)
        return found


def sides(content: bytes, mime: str) -> Dimensions:
    file = Counting(content)
    result = measure(file, KINDS[mime], len(content))
    assert file.reads <= MAX_READS
    assert file.total <= MAX_BYTES
    return result


@pytest.mark.parametrize(
    ("mime", "expected"),
    [
        ("image/png", Dimensions(1920, 1080)),
        ("image/gif", Dimensions(33, 44)),
        ("image/jpeg", Dimensions(1001, 333)),
        ("image/webp", Dimensions(16383, 7)),
        ("image/avif", Dimensions(4096, 2304)),
        ("image/heic", Dimensions(4032, 3024)),
        ("video/mp4", Dimensions(1280, 720, 2.5)),
        ("video/quicktime", Dimensions(720, 1280, 1.5)),
        ("video/webm", Dimensions(640, 360, 4.25)),
        ("application/pdf", UNKNOWN),
    ],
)
def test_each_kind(mime: str, expected: Dimensions) -> None:
    width, height = expected.width or 200, expected.height or 100
    assert sides(make.ALL[mime](width=width, height=height, seed=b"x"), mime) == expected


@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCF])
def test_jpeg_frames_of_every_coding(frame: int) -> None:
    assert sides(make.jpeg(40, 30, frame=frame), "image/jpeg") == Dimensions(40, 30)


def test_jpeg_pixels_are_the_stored_ones_not_the_thumbnails_nor_the_turned_ones() -> None:
    content = make.jpeg(40, 30, before=make.exif(orientation=6) + b"\xff" * 5 + b"\xff\x01")
    assert sides(content, "image/jpeg") == Dimensions(40, 30)


@pytest.mark.parametrize("form", ["VP8", "VP8L", "VP8X"])
def test_webp_forms(form: str) -> None:
    assert sides(make.webp(700, 9, form=form), "image/webp") == Dimensions(700, 9)


def test_the_primary_picture_counts_and_the_largest_when_none_is_named() -> None:
    others = ((9000, 9000), (160, 120))
    assert sides(make.heif(800, 600, others=others), "image/avif") == Dimensions(800, 600)
    assert sides(make.heif(800, 600, others=others, associated=False), "image/avif") == Dimensions(9000, 9000)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("moov_first", [False, True])
@pytest.mark.parametrize("wide_mdat", [False, True])
@pytest.mark.parametrize("fragmented", [False, True])
def test_videos_of_every_layout(version: int, moov_first: bool, wide_mdat: bool, fragmented: bool) -> None:
    content = make.mp4(
        1920,
        1080,
        61.5,
        seed=bytes(100_000),
        version=version,
        moov_first=moov_first,
        wide_mdat=wide_mdat,
        fragmented=fragmented,
    )
    assert sides(content, "video/mp4") == Dimensions(1920, 1080, 61.5)


def test_the_first_video_track_counts_and_another_track_only_where_there_is_none() -> None:
    others = ((b"sbtl", 900, 90), (b"vide", 16, 16), (b"text", 8, 8))
    assert sides(make.mp4(640, 360, 1.0, others=others), "video/mp4") == Dimensions(640, 360, 1.0)
    assert sides(make.mp4(0, 0, 1.0, others=others[:1]), "video/mp4") == Dimensions(900, 90, 1.0)


def test_a_video_of_more_than_four_gigabytes_is_not_read_through() -> None:
    start, end = make.ftyp(b"isom"), make.mp4(320, 240, 3.0)[len(make.ftyp(b"isom", b"isom")) :]
    gap = 5 * 1024**3
    wide = struct.pack(">I4sQ", 1, b"mdat", gap + 16)

    class Sparse(io.BytesIO):
        """The same file without the gap."""

        def seek(self, offset: int, whence: int = 0, /) -> int:
            return super().seek(offset - gap if offset > gap else offset, whence)

    file = Sparse(start + wide + end)
    size = len(start + wide + end) + gap
    assert measure(file, KINDS["video/mp4"], size) == Dimensions(320, 240, 3.0)


def test_a_live_recording_has_a_size_and_no_length() -> None:
    content = make.webm(320, 240, seconds=None, live=True)
    assert sides(content, "video/webm") == Dimensions(320, 240, None)
    short = make.webm(320, 240, seconds=None, live=True).replace(b"\x01" + b"\xff" * 7, b"\xff")
    late = short.replace(make.element(0xEC, bytes(20)), make.element(0xEC, bytes(300)))
    assert sides(late, "video/webm") == Dimensions(320, 240, None)
    assert sides(make.webm(live=True, scale=500_000), "video/webm") == Dimensions(80, 60, 4.25)


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (make.png(0, 5), "image/png"),
        (make.png(3, 2)[:20], "image/png"),
        (make.jpeg(0, 8), "image/jpeg"),
        (make.jpeg()[:30], "image/jpeg"),
        (b"\xff\xd8\xff" + b"\xff" * 5000, "image/jpeg"),
        (make.webp(form="VP8L")[:22], "image/webp"),
        (make.avif()[:60], "image/avif"),
        (make.ftyp(b"isom") + make.box(b"mdat"), "video/mp4"),
        (make.ftyp(b"isom") + b"\x00\x00\x00\x01mdat" + bytes(8), "video/mp4"),
        (make.ftyp(b"isom") + b"\x00\x00\x00\x02mdat", "video/mp4"),
        (make.box(b"free") * 3000 + make.mp4(), "video/mp4"),
        (b"\x1a\x45\xdf\xa3\x80\x00", "video/webm"),
        (b"", "video/webm"),
        (b"", "image/gif"),
    ],
)
def test_odd_headers_say_nothing(content: bytes, mime: str) -> None:
    assert sides(content, mime) == UNKNOWN


@pytest.mark.parametrize("ticks", [0.0, -1.0, float("nan"), float("inf"), 1e300])
def test_lengths_that_are_none(ticks: float) -> None:
    content = make.webm(seconds=4.25).replace(struct.pack(">d", 4250.0), struct.pack(">d", ticks))
    assert sides(content, "video/webm") == Dimensions(80, 60, None)


def test_a_length_of_all_ones_is_unknown() -> None:
    content = make.mp4(seconds=2.5).replace(struct.pack(">II", 1000, 2500), struct.pack(">II", 1000, 2**32 - 1))
    assert sides(content, "video/mp4") == Dimensions(64, 36, None)


def test_a_file_that_cannot_be_read_says_nothing() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    assert measure(Failing(), KINDS["image/png"], 100) == UNKNOWN


def sound(found: Dimensions) -> bool:
    whole = (found.width is None) == (found.height is None)
    lengths = found.duration is None or 0 < found.duration < 1e9
    return whole and lengths and all(side is None or 0 < side < 2**31 for side in (found.width, found.height))


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=400))
def test_random_bytes_do_no_harm(mime: str, content: bytes) -> None:
    assert sound(sides(content, mime))


@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=6)), max_size=4),
    st.integers(0, 900),
    st.integers(0, 2**40),
)
def test_mutated_files_do_no_harm(mime: str, edits: list[tuple[int, bytes]], cut: int, claimed: int) -> None:
    content = bytearray(make.ALL[mime](seed=b"seed"))
    for at, patch in edits:
        content[at : at + len(patch)] = patch
    kept = bytes(content[:cut]) if cut % 2 else bytes(content)
    assert sound(sides(kept, mime))
    assert sound(measure(io.BytesIO(kept), KINDS[mime], claimed))
