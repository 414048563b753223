"""Answers as one JSON document: dataclasses field by field, times in UTC, unknown as null."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from postkeep.cli.output import write_exactly
from postkeep.cli.text import is_unsafe
from postkeep.model import Json


def write_json(answer: object) -> None:
    """Print an answer on stdout."""
    write_exactly(document(answer, plain_ascii=(sys.stdout.encoding or "").lower().replace("-", "") != "utf8"))


def document(answer: object, *, plain_ascii: bool = False) -> str:
    """An answer as JSON text. Characters that could steer a terminal are escaped, which JSON's readers undo."""
    text = json.dumps(jsonable(answer), ensure_ascii=plain_ascii, indent=2, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(json.dumps(each)[1:-1] if each != "\n" and is_unsafe(each) else each for each in text).replace(
        "\x7f", "\\u007f"
    )


def jsonable(value: object) -> Json:
    """The value made of what JSON has; raises TypeError for what has no such form."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return str(value)
        case Decimal():
            # As a text: JSON's readers make a float of a number.
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): jsonable(each) for key, each in value.items()}
        case Sequence():
            return [jsonable(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: jsonable(getattr(value, each.name)) for each in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")
