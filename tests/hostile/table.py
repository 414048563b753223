"""The table of hostile answers: what a server says, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tests.hostile import content
from tests.hostile.servers import (
    OK,
    bare,
    breaks_its_word,
    dripping_head,
    endless_parts,
    exactly,
    flood,
    half_closed,
    hops,
    in_turn,
    late,
)
from tests.media_bytes import avif, gif, jpeg, mov, mp4, pdf, png, webm, webp
from tests.servers import media
from tests.servers.media import Misbehaviour

MOST_BYTES = 4 * 1024 * 1024
GOOD = png(5, 4, b"good")
LISTED = png(161, 3, b"this picture was removed")


@dataclass(frozen=True)
class Case:
    """One answer to a request for a picture, and its outcome.

    `state` and `kind` are those of the media row after the first run, `later` the state after another one days
    later (the same when empty), `requests` what the first run sends. `keeps` is the content of the cache's
    file.
    """

    name: str
    answer: bytes | Misbehaviour
    state: str
    kind: str | None = None
    requests: int = 1
    later: str = ""
    keeps: bytes | None = None
    mime: str = "image/png"
    sides: tuple[int | None, int | None] | None = None
    incomplete: bool = False


def kept(name: str, body: bytes, mime: str = "image/png", **more: object) -> Case:
    """Bytes that are what was asked for, whatever else they are."""
    return Case(name, more.pop("answer", exactly(body)), "fetched", keeps=body, mime=mime, **more)  # type: ignore[arg-type]


def cut(name: str, whole: bytes, mime: str, *, by: int = 12) -> Case:
    """A file of the right length that lacks its end: asked for twice, kept as what it is."""
    return kept(name, whole[:-by], mime, requests=2, incomplete=True)


def not_media(name: str, answer: bytes | Misbehaviour, **more: object) -> Case:
    """Something else in the place of a picture: tried again once, and then given up."""
    return Case(name, answer, "retry", "not_media", later="unsupported", **more)  # type: ignore[arg-type]


def broken(name: str, answer: Misbehaviour, kind: str = "truncated") -> Case:
    """Something on the way failed: no file, and another try later."""
    return Case(name, late(answer), "retry", kind)


def status(code: int, state: str, answer: Misbehaviour | None = None, name: str = "") -> Case:
    return Case(name or f"status {code}", answer or bare(code, b"no"), state, f"http_{code}")


def not_now(code: int, wait: str) -> Case:
    """A host that asks for a wait, however absurd: the row keeps its tries and is due within a day."""
    answer = exactly(b"later", status=code, Retry_After=wait)
    return status(code, "pending", answer, name=f"{code}, Retry-After: {wait!r}")


def refused(name: str, answer: Misbehaviour, kind: str = "refused", requests: int = 1) -> Case:
    return Case(name, answer, "refused", kind, requests=requests)


raw = media.raw
head = partial(bare, 200)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def named(name: str) -> Case:
    """A server that says how the file should be called."""
    disposition = b"Content-Disposition: attachment; filename=" + name.encode()
    answer = raw(OK + b"Connection: close\r\n" + disposition + b"\r\n\r\n" + GOOD)
    return kept(f"Content-Disposition: {name[:20]!r}", GOOD, answer=answer)


BODIES = [
    # --- how much
    refused("endless body", media.endless(chunked=False), "too_large"),
    refused("endless chunked body", media.endless(chunked=True), "too_large"),
    refused("endless parts", endless_parts(GOOD), "too_large"),
    refused("a terabyte declared", media.endless(chunked=False, declared=10**12), "too_large"),
    refused("one byte too many", exactly(GOOD + bytes(MOST_BYTES + 1 - len(GOOD))), "too_large"),
    kept("exactly as much as allowed", GOOD + bytes(MOST_BYTES - len(GOOD))),
    not_media("gzip bomb", exactly(content.gzip_bomb(), Content_Encoding="gzip")),
    not_media(
        "gzip bomb as transfer encoding", raw(OK + b"Transfer-Encoding: gzip\r\n\r\n" + content.gzip_bomb())
    ),
    not_media("gzip bomb without a word", exactly(content.gzip_bomb(), Content_Type="image/png")),
    not_media("brotli bomb", exactly(b"\xcf\xff\xff\x7f\xf8" * 2000, Content_Encoding="br")),
    not_media("zstd bomb", exactly(b"\x28\xb5\x2f\xfd" * 2000, Content_Encoding="zstd")),
    not_media("gzip in gzip", exactly(content.gzip_bomb(), Content_Encoding="gzip, gzip")),
    # --- how long
    broken("dripping body", media.dripping(GOOD * 1000, every=0.02), "timeout"),
    broken("dripping head", dripping_head(), "timeout"),
    broken("body that stalls", media.stalling(GOOD, declared=50_000), "timeout"),
    broken("no answer at all", media.slow(GOOD, seconds=60), "timeout"),
    # --- lengths that lie
    broken("less than declared", media.truncated(GOOD, declared=len(GOOD) + 100)),
    broken("nothing of what was declared", media.truncated(b"", declared=100)),
    broken("less than declared, reset", raw(OK + b"Content-Length: 5000\r\n\r\n" + GOOD, reset=True)),
    broken("half closed too early", half_closed(GOOD, declared=len(GOOD) + 1)),
    Case(
        "more than declared",
        raw(OK + b"Content-Length: %d\r\n\r\n" % (len(GOOD) - 12) + GOOD),
        "fetched",
        requests=2,
        keeps=GOOD[:-12],
        incomplete=True,
    ),
    kept("half closed in time", GOOD, answer=half_closed(GOOD, declared=len(GOOD))),
    kept("keep-alive that is not kept", GOOD, answer=breaks_its_word(GOOD)),
    kept("HTTP/1.0", GOOD, answer=raw(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD)),
    broken("HTTP/1.0 with a length that lies", raw(b"HTTP/1.0 200 OK\r\nContent-Length: 9999\r\n\r\n" + GOOD)),
    broken("two lengths", raw(OK + b"Content-Length: 50\r\nContent-Length: 60\r\n\r\n" + GOOD), "truncated"),
    broken("two lengths in one", raw(OK + b"Content-Length: 50, 60\r\n\r\n" + GOOD), "truncated"),
    kept(
        "one length twice",
        GOOD,
        answer=raw(OK + b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(GOOD), len(GOOD)) + GOOD),
    ),
    broken("less than declared before a blank", raw(OK + b"Content-Length : 5000\r\n\r\n" + GOOD)),
    broken(
        "less than declared beside identity",
        raw(OK + b"Transfer-Encoding: identity\r\nContent-Length: 5000\r\n\r\n" + GOOD),
    ),
    broken("negative length", raw(OK + b"Content-Length: -5\r\n\r\n" + GOOD), "truncated"),
    broken("length that is no number", raw(OK + b"Content-Length: many\r\n\r\n" + GOOD), "truncated"),
    refused(
        "length beyond all numbers", raw(OK + b"Content-Length: 9223372036854775807\r\n\r\n" + GOOD), "too_large"
    ),
    # --- chunks
    kept(
        "length and chunks",
        GOOD,
        answer=raw(
            OK
            + b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
        ),
    ),
    broken("chunks without an end", media.chunked([GOOD], end=b"")),
    broken("chunk length that is none", media.chunked([GOOD], end=b"not a length\r\n")),
    broken("chunk shorter than it says", media.chunked([GOOD], end=b"ffffff\r\nxx")),
    broken("negative chunk", media.chunked([GOOD], end=b"-6\r\nxxxxxx\r\n")),
    broken("chunk beyond all numbers", media.chunked([GOOD], end=b"ffffffffffffffffff\r\nxx")),
    # --- nothing, or a part
    not_media("zero bytes", exactly(b"")),
    not_media("zero bytes, no length", head(b"")),
    not_media("zero chunks", media.chunked([])),
    cut("truncated JPEG", jpeg(seed=b"truncated"), "image/jpeg", by=2),
    cut("truncated PNG", png(seed=b"truncated"), "image/png"),
    cut("truncated GIF", gif(seed=b"truncated"), "image/gif", by=1),
    cut("truncated WebP", webp(seed=b"truncated"), "image/webp"),
    cut("truncated AVIF", avif(seed=b"truncated at its end"), "image/avif"),
    cut("truncated MP4", mp4(seed=b"truncated"), "video/mp4", by=40),
    cut("truncated QuickTime", mov(seed=b"truncated"), "video/quicktime", by=40),
    cut("truncated WebM", webm(seed=b"truncated"), "video/webm", by=5),
    cut("truncated PDF", pdf(seed=b"truncated"), "application/pdf", by=30),
    Case(
        "truncated JPEG, whole the second time",
        in_turn(exactly(jpeg(seed=b"twice")[:-2]), exactly(jpeg(seed=b"twice"))),
        "fetched",
        requests=2,
        keeps=jpeg(seed=b"twice"),
        mime="image/jpeg",
    ),
    # --- parts that nobody asked for
    broken("206 without asking", exactly(GOOD, status=206, Content_Range="bytes 0-9/500")),
    status(206, "failed", exactly(GOOD, status=206), name="206 without a range"),
    status(204, "failed", bare(204)),
    status(304, "failed", bare(304)),
    broken("200 with Content-Range", exactly(GOOD, Content_Range="bytes 0-9/5000")),
    not_media(
        "multipart",
        exactly(
            b"--b\r\nContent-Type: image/png\r\n\r\n" + GOOD + b"\r\n--b--",
            Content_Type="multipart/byteranges; boundary=b",
        ),
    ),
]

CONTENT = [
    # --- what is no media, whatever it is called
    not_media("HTML as image/jpeg", exactly(content.HTML, Content_Type="image/jpeg")),
    not_media("JSON as image/jpeg", exactly(content.JSON, Content_Type="image/jpeg")),
    not_media("XML as image/jpeg", exactly(content.XML, Content_Type="image/jpeg")),
    not_media("XML bomb", exactly(content.XML_BOMB, Content_Type="image/jpeg")),
    not_media("SVG with a script as image/jpeg", exactly(content.SVG, Content_Type="image/jpeg")),
    not_media("SVG as what it is", exactly(content.SVG, Content_Type="image/svg+xml")),
    not_media("SVG behind a comment", exactly(content.SVG_LATE, Content_Type="image/png")),
    not_media("SVG in UTF-16", exactly(content.SVG.decode().encode("utf-16"), Content_Type="image/png")),
    not_media("HLS playlist as .mp4", exactly(content.HLS, Content_Type="video/mp4")),
    not_media("HLS playlist with concat:", exactly(content.HLS_CONCAT, Content_Type="video/mp4")),
    not_media("concat: as text", exactly(content.CONCAT, Content_Type="video/mp4")),
    not_media("ffconcat", exactly(content.FFCONCAT, Content_Type="video/mp4")),
    not_media("DASH manifest", exactly(content.DASH, Content_Type="video/mp4")),
    not_media("subfile: as text", exactly(content.SUBFILE, Content_Type="video/mp4")),
    not_media("Internet shortcut", exactly(content.INTERNET_SHORTCUT, Content_Type="image/png")),
    not_media("desktop entry", exactly(content.DESKTOP_ENTRY, Content_Type="image/png")),
    not_media("shell script", exactly(content.SHELL, Content_Type="image/png")),
    not_media("program", exactly(b"\x7fELF\x02\x01\x01" + bytes(99), Content_Type="image/png")),
    not_media("Windows program", exactly(b"MZ\x90\x00" + bytes(99), Content_Type="image/png")),
    not_media("ZIP", exactly(content.ZIP, Content_Type="image/png")),
    not_media("noise", exactly(bytes(range(128, 256)) * 9, Content_Type="image/png")),
    Case("expired page, 200", exactly(content.EXPIRED_HTML), "expired", "expired"),
    Case("expired page, 403", exactly(content.EXPIRED_S3, status=403), "expired", "expired"),
    # --- pictures that stand in for others
    Case("GIF of one pixel", exactly(gif(1, 1)), "retry", "placeholder", later="unsupported"),
    Case("PNG of one pixel", exactly(png(1, 1)), "retry", "placeholder", later="unsupported"),
    Case("listed placeholder", exactly(LISTED), "retry", "placeholder", later="unsupported"),
    # --- what must be kept as it is and never decoded
    kept("PNG bomb", content.png_bomb(), sides=(50_000, 50_000)),
    kept("PNG beyond all sizes", content.png_beyond_all_sizes(), sides=(None, None)),
    kept("PNG with a text bomb", content.text_bomb(), sides=(9, 9)),
    kept("GIF with 100,000 frames", content.gif_of_frames(100_000), "image/gif", sides=(2, 2)),
    kept("JPEG bomb", content.jpeg_bomb(), "image/jpeg", sides=(65535, 65535)),
    kept("JPEG behind 100,000 segments", content.many_segments(), "image/jpeg", sides=(None, None)),
    kept("MP4 with boxes 2,000 deep", content.deep_boxes(), "video/mp4"),
    kept("MP4 with 100,000 empty boxes", content.empty_boxes(), "video/mp4"),
    kept("MP4 that claims 2^63 bytes", content.endless_box(), "video/mp4", requests=2, incomplete=True),
    kept("JPEG and HTML", content.jpeg_and_html(), "image/jpeg"),
    kept(
        "JPEG and HTML, said to be HTML",
        content.jpeg_then_html(),
        "image/jpeg",
        answer=exactly(content.jpeg_then_html(), Content_Type="text/html"),
    ),
    kept("GIF and HTML", content.gif_and_html(), "image/gif"),
    kept(
        "GIF and JavaScript",
        content.gif_and_javascript(),
        "image/gif",
        answer=exactly(content.gif_and_javascript(), Content_Type="application/javascript"),
    ),
    kept("JPEG and ZIP", content.jpeg_and_zip(), "image/jpeg"),
    kept("PNG and PHP", content.png_and_php(), "image/png"),
    kept("PDF with JavaScript", content.pdf_with_javascript(), "application/pdf"),
    kept("PDF and HTML", content.pdf_and_html(), "application/pdf"),
    kept("EXIF with GPS", content.exif_with_gps(), "image/jpeg", sides=(16, 8)),
]

ABSURD_WAITS = (
    "-1",
    "-99999999999999999999",
    "1000000000000",
    "NaN",
    "Infinity",
    "1e9",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Sat, 99 Foo 2025 99:99:99 XYZ",
    "0x10",
    "",
)

HEADERS = [
    broken("header flood", flood(b"X-More: of this\r\n"), "truncated"),
    broken("huge header", flood(b"x", head=OK + b"X-Long: "), "truncated"),
    broken("folded header without end", flood(b" folded\r\n", head=OK + b"X: y\r\n"), "truncated"),
    broken("103 flood", flood(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", head=b""), "truncated"),
    broken("100 flood", flood(b"HTTP/1.1 100 Continue\r\n\r\n", head=b""), "connect"),
    broken("trailer flood", flood(b"X-T: x\r\n", head=CHUNKED + b"1\r\nx\r\n0\r\n"), "truncated"),
    kept(
        "interim answers first",
        GOOD,
        answer=raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" + OK + b"\r\n" + GOOD),
    ),
    kept(
        "folded header",
        GOOD,
        answer=raw(OK + b"X-Folded: one\r\n two\r\n\tthree\r\nConnection: close\r\n\r\n" + GOOD),
    ),
    broken("header without a colon", raw(OK + b"no colon\r\nConnection: close\r\n\r\n" + GOOD), "truncated"),
    kept("header without a name", GOOD, answer=raw(OK + b": no name\r\nConnection: close\r\n\r\n" + GOOD)),
    not_media("no head at all", raw(GOOD)),
    not_media("a status that is none", raw(b"HTTP/1.1 abc OK\r\n\r\n" + GOOD)),
    broken("nothing", raw(b""), "connect"),
    Case("head that breaks off", late(raw(OK + b"Content-Le")), "retry", "truncated"),
    kept("picture said to be HTML", GOOD, answer=exactly(GOOD, Content_Type="text/html")),
    kept("picture said to be a program", GOOD, answer=exactly(GOOD, Content_Type="application/x-msdownload")),
    kept(
        "types that contradict",
        GOOD,
        answer=raw(
            OK + b"Content-Type: text/html\r\nContent-Type: image/svg+xml\r\nConnection: close\r\n\r\n" + GOOD
        ),
    ),
    kept("type with a path", GOOD, answer=exactly(GOOD, Content_Type="image/../../x; name=../../x")),
    broken("NUL in a header", raw(OK + b"X: a\0b\r\nConnection: close\r\n\r\n" + GOOD), "truncated"),
    *(not_now(503, wait) for wait in ABSURD_WAITS),
    not_now(429, "1000000000000"),
    status(500, "retry"),
    status(404, "gone"),
    status(
        404,
        "gone",
        raw(b"HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n"),
        "404, trailer",
    ),
    status(410, "gone"),
    status(418, "failed"),
    status(999, "retry"),
]

REDIRECTS = [
    kept("5 redirects", GOOD, requests=6, answer=hops(5, exactly(GOOD))),
    refused("6 redirects", hops(6, exactly(GOOD)), "redirects", requests=6),
    refused("redirects in a circle", hops(10**6, exactly(GOOD)), "redirects", requests=6),
    status(302, "failed", bare(302), name="a redirect to nowhere"),
    status(300, "failed", bare(300, b"choose")),
]


HOSTILE_NAMES = (
    "../../../x.sh", "/etc/cron.d/x", "C:\\Windows\\x.exe", "CON", "gnp.\u202e.exe", "n" * 300, ".htaccess",
    "%2e%2e%2fx%00.png", "$(id)", "-rf",
)  # fmt: skip

NAMES = [
    *(named(name) for name in HOSTILE_NAMES),
    kept("Content-Location", GOOD, answer=exactly(GOOD, Content_Location="../../../x.sh")),
    kept("ETag with a path", GOOD, answer=exactly(GOOD, ETag='"../../../x.sh"')),
]

CASES = [*BODIES, *CONTENT, *HEADERS, *REDIRECTS, *NAMES]
