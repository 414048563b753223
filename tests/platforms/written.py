"""What a platform reads as plain values, to be compared with what was written down beside a sample: all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from postkeep.model import Parsed, Profile


def reference(profile: Profile) -> str:
    """How posts name a profile that is written down once."""
    return f"{profile.kind}/{profile.username}"


def told(parsed: Parsed) -> dict[str, Any]:
    """Every field that is not its default, but for `contents`, which are bytes."""
    named = {reference(profile): profile for profile in parsed.profiles}
    assert len(named) == len(parsed.profiles)
    whole = _fields(parsed, frozenset({"contents", "profiles"}), named)
    return {**whole, "profiles": {name: _fields(each, frozenset(), named) for name, each in named.items()}}


def _fields(value: Any, but: frozenset[str], named: Mapping[str, Profile]) -> dict[str, Any]:
    found = {}
    for each in fields(value):
        factory = each.default_factory
        default = factory() if factory is not MISSING else each.default
        own = getattr(value, each.name)
        if each.name not in but and own != default:
            found[each.name] = _plain(own, named)
    return found


def _plain(value: Any, named: Mapping[str, Profile]) -> Any:
    if isinstance(value, Profile):
        # Somebody who is named twice is one, with all that is told of him.
        assert named[reference(value)] == value
        return reference(value)
    if is_dataclass(value):
        return _fields(value, frozenset(), named)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each, named) for each in value]
    return dict(value) if isinstance(value, Mapping) else value
