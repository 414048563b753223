"""A file without the end that its format promises is told from a whole one, by a few bounded reads."""

from __future__ import annotations

import contextlib
import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import NotMedia
from postkeep.media.header import MAX_BYTES
from postkeep.media.measure import measure
from postkeep.media.sniff import KINDS, sniff
from postkeep.media.whole import is_whole
from postkeep.model import Dimensions, Kind
from tests import media_bytes as make

SEED = bytes(range(256)) + b"\xff\xd9\x3b\x00\x3b"


def sub_jpeg(**more: object) -> bytes:
    return make.jpeg(seed=SEED, before=make.exif(6), **more)  # type: ignore[arg-type]


SAMPLES = {
    "jpeg": make.jpeg(),
    "jpeg with a thumbnail": sub_jpeg(),
    "progressive jpeg": sub_jpeg(frame=0xC2),
    "png": make.png(seed=SEED),
    "gif": make.gif(5, 4, seed=SEED),
    "gif, large": make.gif(90, 60, seed=SEED * 300),
    "webp": make.webp(seed=SEED),
    "webp, extended": make.webp(form="VP8X"),
    "webp, lossy": make.webp(form="VP8"),
    "avif": make.avif(seed=SEED),
    "heic": make.heic(seed=SEED),
    "mp4": make.mp4(seed=SEED),
    "mp4, moov first": make.mp4(seed=SEED, moov_first=True),
    "mp4, fragmented": make.mp4(seed=SEED, fragmented=True, version=1),
    "mp4, wide": make.mp4(seed=SEED, wide_mdat=True, moov_first=True),
    "mp4, nothing in it": make.mp4(moov_first=True),
    "mov": make.mov(seed=SEED),
    "webm": make.webm(seed=SEED),
}


def whole(content: bytes, kind: Kind | None = None) -> bool:
    return is_whole(io.BytesIO(content), kind or sniff(content), len(content))


@pytest.mark.parametrize("mime", make.ALL)
def test_every_kind_has_an_end(mime: str) -> None:
    assert whole(make.ALL[mime]())
    assert whole(make.ALL[mime](seed=SEED))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_proper_beginning_is_cut_short(name: str) -> None:
    content = SAMPLES[name]
    kind = sniff(content)
    assert whole(content)
    step = max(1, len(content) // 3000)
    cuts = {*range(1, len(content), step), *range(max(1, len(content) - 300), len(content))}
    assert [at for at in sorted(cuts) if whole(content[:at], kind)] == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_jpeg_png_or_gif_cut_anywhere_is_cut_short(data: st.DataObject) -> None:
    maker = data.draw(st.sampled_from([make.jpeg, make.png, make.gif, make.webp, make.mp4]))
    width, height = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    content = maker(width, height, seed=data.draw(st.binary(max_size=400)))
    assert whole(content)
    assert not whole(content[: data.draw(st.integers(1, len(content) - 1))], sniff(content))


@pytest.mark.parametrize("name", ["jpeg", "jpeg with a thumbnail", "png", "gif", "webp", "mp4", "mov", "avif"])
@pytest.mark.parametrize("length", [1, 7, 4096, 70_000, 300_000])
def test_padding_behind_the_end_changes_nothing(name: str, length: int) -> None:
    assert whole(SAMPLES[name] + bytes(length))


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp"])
def test_more_behind_the_end_changes_nothing(name: str) -> None:
    # A second picture, a phone's short video, a signature.
    for more in (make.jpeg()[:-9], make.mp4(seed=SEED * 600), b"signed by nobody\n"):
        assert whole(SAMPLES[name] + more)


@pytest.mark.parametrize("name", ["jpeg", "png", "gif"])
def test_padding_does_not_make_a_beginning_whole(name: str) -> None:
    content = SAMPLES[name]
    cut = content[: len(content) - 3]
    assert not whole(cut + bytes(5000), sniff(content))


def test_a_jpeg_in_several_scans_and_restarts() -> None:
    content = make.jpeg()
    more = b"\xff\xd0\x11\xff\x00\xff\xd7\xff\xff\xda\x00\x08" + bytes(6) + b"\x22\xff\xd9"
    assert whole(content[:-2] + more)
    assert not whole(content[:-2] + more[:-1])
    # Padding before a marker, and a marker without a length.
    assert whole(b"\xff\xd8\xff\xff\xff\x01" + content[2:])
    # Tables alone: no scan, but an end.
    assert whole(b"\xff\xd8\xff\xdb\x00\x04ab\xff\xd9")


def test_a_gif_with_odd_blocks() -> None:
    content = make.gif()
    assert whole(content[:-1] + b"\x00\x00;")
    assert whole(content[:-1] + b"X")
    # An image without a colour table of the file, with one of its own.
    bare = b"GIF89a" + bytes(7) + b"," + bytes(8) + b"\x80" + bytes(6) + b"\x02\x01\x00\x00"
    assert whole(bare + b";")
    assert not whole(bare)


def test_a_gif_too_long_to_follow_is_judged_by_its_last_byte() -> None:
    block = b"!\xfe" + (b"\xff" + b";" * 255) * 60_000 + b"\x00"
    content = make.gif()
    assert whole(content[:-1] + block + b";")
    assert not whole(content[:-1] + block)


def test_a_picture_with_its_pixels_in_the_meta_box() -> None:
    meta = make.box(b"meta", bytes(4), make.box(b"idat", b"pixels"))
    assert whole(make.ftyp(b"avif", b"avif") + meta)
    assert not whole(make.ftyp(b"avif", b"avif") + make.box(b"meta", bytes(4)))


def test_a_live_recording_ends_where_it_ends() -> None:
    content = make.webm(live=True, seed=SEED)
    assert whole(content)
    assert whole(content[:-5])
    assert not whole(content[:20], sniff(content))


def test_a_document_without_its_last_line_is_not_cut() -> None:
    content = make.pdf(seed=SEED)
    assert whole(content)
    assert whole(content + b"\r\n" * 3000)
    assert whole(content.replace(b"%%EOF", b""))
    assert not whole(content[: content.index(b"startxref")])


def test_a_document_that_states_its_length() -> None:
    content = make.pdf()
    first = b"%PDF-1.4\n1 0 obj\n<< /Linearized 1 /L 9000 >>\nendobj\n"
    assert whole(first.replace(b"9000", b"0200") + content[9:])
    assert not whole(first + content[9:])


# --- anything at all ----------------------------------------------------------------------------------


class Counting(io.RawIOBase):
    """A sparse file of any size with a given beginning and end that counts what is read of it."""

    def __init__(self, start: bytes, size: int, end: bytes = b"") -> None:
        self.start, self.size, self.end = start, size, end
        self.at = self.count = self.reads = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        assert whence == 0
        self.at = offset
        return offset

    def read(self, length: int = -1) -> bytes:
        assert length >= 0
        length = max(0, min(length, self.size - self.at))
        out = bytearray(length)
        for content, place in ((self.start, 0), (self.end, self.size - len(self.end))):
            low, high = max(place, self.at), min(place + len(content), self.at + length)
            if low < high:
                out[low - self.at : high - self.at] = content[low - place : high - place]
        self.at += length
        self.count += length
        self.reads += 1
        return bytes(out)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("cut", [0, 1, 10, 200])
def test_a_large_file_is_not_read_through(name: str, cut: int) -> None:
    content = SAMPLES[name]
    kind = sniff(content)
    sparse = Counting(content[: len(content) - cut], 5 * 1024**3)
    measure(sparse, kind, sparse.size)  # type: ignore[arg-type]
    assert sparse.count <= MAX_BYTES
    is_whole(sparse, kind, sparse.size)  # type: ignore[arg-type]
    assert sparse.count <= 12 * 1024 * 1024
    assert sparse.reads < 25_000


def test_a_large_picture_made_of_small_chunks_is_followed_within_bounds() -> None:
    class Chunks(Counting):
        def read(self, length: int = -1) -> bytes:
            self.count += length
            self.reads += 1
            return (struct.pack(">I", 100) + b"IDAT" + bytes(length))[:length]

    endless = Chunks(b"", 5 * 1024**3)
    assert is_whole(endless, KINDS["image/png"], endless.size)  # type: ignore[arg-type]
    assert endless.reads < 25_000


@settings(max_examples=300, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=600),
        st.tuples(st.sampled_from([each[:40] for each in SAMPLES.values()]), st.binary(max_size=300)).map(
            b"".join
        ),
    ),
    kind=st.sampled_from(list(KINDS.values())),
    claimed=st.integers(0, 2**40),
)
def test_arbitrary_bytes_give_an_answer(content: bytes, kind: Kind, claimed: int) -> None:
    for size in (len(content), claimed):
        assert is_whole(io.BytesIO(content), kind, size) in (True, False)
        assert isinstance(measure(io.BytesIO(content), kind, size), Dimensions)
    with contextlib.suppress(NotMedia):
        assert sniff(content) in KINDS.values()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutilated_samples_give_an_answer(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([*SAMPLES.values(), make.pdf()])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.sampled_from([0, 0, 1, 4, 100]))
        content[at : at + gone] = data.draw(st.binary(max_size=8))
    opened = Counting(bytes(content), len(content))
    try:
        kind = sniff(bytes(content))
    except NotMedia:
        return
    assert kind in KINDS.values()
    sides = measure(opened, kind, len(content))  # type: ignore[arg-type]
    assert all(side is None or side > 0 for side in (sides.width, sides.height, sides.duration))
    assert is_whole(opened, kind, len(content)) in (True, False)  # type: ignore[arg-type]
    assert opened.reads < 25_000


@pytest.mark.parametrize("mime", ["image/png", "image/gif", "image/jpeg", "image/webp", "image/avif"])
def test_a_picture_of_one_pixel_is_a_picture(mime: str) -> None:
    content = make.ALL[mime](1, 1)
    kind = sniff(content)
    assert measure(io.BytesIO(content), kind, len(content)) == Dimensions(1, 1)
    assert whole(content)
