"""How the record of a profile itself changes what is known of it: its counts, texts and links. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import orjson

from postkeep.ids import IdFactory
from postkeep.model import Account, Observation
from postkeep.stages.ingest.told import most, tell
from postkeep.store.known import Counts, Known
from postkeep.store.rows import HistoryRow, LinkRow, ProfileRow, Span, TextRow

_FACT = "facts."
_COLUMNS = (
    *("biography", "category", "is_verified", "is_private", "is_business_account", "is_professional_account"),
    *("followers_count", "following_count", "media_count"),
)


class AccountFold:
    """Folds accounts into the rows of their profiles, into the history of their counts, texts and links."""

    def __init__(self, known: Known, ids: IdFactory) -> None:
        self.known = known
        self.ids = ids

    def observe(self, row: ProfileRow, account: Account, observation: Observation, sha256: str) -> None:
        """Bring a profile's row up to what its account was at the time of the observation."""
        url = row.external_url
        self._current(row, account, observation.at)
        if account.biography is not None:
            self._text(row.profile_id, account.biography, observation.at)
        if account.links is not None:
            self._links(row, account, observation.at)
        self._kind(row, url)
        self._counts(row.profile_id, account, observation, sha256)

    def _current(self, row: ProfileRow, account: Account, at: datetime) -> None:
        values = _values(row)
        before = dict(values)
        last, told_json = row.account_observed_at, row.told_json
        row.told_json = tell(values, _told(account), at, last=last, told_json=told_json)
        if last is None or at > last:
            row.account_observed_at = at
        if values != before:
            for name in _COLUMNS:
                setattr(row, name, values[name])
            row.external_url = values["external"]
            facts = {name.removeprefix(_FACT): value for name, value in values.items() if name.startswith(_FACT)}
            row.facts_json = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode() if facts else None
        row.account_changed |= (values, last, told_json) != (before, row.account_observed_at, row.told_json)

    def _text(self, profile_id: str, text: str, at: datetime) -> None:
        texts = self.known.profile_texts.setdefault(profile_id, {})
        row = texts.get(key := _hash(text))
        if row is None:
            texts[key] = TextRow(text, Span(at, at, new=True))
        else:
            row.span.widen(at)

    def _links(self, row: ProfileRow, account: Account, at: datetime) -> None:
        if row.links_seen_at is None or at > row.links_seen_at:
            row.links_seen_at, row.account_changed = at, True
        links = self.known.profile_links.setdefault(row.profile_id, {})
        shown = {link.url: (i, link) for i, link in reversed(list(enumerate(account.links or ())))}
        for url, (position, link) in shown.items():
            known = links.get(key := _hash(url))
            if known is None:
                links[key] = LinkRow(url, link.title, link.kind, position, Span(at, at, new=True))
                continue
            # Whoever does not know where a link leads says nothing against who does.
            now = (position, link.title, link.kind or known.kind)
            then = (known.position, known.title, known.kind)
            last = known.span.last_seen_at
            if known.kind is None and link.kind is not None:
                known.kind, known.span.changed = link.kind, True
            if now != then and (at > last or (at == last and _rank(now) < _rank(then))):
                known.position, known.title, known.kind = now
                known.span.changed = True
            known.span.widen(at)

    def _kind(self, row: ProfileRow, before: str | None) -> None:
        """Where the profile's own link leads: as any record of it among its links tells, however late it comes."""
        links = self.known.profile_links.get(row.profile_id, {})
        link = links.get(_hash(row.external_url)) if row.external_url is not None else None
        same = row.external_url_kind if row.external_url == before else None
        kind = link.kind if link is not None and link.kind is not None else same
        if kind != row.external_url_kind:
            row.external_url_kind, row.account_changed = kind, True

    def _counts(self, profile_id: str, account: Account, observation: Observation, sha256: str) -> None:
        """One row an observation; what no record of that time tells stays unknown."""
        counts: Counts = (account.followers, account.following, account.posts)
        if counts == (None, None, None):
            return
        at, source = observation.at, str(observation.source)
        row = self.known.history.get((profile_id, at))
        ever = self.known.counts.setdefault(profile_id, set())
        if row is None:
            if not observation.known and counts in ever:
                return
            history_id = self.ids.new("flw")
            row = HistoryRow(history_id, profile_id, at, source, *counts, sha256, new=True)
            self.known.history[profile_id, at] = row
        else:
            _merge(row, counts, source, sha256)
        ever.add(counts)


def _merge(row: HistoryRow, counts: Counts, source: str, sha256: str) -> None:
    before = (row.followers_count, row.following_count, row.media_count, row.record_sha256)
    followers, following, posts = counts
    row.followers_count = most(row.followers_count, followers)
    row.following_count = most(row.following_count, following)
    row.media_count = most(row.media_count, posts)
    if row.record_sha256 is None or sha256 < row.record_sha256:
        row.record_sha256, row.observed_source = sha256, source
    row.changed |= before != (row.followers_count, row.following_count, row.media_count, row.record_sha256)


def _values(row: ProfileRow) -> dict[str, Any]:
    facts = orjson.loads(row.facts_json) if row.facts_json else {}
    columns = {name: getattr(row, name) for name in _COLUMNS}
    return columns | {"external": row.external_url} | {f"{_FACT}{name}": value for name, value in facts.items()}


def _told(account: Account) -> dict[str, Any]:
    return {
        "biography": account.biography,
        "category": account.category,
        "is_verified": account.is_verified,
        "is_private": account.is_private,
        "is_business_account": account.is_business,
        "is_professional_account": account.is_professional,
        "followers_count": account.followers,
        "following_count": account.following,
        "media_count": account.posts,
        "external": account.external_url,
        **{f"{_FACT}{name}": value for name, value in account.facts.items()},
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _rank(shown: tuple[int, str | None, str | None]) -> tuple[int, str, str]:
    position, title, kind = shown
    return position, title or "", kind or ""
