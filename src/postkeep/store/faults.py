"""What a driver says when a database fails, told so that somebody can mend it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from postkeep.errors import StoreBusy, StoreClash, StoreError, StoreInterrupted

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNUSABLE_CODES = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_DAMAGED_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_LOCKED = "55P03"
_CANCELLED = "57014"
_RACED = ("40001", "40P01")
_READ_ONLY = "25006"
_NOT_ALLOWED = "42501"
_DISK_FULL = "53100"
_NO_MORE_CONNECTIONS = "53300"
# Connection, resources, operator, authorisation, no such database or schema, transaction state, system.
_UNUSABLE_CLASSES = ("08", "53", "57", "28", "3D", "3F", "25", "58", "XX")
# What stands in the way was made by somebody else: objects that depend on a table, triggers that refuse.
_HINDERED_CLASSES = ("2B", "P0")

# A failed connection comes without a code. Servers may speak other languages: then nothing is waited for.
_NO_ROOM = re.compile(
    r"too many clients|remaining connection slots|no more connections allowed|too many connections"
    r"|query_wait_timeout|max clients reached|MaxClients"
)
_COMING_BACK = re.compile(
    r"Connection refused|No such file or directory|the database system is (?:starting up|shutting down|not yet)"
    r"|in recovery mode|server login has been failing|cannot connect to server|server closed the connection"
)


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn driver errors a user can mend into StoreErrors; mistakes in our SQL stay what they are."""
    try:
        yield
    except exc.IntegrityError as error:
        raise StoreClash(f"the database refused a row: {first_line(error)}") from error
    except exc.DBAPIError as error:
        mended = _of_sqlite(error) if isinstance(error.orig, sqlite3.Error) else _of_postgresql(error)
        if mended is not None:
            raise mended from error
        raise


def may_pass(error: exc.DBAPIError, *, known: bool) -> bool:
    """Whether a connection that could not be had may be had in a moment.

    `known` says that this database has answered before: one that never did is more likely misspelled than
    starting.
    """
    if isinstance(error.orig, sqlite3.Error):
        return False
    if error.connection_invalidated or _NO_ROOM.search(text := str(error.orig)):
        return True
    return known and _COMING_BACK.search(text) is not None


def not_to_be_had(error: exc.DBAPIError) -> StoreError:
    """What to raise when no transaction could begin: never that one was broken off."""
    mended = _of_sqlite(error) if isinstance(error.orig, sqlite3.Error) else _of_postgresql(error)
    if mended is None or isinstance(mended, StoreInterrupted):
        return StoreError(_unusable(first_line(error)))
    return mended


def first_line(error: exc.DBAPIError) -> str:
    """What the driver says, in one line that tells something."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    # With several addresses for one name the first line only says that there were several.
    line = lines[-1] if lines and lines[0].startswith("Multiple connection attempts") else "".join(lines[:1])
    line = re.sub(r"\s+", " ", re.sub(r"^connection (?:failed|is bad): ", "", line))
    return line.replace("connection timeout expired", "the server is silent") or type(error.orig).__name__


def _of_sqlite(error: exc.DBAPIError) -> StoreError | None:
    code = (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _BUSY_CODES:
        return StoreBusy()
    if code in _DAMAGED_CODES:
        return StoreError(f"the database file is damaged: {first_line(error)}")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"there is no room for the database to grow: {first_line(error)}")
    return StoreError(f"the database cannot be used: {first_line(error)}") if code in _UNUSABLE_CODES else None


def _of_postgresql(error: exc.DBAPIError) -> StoreError | None:
    said = first_line(error)
    if error.connection_invalidated:
        return StoreInterrupted(f"the connection to the database was lost: {said}")
    match state := getattr(error.orig, "sqlstate", None):
        case _ if state in _RACED:
            return StoreInterrupted(f"the database broke a transaction off for another's sake: {said}")
        case _ if state == _LOCKED:
            return StoreBusy()
        case _ if state == _CANCELLED:
            return StoreBusy(f"the database server cancelled a statement: {said}")
        case _ if state == _NO_MORE_CONNECTIONS or (state is None and _NO_ROOM.search(said)):
            return StoreBusy(f"the database has no free connection; try again later: {said}")
        case _ if state == _READ_ONLY:
            return StoreError(f"the database takes no writes, as a standby or by its settings: {said}")
        case _ if state == _NOT_ALLOWED and "row-level security" in said:
            return StoreError(
                f"the database would show its user only some of the rows: {said}; use the owner of the tables,"
                " or a user with BYPASSRLS"
            )
        case _ if state == _NOT_ALLOWED:
            return StoreError(f"the database does not allow this to its user: {said}")
        case _ if state == _DISK_FULL:
            return StoreError(f"there is no room for the database to grow: {said}")
        case None:
            # Before any statement it was the connection that failed; later only some errors are not ours.
            outer = error.statement is None or isinstance(error, exc.OperationalError | exc.InterfaceError)
            return StoreError(_unusable(said)) if outer else None
        case _ if state[:2] in _UNUSABLE_CLASSES:
            return StoreError(_unusable(said))
        case _ if state[:2] in _HINDERED_CLASSES:
            detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
            more = f": {' '.join(detail.split())}" if detail else ""
            return StoreError(f"something of others in the database is in the way: {said}{more}")
    return None


def _unusable(said: str) -> str:
    return f"the database cannot be used: {said}"
