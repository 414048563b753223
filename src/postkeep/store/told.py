"""What the records of a profile itself told: its account, its texts, links and pictures over time, its counts."""

from __future__ import annotations

import orjson
from sqlalchemy import Connection

from postkeep.model import MediaState
from postkeep.store import bulk
from postkeep.store.bulk import known_moment, moment
from postkeep.views import TextView
from postkeep.views.people import AccountView, BioLinkView, CountsView, PictureView

_ACCOUNT = (
    "account_observed_at, biography, category, external_url, external_url_kind, is_verified, is_private,"
    " is_business_account, is_professional_account, followers_count, following_count, media_count, facts_json"
)


def account(tx: Connection, profile_id: str) -> AccountView | None:
    """What is known of a profile's account; None when no record of it was seen."""
    row = bulk.execute(tx, f"SELECT {_ACCOUNT} FROM profiles WHERE profile_id = ?", profile_id).first()  # noqa: S608
    if row is None or row[0] is None:
        return None
    flags = (None if flag is None else bool(flag) for flag in row[5:9])
    told = (*row[1:5], *flags, *row[9:12])
    return AccountView(known_moment(row[0]), *told, orjson.loads(row[12] or "{}"))  # type: ignore[call-arg]


def texts(tx: Connection, profile_id: str) -> list[TextView]:
    """Every text a profile introduced itself with, the one seen last first."""
    rows = bulk.execute(
        tx,
        "SELECT text_content, first_seen_at, last_seen_at FROM profile_texts WHERE profile_id = ?"
        " ORDER BY last_seen_at DESC, first_seen_at DESC, text_hash",
        profile_id,
    ).all()
    return [TextView(text, known_moment(first), known_moment(last)) for text, first, last in rows]


def links(tx: Connection, profile_id: str) -> list[BioLinkView]:
    """The links a profile shows, in their order, then those it showed, the one seen last first."""
    rows = bulk.execute(
        tx,
        "SELECT l.url, l.title, l.kind, l.first_seen_at, l.last_seen_at, p.links_seen_at, l.position"
        " FROM profile_links l JOIN profiles p ON p.profile_id = l.profile_id WHERE l.profile_id = ?"
        " ORDER BY l.last_seen_at DESC, l.position, l.url",
        profile_id,
    ).all()
    return [BioLinkView(*row[:3], known_moment(row[3]), known_moment(row[4]), row[4] == row[5]) for row in rows]  # type: ignore[call-arg]


def pictures(tx: Connection, profile_id: str) -> list[PictureView]:
    """The pictures a profile has or had, by role, the one seen last first."""
    rows = bulk.execute(
        tx,
        "SELECT m.media_id, m.role, m.download_state, f.cached_at IS NOT NULL, m.media_url, m.local_file_path,"
        " m.width, m.height, m.first_seen_at, m.last_seen_at, m.absent_since FROM profile_media m"
        " LEFT JOIN media_files f ON f.file_id = m.file_id WHERE m.profile_id = ?"
        " ORDER BY m.role, CASE WHEN m.absent_since IS NULL THEN 0 ELSE 1 END, m.observed_at DESC, m.media_id",
        profile_id,
    ).all()
    return [
        PictureView(  # type: ignore[call-arg]
            *row[:2], MediaState(row[2]), bool(row[3]), *row[4:8], known_moment(row[8]), *map(moment, row[9:11])
        )
        for row in rows
    ]


def counts(tx: Connection, profile_id: str) -> list[CountsView]:
    """What a profile counted at every time it was observed, newest first."""
    rows = bulk.execute(
        tx,
        "SELECT observed_at, observed_source, followers_count, following_count, media_count FROM follower_history"
        " WHERE profile_id = ? ORDER BY observed_at DESC",
        profile_id,
    ).all()
    return [CountsView(known_moment(at), *rest) for at, *rest in rows]
