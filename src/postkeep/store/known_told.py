"""What is known of people, accounts and lists, for a batch that tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.known import Counts, observed
from postkeep.store.rows import HISTORY_COLUMNS, HistoryRow, LinkRow, PeopleRows, PersonRow, Span, TextRow


def load_people(tx: Connection, post_ids: Iterable[str]) -> dict[str, PeopleRows]:
    """Who is tagged in these posts and who made them together with their authors."""
    found: dict[str, dict[str, list[PersonRow]]] = defaultdict(lambda: defaultdict(list))
    for post_id, role, _, *person in bulk.among(
        tx,
        "SELECT post_id, role, position, name, username, native_id, profile_id FROM post_people"
        " WHERE post_id {in} ORDER BY post_id, role, position",
        post_ids,
    ):
        found[post_id][role].append(PersonRow(*person))
    return {
        post_id: PeopleRows({role: tuple(people) for role, people in roles.items()})
        for post_id, roles in found.items()
    }


def load_profile_texts(tx: Connection, profile_ids: Iterable[str]) -> dict[str, dict[str, TextRow]]:
    """The texts these profiles introduce or introduced themselves with, by hash."""
    texts: dict[str, dict[str, TextRow]] = defaultdict(dict)
    for profile_id, text_hash, text, first, last in bulk.among(
        tx,
        "SELECT profile_id, text_hash, text_content, first_seen_at, last_seen_at FROM profile_texts"
        " WHERE profile_id {in}",
        profile_ids,
    ):
        texts[profile_id][text_hash] = TextRow(text, Span(moment(first), moment(last)))  # type: ignore[arg-type]
    return dict(texts)


def load_profile_links(tx: Connection, profile_ids: Iterable[str]) -> dict[str, dict[str, LinkRow]]:
    """The links these profiles show or showed, by the hash of their URL."""
    links: dict[str, dict[str, LinkRow]] = defaultdict(dict)
    for profile_id, url_hash, url, title, kind, position, first, last in bulk.among(
        tx,
        "SELECT profile_id, url_hash, url, title, kind, position, first_seen_at, last_seen_at FROM profile_links"
        " WHERE profile_id {in}",
        profile_ids,
    ):
        span = Span(moment(first), moment(last))  # type: ignore[arg-type]
        links[profile_id][url_hash] = LinkRow(url, title, kind, position, span)
    return dict(links)


def load_history(tx: Connection, keys: Iterable[tuple[str, datetime]]) -> dict[tuple[str, datetime], HistoryRow]:
    """The counts of profiles at these (profile_id, observed_at)."""
    rows = {}
    for values in observed(tx, "follower_history", "profile_id", HISTORY_COLUMNS, keys):
        row = HistoryRow(*values)
        row.observed_at = moment(row.observed_at)  # type: ignore[assignment]
        rows[row.profile_id, row.observed_at] = row
    return rows


def load_counts(tx: Connection, profile_ids: Iterable[str]) -> dict[str, set[Counts]]:
    """All the counts these profiles ever had."""
    counts: dict[str, set[Counts]] = defaultdict(set)
    for profile_id, followers, following, posts in bulk.among(
        tx,
        "SELECT DISTINCT profile_id, followers_count, following_count, media_count FROM follower_history"
        " WHERE profile_id {in}",
        profile_ids,
    ):
        counts[profile_id].add((followers, following, posts))
    return dict(counts)


def load_listed(tx: Connection, hashes: Iterable[str]) -> dict[str, set[datetime]]:
    """When these records were stored as lists."""
    times: dict[str, set[datetime]] = defaultdict(set)
    for sha256, at in bulk.among(
        tx, "SELECT record_sha256, observed_at FROM listings WHERE record_sha256 {in}", hashes
    ):
        times[sha256].add(moment(at))  # type: ignore[arg-type]
    return dict(times)
