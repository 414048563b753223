"""The demonstration's media are what they claim to be, and its server counts honestly."""

from __future__ import annotations

import http.client
import io
import struct
import zlib
from collections.abc import Iterator

import pytest

from demo import pictures, server, world
from postkeep.media.measure import measure
from postkeep.media.sniff import sniff


@pytest.fixture(scope="module")
def media() -> Iterator[server.MediaServer]:
    with server.MediaServer(world.files(), delay=(0, 0)) as media:
        yield media


def ask(media: server.MediaServer, target: str) -> tuple[int, str, bytes]:
    host, _, port = media.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


def test_every_file_is_what_its_type_says() -> None:
    served = world.files()
    for asset in world.ASSETS:
        if not asset.served:
            assert asset.path not in served
            continue
        file = served[asset.path]
        kind = sniff(file.body)
        assert (kind.mime_type, kind.extension) == (file.mime_type, asset.kind)
        found = measure(io.BytesIO(file.body), kind, len(file.body))
        if asset.kind != "pdf":
            assert (found.width, found.height) == (asset.width, asset.height)
        assert found.duration == (2.0 if asset.kind == "mp4" else None)


def test_equal_contents_are_equal_bytes_and_others_differ() -> None:
    served = world.files()
    by_content: dict[str, set[bytes]] = {}
    for asset in world.ASSETS:
        if asset.served:
            by_content.setdefault(f"{asset.content} {asset.kind}", set()).add(served[asset.path].body)
    assert all(len(bodies) == 1 for bodies in by_content.values())
    assert len({next(iter(bodies)) for bodies in by_content.values()}) == len(by_content)
    assert len(by_content) < len(served)
    assert world.files() == served


def test_a_picture_can_be_decoded() -> None:
    raw = pictures.png(7, 40, 30)
    at, parts = 8, {}
    while at < len(raw):
        (length,) = struct.unpack_from(">I", raw, at)
        name, body = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", raw, at + 8 + length)[0] == zlib.crc32(name + body)
        parts[name] = body
        at += length + 12
    assert len(parts[b"PLTE"]) == 3 * 256
    assert len(zlib.decompress(parts[b"IDAT"])) == (40 + 1) * 30


def test_the_film_points_at_its_frames() -> None:
    film = pictures.mp4(3, 40, 30, frames=3)
    at = film.index(b"stco") + 12
    (offset,) = struct.unpack_from(">I", film, at)
    sizes = struct.unpack_from(">III", film, film.index(b"stsz") + 16)
    for size in sizes:
        assert film[offset : offset + 4] == b"\x89PNG"
        assert film[offset + size - 8 : offset + size - 4] == b"IEND"
        offset += size


def test_the_booklets_table_points_at_its_objects() -> None:
    booklet = pictures.pdf("A title", 2)
    start = int(booklet.rsplit(b"startxref\n", 1)[1].split()[0])
    table = booklet[start:].splitlines()
    assert table[0] == b"xref"
    for number, line in enumerate(table[3 : 3 + 7], start=1):
        assert booklet[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_the_server_serves_refuses_and_counts(media: server.MediaServer) -> None:
    before = media.hits
    served = world.files()
    for asset, status in ((world.GLAZE, 200), (world.WHEEL, 200), (world.LOST, 404), (world.LATE, 403)):
        got, mime_type, body = ask(media, asset.url(""))
        assert got == status
        if status == 200:
            assert (mime_type, body) == (served[asset.path].mime_type, served[asset.path].body)
        else:
            assert mime_type == "text/html"
    assert media.hits == before + 4
    assert media.asked[-1] == world.LATE.path
