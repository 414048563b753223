"""Usernames as platforms compare them: `Jane` and `jane` are one name, shown as it was spelled last."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

from sqlalchemy import Connection

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def fold(name: str) -> str:
    """What all spellings of a name have in common: A to Z as a to z, for of other letters each database holds
    something else."""
    return name.translate(_LOWER)


def folded(tx: Connection, column: str) -> str:
    """The same of a column as SQL, in the words of its index."""
    return f"lower({column})" if tx.dialect.name == "sqlite" else f'lower({column} COLLATE "C")'


def is_one_of(column: str, names: list[str]) -> str:
    """The condition that a column is one of these names, each given by a placeholder."""
    return f"{column} = ?" if len(names) == 1 else f"{column} IN ({', '.join('?' * len(names))})"
