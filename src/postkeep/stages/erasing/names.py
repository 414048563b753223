"""Finds in a decoded document what names a post or profile, and cuts it out where a list allows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from postkeep.model import Json
from postkeep.stages.ingest.naming import ENDING, NUMBER, PART, PIECE

_SPACE = re.compile(r"\s")


class Names:
    """The names of posts (their own ids, aliases) and of people (usernames, their own ids).

    A name counts where a text is nothing but it, or is an address, URN or compound id with it as a part. Words
    that somebody else wrote are not looked into: they are his.
    """

    def __init__(self, *, posts: Iterable[str] = (), people: Iterable[str] = ()) -> None:
        self.posts = frozenset(posts)
        self.people = frozenset(each.casefold() for each in people)

    def __bool__(self) -> bool:
        return bool(self.posts or self.people)

    def in_text(self, text: str) -> bool:
        """Whether a text of a document names one of them."""
        if self._is_one(text):
            return True
        if _SPACE.search(text):
            return False
        return self._in_parts(unquote(text) if "%" in text else text)

    def in_words(self, text: str) -> bool:
        """Whether any word of a text names one of them: for what is no document, such as a broken record."""
        return self._in_parts(text)

    def in_document(self, value: Json) -> bool:
        """Whether anything in a decoded document names one of them."""
        match value:
            case str():
                return self.in_text(value)
            case bool() | None | float():
                return False
            case int():
                return self._is_one(str(value))
            case dict():
                return any(self.in_text(key) or self.in_document(each) for key, each in value.items())
            case _:
                return any(map(self.in_document, value))

    def _is_one(self, text: str) -> bool:
        return text in self.posts or text.casefold() in self.people

    def _is_piece(self, piece: str) -> bool:
        return piece in self.posts or (piece in self.people and NUMBER.fullmatch(piece) is not None)

    def _in_parts(self, text: str) -> bool:
        for part in PART.findall(text):
            if self._is_one(part) or self._is_one(ENDING.sub("", part)):
                return True
            if any(self._is_piece(piece) for piece in PIECE.findall(part)):
                return True
            # The address of a post may begin with the name of its author.
            if "/posts/" in text and part.partition("_")[0].casefold() in self.people:
                return True
        return False


class _Cut:
    pass


_CUT: Final = _Cut()


def cut(document: Json, names: Names) -> Json:
    """The document without the elements of lists that name one of them; None when more than elements do."""
    made = _without(document, names)
    return None if isinstance(made, _Cut) else made


def _without(value: Json, names: Names) -> Json | _Cut:
    if isinstance(value, list):
        kept = [_without(each, names) for each in value]
        return [each for each in kept if not isinstance(each, _Cut)]
    if not isinstance(value, dict):
        return _CUT if names.in_document(value) else value
    made = {}
    for key, each in value.items():
        inner = _CUT if names.in_text(key) else _without(each, names)
        if isinstance(inner, _Cut):
            return _CUT
        made[key] = inner
    return made
