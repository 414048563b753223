"""Google Cloud Storage as far as an archive asks for it: the lax store behind a door that checks every signature.

Its XML interface has the shapes of S3; what differs is who may come in (tokens and links signed with the key of a
service account), and that what is missing cannot be deleted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.servers.s3lax import LaxS3, Tag
from tests.servers.s3proxy import Fault, Request, S3Proxy, Say, nothing

WHO = "keeper@tests.iam.gserviceaccount.com"
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def missing() -> str | None:
    """What keeps the server from being used here; None when it can be."""
    return None if shutil.which("openssl") else "not installed: openssl"


@dataclass(frozen=True)
class ServiceAccount:
    """A key pair, in a file as Google hands it out; the file's own address and switch must change nothing."""

    file: Path
    modulus: int

    @classmethod
    def made(cls, folder: Path) -> ServiceAccount:
        def openssl(*arguments: str, given: str = "") -> str:
            done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, text=True, check=True)
            return done.stdout

        private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        modulus = openssl("rsa", "-noout", "-modulus", given=private).strip().partition("=")[2]
        nowhere = "http://127.0.0.1:9"
        file = folder / "service-account.json"
        file.write_text(
            json.dumps({
                "type": "service_account", "project_id": "tests", "client_email": WHO, "private_key": private,
                "private_key_id": "of-tests", "token_uri": nowhere, "gcs_base_url": nowhere, "disable_oauth": True,
            })
        )  # fmt: skip
        return cls(file, int(modulus, 16))

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether this is our signature of the text (PKCS #1 v1.5 over SHA-256)."""
        size = (self.modulus.bit_length() + 7) // 8
        info = _SHA256_INFO + hashlib.sha256(text).digest()
        wanted = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        return pow(int.from_bytes(signature), 65537, self.modulus) == int.from_bytes(wanted)


class Google:
    """The server with one bucket, `keep`; `fault` is what goes wrong with a request that was let in."""

    bucket = "keep"

    def __init__(
        self, account: ServiceAccount, tag: Tag = Tag.RIGHT, *,
        fault: Callable[[Request], Fault | None] = nothing, damage: bool = False,
    ) -> None:  # fmt: skip
        self.account, self.fault = account, fault
        self.store = LaxS3(tag, damage=damage)
        self.door = S3Proxy(self.store.port, self._checked)

    def __enter__(self) -> Self:
        self.store.__enter__()
        self.door.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.door.__exit__(kind, error, at)
        self.store.__exit__(kind, error, at)

    @property
    def endpoint(self) -> str:
        return self.door.endpoint

    def _checked(self, request: Request) -> Fault | None:
        if (refused := self._refused(request)) is not None:
            return refused
        if urlsplit(request.target).path.split("/")[1] != self.bucket:
            return Say(404, "NoSuchBucket")
        if request.method == "DELETE" and not request.query and request.key not in self.store.objects:
            return Say(404, "NoSuchKey")
        return self.fault(request)

    def _refused(self, request: Request) -> Say | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind == "Bearer":
            return None if self._is_token(token) else Say(401, "AuthenticationRequired")
        if "X-Goog-Signature" in request.query:
            return None if self._is_link(request) else Say(403, "SignatureDoesNotMatch")
        return Say(401, "AuthenticationRequired")

    def _is_token(self, token: str) -> bool:
        if re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token) is None:
            return False
        head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
        told = json.loads(claims)
        return (
            json.loads(head)["alg"] == "RS256"
            and self.account.signed(token.rpartition(".")[0].encode(), signature)
            and told["iss"] == told["sub"] == WHO
            and told["iat"] - 60 <= time.time() < told["exp"] <= told["iat"] + 3600
        )

    def _is_link(self, request: Request) -> bool:
        parts = urlsplit(request.target)
        query = dict(parse_qsl(parts.query))
        signature = bytes.fromhex(query.pop("X-Goog-Signature"))
        asked = "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query))
        path = quote(unquote(parts.path), safe="/~")
        # The name it stands for, by whichever address it is reached.
        whole = f"{request.method}\n{path}\n{asked}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD"
        at, scope = query["X-Goog-Date"], query["X-Goog-Credential"].removeprefix(f"{WHO}/")
        text = f"GOOG4-RSA-SHA256\n{at}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
        since = datetime.now(UTC) - datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return self.account.signed(text.encode(), signature) and since.total_seconds() < int(
            query["X-Goog-Expires"]
        )
