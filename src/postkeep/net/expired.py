"""Recognises the pages with which servers say that a signed link is over: fetching it again is no use."""

from __future__ import annotations

import re

HEAD_BYTES = 4096

# What expires, and how it is said; between the two stand a few words, and no end of a sentence.
_SUBJECT = r"(?:url|link|request|signature|token|policy|signed[ _-]url|download)"
_FEW_WORDS = r"[ _-]{1,3}(?:[a-z]{1,12}[ _-]{1,3}){0,3}?"
_PHRASES = (
    rf"\b(?:signed )?{_SUBJECT}s?{_FEW_WORDS}expired\b",
    rf"\bexpired{_FEW_WORDS}{_SUBJECT}\b",
    r"\brequesthasexpired\b",
    rf"\b{_SUBJECT}expired\b",
    rf"\bexpired{_SUBJECT}\b",
    rf"\b{_SUBJECT}{_FEW_WORDS}no longer valid\b",
    r"<code>\s{0,9}(?:expiredtoken|tokenexpired|urlexpired|expiredsignature)\s{0,9}</code>",
    # Azure says it with the two times.
    r"\bsignature not valid in the specified time frame\b",
    # S3 gives the two times beside a bare AccessDenied.
    r"<expires>[^<>]{1,40}</expires>.{0,400}<servertime>",
)
_EXPIRED = re.compile("|".join(_PHRASES), re.IGNORECASE | re.DOTALL)

# A page that asks for a password speaks of sessions, not of the link.
_LOGIN = re.compile(r"type\s{0,3}=\s{0,3}[\"']?password|\b(?:log|sign)[ -]?in\b", re.IGNORECASE)


def says_expired(head: bytes) -> bool:
    """Whether the beginning of a page, of which 4 KB are looked at, says that the link has expired."""
    text = head[:HEAD_BYTES].decode("latin-1")
    return bool(_EXPIRED.search(text)) and not _LOGIN.search(text)
