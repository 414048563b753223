"""Takes down what is asked of a database, and by which way through the product it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, Table, event

from postkeep.store import Store, staging

_QUERIES = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")


@dataclass(frozen=True)
class Staged:
    """The rows of a temporary table that a statement merged into `table`."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[Any]


@dataclass(frozen=True)
class Asked:
    """A statement as the driver got it, with the parameters of the first time (of many rows: of the first)."""

    path: str
    statement: str
    parameters: Any = field(compare=False)
    staged: Staged | None = field(default=None, compare=False)

    @property
    def is_planned(self) -> bool:
        """Whether there is more than one way to answer it: rows that are given are only put down."""
        return not self.statement.startswith("INSERT") or "SELECT" in self.statement


class Recorder:
    """The distinct statements of each path, from all threads; `seen` counts all that were sent."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: dict[tuple[str, str], Asked] = {}
        self.seen: dict[str, int] = {}
        self._path = ""

    @contextmanager
    def recording(self) -> Iterator[Recorder]:
        event.listen(self.store.engine, "before_cursor_execute", self._sent)
        try:
            with pytest.MonkeyPatch.context() as patch:
                # Such statements go past SQLAlchemy, and their table is gone when they are done.
                patch.setattr(staging, "_through_staging", self._noting(staging._through_staging))
                yield self
        finally:
            event.remove(self.store.engine, "before_cursor_execute", self._sent)

    @contextmanager
    def path(self, name: str) -> Iterator[None]:
        """Let what is asked in the block belong to this path."""
        self._path, self.seen[name] = name, 0
        try:
            yield
        finally:
            self._path = ""

    def _sent(self, _: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(_QUERIES):
            self._note(statement, parameters[0] if many else parameters)

    def _noting(self, through: Any) -> Any:
        def noting(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Any], merge: str) -> int:
            self._note(merge, (), Staged(table, columns, list(rows)))
            done: int = through(tx, table, columns, rows, merge)
            return done

        return noting

    def _note(self, statement: str, parameters: Any, staged: Staged | None = None) -> None:
        if self._path:
            self.seen[self._path] += 1
            asked = Asked(self._path, statement, parameters, staged)
            self.asked.setdefault((self._path, statement), asked)
