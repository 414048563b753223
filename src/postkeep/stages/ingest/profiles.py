"""How the profiles a record shows change the profiles we know. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from postkeep.ids import IdFactory
from postkeep.model import Parsed, Profile
from postkeep.store.known import Known
from postkeep.store.rows import ProfileRow, Span
from postkeep.store.spelling import fold
from postkeep.store.tombstones import of_comer


class ProfileFold:
    """Finds or makes the row of each observed profile.

    A profile is its native id where that is known, else its name, in whatever case. A name that another profile
    now has is taken from the older row, which keeps it among its names.
    """

    def __init__(self, known: Known, ids: IdFactory) -> None:
        self.known = known
        self.ids = ids
        self._by_native = {(row.platform, row.native_id): row for row in known.profiles if row.native_id}
        self._by_name = {_called(row, row.username): row for row in known.profiles if row.username}
        self._seen: dict[tuple[object, ...], ProfileRow] = {}

    def observe(self, profile: Profile, at: datetime) -> ProfileRow | None:
        """The row of this profile, brought up to date at `at`; None when nothing identifies it, or when it was
        erased."""
        if (not profile.username and not profile.native_id) or self.is_erased(profile):
            return None
        key = (
            profile.username,
            profile.native_id,
            profile.kind,
            profile.name,
            profile.headline,
            profile.url,
            at,
        )
        seen = self._seen.get(key)
        if seen is not None:
            return seen
        row = self._find(profile) or self._make(profile)
        newest = row.observed_at is None or at >= row.observed_at
        if profile.native_id and row.native_id is None:
            row.native_id, row.changed = profile.native_id, True
            self._by_native[row.platform, row.native_id] = row
        if profile.username:
            self._name(row, profile.username, at, newest=newest)
        for name, value in (
            ("name", profile.name),
            ("headline", profile.headline),
            ("profile_url", profile.url),
        ):
            current = getattr(row, name)
            if value is not None and value != current and (newest or not current):
                setattr(row, name, value)
                row.changed = True
        if newest and row.observed_at != at:
            row.observed_at, row.changed = at, True
        self._remember(row, "username", profile.username, at)
        self._remember(row, "name", profile.name, at)
        self._seen[key] = row
        return row

    def is_erased(self, profile: Profile) -> bool:
        """Whether the profile was erased and is not to come back."""
        if not self.known.erased:
            return False
        names = of_comer(profile.platform, profile.kind, native_id=profile.native_id, username=profile.username)
        return not self.known.erased.isdisjoint(names)

    def _find(self, profile: Profile) -> ProfileRow | None:
        if profile.native_id:
            row = self._by_native.get((profile.platform, profile.native_id))
            if row is not None:
                return row
        row = self._by_name.get(_called(profile, profile.username or ""))
        if row is None or (profile.native_id and row.native_id not in (None, profile.native_id)):
            return None
        return row

    def _make(self, profile: Profile) -> ProfileRow:
        row = ProfileRow(
            profile_id=self.ids.new("prf"),
            platform=profile.platform,
            kind=profile.kind,
            username=None,
            native_id=profile.native_id,
            name=profile.name or profile.username or "",
            headline=None,
            profile_url=None,
            observed_at=None,
            new=True,
        )
        self.known.profiles.append(row)
        if row.native_id:
            self._by_native[row.platform, row.native_id] = row
        return row

    def _name(self, row: ProfileRow, username: str, at: datetime, *, newest: bool) -> None:
        key = _called(row, username)
        holder = self._by_name.get(key)
        if holder is row and row.username is not None:
            # At one time the same spelling, in whatever order records come.
            if newest and (row.observed_at != at or username > row.username) and row.username != username:
                row.username, row.changed = username, True
            return
        if holder is not None:
            # The one seen under this name last keeps it.
            if not newest or (holder.observed_at is not None and holder.observed_at > at):
                return
            holder.username, holder.changed, holder.renamed = None, True, True
        elif not newest and row.username is not None:
            return
        if row.username is not None:
            self._by_name.pop(_called(row, row.username), None)
            # Somebody else in this batch may take the name it leaves, and be written before it.
            row.renamed = True
        row.username, row.changed = username, True
        self._by_name[key] = row

    def _remember(self, row: ProfileRow, kind: str, value: str | None, at: datetime) -> None:
        if not value:
            return
        span = self.known.names.get((row.profile_id, kind, value))
        if span is None:
            self.known.names[row.profile_id, kind, value] = Span(at, at, new=True)
        else:
            span.widen(at)


def spelled(row: ProfileRow, seen: Profile | None) -> str | None:
    """What a profile is called, in the spelling of the record it was seen in."""
    if row.username is None or seen is None or seen.username is None:
        return row.username
    return seen.username if fold(seen.username) == fold(row.username) else row.username


def _called(whose: Profile | ProfileRow, username: str) -> tuple[str, str, str]:
    """What two profiles cannot both be called by."""
    return whose.platform, whose.kind, fold(username)


def named(parsed: Parsed) -> Iterator[Profile]:
    """Everybody a record names in a way that makes a profile of him; some more than once."""
    yield from parsed.profiles
    if parsed.via is not None:
        yield parsed.via
    for post in parsed.posts:
        yield from post.tagged
        yield from post.coauthors
    if parsed.listing is not None and parsed.listing.owner is not None:
        yield parsed.listing.owner
