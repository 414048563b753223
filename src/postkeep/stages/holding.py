"""Holds as people set them: from the name of a thing to the row that keeps it in the cache."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from postkeep.errors import ConfigError, NotFound
from postkeep.ids import is_id
from postkeep.log import get_logger
from postkeep.platforms import PLATFORMS
from postkeep.stages import whom
from postkeep.stages.parts import Parts
from postkeep.store import holds, listing, old_ids
from postkeep.store.holds import Hold
from postkeep.store.types import storable
from postkeep.views import HoldView

log = get_logger("holds")

_PLATFORM = "platform:"
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_BY_ID = (
    ("fil", "file", "media_files", "file_id"),
    ("med", "media", "post_media", "media_id"),
    ("pfm", "media", "profile_media", "media_id"),
    ("prf", "profile", "profiles", "profile_id"),
)


def add_hold(
    parts: Parts, subject: str, *, reason: str, until: datetime | None, held_by: str | None, platform: str | None
) -> HoldView:
    """Keep what a name means in the cache; raises NotFound for a name of nothing, or of several."""
    now = parts.clock()
    if not storable(reason) or not storable(held_by or ""):
        raise ConfigError("the reason, or the name of who holds, has characters that no database can keep")
    with parts.store.writing() as tx:
        kind, found = subject_of(tx, subject.strip(), platform)
        hold = Hold(parts.ids.new("hld"), kind, found, reason, held_by or system_user(), now, until)
        holds.put(tx, hold)
        view = _view(tx, hold, now)
    log.info("hold_added", hold_id=hold.hold_id, kind=kind, subject=found, held_by=hold.held_by, reason=reason)
    return view


def list_holds(parts: Parts, *, ended: bool) -> list[HoldView]:
    """The holds in force, oldest first; with `ended` those that are over, too."""
    now = parts.clock()
    with parts.store.reading() as tx:
        return [_view(tx, hold, now) for hold in holds.all_of(tx, now, ended=ended)]


def release_hold(parts: Parts, hold_id: str) -> HoldView:
    """End a hold; idempotent. Raises NotFound."""
    now = parts.clock()
    with parts.store.writing() as tx:
        hold = holds.get(tx, hold_id)
        if hold is None:
            raise NotFound(f"no hold is known as {hold_id!r}")
        if hold.released_at is None:
            hold = replace(hold, released_at=now)
            holds.release(tx, hold_id, now)
        view = _view(tx, hold, now)
    log.info("hold_released", hold_id=hold.hold_id, kind=hold.kind, subject=hold.subject)
    return view


def subject_of(tx: Connection, name: str, platform: str | None = None) -> tuple[str, str]:
    """What a name means: the kind of thing, and its id. Raises NotFound for none and for several."""
    if name.startswith(_PLATFORM):
        return "platform", known_platform(name.removeprefix(_PLATFORM))
    name = old_ids.current(tx, name)
    for prefix, kind, table, key in _BY_ID:
        if is_id(name, prefix):
            return kind, _only(name, holds.names_of(tx, table, key, name))
    if _MD5.fullmatch(name):
        return "file", _only(name, holds.names_of(tx, "media_files", "md5_sum", name.lower()))
    if _SHA256.fullmatch(name):
        return "file", _only(name, holds.names_of(tx, "media_files", "sha256", name.lower()))
    if platform is not None:
        return "profile", profile_of(tx, name, platform)
    if posts := listing.find_posts(tx, name):
        return "post", _only(name, posts)
    try:
        return "profile", profile_of(tx, name, None)
    except whom.Several:
        raise
    except NotFound as error:
        raise NotFound(f"nothing is known as {name!r}") from error


def profile_of(tx: Connection, name: str, platform: str | None) -> str:
    """The profile_id of an id, an address or a name; raises NotFound for none, and for several, naming them."""
    if platform is not None:
        known_platform(platform)
    return whom.find(tx, name, platform=platform).profile_id


def known_platform(name: str) -> str:
    """The name itself, when a platform is called so; raises NotFound."""
    if name not in PLATFORMS:
        raise NotFound(f"no platform is called {name!r}; there are: {', '.join(PLATFORMS)}")
    return name


def system_user() -> str:
    """The name of the user this process runs as."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _only(name: str, found: list[str]) -> str:
    if not found:
        raise NotFound(f"nothing is known as {name!r}")
    if len(found) > 1:
        raise NotFound(f"{name!r} is a name of several: {', '.join(found)}")
    return found[0]


def _view(tx: Connection, hold: Hold, now: datetime) -> HoldView:
    files, size = holds.cached_under(tx, hold)
    return HoldView(
        hold.hold_id,
        hold.kind,
        hold.subject,
        hold.reason,
        hold.held_by,
        hold.since,
        hold.until,
        hold.released_at,
        hold.released_at is None and (hold.until is None or hold.until > now),
        files,
        size,
    )
