"""How the media of a record change the media rows of its owner. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import orjson

from postkeep.ids import IdFactory
from postkeep.model import MediaRef, MediaState, Role
from postkeep.store.known import MediaKey
from postkeep.store.rows import PlaceRow

PROFILE_ROLES = frozenset({Role.AVATAR, Role.BANNER})
_DEAD = frozenset({MediaState.GONE, MediaState.EXPIRED, MediaState.FAILED, MediaState.UNSUPPORTED})


class PlaceFold:
    """Folds media references into rows; rows it makes or revives have `to_fetch` set."""

    def __init__(self, ids: IdFactory, now: datetime) -> None:
        self.ids = ids
        self.now = now

    def observe(
        self,
        owner_id: str,
        owned: dict[MediaKey, PlaceRow],
        media: Iterable[MediaRef],
        at: datetime,
        *,
        tells_all: bool,
        last_told: datetime | None,
        told_after: Callable[[datetime], datetime | None] = lambda moment: None,
    ) -> None:
        """Fold the media of one record observed at `at` into the rows `owned`.

        `tells_all`: what the record lacks is absent. `last_told` is when a record that tells all was last
        observed before, and `told_after(t)` when one was first observed after `t`.
        """
        shown = set()
        newest = last_told is None or at > last_told
        for ref in media:
            key: MediaKey = (ref.role, ref.media_key, ref.occurrence)
            shown.add(key)
            row = owned.get(key)
            if row is None:
                owned[key] = self._new(owner_id, ref, at, None if newest else told_after(at))
            else:
                self._again(row, ref, at, newest=newest, told_after=told_after)
        if tells_all:
            for key, row in owned.items():
                if key not in shown:
                    _missed(row, at, newest=newest, last_told=last_told)

    def pictures(
        self,
        owner_id: str,
        owned: dict[MediaKey, PlaceRow],
        media: Sequence[MediaRef],
        at: datetime,
        *,
        told: bool,
    ) -> None:
        """Fold the pictures of a profile as a record observed at `at` shows them.

        `told`: by a record of the profile itself, so that a picture it shows stands there instead of all others of
        its role. What a post shows of its author says nothing about others.
        """
        for ref in media:
            key: MediaKey = (ref.role, ref.media_key, ref.occurrence)
            row = owned.get(key)
            if row is None:
                row = owned[key] = self._new(owner_id, ref, at, None)
            else:
                if at < row.first_seen_at:
                    row.first_seen_at, row.changed = at, True
                if row.position != ref.position:
                    row.position, row.changed = ref.position, True
                self._link(row, ref, at)
            if told and (row.last_seen_at is None or at > row.last_seen_at):
                row.last_seen_at, row.changed = at, True
        for role in {ref.role for ref in media}:
            _replaced([row for (known, _, _), row in owned.items() if known == role])

    def _new(self, owner_id: str, ref: MediaRef, at: datetime, absent: datetime | None) -> PlaceRow:
        profile = ref.role in PROFILE_ROLES
        return PlaceRow(
            media_id=self.ids.new("pfm" if profile else "med"),
            owner_id=owner_id,
            media_type=ref.media_type,
            media_url=ref.url,
            role=ref.role,
            media_key=ref.media_key,
            occurrence=ref.occurrence,
            position=ref.position,
            rendition=ref.rendition,
            rendition_rank=ref.rendition_rank,
            file_rank=None,
            expires_at=ref.expires_at,
            observed_at=at,
            first_seen_at=at,
            last_seen_at=at if absent else None,
            absent_since=absent,
            download_state=MediaState.PENDING,
            caption=ref.caption,
            caption_seen_at=at if ref.caption is not None else None,
            alternatives=_others(ref),
            new=True,
            to_fetch=True,
        )

    def _again(
        self,
        row: PlaceRow,
        ref: MediaRef,
        at: datetime,
        *,
        newest: bool,
        told_after: Callable[[datetime], datetime | None],
    ) -> None:
        if at < row.first_seen_at:
            row.first_seen_at, row.changed = at, True
        if newest:
            if row.position != ref.position:
                row.position, row.changed = ref.position, True
            if row.absent_since is not None:
                row.absent_since = row.last_seen_at = None
                row.changed = True
        elif row.absent_since is not None and row.last_seen_at is not None and at > row.last_seen_at:
            row.last_seen_at, row.position, row.changed = at, ref.position, True
            if at >= row.absent_since:
                row.absent_since = told_after(at)
        self._link(row, ref, at)

    def _link(self, row: PlaceRow, ref: MediaRef, at: datetime) -> None:
        """Take the words beside the media as they were told last, and its URL when it is better than the row's."""
        if ref.caption is not None and (
            row.caption_seen_at is None
            or (at, len(ref.caption), ref.caption)
            > (row.caption_seen_at, len(row.caption or ""), row.caption or "")
        ):
            row.caption, row.caption_seen_at, row.changed = ref.caption, at, True
        if ref.url == row.media_url:
            if at > row.observed_at:
                row.observed_at, row.changed = at, True
            others = _others(ref)
            if others is not None and (len(others), others) > (
                len(row.alternatives or ""),
                row.alternatives or "",
            ):
                row.alternatives, row.changed = others, True
        elif self._better(row, ref, at):
            self._take(row, ref, at)

    def _better(self, row: PlaceRow, ref: MediaRef, at: datetime) -> bool:
        """Whether the reference's URL should replace the row's."""
        size = _compare(ref.rendition_rank, row.rendition_rank)
        usable = ref.expires_at is None or ref.expires_at > self.now
        if size > 0:
            return at >= row.observed_at or usable
        if at <= row.observed_at:
            return False
        if size < 0:
            stale = row.expires_at is not None and row.expires_at <= at
            return row.download_state is not MediaState.FETCHED and (stale or row.download_state in _DEAD)
        return True

    def _take(self, row: PlaceRow, ref: MediaRef, at: datetime) -> None:
        row.media_url, row.rendition, row.rendition_rank = ref.url, ref.rendition, ref.rendition_rank
        row.expires_at, row.observed_at = ref.expires_at, max(at, row.observed_at)
        row.alternatives, row.changed = _others(ref), True
        if row.download_state is MediaState.FETCHED:
            # The row keeps its file; a larger one replaces it only when it is there.
            row.to_fetch |= _compare(ref.rendition_rank, row.file_rank) > 0
        elif row.download_state is not MediaState.REFUSED:
            row.download_state, row.to_fetch = MediaState.PENDING, True
            row.error_kind = row.error_message = row.error_at = None


def _missed(row: PlaceRow, at: datetime, *, newest: bool, last_told: datetime | None) -> None:
    """A record that tells all was observed at `at` and lacks this row's media."""
    if newest:
        if row.absent_since is None and at > row.first_seen_at:
            row.absent_since, row.last_seen_at, row.changed = at, last_told or row.first_seen_at, True
    elif row.absent_since and row.last_seen_at and row.last_seen_at < at < row.absent_since:
        row.absent_since, row.changed = at, True


def _replaced(rows: list[PlaceRow]) -> None:
    """Say of pictures of one role since when another one is known to stand there instead.

    That is when the other was first seen, or, where it was there before as well, when it was seen last: by then at
    the latest.
    """
    spans = [(row.first_seen_at, row.last_seen_at) for row in rows if row.last_seen_at is not None]
    for row in rows:
        seen = row.last_seen_at or row.first_seen_at
        later = [first if first > seen else last for first, last in spans if last > seen]
        absent = min(later, default=None)
        if absent != row.absent_since:
            row.absent_since, row.changed = absent, True


def _others(ref: MediaRef) -> str | None:
    return orjson.dumps(ref.alternatives).decode() if ref.alternatives else None


def _compare(one: int | None, other: int | None) -> int:
    """Which rendition is larger: 1, 0 or -1; what is unknown is taken as equal."""
    if one is None or other is None or one == other:
        return 0
    return 1 if one > other else -1
