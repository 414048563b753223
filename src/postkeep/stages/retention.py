"""Retention: policies remove what is too old, when somebody asks, and never what is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from postkeep.errors import ConfigError, NotFound, StoreClash, StoreInterrupted
from postkeep.log import get_logger
from postkeep.model import RunStatus
from postkeep.stages.eviction import Leaving, finish_removals, lasts, take_out
from postkeep.stages.holding import known_platform, profile_of
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.stages.recorded import recorded
from postkeep.store import caching, keeping, retention
from postkeep.store.keeping import Kept
from postkeep.store.retention import Policy, Shown
from postkeep.views import (
    OnProgress,
    PolicyView,
    Progress,
    RetentionMatch,
    RetentionSummary,
    RetentionTotals,
    Stop,
)

log = get_logger("retention")

_PAGE = 200
OnMatch = Callable[[RetentionMatch], None]


# --- policies -------------------------------------------------------------------------------------------


def add_policy(
    parts: Parts, name: str, *, older_than_days: int, platform: str | None, profile: str | None
) -> PolicyView:
    """Add a policy; it removes nothing by itself. Raises NotFound for a profile or platform nobody knows."""
    with parts.store.reading() as tx:
        if platform is not None:
            known_platform(platform)
        profile_id = profile_of(tx, profile, platform) if profile is not None else None
    policy = Policy(parts.ids.new("ret"), name, older_than_days, platform, profile_id)
    try:
        with parts.store.writing() as tx:
            retention.put(tx, policy, parts.clock())
    except StoreInterrupted:
        raise
    except StoreClash as error:
        raise ConfigError(f"there is a policy called {name!r} already") from error
    return list_policies(parts, [name])[0]


def list_policies(parts: Parts, names: Sequence[str] = ()) -> list[PolicyView]:
    """The policies by name, all or those asked for; raises NotFound for a name there is not."""
    with parts.store.reading() as tx:
        chosen = _chosen(tx, names)
        known = retention.usernames(tx, [each.profile_id for each in chosen if each.profile_id])
    return [
        PolicyView(
            each.policy_id,
            each.name,
            each.older_than_days,
            each.platform,
            each.profile_id,
            known.get(each.profile_id or ""),
        )
        for each in chosen
    ]


def remove_policy(parts: Parts, name: str) -> None:
    """Remove a policy; what it removed stays removed. Raises NotFound."""
    with parts.store.writing() as tx:
        if not retention.remove(tx, name):
            raise NotFound(f"no policy is called {name!r}")


def _chosen(tx: Connection, names: Sequence[str]) -> list[Policy]:
    known = retention.policies(tx)
    missing = sorted(set(names) - {each.name for each in known})
    if missing:
        raise NotFound(f"no policy is called {missing[0]!r}")
    return [each for each in known if not names or each.name in names]


# --- what they match ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A content that policies match; the one named is that of the place that showed it last."""

    kept: Kept
    policy: str
    newest: datetime

    @property
    def recoverable(self) -> bool:
        return self.kept.linked or self.kept.archived or self.kept.made

    def told(self, *, removed: bool) -> RetentionMatch:
        kept = self.kept
        return RetentionMatch(
            kept.file_id, kept.sha256, kept.path, kept.size, self.policy, self.newest, self.recoverable, removed
        )


def match(shown: Sequence[Shown], policies: Sequence[Policy], now: datetime) -> tuple[str, datetime] | None:
    """The policy that lets a file go, and when it was last shown; None unless policies match all its places.

    What nobody shows is matched by none: nothing tells whose it is.
    """
    found = None
    for place in sorted(shown, key=lambda each: each.newest):
        name = next((each.name for each in policies if _matches(each, place, now)), None)
        if name is None:
            return None
        found = (name, place.newest)
    return found


def _matches(policy: Policy, place: Shown, now: datetime) -> bool:
    return (
        place.newest < now - timedelta(days=policy.older_than_days)
        and policy.platform in (None, place.platform)
        and policy.profile_id in (None, place.profile_id)
    )


def _matched(tx: Connection, page: list[Kept], policies: Sequence[Policy], now: datetime) -> list[Found]:
    shown = retention.shown(tx, [kept.file_id for kept in page])
    return [
        Found(kept, *matched)
        for kept in page
        if (matched := match(shown.get(kept.file_id, ()), policies, now)) is not None
    ]


# --- applying them --------------------------------------------------------------------------------------


def apply_retention(
    parts: Parts,
    names: Sequence[str],
    *,
    dry_run: bool,
    include_unrecoverable: bool,
    limit: int | None,
    on_match: OnMatch,
    stop: Stop,
    progress: OnProgress,
) -> RetentionSummary:
    """Remove from the cache what these policies match (none named: all); a dry run changes nothing.

    What cannot come back is told, and removed only with `include_unrecoverable`. `limit` bounds how many
    files are removed, or told by a dry run. Raises NotFound, CacheError.
    """
    with parts.store.reading() as tx:
        policies = _chosen(tx, names)
        total = caching.cached_count(tx)
    applying = _Applying(parts, policies, dry_run, include_unrecoverable, limit, on_match)

    must_be_there(parts.store, parts.cache)

    def go() -> None:
        for checked in applying.pages(stop):
            progress(Progress("checking" if dry_run else "removing", checked, max(total, checked), "files"))

    if dry_run:
        go()
        return applying.summary(None, RunStatus.CANCELLED if stop() else RunStatus.COMPLETED)
    with recorded(parts.store, "retention", ids=parts.ids, clock=parts.clock) as run:
        finish_removals(parts.store, parts.cache, parts.clock())
        go()
        if stop():
            run.status = RunStatus.CANCELLED
        removed = applying.removed
        run.summary.update(removed=removed.files, bytes=removed.bytes, held=applying.held.files)
        return applying.summary(run.run_id, run.status)


class _Applying:
    """One pass over the cache, page by page; holds counts, no list of files."""

    def __init__(
        self,
        parts: Parts,
        policies: Sequence[Policy],
        dry_run: bool,
        include_unrecoverable: bool,
        limit: int | None,
        on_match: OnMatch,
    ) -> None:
        self.parts, self.policies, self.dry_run = parts, policies, dry_run
        self.include, self.limit, self.on_match = include_unrecoverable, limit, on_match
        self.now = parts.clock()
        self.checked = 0
        self.recoverable = self.unrecoverable = self.held = self.removed = RetentionTotals()

    def pages(self, stop: Stop) -> Iterator[int]:
        """Go through the cache; yields how many files were looked at so far."""
        last = ""
        while self.policies and not stop() and self._room() != 0:
            with self.parts.store.reading() as tx:
                page = keeping.by_id(tx, last, self.now, limit=_PAGE, lasts=lasts)
                found = _matched(tx, page, self.policies, self.now)
            if not page:
                return
            last = page[-1].file_id
            self.checked += len(page)
            for each in found:
                if each.kept.held:
                    self.held = _plus(self.held, each)
            self._settle([each for each in found if not each.kept.held])
            yield self.checked

    def _room(self) -> int | None:
        """How many files more may be removed, or told."""
        if self.limit is None:
            return None
        done = self.recoverable.files + self.unrecoverable.files if self.dry_run else self.removed.files
        return self.limit - done

    def _settle(self, found: list[Found]) -> None:
        able = found if self.dry_run else [each for each in found if each.recoverable or self.include]
        going = [each.kept.file_id for each in able[: self._room()]]
        gone = set() if self.dry_run or not going else self._remove(going)
        for each in found:
            stays_for_good = not self.dry_run and not each.recoverable and not self.include
            if each.kept.file_id in going or stays_for_good:
                self._tell(each, removed=each.kept.file_id in gone)

    def _tell(self, found: Found, *, removed: bool) -> None:
        if found.recoverable:
            self.recoverable = _plus(self.recoverable, found)
        else:
            self.unrecoverable = _plus(self.unrecoverable, found)
        if removed:
            self.removed = _plus(self.removed, found)
        self.on_match(found.told(removed=removed))

    def _remove(self, file_ids: list[str]) -> set[str]:
        choose = partial(self._still, file_ids=file_ids)
        gone = take_out(self.parts.store, self.parts.cache, choose, self.now)
        return {each.kept.file_id for each in gone}

    def _still(self, tx: Connection, *, file_ids: list[str]) -> list[Leaving]:
        """What of these may go still, asked anew where nobody can change the answer."""
        page = keeping.locked(tx, file_ids, self.now, lasts=lasts)
        return [
            Leaving(each.kept, f"retention:{each.policy}")
            for each in _matched(tx, page, self.policies, self.now)
            if not each.kept.held and (each.recoverable or self.include)
        ]

    def summary(self, run_id: str | None, status: RunStatus) -> RetentionSummary:
        return RetentionSummary(
            run_id=run_id,
            status=status,
            dry_run=self.dry_run,
            policies=tuple(each.name for each in self.policies),
            checked=self.checked,
            recoverable=self.recoverable,
            unrecoverable=self.unrecoverable,
            held=self.held,
            removed=self.removed,
        )


def _plus(totals: RetentionTotals, found: Found) -> RetentionTotals:
    return replace(
        totals,
        files=totals.files + 1,
        bytes=totals.bytes + found.kept.size,
        oldest=min(filter(None, (totals.oldest, found.newest))),
        newest=max(filter(None, (totals.newest, found.newest))),
    )
