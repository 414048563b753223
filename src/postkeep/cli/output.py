"""The two streams: stdout carries answers, stderr the narration; a reader who leaves early is no error."""

from __future__ import annotations

import io
import os
import select
import sys
from pathlib import Path

import click

from postkeep.cli.text import visible


def prepare() -> None:
    """Let no character end a command because the terminal's encoding lacks it, and no stream that is closed."""
    # Python leaves None where the caller closed a stream; nobody reads there, and that is no reason to fail.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Lines of an answer on stdout, made harmless; raises ClickException when they cannot be written.

    This is the last door, for whatever comes from a database that others wrote to: a line break passes it, so
    callers make single foreign texts visible themselves.
    """
    write_exactly(visible(text, lines=True))


def write_exactly(text: str) -> None:
    """The same for text that is known to be harmless, or drawn with colours."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise click.ClickException(f"cannot write to stdout: {error.strerror}") from error


def say(text: str) -> None:
    """A line for people on stderr, made harmless."""
    try:
        sys.stderr.write(f"{visible(text, lines=True)}\n")
        sys.stderr.flush()
    except OSError:
        pass


def silence_stdout() -> None:
    """Send what is still written, at the interpreter's end too, where nobody reads."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


def stdout_gone() -> bool:
    """Whether the reader of stdout has left."""
    watch = select.poll()
    try:
        watch.register(sys.stdout.fileno(), select.POLLOUT)
    except (OSError, ValueError):
        return False
    return any(event & select.POLLERR for _, event in watch.poll(0))


def stdout_refuses() -> bool:
    """Whether the device behind stdout takes no more; asked by a line end, for what failed is given up already."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False
