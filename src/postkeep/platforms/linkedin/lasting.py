"""A record as bytes that stay equal while only paging tokens, relative times and signatures change."""

from __future__ import annotations

import json
import re

import orjson

from ...errors import ParseError
from ...model import Json

_VOLATILE = frozenset({"pagination_token", "query", "ame", "datetime_obj", "_searchable", "_mark_metadata"})
_VOLATILE_TIMES = frozenset({"relative", "date", "postedAgoShort", "postedAgoText"})
_TIMES = ("posted_at", "postedAt", "repostedAt")
_NESTED = ("reshared_post", "repost", "post")
_DEPTH = 3

# The literal stands first, so that the search skips to it; the character before the quote tells a value from
# an escaped quote within a text, and a query holds visible ASCII alone, so that a text which begins with an
# address keeps the words behind it.
_ROTATING = re.compile(
    rb'"https://(?<=[:,\[]"https://)'
    rb'((?:[a-z0-9-]+\.){0,4}(?:licdn\.com/|linkedin\.com/(?:posts|feed|pulse)/)[!#->@-\[\]-~]*)\?[!#-\[\]-~]*"'
)
_SIGNED = b'"https://'
_EXPIRY = re.compile(rb'"expiresAt":(?:[0-9]+|null|"[^"\\]*"),?')


def canonical(record: Json) -> bytes:
    """The record's lasting content with sorted keys; raises ParseError when it is nested too deeply."""
    lasting = _lasting(record) if isinstance(record, dict) else record
    try:
        body = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        try:
            body = json.dumps(lasting, sort_keys=True, separators=(",", ":")).encode()
        except RecursionError:
            raise ParseError("nested too deeply") from None
    if b'"expiresAt":' in body:
        body = _EXPIRY.sub(b"", body)
    if _SIGNED not in body:
        return body
    kept, last = [], 0
    for match in _ROTATING.finditer(body):
        kept.append(body[last : match.end(1)])
        last = match.end() - 1
    kept.append(body[last:])
    return b"".join(kept)


def _lasting(record: dict[str, Json], depth: int = 0) -> dict[str, Json]:
    lasting = {key: value for key, value in record.items() if key not in _VOLATILE}
    for name in _TIMES:
        times = lasting.get(name)
        if isinstance(times, dict):
            lasting[name] = {key: value for key, value in times.items() if key not in _VOLATILE_TIMES}
    for name in _NESTED:
        nested = lasting.get(name)
        if isinstance(nested, dict) and depth < _DEPTH:
            lasting[name] = _lasting(nested, depth + 1)
    return lasting
