"""Values a caller hands over as JSON, written down as the record they are."""

from __future__ import annotations

import json

import orjson

from postkeep.errors import ParseError


def written(value: object) -> bytes:
    """The value as JSON; raises ParseError for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        # Lone surrogates and huge numbers are nothing orjson writes, but a scraper's JSON holds them.
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ParseError(f"this is nothing JSON can hold: {error}") from error
