"""An S3 store that believes everything: it checks no signature and no body, and tags objects as it is told.

What is proven against it was not proven by it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

_PIECE = 256 * 1024


class Tag(Enum):
    """What the store calls an object's content."""

    RIGHT = "the MD5 of what was sent"
    OF_KEPT = "the MD5 of what it keeps"
    KMS = "32 digits that are the MD5 of something else"
    WRONG = "no hash at all"
    NONE = "nothing"


@dataclass
class Object:
    size: int
    tag: str
    content: bytes | None


@dataclass
class _Upload:
    key: str
    parts: dict[int, Object] = field(default_factory=dict)


class LaxS3:
    """The store on loopback, with any bucket; `damage` flips a bit of whatever it keeps.

    With `keep=False` bodies are hashed and forgotten. With `checks` it recomputes x-amz-checksum-sha256 and
    refuses what does not match.
    """

    def __init__(
        self, tag: Tag = Tag.RIGHT, *, damage: bool = False, keep: bool = True, checks: bool = False
    ) -> None:
        self.tag, self.damage, self.keep, self.checks = tag, damage, keep, checks
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, _Upload] = {}
        self.largest_part = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._server = _Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def took(self, md5: str, size: int, content: bytes | None) -> Object:
        if content and self.damage:
            content = bytes([content[0] ^ 1]) + content[1:]
        match self.tag:
            case Tag.OF_KEPT if content is not None:
                md5 = hashlib.md5(content).hexdigest()
            case Tag.KMS:
                md5 = hashlib.md5(md5.encode()).hexdigest()
            case Tag.WRONG:
                md5 = "not-a-hash"
            case Tag.NONE:
                md5 = ""
        return Object(size, md5, content)

    def begin(self, key: str) -> str:
        with self._lock:
            name = f"upload-{next(self._numbers)}"
            self.uploads[name] = _Upload(key)
        return name

    def complete(self, name: str) -> Object:
        upload = self.uploads.pop(name)
        parts = [upload.parts[number] for number in sorted(upload.parts)]
        tag = ""
        if all(len(part.tag) == 32 for part in parts):
            joined = b"".join(bytes.fromhex(part.tag) for part in parts)
            tag = f"{hashlib.md5(joined).hexdigest()}-{len(parts)}"
        content = b"".join(part.content or b"" for part in parts) if self.keep else None
        whole = self.objects[upload.key] = Object(sum(part.size for part in parts), tag, content)
        return whole


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, store: LaxS3) -> None:
        self.store = store
        super().__init__(("127.0.0.1", 0), _Answering)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is nobody's mistake here."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path.lstrip("/").partition("/")[2])

    @property
    def _query(self) -> Mapping[str, str]:
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in asked.items()}

    def do_PUT(self) -> None:
        store, query = self.server.store, self._query
        if (came := self._body()) is None:
            self._answer(400, _error("BadDigest"))
            return
        if "uploadId" in query:
            store.uploads[query["uploadId"]].parts[int(query["partNumber"])] = came
            store.largest_part = max(store.largest_part, came.size)
        elif self._key:
            store.objects[self._key] = came
        # A part without a tag cannot be completed by any client.
        tag = came.tag or ("part" if "uploadId" in query else "")
        self._answer(200, tag=tag)

    def do_POST(self) -> None:
        store, query = self.server.store, self._query
        if "delete" in query:
            asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            keys = re.findall("<Key>(.*?)</Key>", asked)
            for key in keys:
                store.objects.pop(unescape(key), None)
            self._answer(
                200, _xml("DeleteResult", "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys))
            )
            return
        self._body()
        if "uploads" in query:
            name = store.begin(self._key)
            told = f"<Bucket>b</Bucket><Key>{escape(self._key)}</Key><UploadId>{name}</UploadId>"
            self._answer(200, _xml("InitiateMultipartUploadResult", told))
        else:
            whole = store.complete(query["uploadId"])
            tag = f"<ETag>&quot;{whole.tag}&quot;</ETag>"
            self._answer(200, _xml("CompleteMultipartUploadResult", f"{tag}<Key>{escape(self._key)}</Key>"))

    def do_HEAD(self) -> None:
        self._get(body=False)

    def do_GET(self) -> None:
        if self._key:
            self._get(body=True)
        elif "uploads" in self._query:
            listed = (
                f"<Upload><Key>{escape(each.key)}</Key><UploadId>{name}</UploadId>"
                "<Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>"
                for name, each in self.server.store.uploads.items()
            )
            self._answer(200, _xml("ListMultipartUploadsResult", "".join(listed)))
        else:
            self._list()

    def do_DELETE(self) -> None:
        if "uploadId" in self._query:
            self.server.store.uploads.pop(self._query["uploadId"], None)
        else:
            self.server.store.objects.pop(self._key, None)
        self._answer(204)

    def _get(self, *, body: bool) -> None:
        found = self.server.store.objects.get(self._key)
        if found is None:
            self._answer(404, _error("NoSuchKey") if body else b"")
        else:
            self._answer(200, found.content or b"", tag=found.tag, length=found.size)

    def _list(self) -> None:
        asked = self._query
        after = asked.get("start-after", "")
        rows = (
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{each.tag}&quot;</ETag><Size>{each.size}</Size></Contents>"
            for key, each in sorted(self.server.store.objects.items())
            if key.startswith(asked.get("prefix", "")) and key > after
        )
        self._answer(200, _xml("ListBucketResult", "<IsTruncated>false</IsTruncated>" + "".join(rows)))

    def _body(self) -> Object | None:
        """What came, hashed piece by piece; None when it is not what its checksum says."""
        store, left = self.server.store, int(self.headers.get("content-length", 0))
        md5, sha256, size, kept = hashlib.md5(), hashlib.sha256(), 0, bytearray()
        while size < left and (piece := self.rfile.read(min(_PIECE, left - size))):
            size += len(piece)
            md5.update(piece)
            if store.checks:
                sha256.update(piece)
            if store.keep:
                kept += piece
        claimed = self.headers.get("x-amz-checksum-sha256")
        if store.checks and claimed is not None and base64.b64decode(claimed) != sha256.digest():
            return None
        return store.took(md5.hexdigest(), size, bytes(kept) if store.keep else None)

    def _answer(self, status: int, content: bytes = b"", *, tag: str = "", length: int | None = None) -> None:
        size = len(content) if length is None else length
        lines = [f"HTTP/1.1 {status} {http.client.responses[status]}"]
        if status != 204:
            lines.append(f"Content-Length: {size}")
        lines += [f'ETag: "{tag}"'] if tag else []
        lines.append("Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT")
        head = "\r\n".join([*lines, "", ""]).encode()
        self.wfile.write(head + (b"" if self.command == "HEAD" else content))


def _xml(name: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'.encode()


def _error(code: str) -> bytes:
    return _xml("Error", f"<Code>{code}</Code><Message>as it is</Message>")
