"""What a collector tells of a creator's profile, followers and figures, checked before it is written."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from postkeep.analytics.growth import (
    DAILY,
    WEEKLY,
    FollowerRow,
    Growth,
    GrowthAsBuilt,
    Refused,
    checked,
    growth,
    growth_as_built,
    hour_of,
)
from postkeep.analytics.result import VERSION, Analytics, Figure, Input, Mode, Tally
from postkeep.analytics.stored import stored_fields
from postkeep.errors import NotFound
from postkeep.model import Account, Json, Observation, ObservedSource, Profile, Stage
from postkeep.platforms.bio import kind_of
from postkeep.platforms.fields import as_count, written
from postkeep.platforms.instagram.creator import told_profile
from postkeep.sources.decode import decode
from postkeep.stages.collected import creator_named, fold_creator, observed, settled
from postkeep.stages.hosts import host_of
from postkeep.stages.ingest.accounts import AccountFold
from postkeep.stages.ingest.places import PlaceFold
from postkeep.stages.parts import Parts
from postkeep.store import collected, creator_analytics, known, known_told, schema, work, write, write_told
from postkeep.store.creator_posts import FollowerCount
from postkeep.store.known import Known
from postkeep.store.rows import ProfileRow
from postkeep.views.collected import FollowerGrowth

_LOOK_BACK = WEEKLY.length + WEEKLY.tolerance
_HOUR = timedelta(hours=1)
_DETAILS = ("input", "zone", "followers", "sample", "basis", "failed")


# --- followers ------------------------------------------------------------------------------------------------


def track_followers(
    parts: Parts,
    creator_id: str | int,
    username: str | None,
    followers: Json,
    following: Json = None,
    media_count: Json = None,
) -> FollowerGrowth:
    """Write a count down, at most one in an hour, and tell the growth up to it.

    A count that is none is not written, and nothing is known of the growth. Raises NotFound.
    """
    now = parts.clock()
    counts = tuple(map(as_count, (followers, following, media_count)))
    current = checked(now, *counts)
    if isinstance(current, Refused):
        with parts.store.reading() as tx:
            creator_named(tx, creator_id, username)
        return FollowerGrowth(None, None, None, refused=str(current))
    account = Account(followers=current.followers, following=current.following, posts=current.posts)
    observation = Observation(now, ObservedSource.COLLECTOR)

    def track(tx: Connection) -> Growth:
        named = creator_named(tx, creator_id, username)
        row = _account(tx, parts, named, account, observation)
        return growth(_history(tx, row.profile_id, current), current)

    return _shown(settled(parts.store, track), current)


def _history(tx: Connection, profile_id: str, current: FollowerRow) -> Iterator[FollowerRow]:
    rows = collected.counts_since(tx, profile_id, current.observed_at - _LOOK_BACK)
    other = collected.newest_count(tx, profile_id, other_than=current.followers)
    return map(_row, [*rows, other] if other is not None else rows)


def _row(count: FollowerCount) -> FollowerRow:
    return FollowerRow(count.observed_at, count.followers, count.following, count.posts)


def _shown(told: Growth, current: FollowerRow) -> FollowerGrowth:
    return FollowerGrowth(
        told.daily.percent if told.daily else None,
        told.weekly.percent if told.weekly else None,
        told.previous.followers if told.previous else None,
        _basis(told, current),
    )


def _basis(told: Growth, current: FollowerRow) -> dict[str, Json]:
    previous = told.previous
    return {
        "observed_at": current.observed_at.isoformat(),
        "followers": current.followers,
        "daily": told.daily.as_json() if told.daily else None,
        "weekly": told.weekly.as_json() if told.weekly else None,
        "previous_observed_at": previous.observed_at.isoformat() if previous else None,
    }


# --- the profile ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToldProfile:
    """What a caller hands over of a creator's profile; what is None is not told."""

    profile: Mapping[str, Json]
    growth: Mapping[str, Json] | None = None
    link_kind: str | None = None
    links: list[Json] | None = None
    picture: str | None = None


def update_profile(parts: Parts, creator_id: str | int, told: ToldProfile) -> None:
    """Store what the profile tells as observed now, and the growth beside the figures, in one transaction.

    Raises ParseError for what JSON cannot hold, NotFound for nobody, and for another creator's profile.
    """
    shown, links, picture, kind = decode(
        written([dict(told.profile), told.links, told.picture, told.link_kind])
    ).value
    observation = Observation(parts.clock(), ObservedSource.COLLECTOR)

    def update(tx: Connection) -> None:
        named = creator_named(tx, creator_id, None)
        profile = told_profile(shown, named, picture=picture, links=links)
        if named.native_id is not None and profile.native_id != named.native_id:
            raise NotFound(f"the profile is of {profile.native_id}, not of {creator_id}")
        account = profile.account or Account()
        row = _account(tx, parts, profile, account, observation, link_kind=kind or kind_of(account.external_url))
        if told.growth is not None:
            _put_growth(tx, row.profile_id, told.growth, observation.at)

    settled(parts.store, update)


def _put_growth(tx: Connection, profile_id: str, told: Mapping[str, Json], at: datetime) -> None:
    figures = {
        "follower_growth_rate_daily": _number(told.get("daily_growth_rate")),
        "follower_growth_rate_weekly": _number(told.get("weekly_growth_rate")),
        "previous_followers_count": as_count(told.get("previous_followers_count")),
        "followers_last_updated": at,
        "last_scraped_at": at,
    }
    creator_analytics.put(
        tx, profile_id, figures, mode=Mode.CORRECTED, version=VERSION, computed_at=at, made=False
    )


def _account(
    tx: Connection,
    parts: Parts,
    named: Profile,
    account: Account,
    observation: Observation,
    *,
    link_kind: str | None = None,
) -> ProfileRow:
    """Fold what is told of a profile into its row, texts, links, pictures and history, and write all of it."""
    rows, row = fold_creator(tx, parts, named, observation)
    ids = [row.profile_id]
    rows.profile_texts = known_told.load_profile_texts(tx, ids)
    rows.profile_links = known_told.load_profile_links(tx, ids)
    AccountFold(rows, parts.ids).observe(row, account, observation, "")
    if link_kind and row.external_url and account.external_url and row.external_url_kind is None:
        row.external_url_kind, row.account_changed = link_kind, True
    # What no record tells is written down by the hour, not by the observation.
    rows.history.clear()
    write.write_profiles(tx, rows.profiles, rows.names, observation.at)
    write_told.write_profile_texts(tx, rows.profile_texts)
    write_told.write_profile_links(tx, rows.profile_links)
    _pictures(tx, parts, rows, row, named, observation.at)
    count = checked(observation.at, account.followers, account.following, account.posts)
    if isinstance(count, FollowerRow):
        _keep(tx, parts, row.profile_id, count)
    return row


def _keep(tx: Connection, parts: Parts, profile_id: str, count: FollowerRow) -> None:
    hour = hour_of(count.observed_at)
    collected.keep_count(
        tx,
        profile_id,
        FollowerCount(count.observed_at, count.followers, count.following, count.posts),
        hour=hour,
        end=hour + _HOUR,
        history_id=parts.ids.new("flw"),
        now=count.observed_at,
    )


def _pictures(tx: Connection, parts: Parts, rows: Known, row: ProfileRow, named: Profile, now: datetime) -> None:
    if not named.media:
        return
    owned = known.load_places(tx, "profile_media", "profile_id", [row.profile_id]).get(row.profile_id, {})
    PlaceFold(parts.ids, now).pictures(row.profile_id, owned, named.media, now, told=True)
    wanted = write.write_places(tx, schema.profile_media, "profile_id", owned.values(), now)
    if parts.config.fetch.avatars:
        work.add(
            tx,
            Stage.FETCH,
            [(each.media_id, host_of(each.media_url)) for each in wanted],
            now,
            expiries={each.media_id: each.expires_at for each in wanted},
        )


# --- figures --------------------------------------------------------------------------------------------------


def update_figures(parts: Parts, creator_id: str | int, analytics: Mapping[str, Any], api_calls: int) -> None:
    """Write all 24 stored figures at once: those calculated, the growth of the stored history, and the calls.

    `analytics` is what calculate_analytics gave; what it does not know becomes NULL. Raises NotFound, and
    ValueError for a mode or a number of calls that is none.
    """
    if as_count(api_calls) is None:
        raise ValueError(f"{api_calls!r} is no number of calls")
    observation = Observation(parts.clock(), ObservedSource.COLLECTOR)
    told = decode(written(dict(analytics))).value
    result = _result(told, observation.at)

    def update(tx: Connection) -> None:
        row = observed(tx, parts, creator_named(tx, creator_id, None), observation)
        newest = collected.newest_count(tx, row.profile_id)
        grown, basis = _growth_until(tx, row.profile_id, newest, result.mode)
        figures = stored_fields(
            result,
            grown,
            api_calls=api_calls,
            scraped_at=observation.at,
            followers_updated_at=newest.observed_at if newest is not None else None,
        )
        details = {name: told.get(name) for name in _DETAILS}
        creator_analytics.put(
            tx,
            row.profile_id,
            figures,
            mode=result.mode,
            version=result.version,
            computed_at=result.now,
            details=written({**details, "growth": basis}).decode(),
        )

    settled(parts.store, update)


def _growth_until(
    tx: Connection, profile_id: str, newest: FollowerCount | None, mode: Mode
) -> tuple[Growth | GrowthAsBuilt | None, Json]:
    if newest is None:
        return None, None
    current = _row(newest)
    if mode is Mode.CORRECTED:
        told = growth(_history(tx, profile_id, current), current)
        return told, _basis(told, current)
    found = (
        collected.newest_count(tx, profile_id, until=current.observed_at - DAILY.length),
        collected.newest_count(tx, profile_id, until=current.observed_at - WEEKLY.length),
        collected.newest_count(tx, profile_id, other_than=current.followers),
    )
    rows = [_row(each) for each in found if each is not None]
    return growth_as_built(rows, current.followers, current.observed_at), None


def _result(told: dict[str, Json], now: datetime) -> Analytics:
    """The result a caller was given, as far as it is stored; of what is no figure nothing is known."""
    figures: defaultdict[str, Figure] = defaultdict(lambda: Figure(None))
    figures.update({name: Figure(_figure(name, value)) for name, value in told.items()})
    made = told.get("calculated_at")
    at = datetime.fromisoformat(made) if isinstance(made, str) else now
    if at.tzinfo is None:
        raise ValueError("calculated_at has no zone")
    return Analytics(
        mode=Mode(str(told.get("mode"))),
        input=Input.LISTS,
        now=at.astimezone(UTC),
        zone="UTC",
        followers=None,
        tally=Tally(0, 0),
        figures=figures,
        version=str(told.get("version") or VERSION),
    )


def _figure(name: str, value: Json) -> float | int | str | None:
    match name:
        case "best_content_type":
            return value if isinstance(value, str) else None
        case "viral_content_count":
            return as_count(value)
        case _:
            return _number(value)


def _number(value: Json) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
