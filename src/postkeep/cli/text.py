"""Words for people: foreign text made harmless, local times, counts that may be unknown."""

from __future__ import annotations

import unicodedata
from datetime import datetime

UNKNOWN = "–"

# What moves the cursor, hides, or reverses the reading order. Joiners stay: emoji and Persian need them.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\u200c\u200d")


def is_unsafe(character: str) -> bool:
    """Whether a character could do more in a terminal than stand there."""
    return unicodedata.category(character) in _UNSAFE and character not in _HARMLESS


def visible(text: str, *, lines: bool = False) -> str:
    r"""Foreign text that cannot steer a terminal: control characters become `\x1b`, `\u202e`.

    With `lines` line breaks stay and tabs become spaces.
    """
    if lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
    if text.isprintable():
        return text
    return "".join(
        ascii(each)[1:-1] if is_unsafe(each) and not (lines and each == "\n") else each for each in text
    )


def beginning(text: str | None, length: int = 60) -> str:
    """The first characters of a text in one line."""
    line = visible(" ".join((text or "")[: length * 8].split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def known(text: str | None) -> str:
    return UNKNOWN if text is None else visible(text)


def count(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def moment(at: datetime | None) -> str:
    """A time as the reader's clock shows it, with the zone's name."""
    return UNKNOWN if at is None else _local(at).strftime("%Y-%m-%d %H:%M %Z")


def day(at: datetime) -> str:
    return _local(at).strftime("%Y-%m-%d")


def duration(seconds: float) -> str:
    """A span in its two largest units: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _local(at: datetime) -> datetime:
    """The time in the zone of this machine; in UTC when that zone is none."""
    try:
        return at.astimezone()
    except ValueError:
        return at
