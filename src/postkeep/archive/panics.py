"""Turns what a library of another language panics with into an error of ours: such are no Exceptions, and nobody
else catches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from postkeep.errors import ArchiveError

_NAME = "PanicException"


@contextmanager
def panics_told(place: str) -> Iterator[None]:
    """Raise ArchiveError in place of a panic; `place` says whose archive it was."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        # By its name: each library of this kind has a class of its own.
        if type(error).__name__ != _NAME:
            raise
        reason = (str(error).splitlines() or ["no reason"])[0]
        raise ArchiveError(f"{place}: the library for it broke down: {reason}") from None
