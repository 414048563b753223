"""A real Azure Blob server that checks signatures: Azurite, on loopback and in memory.

The npm package `azurite`; its program `azurite-blob` must be on the PATH.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

ACCOUNT = "keeper"
KEY = base64.b64encode(b"key-of-tests" * 5).decode()
_HOST = "127.0.0.1"
_PATIENCE = 60.0
_VERSION = "2021-08-06"


def missing() -> str | None:
    """What keeps the server from being started here; None when it can be."""
    return None if shutil.which("azurite-blob") else "not installed: azurite-blob (npm package azurite)"


class Azurite:
    """The server, with one account."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            self.port = int(probe.getsockname()[1])

    @property
    def endpoint(self) -> str:
        """The account's address."""
        return f"http://{_HOST}:{self.port}/{ACCOUNT}"

    def __enter__(self) -> Self:
        with (self._folder / "azurite.out").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    "azurite-blob", "--blobHost", _HOST, "--blobPort", str(self.port), "--inMemoryPersistence",
                    "--disableTelemetry", "--silent", "--skipApiVersionCheck",
                ],
                cwd=self._folder,
                env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < until:
            try:
                socket.create_connection((_HOST, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Azurite did not start: {(self._folder / 'azurite.out').read_text()[-2000:]}")

    def make_container(self, name: str) -> None:
        """A private container."""
        date = formatdate(usegmt=True)
        signed = (
            f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{_VERSION}\n/{ACCOUNT}/{ACCOUNT}/{name}\n"
            "restype:container"
        )
        request = urllib.request.Request(
            f"{self.endpoint}/{name}?restype=container",
            method="PUT",
            headers={
                "x-ms-date": date,
                "x-ms-version": _VERSION,
                "Authorization": f"SharedKey {ACCOUNT}:{_signature(signed)}",
            },
        )
        urllib.request.urlopen(request).close()

    def sas(self, container: str, rights: str) -> str:
        """A token for an hour that gives these rights, such as `rl`, in a container."""
        expires = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        signed = [rights, "", expires, f"/blob/{ACCOUNT}/{container}", "", "", "", _VERSION, "c", *[""] * 7]
        token = {"sv": _VERSION, "sr": "c", "sp": rights, "se": expires}
        return urlencode(token | {"sig": _signature("\n".join(signed))})


def _signature(text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
