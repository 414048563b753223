"""What a text says beside its words: hashtags, mentions and links, read the same way for every platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category, normalize

MOST = 200
"""At most so many hashtags, mentions or links are taken from one text."""

LONGEST_TAG = 100
LONGEST_NAME = 255
LONGEST_LINK = 2000

# The literal character stands first and the look-behind after it, so that the search skips to it at once.
_TAG = re.compile(r"#(?<![\w&/#]#)(\w+)")
_NAME = re.compile(r"@(?<![\w@/.+-]@)(\w+(?:[.-]\w+)*)")
_WORD = re.compile(r"\w+")
_ADDRESS = re.compile(r"[^\s<>\"\u200b\u2060\ufeff]+")
_TRAILING = frozenset(".,;:!?'\"*_~`…·’”»、。，；：！？")
_CLOSING = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「"}


def hashtags(text: str) -> tuple[str, ...]:
    """The hashtags of a text: lower case, NFC, without `#`, each once, in order of first appearance.

    A tag holds letters, digits, underscores and the marks that combine with them, and at least one letter; one
    inside a URL or a word is none, and one above 100 characters neither.
    """
    if "＃" in text:
        text = text.replace("＃", "#")
    if "#" not in text:
        return ()
    if "://" in text:
        text = _without_addresses(text)
    found: dict[str, None] = {}
    for match in _TAG.finditer(text):
        tag = match[1] if text.isascii() else text[match.start(1) : _word_end(text, match.end())]
        if len(tag) > LONGEST_TAG or not any(map(str.isalpha, tag)):
            continue
        if not tag.isascii():
            tag = normalize("NFC", tag)
        found.setdefault(tag.lower()[:LONGEST_TAG])
        if len(found) == MOST:
            break
    return tuple(found)


def mentions(text: str) -> tuple[str, ...]:
    """The names after an `@` as they are written, each once (whatever its case), in order."""
    if "@" not in text:
        return ()
    if "://" in text:
        text = _without_addresses(text)
    found: dict[str, str] = {}
    for match in _NAME.finditer(text):
        if len(match[1]) <= LONGEST_NAME:
            found.setdefault(match[1].casefold(), match[1])
            if len(found) == MOST:
                break
    return tuple(found.values())


def links(text: str) -> tuple[str, ...]:
    """The http and https URLs of a text, each once, in order.

    Punctuation that ends a sentence is not part of a URL, and a closing bracket only when it was opened in it.
    """
    if "://" not in text:
        return ()
    found: dict[str, None] = {}
    for start, end in _addresses(text):
        # A URL that is far too long stays too long, however much of its end is punctuation.
        if end - start > 2 * LONGEST_LINK:
            continue
        url = _trimmed(text[start:end])
        if len(url) <= LONGEST_LINK and not url.endswith("//"):
            found.setdefault(url)
            if len(found) == MOST:
                break
    return tuple(found)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("://")
    while at >= 0:
        end = at + 3
        scheme = text[max(at - 5, 0) : at].lower()
        length = 5 if scheme == "https" else 4 if scheme.endswith("http") else 0
        if length and (match := _ADDRESS.match(text, end)):
            end = match.end()
            yield at - length, end
        at = text.find("://", end)


def _without_addresses(text: str) -> str:
    pieces, last = [], 0
    for start, end in _addresses(text):
        pieces.append(text[last:start])
        last = end
    return " ".join((*pieces, text[last:]))


def _trimmed(url: str) -> str:
    end = len(url)
    surplus: dict[str, int] = {}
    while end:
        last = url[end - 1]
        if last in _CLOSING:
            # Counted once: nothing but trailing characters is taken away, an opening bracket never.
            if last not in surplus:
                surplus[last] = url.count(last, 0, end) - url.count(_CLOSING[last], 0, end)
            if surplus[last] <= 0:
                break
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]


def _word_end(text: str, end: int) -> int:
    # `\w` knows no combining marks, without which words of many scripts break off.
    while end < len(text) and category(text[end])[0] == "M":
        end += 1
        if match := _WORD.match(text, end):
            end = match.end()
    return end
