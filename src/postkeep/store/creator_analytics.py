"""The stored figures of creators: written in one statement each, read a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.types import Utc, storable
from postkeep.views.creators import CreatorLine, CreatorOrder

_MADE: Final = ("mode", "version", "computed_at", "details")
_FIELDS: Final = tuple(
    each.name for each in schema.creator_analytics.columns if each.name not in ("profile_id", *_MADE)
)
_TIMES: Final = {name for name in _FIELDS if isinstance(schema.creator_analytics.c[name].type, Utc)}
_ADDED: Final = "total_api_calls"
_KEPT: Final = (
    "(SELECT profile_id FROM profiles WHERE is_active = ? UNION SELECT profile_id FROM creator_analytics)"
)


def write(
    tx: Connection,
    profile_id: str,
    fields: Mapping[str, Any],
    *,
    mode: str,
    version: str,
    computed_at: datetime,
    details: str | None,
) -> None:
    """Store the 24 fields of a profile in place of those there are: None becomes NULL, API calls are added.

    Raises KeyError when one of the 24 is not named.
    """
    kept = {name: fields[name] for name in _FIELDS}
    put(tx, profile_id, kept, mode=mode, version=version, computed_at=computed_at, details=details)


def put(
    tx: Connection,
    profile_id: str,
    fields: Mapping[str, Any],
    *,
    mode: str,
    version: str,
    computed_at: datetime,
    details: str | None = None,
    made: bool = True,
) -> None:
    """Write these fields of a profile in one statement, NULL for unknown; those not named stay.

    API calls are added to those counted before. How figures are made (`mode` and what follows it) is replaced
    with them, unless these are not `made` but told (`made=False`), and others stand there already.
    """
    how = {"mode": mode, "version": version, "computed_at": computed_at, "details": details}
    row = {"profile_id": profile_id, **fields, **how}
    edits = [*fields, *(how if made else ())]
    bulk.insert(
        tx,
        schema.creator_analytics,
        tuple(row),
        [tuple(row.values())],
        on_conflict="(profile_id) DO UPDATE SET " + ", ".join(map(_edit, edits)),
    )


def _edit(name: str) -> str:
    if name == _ADDED:
        return f"{name} = coalesce(creator_analytics.{name}, 0) + coalesce(excluded.{name}, 0)"
    return f"{name} = excluded.{name}"


def read(tx: Connection, profile_id: str) -> dict[str, Any] | None:
    """What is stored of a profile: the 24 fields, mode, version, computed_at and details; None for nothing."""
    names = (*_FIELDS, *_MADE)
    row = bulk.execute(
        tx,
        f"SELECT {', '.join(names)} FROM creator_analytics WHERE profile_id = ?",  # noqa: S608
        profile_id,
    ).first()
    if row is None:
        return None
    times = {*_TIMES, "computed_at"}
    return {name: moment(value) if name in times else value for name, value in zip(names, row, strict=True)}


def chosen(tx: Connection, *, limit: int, after: str = "") -> list[str]:
    """The profiles whose figures are kept (active ones, and those that have some), by profile_id."""
    rows = bulk.execute(
        tx,
        f"SELECT profile_id FROM {_KEPT} c WHERE profile_id > ? ORDER BY profile_id LIMIT ?",  # noqa: S608
        True,
        after,
        limit,
    ).all()
    return [profile_id for (profile_id,) in rows]


# What a page is sorted by, unknown numbers last; the profile_id decides between equals.
_ORDERS: Final = {
    CreatorOrder.NAME: ("lower(coalesce(p.username, p.name))", "ASC", ">"),
    CreatorOrder.FOLLOWERS: ("coalesce(p.followers_count, -1)", "DESC", "<"),
    CreatorOrder.RATE: ("coalesce(a.engagement_rate_cached, -1)", "DESC", "<"),
}
_FROM = (
    f" FROM {_KEPT} c"
    " JOIN profiles p ON p.profile_id = c.profile_id"
    " LEFT JOIN creator_analytics a ON a.profile_id = c.profile_id"
)
_LINE = (
    "p.profile_id, p.platform, p.kind, p.username, p.name, p.is_active, p.followers_count,"
    " a.engagement_rate_cached, a.posting_frequency_per_week, a.follower_growth_rate_weekly,"
    " a.best_content_type, a.last_post_days_ago, a.mode, a.version, a.computed_at"
)


def page(
    tx: Connection, *, by: CreatorOrder, limit: int, after: str | None, platform: str | None
) -> list[CreatorLine]:
    """A page of the profiles whose figures are kept; `after` is the profile_id the page before ended with."""
    if not storable(after or "") or not storable(platform or ""):
        return []
    key, direction, beyond = _ORDERS[by]
    where: list[str] = []
    parameters: list[Any] = [True]
    if after is not None:
        last: Sequence[Any] | None = bulk.execute(
            tx, f"SELECT {key}{_FROM} WHERE p.profile_id = ?", True, after
        ).first()
        if last is None:
            return []
        where.append(f"({key}, p.profile_id) {beyond} (?, ?)")
        parameters += [last[0], after]
    if platform is not None:
        where.append("p.platform = ?")
        parameters.append(platform)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    rows = bulk.execute(
        tx,
        f"SELECT {_LINE}{_FROM}{condition} ORDER BY {key} {direction}, p.profile_id {direction} LIMIT ?",
        *parameters,
        limit,
    ).all()
    return [CreatorLine(*row[:5], bool(row[5]), *row[6:14], moment(row[14])) for row in rows]  # type: ignore[call-arg]
