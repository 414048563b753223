"""Tells from a record's bytes that it can name nobody who is erased, at a tenth of what reading it would cost."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from postkeep.stages.erasing.names import Names

_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-f]{4})|.)", re.DOTALL)
_WORD: Final = re.compile(r"[a-z0-9]+")
_VERBATIM: Final = re.compile(r"[\w.~:/@+-]+")
_FEW: Final = 24
"""So many names are sooner looked for one by one than a text is cut into words."""


class Sieve:
    """Lets pass whatever may name one of them; what it keeps back surely does not.

    Wherever a name stands for somebody, signs that are no letters or digits stand around it: so of many names the
    longest word of each is a word of the record. Escapes of JSON and URLs are undone first, and case is folded.
    """

    def __init__(self, names: Names) -> None:
        texts = {each for each in names.people if len(names.people) <= _FEW and _is_plain(each)}
        rest = {each.casefold() for each in names.posts} | (names.people - texts)
        if len(rest) <= _FEW:
            texts |= {each for each in rest if _is_plain(each)}
        self._texts = tuple(texts)
        alone = "|".join(map(re.escape, self._texts))
        self._alone = re.compile(f"(?<![a-z0-9])(?:{alone})(?![a-z0-9])").search
        self._words = frozenset(_longest_word(each) for each in rest - texts)
        self._all = "" in self._words
        least = min(map(len, self._words), default=0)
        # Most platforms number their posts, and long numbers are few in a record.
        letters = "0-9" if all(map(str.isdecimal, self._words)) else "a-z0-9"
        self._find = re.compile(rf"[{letters}]{{{least},}}").findall

    def passes(self, body: bytes) -> bool:
        """Whether it is worth the while to read these bytes."""
        if self._all:
            return True
        try:
            text = body.decode().casefold()
        except UnicodeDecodeError:
            return True
        if "\x00" in text:
            # UTF-16, perhaps.
            return True
        plain = _plain(text)
        if any(each in plain for each in self._texts) and self._alone(plain):
            return True
        return bool(self._words) and not self._words.isdisjoint(self._find(plain))


def _is_plain(name: str) -> bool:
    # What lies beyond is two escapes in JSON, which are not put together again.
    return _VERBATIM.fullmatch(name) is not None and max(name) <= "\uffff"


def _longest_word(name: str) -> str:
    return max(_WORD.findall(_without_percents(name)), key=len, default="")


def _plain(text: str) -> str:
    if "\\" in text:
        text = _ESCAPE.sub(_meant, text)
    return _without_percents(text)


def _meant(escape: re.Match[str]) -> str:
    code = escape[1]
    if code is None:
        return " "
    number = int(code, 16)
    return " " if 0xD800 <= number < 0xE000 else chr(number).casefold()


def _without_percents(text: str) -> str:
    return unquote(text).casefold() if "%" in text else text
