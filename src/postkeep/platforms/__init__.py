"""The table of platforms: naming one imports none, so that start-up stays short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType

from ..errors import NotFound, UnknownShape
from ..model import Alias, Json, Platform

PLATFORMS: Mapping[str, str] = MappingProxyType(
    {
        "linkedin": "postkeep.platforms.linkedin",
        "instagram": "postkeep.platforms.instagram",
        "reddit": "postkeep.platforms.reddit",
    }
)
"""Platform name to the module whose `PLATFORM` reads its records."""

_KEYS_TOLD = 20
_KEY_LENGTH = 40


def load_platform(name: str) -> Platform:
    """Import a platform by its name; raises NotFound for a name that is not in the table."""
    path = PLATFORMS.get(name)
    if path is None:
        raise NotFound(f"no platform is called {name!r}; there are: {', '.join(PLATFORMS)}")
    platform: Platform = import_module(path).PLATFORM
    return platform


def recognise(record: Json, platforms: Iterable[Platform]) -> Platform:
    """Find the first platform that can read the record; raises UnknownShape that tells what stood there."""
    for platform in platforms:
        if platform.recognises(record):
            return platform
    raise UnknownShape(f"no platform knows this record: {_told(record)}")


def post_names(text: str) -> list[tuple[str, Alias]]:
    """What posts a text people write down may mean, asked of every platform: platform and name, in their order."""
    return [(name, alias) for name in PLATFORMS for alias in load_platform(name).post_names(text)]


def _told(record: Json) -> str:
    if not isinstance(record, dict):
        return "null" if record is None else f"a {type(record).__name__}, not an object"
    if not record:
        return "an object without keys"
    keys = sorted(record)
    told = ", ".join(key[:_KEY_LENGTH] for key in keys[:_KEYS_TOLD])
    return f"keys {told}" + (f" and {len(keys) - _KEYS_TOLD} more" if len(keys) > _KEYS_TOLD else "")
