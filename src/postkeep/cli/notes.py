"""A note on a post or on a profile: one way to give it, and to take it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def note_options(command: Command) -> Command:
    """`[TEXT]` and `--clear`, as `text` and `clear`."""
    clear = click.option("--clear", is_flag=True, help="Remove the note.")
    return click.argument("text", metavar="[TEXT]", required=False)(clear(command))


def note_of(text: str | None, *, clear: bool) -> str | None:
    """The note to write, None to remove it; raises UsageError unless one of both is given."""
    notes = (text or "").strip()
    if clear == bool(notes):
        raise click.UsageError("give either a TEXT or --clear")
    return notes or None


def told(name: str, notes: str | None) -> str:
    """What to say of what has this name now."""
    return f"{name} {'has a note' if notes else 'has no note any more'}"
