"""What an archive can do, whichever store is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says of one object; `etag` without quotes, empty when it tells none."""

    key: str
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class SetUpStep:
    """One thing that makes a store fit to be an archive; `note` says how it went, or why it was not done."""

    name: str
    what: str
    done: bool
    note: str


class Archive(Protocol):
    """Objects under keys in one store; safe to share between threads.

    Everything raises ArchiveError: Unavailable when waiting may help, Denied when a right or a setting is missing.
    """

    @property
    def place(self) -> str:
        """Which store this is, for good: `s3://bucket`, `az://account/container`, `file:///folder`."""

    @property
    def address(self) -> str:
        """Where the store is reached, without secrets; empty when the place says it."""

    def url(self, key: str) -> str:
        """The stable name of an object, which is no link."""

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        """Store an object in one request, over one that is there; returns the store's tag of it."""

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        """Store an object in parts of `part_size` (the last may be smaller); returns the store's tag, maybe none.

        When `parts` raises, nothing is completed and the error comes back as it is.
        """

    def head(self, key: str) -> Stored | None:
        """What the store has under a key; None when there is nothing."""

    def read(self, key: str) -> Iterator[memoryview]:
        """An object's bytes in pieces; raises ObjectMissing."""

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """Every object below a prefix whose key comes after `after`, in pages of the store's own size."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is as good as removed."""

    def sweep(self, before: datetime) -> int:
        """Remove what uploads left that broke off before this time; returns how many. Nothing whole is touched."""

    def set_up(self, prefix: str) -> list[SetUpStep]:
        """Make the store fit to be an archive, as far as the keys allow; idempotent."""

    def link(self, key: str, seconds: int) -> str:
        """A link that opens the object for so long, for whoever has it."""
