"""Old media rows as places of a post: rows of one asset become one, which knows all that they knew. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postkeep.errors import LinkExpired
from postkeep.ids import is_id
from postkeep.model import MediaRef, MediaState, MediaType, Role
from postkeep.platforms.linkedin.media import Place, locate
from postkeep.platforms.urls import bounded_key
from postkeep.stages.adoption.reading import Reader
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.rows import PlaceRow

_MD5 = re.compile(r"[0-9a-f]{32}")
_LAST = datetime.max.replace(tzinfo=UTC)
_STATUSES = ("completed", "failed", "started", "not_started")
"""The states of an analysis, the one that tells most first."""
_TYPES = frozenset(map(str, MediaType))
_STATES_OF_OLD = {"pending": "not_started"}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a content that an old row names by its MD5."""

    file_id: str
    md5_sum: str
    path: str
    size: int
    mime_type: str
    width: int | None
    height: int | None
    archive_url: str | None


@dataclass(slots=True)
class Analysis:
    """What an old row knew of its picture."""

    status: str
    text: str | None
    at: datetime | None
    log: list[Any]


@dataclass(slots=True)
class OldMedia:
    """An old row of post_media, read."""

    reader: Reader
    old_id: str
    url: str
    place: Place | None
    media_type: MediaType
    md5: str | None
    archive_url: str | None
    path: str | None
    size: int | None
    mime_type: str | None
    width: int | None
    height: int | None
    created_at: datetime
    updated_at: datetime
    analysis: Analysis

    @property
    def key(self) -> str:
        return self.place.key if self.place else bounded_key(self.url)


@dataclass(slots=True)
class AdoptedPlace:
    """A place as it will stand: its row, the old rows it stands for (its own first), and their other facts.

    `stated` is the row whose path and size stand where no content is known: `cache adopt` finds files by such a
    path. `proven` says that a record of the post shows the place.
    """

    row: PlaceRow
    rows: list[OldMedia]
    file: FileFacts | None
    archive_url: str | None
    stated: OldMedia
    file_rendition: str | None
    analysis: Analysis
    created_at: datetime
    updated_at: datetime
    proven: bool

    def told(self) -> dict[str, Any]:
        """What the row says, by the names of the old columns."""
        file, stated = self.file, self.stated
        return {
            "media_id": self.row.media_id,
            "post_id": self.row.owner_id,
            "media_type": str(self.row.media_type),
            "media_url": self.row.media_url,
            "local_file_path": file.path if file else stated.path,
            "file_size": file.size if file else stated.size,
            "mime_type": file.mime_type if file else stated.mime_type,
            "width": file.width if file else stated.width,
            "height": file.height if file else stated.height,
            "md5_sum": file.md5_sum if file else None,
            "archive_url": self.archive_url,
            "ai_analysis_status": self.analysis.status,
            "ai_analysis": self.analysis.text,
            "ai_analyzed_at": self.analysis.at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def read_media(reader: Reader, old_id: str, now: datetime) -> OldMedia:
    """Read one old row; what it cannot hold stays in the reader's `left`."""
    url = reader.text("media_url") or ""
    place = locate(url)
    created = reader.time("created_at") or now
    return OldMedia(
        reader=reader,
        old_id=old_id,
        url=url,
        place=place,
        media_type=_type(reader, place),
        md5=md5_of(reader),
        archive_url=reader.text("archive_url") or None,
        path=reader.text("local_file_path"),
        size=reader.number("file_size"),
        mime_type=reader.text("mime_type"),
        width=reader.number("width"),
        height=reader.number("height"),
        created_at=created,
        updated_at=reader.time("updated_at") or created,
        analysis=_analysis(reader),
    )


def md5_of(reader: Reader) -> str | None:
    """The MD5 an old row states, in lower case."""
    stated = (reader.text("md5_sum") or "").strip().lower()
    if stated and not _MD5.fullmatch(stated):
        reader.left["md5_sum"] = reader.values["md5_sum"]
        reader.findings.add(FindingKind.UNREADABLE_VALUE, reader.subject, f"its MD5 is none: {stated[:100]!r}")
        return None
    return stated or None


def _type(reader: Reader, place: Place | None) -> MediaType:
    stated = (reader.text("media_type") or "").strip().lower()
    if stated in _TYPES:
        return MediaType(stated)
    reader.left["media_type"] = reader.values.get("media_type")
    return place.media_type if place else MediaType.IMAGE


def _analysis(reader: Reader) -> Analysis:
    stated = (reader.text("ai_analysis_status") or "not_started").strip().lower()
    status = _STATES_OF_OLD.get(stated, stated)
    if status not in _STATUSES:
        reader.left["ai_analysis_status"] = reader.values["ai_analysis_status"]
        status = "not_started"
    return Analysis(status, reader.text("ai_analysis"), reader.time("ai_analyzed_at"), _log(reader))


def _log(reader: Reader) -> list[Any]:
    stated = reader.values.get("ai_analysis_log")
    try:
        log = old_rows.unwrapped(stated)
    except (ValueError, RecursionError):
        reader.left["ai_analysis_log"] = stated
        reader.findings.add(
            FindingKind.UNREADABLE_JSON, reader.subject, "its analysis log is no JSON; kept as it was"
        )
        return []
    if log is None or log == {}:
        return []
    return [_entry(each) for each in log] if isinstance(log, list) else [log]


def _entry(entry: Any) -> Any:
    """An event, also where it was written as JSON text."""
    try:
        event = old_rows.unwrapped(entry)
    except (ValueError, RecursionError):
        return entry
    return event if isinstance(event, dict) else entry


# --- rows of one asset become one -------------------------------------------------------------------------


def merge_places(
    owner_id: str,
    rows: Iterable[OldMedia],
    shown: Mapping[str, Sequence[MediaRef]],
    files: Mapping[str, FileFacts],
    *,
    of_original: bool,
    new_id: Callable[[str], str],
) -> list[AdoptedPlace]:
    """The places of one post, in the order in which they were made.

    `shown` are the media its records show, by key; `of_original` says that the post is a bare repost, which has
    no media of its own. `new_id` makes an id.
    """
    groups: dict[tuple[Role, str], list[OldMedia]] = {}
    for row in sorted(rows, key=lambda each: (each.created_at, each.old_id)):
        groups.setdefault((_role(row, shown, of_original=of_original), row.key), []).append(row)
    return [
        _merged(owner_id, role, position, group, files, new_id, proven=group[0].key in shown)
        for position, ((role, _), group) in enumerate(groups.items())
    ]


def _role(row: OldMedia, shown: Mapping[str, Sequence[MediaRef]], *, of_original: bool) -> Role:
    refs = shown.get(row.key, ())
    for ref in refs:
        if ref.media_type is row.media_type:
            return ref.role
    if refs:
        return refs[0].role
    return Role.RESHARED if of_original else Role.OWN


def _merged(
    owner_id: str,
    role: Role,
    position: int,
    group: list[OldMedia],
    files: Mapping[str, FileFacts],
    new_id: Callable[[str], str],
    *,
    proven: bool,
) -> AdoptedPlace:
    own = next((each for each in group if is_id(each.old_id, "med")), group[0])
    newest = max(group, key=lambda each: (_expiry(each), each.created_at, each.old_id))
    bearer = max((each for each in group if each.md5 in files), key=lambda each: _worth(each, files), default=None)
    file = files[bearer.md5] if bearer and bearer.md5 else None
    place = newest.place
    sized = next((each for each in group if each.width and each.height), newest)
    row = PlaceRow(
        media_id=own.old_id if is_id(own.old_id, "med") else new_id("med"),
        owner_id=owner_id,
        media_type=newest.media_type,
        media_url=newest.url,
        role=role,
        media_key=newest.key,
        occurrence=0,
        position=position,
        rendition=place.rendition if place else None,
        rendition_rank=place.rank if place else None,
        file_rank=bearer.place.rank if bearer and bearer.place else None,
        expires_at=place.expires_at if place else None,
        observed_at=newest.created_at,
        first_seen_at=group[0].created_at,
        last_seen_at=None,
        absent_since=None,
        download_state=MediaState.FETCHED if file else MediaState.PENDING,
        new=True,
    )
    return AdoptedPlace(
        row=row,
        rows=[own, *(each for each in group if each is not own)],
        file=file,
        archive_url=file.archive_url if file else next((e.archive_url for e in group if e.archive_url), None),
        stated=next((each for each in group if each.path), sized),
        file_rendition=bearer.place.rendition if bearer and bearer.place else None,
        analysis=_merged_analysis([each.analysis for each in group]),
        created_at=group[0].created_at,
        updated_at=max(each.updated_at for each in group),
        proven=proven,
    )


def _expiry(row: OldMedia) -> datetime:
    return (row.place.expires_at if row.place else None) or _LAST


def _worth(row: OldMedia, files: Mapping[str, FileFacts]) -> tuple[bool, int, datetime, str]:
    file = files[row.md5 or ""]
    return (file.archive_url is not None, (row.place.rank if row.place else None) or 0, row.created_at, row.old_id)


def _merged_analysis(each: Sequence[Analysis]) -> Analysis:
    """The analysis that tells most; the logs of all in the order of time."""
    best = min(
        each,
        key=lambda one: (_STATUSES.index(one.status), one.text is None, -(one.at.timestamp() if one.at else 0)),
    )
    if best.text is None:
        # An analysis without the status that it deserves is an analysis still.
        best = next((one for one in each if one.text is not None), best)
    status = min((one.status for one in each), key=_STATUSES.index)
    log: list[Any] = []
    for entry in (entry for one in each for entry in one.log):
        if entry not in log:
            log.append(entry)
    if len(each) > 1:
        log.sort(key=_time_of)
    return Analysis(status, best.text, best.at, log)


def _time_of(entry: Any) -> datetime:
    stated = entry.get("timestamp") if isinstance(entry, dict) else None
    return old_rows.as_time(stated) or datetime.min.replace(tzinfo=UTC)


def settle_states(places: Iterable[AdoptedPlace], now: datetime) -> None:
    """Say which links have ended, and put the places that no record shows behind the others."""
    places = list(places)
    behind = 1 + max((each.row.position for each in places if each.proven), default=-1)
    for each in sorted(places, key=lambda one: one.row.position):
        row = each.row
        if not each.proven:
            row.position, behind = behind, behind + 1
        if row.download_state is not MediaState.FETCHED:
            row.download_state = MediaState.PENDING
            if row.expires_at is not None and row.expires_at <= now:
                row.download_state = MediaState.EXPIRED
                row.error_kind, row.error_at = LinkExpired.kind, now
                row.error_message = f"the link expired at {row.expires_at:%Y-%m-%d %H:%M} UTC"
