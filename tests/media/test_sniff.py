"""What a body is, told from its first bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import NotMedia
from postkeep.media.measure import measure
from postkeep.media.sniff import KINDS, SNIFF_BYTES, guess_media_type, media_type_of, sniff
from postkeep.media.whole import is_whole
from postkeep.model import Dimensions, Kind, MediaType
from tests import media_bytes as make

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
}


def found(head: bytes) -> str:
    with pytest.raises(NotMedia) as caught:
        sniff(head)
    return caught.value.found


def test_the_table_names_each_kind_once() -> None:
    assert {mime: kind.extension for mime, kind in KINDS.items()} == EXTENSIONS
    assert all(kind.mime_type == mime for mime, kind in KINDS.items())
    assert set(make.ALL) == set(KINDS)


@pytest.mark.parametrize("mime", make.ALL)
def test_every_kind_is_known_by_its_head(mime: str) -> None:
    content = make.ALL[mime](seed=b"s" * 9000)
    assert sniff(content) == sniff(content[:SNIFF_BYTES]) == KINDS[mime]


@pytest.mark.parametrize(
    ("major", "compatible", "mime"),
    [
        (b"avif", (b"mif1", b"miaf"), "image/avif"),
        (b"avis", (b"msf1", b"iso8"), "image/avif"),
        (b"mif1", (b"mif1", b"avif"), "image/avif"),
        (b"mif1", (b"iso8", b"mp41", b"avif"), "image/avif"),
        (b"mif1", (b"mif1", b"heic"), "image/heic"),
        (b"msf1", (b"iso8", b"hevc"), "image/heic"),
        (b"heix", (b"mif1",), "image/heic"),
        (b"isom", (b"iso2", b"avc1", b"mp41"), "video/mp4"),
        (b"mp42", (b"isom",), "video/mp4"),
        (b"M4V ", (b"mp42",), "video/mp4"),
        (b"dash", (b"iso6",), "video/mp4"),
        (b"3gp4", (b"isom",), "video/mp4"),
        (b"XXXX", (b"mp42",), "video/mp4"),
        (b"qt  ", (), "video/quicktime"),
        (b"qt  ", (b"isom",), "video/quicktime"),
    ],
)
def test_brands_decide_between_box_formats(major: bytes, compatible: tuple[bytes, ...], mime: str) -> None:
    assert sniff(make.ftyp(major, major, *compatible) + make.box(b"mdat")).mime_type == mime


@pytest.mark.parametrize("form", ["VP8", "VP8L", "VP8X"])
def test_webp_in_three_forms(form: str) -> None:
    assert sniff(make.webp(form=form)).mime_type == "image/webp"


def test_quicktime_older_than_its_brands() -> None:
    assert sniff(make.box(b"wide") + make.box(b"mdat")).mime_type == "video/quicktime"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", "an empty body"),
        (b"<!DOCTYPE html><title>Sign in</title>", "html"),
        (b"\xef\xbb\xbf\r\n <!-- expired -->\n<!-- x --><HTML lang=en>", "html"),
        (b"\xff\xfe" + "<html>".encode("utf-16-le"), "html"),
        (b"<script>location='/login'</script>", "html"),
        (b"<!-- " + b"x" * 5000, "html"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "xml"),
        (b"<Error><Code>AccessDenied</Code></Error>", "xml"),
        (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC 'x'><svg/>", "svg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"<?xml version='1.0'?><!-- made by hand --><svg:svg/>", "svg"),
        (b'{"message":"URL signature expired"}', "json"),
        (b'\xef\xbb\xbf [ {"error": 1} ]', "json"),
        (b"{}", "json"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "an HLS playlist"),
        (b"URL signature expired", "text"),
        ("Zugriff verweigert: Schlüssel".encode(), "text"),
        (("ü" * SNIFF_BYTES).encode()[: SNIFF_BYTES - 1], "text"),
        (b"   \n", "text"),
        (b"\x00" * 600, "unknown bytes"),
        (b"\x01\x02\x03\x04\x05", "unknown bytes"),
        (b"RIFF\x00\x00\x00\x00XXXX", "unknown bytes"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "a video of another type (avi)"),
        (b"ID3\x04\x00", "audio"),
        (b"OggS\x00", "audio"),
        (b"\xff\xfb\x90\x00", "audio"),
        (b"\xff\xf1\x50\x80", "audio"),
        (b"FORM\x00\x00\x00\x00AIFF", "audio"),
        (make.ftyp(b"M4A ", b"mp42"), "audio"),
        (make.ftyp(b"jpx ", b"jpx "), "a file of an unknown ISO brand"),
        (make.box(b"styp", b"msdh"), "a fragment of a video"),
        (make.webm(doctype=b"matroska"), "matroska video"),
        (make.webm(doctype=b"other"), "unknown bytes"),
        (b"\x1a\x45\xdf\xa3\xff", "matroska video"),
        (b"PK\x03\x04\x14\x00", "an archive (zip)"),
        (b"\x1f\x8b\x08", "an archive (gzip)"),
        (b"II*\x00\x08", "a picture of another type (tiff)"),
        (b"BM\x46\x00\x00\x00\x00\x00\x00\x00", "a picture of another type (bmp)"),
        (b"G@\x00\x10" + bytes(184) + b"G", "a video of another type (mpeg-ts)"),
        (b"\x7fELF\x02", "a program"),
        (b"\xff", "unknown bytes"),
        (b"\xff\xd8", "unknown bytes"),
        (b"\xff\xd8\xff", "unknown bytes"),
        (b"\xff\xd8\xff\xd9", "unknown bytes"),
        (b"\xff\xd8\xff\xd8\xff\xe0", "unknown bytes"),
        (b"\xff\xd8\xff<html><body>Please sign in</body></html>", "html"),
        (b"\x89PNG\r\n\x1a\n", "unknown bytes"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIDAT", "unknown bytes"),
        (b"\x89PNG\r\n\x1a\n<!DOCTYPE html>", "html"),
        (b"%PDF-<html><script>x</script>", "html"),
        (b"\n%PDF-{}", "json"),
        (b"%PDF-", "unknown bytes"),
        (b"\x00\x00\x00\x18ftypmp42", "a file that ends with its type"),
        (make.ftyp(b"isom", b"mp42"), "a file that ends with its type"),
        (b"GIF80a", "text"),
    ],
)
def test_what_is_no_media_is_named(head: bytes, name: str) -> None:
    assert found(head) == name


def test_a_pdf_may_have_white_space_before_it_and_nothing_else() -> None:
    assert sniff(b"\xef\xbb\xbf\r\n" + make.pdf()).mime_type == "application/pdf"
    assert found(b"junk " + make.pdf()) in ("text", "unknown bytes")
    assert found(b" " * 1024 + make.pdf()) != "application/pdf"


def test_the_start_decides_whatever_follows() -> None:
    assert sniff(make.gif() + b"<html><script>").mime_type == "image/gif"
    assert sniff(make.jpeg(seed=b"<html>%PDF-1.4") + make.pdf()).mime_type == "image/jpeg"
    assert found(b"<html>" + make.png()) == "html"
    assert found(b"PK\x03\x04" + make.jpeg()) == "an archive (zip)"


@given(
    st.binary(max_size=300)
    | st.sampled_from([f() for f in make.ALL.values()]).flatmap(
        lambda body: st.tuples(st.integers(0, 40), st.binary(max_size=8)).map(
            lambda cut: body[: cut[0]] + cut[1] + body[cut[0] + len(cut[1]) :]
        )
    )
)
def test_any_bytes_are_named_or_known(head: bytes) -> None:
    try:
        kind = sniff(head)
    except NotMedia as error:
        named = bool(error.found)
    else:
        named = KINDS[kind.mime_type] is kind
    assert named


@given(st.text(st.sampled_from('<!-->?xmlhtdocype svg{["\n'), max_size=60))
def test_any_markup_is_named(text: str) -> None:
    if text:
        assert found(text.encode()) in {"html", "svg", "xml", "json", "text"}


@pytest.mark.parametrize(
    ("mime", "media_type"),
    [
        ("image/jpeg", MediaType.IMAGE),
        ("IMAGE/PNG; charset=binary", MediaType.IMAGE),
        ("video/mp4", MediaType.VIDEO),
        ("application/pdf", MediaType.DOCUMENT),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", MediaType.DOCUMENT),
        ("application/octet-stream", None),
        ("text/html", None),
        ("", None),
    ],
)
def test_mime_types_announce_media_types(mime: str, media_type: MediaType | None) -> None:
    assert media_type_of(mime) is media_type


@pytest.mark.parametrize(
    ("url", "mime", "media_type"),
    [
        ("https://a.example/x.mp4?e=1", None, MediaType.VIDEO),
        ("https://a.example/x.mp4", "image/png", MediaType.IMAGE),
        ("https://a.example/x.PDF#page=2", "application/octet-stream", MediaType.DOCUMENT),
        ("https://a.example/x", None, MediaType.IMAGE),
        ("https://a.example/x?name=y.mp4", None, MediaType.IMAGE),
        ("http://[broken/x.mov", None, MediaType.VIDEO),
        ("", "", MediaType.IMAGE),
    ],
)
def test_a_guess_from_type_then_extension(url: str, mime: str | None, media_type: MediaType) -> None:
    assert guess_media_type(url, mime) is media_type


def test_kinds_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        KINDS["x/y"] = Kind("x/y", "y", MediaType.IMAGE)  # type: ignore[index]


@pytest.mark.parametrize(
    ("major", "compatible"),
    [
        (b"isom", (b"isom", b"iso2", b"mp41")),
        (b"iso5", (b"iso5", b"dash")),
        (b"iso6", (b"mp41", b"dash", b"cmfc")),
        (b"cmfc", (b"iso6", b"cmfc", b"caac")),
        (b"M4A ", (b"iso5", b"dash")),
    ],
)
def test_the_sound_of_a_video_is_an_mp4_without_sides(major: bytes, compatible: tuple[bytes, ...]) -> None:
    track = make.sound(*compatible, major=major, seconds=2.5, seed=b"voice")
    kind = sniff(track)
    assert (kind.mime_type, kind.extension) == ("video/mp4", "mp4")
    opened = io.BytesIO(track)
    assert measure(opened, kind, len(track)) == Dimensions(None, None, 2.5)
    assert is_whole(opened, kind, len(track))
    assert not is_whole(opened, kind, len(track) - 2)
