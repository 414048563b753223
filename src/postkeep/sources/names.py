"""When a file's numbers were true, and whose posts it holds, as its name and folders tell."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from postkeep.model import Observation, ObservedSource

_DATASET = re.compile(
    r"(?:Copy of )?dataset_(?P<user>.+)_(?P<date>\d{4}-\d\d-\d\d)_(?P<time>\d\d-\d\d-\d\d)-(?P<ms>\d{1,3})(?!\d)",
    re.ASCII | re.DOTALL,
)
_FOLDER = re.compile(r"(?P<date>\d{8})(?:_(?P<time>\d{6}))?", re.ASCII)
# Scrapers name their files after themselves when nobody names a profile.
_ACTOR = re.compile(r"linkedin-(?:[a-z]+-)*(?:posts?|scraper|detail|details)")
_YEARS = range(2003, 2101)


def observe(path: Path, *, zone: ZoneInfo, mtime: datetime) -> tuple[Observation, str | None]:
    """When the records of a file were observed, and the username it was scraped for.

    The stamp in the file's name comes before that of its nearest stamped folder, and both before `mtime`
    (aware). Stamps carry no zone and are read in `zone`: a time that occurs twice is the earlier one, one that
    the clock skipped counts as if it had not. Impossible stamps are ignored. The username is percent-decoded,
    and None where the name holds the scraper's name instead. Pure: the file is not looked at.
    """
    via = None
    if named := _DATASET.match(printable(path.name)):
        via = _username(named["user"])
        at = _moment(named["date"], named["time"], int(named["ms"]), zone)
        if at is not None:
            return Observation(at, ObservedSource.FILE_NAME, zone_assumed=True), via
    for folder in path.parents:
        if stamped := _FOLDER.fullmatch(folder.name):
            at = _moment(stamped["date"], stamped["time"] or "000000", 0, zone)
            if at is not None:
                return Observation(at, ObservedSource.FOLDER, zone_assumed=True), via
    return Observation(mtime.astimezone(UTC), ObservedSource.MTIME), via


def printable(name: str) -> str:
    """A file's name as text any database can hold; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _username(written: str) -> str | None:
    name = unquote(written)
    return name if name.isprintable() and name.strip() and not _ACTOR.fullmatch(name) else None


def _moment(date: str, time: str, milliseconds: int, zone: ZoneInfo) -> datetime | None:
    try:
        local = datetime.strptime((date + time).replace("-", ""), "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return None
    if local.year not in _YEARS:
        return None
    return local.astimezone(UTC) + timedelta(milliseconds=milliseconds)
