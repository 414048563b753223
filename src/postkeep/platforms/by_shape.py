"""What all platforms do alike: find the reader of a record's shape, and let it read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from ..errors import ParseError, UnknownShape
from ..model import Alias, Json, Parsed

Reader = Callable[[dict[str, Json], str | None], Parsed]
"""Reads a record of one shape, seen through a profile or not; raises ParseError and nothing else."""


class ByShape(ABC):
    """A platform whose records are told apart by their content; stateless, so that any thread may use it.

    `stranger` is said of a record of none of its shapes.
    """

    name: ClassVar[str]
    stranger: ClassVar[str]

    @abstractmethod
    def reader(self, record: dict[str, Json]) -> Reader | None:
        """Who reads a record of this shape; None for none of the shapes. Never raises."""

    @abstractmethod
    def canonical(self, record: Json) -> bytes:
        """The record's lasting content with sorted keys; raises ParseError when nested too deeply."""

    @abstractmethod
    def post_names(self, text: str) -> tuple[Alias, ...]:
        """The names, by kind or OWN_ID, of the post that a text means; empty for none. Never raises."""

    def recognises(self, record: Json) -> bool:
        """Whether the record has one of the shapes; never raises."""
        return isinstance(record, dict) and self.reader(record) is not None

    def parse(self, record: Json, via: str | None = None) -> Parsed:
        """Read a record; raises ParseError (UnknownShape for none of the shapes) and nothing else."""
        if not isinstance(record, dict):
            raise ParseError(f"not an object but {type(record).__name__}")
        reader = self.reader(record)
        if reader is None:
            raise UnknownShape(self.stranger)
        return reader(record, via)
