"""The predecessor's views have its columns, and show the same on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from postkeep.errors import StoreError
from postkeep.store import Store, migrate, sqlviews
from postkeep.store.bulk import moment
from postkeep.store.migrate import HEAD
from postkeep.store.verify import verify_schema

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

BORN = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


def at(hours: float) -> str:
    return f"'{(BORN + timedelta(hours=hours)).isoformat(timespec='microseconds')[:26]}Z'"


def run(store: Store, *statements: str) -> None:
    with store.writing() as tx:
        for statement in statements:
            tx.execute(text(statement.replace(":", r"\:")))


def rows(store: Store, statement: str) -> list[dict[str, Any]]:
    with store.reading() as tx:
        return [dict(row) for row in tx.execute(text(statement)).mappings()]


def post(post_id: str, hours: float = 0, **more: str) -> str:
    values = {
        "post_id": f"'{post_id}'",
        "urn": f"'urn:{post_id}'",
        "native_id": f"'{post_id}'",
        "posted_at": at(hours),
        "posted_at_timestamp": str(round((BORN + timedelta(hours=hours)).timestamp() * 1000)),
    } | more
    return f"INSERT INTO posts ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def snapshot(download_id: str, post_id: str, hours: float, **more: str) -> str:
    values = {
        "download_id": f"'{download_id}'",
        "post_id": f"'{post_id}'",
        "downloaded_at": at(1000),
        "observed_at": at(hours),
        "observed_source": "'mtime'",
    } | more
    return f"INSERT INTO data_downloads ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def medium(number: int, post_id: str, *, role: str = "own", kind: str = "image", absent: str = "NULL") -> str:
    return (
        "INSERT INTO post_media (media_id, post_id, media_type, media_url, role, media_key, absent_since)"
        f" VALUES ('med-{number}', '{post_id}', '{kind}', 'https://e/{number}', '{role}', '{number}', {absent})"
    )


def action(number: int, post_id: str, kind: str, status: str = "queued") -> str:
    return (
        "INSERT INTO action_queue (action_id, post_id, action_type, status)"
        f" VALUES ('act-{number}', '{post_id}', '{kind}', '{status}')"
    )


# --- posts ----------------------------------------------------------------------------------------------


def test_the_main_view(store: Store) -> None:
    long = "ä📷" * 30
    run(
        store,
        post("p-1", text_content=f"'{long}'", author_username="'jane'", raw_json="'{}'", first_seen_at=at(1)),
        post("p-2", 1.5),
    )
    assert rows(store, "SELECT * FROM v_main_post_view WHERE post_id = 'p-1'") == [
        {
            "post_id": "p-1",
            "platform": "linkedin",
            "urn": "urn:p-1",
            "posted_at_formatted": "2026-03-01 10:00:30",
            "author_username": "jane",
            "text_preview": long[:50],
            "media_indicator": "",
            "marked_indicator": "",
            "first_seen_at": first_seen(store),
            "raw_json": "{}",
        }
    ]
    shown = rows(store, "SELECT * FROM v_main_post_view")
    assert [(each["post_id"], each["posted_at_formatted"][11:]) for each in shown] == [
        ("p-2", "11:30:30"),
        ("p-1", "10:00:30"),
    ]
    assert (shown[0]["text_preview"], shown[0]["raw_json"]) == (None, None)


def first_seen(store: Store) -> Any:
    return rows(store, "SELECT first_seen_at FROM posts WHERE post_id = 'p-1'")[0]["first_seen_at"]


def test_only_pictures_a_post_itself_shows_are_indicated(store: Store) -> None:
    run(store, *(post(f"p-{n}", n) for n in range(4)))
    run(
        store,
        medium(1, "p-1"),
        medium(2, "p-1", role="reshared"),
        medium(3, "p-1", absent=at(1)),
        *(medium(10 + n, "p-2") for n in range(3)),
        medium(20, "p-3", role="document", kind="document"),
        medium(21, "p-3", kind="video"),
        medium(22, "p-3", role="thumbnail"),
    )
    shown = rows(store, "SELECT post_id, media_indicator FROM v_main_post_view ORDER BY post_id")
    assert [each["media_indicator"] for each in shown] == ["", "📷", "📷 (3)", ""]


def test_marks_stand_apart(store: Store) -> None:
    run(
        store,
        post("p-1"),
        # By a dictionary the first would stand in the middle.
        action(1, "p-1", "Watch"),
        action(2, "p-1", "save"),
        action(3, "p-1", "auto-react", "completed"),
        action(4, "p-1", "save", "completed"),
        action(5, "p-1", "note", "cancelled"),
    )
    (shown,) = rows(store, "SELECT marked_indicator FROM v_main_post_view")
    assert shown["marked_indicator"] == "Watch, auto-react, save"


# --- profiles -------------------------------------------------------------------------------------------


def test_profiles_count_the_posts_of_the_profile_and_not_of_the_name(store: Store) -> None:
    run(
        store,
        "INSERT INTO profiles (profile_id, username, name, platform, kind, native_id, post_count) VALUES"
        " ('prf-1', 'jane', 'Jane', 'linkedin', 'person', '7', 99),"
        " ('prf-2', 'jane', 'Jane', 'reddit', 'redditor', NULL, 0)",
        post("p-1", author_username="'jane'", author_profile_id="'prf-1'"),
        post("p-2", author_profile_id="'prf-1'"),
        post("p-3", author_username="'jane'", platform="'reddit'"),
        *(f"INSERT INTO tags (tag_id, name) VALUES ('tag-{n}', '{n}')" for n in ("ai", "Zoo", "übel", "a b")),
        *(
            f"INSERT INTO profile_tags (profile_tag_id, profile_id, tag_id) VALUES ('pft-{n}', 'prf-1', 'tag-{n}')"
            for n in ("ai", "Zoo", "übel", "a b")
        ),
    )
    first, second = rows(store, "SELECT * FROM v_profiles_with_stats ORDER BY profile_id")
    assert list(first) == [
        *("profile_id", "username", "name", "platform", "is_active", "notes", "last_synced_at", "created_at"),
        *("updated_at", "post_count", "tags", "kind", "native_id", "headline", "profile_url"),
    ]
    assert (first["post_count"], tags(first)) == (2, ["Zoo", "a b", "ai", "übel"])
    assert (first["is_active"], first["kind"], first["native_id"]) == (True, "person", "7")
    assert (second["post_count"], tags(second)) == (0, [])


def tags(profile: dict[str, Any]) -> Any:
    """An array in JSON: PostgreSQL has a type for that, SQLite has text."""
    found = profile["tags"]
    return json.loads(found) if isinstance(found, str) else found


# --- curves ---------------------------------------------------------------------------------------------

NUMBERS = ("reactions", "comments", "reposts", "views")


def curve(store: Store, post_id: str) -> list[tuple[Any, ...]]:
    shown = rows(
        store, f"SELECT * FROM v_post_engagement_history WHERE post_id = '{post_id}' ORDER BY downloaded_at"
    )
    hours = [(moment(each["downloaded_at"]) - BORN) / timedelta(hours=1) for each in shown]
    return [
        (hour, tuple(each[name] for name in NUMBERS), bool(each["is_virtual"]))
        for hour, each in zip(hours, shown, strict=True)
    ]


def test_a_curve_begins_with_a_zero_that_says_it_is_virtual(store: Store) -> None:
    run(
        store,
        "INSERT INTO download_runs (run_id, started_at) VALUES ('run-1', " + at(0) + ")",
        post("p-1", author_username="'jane'"),
        snapshot("dl-1", "p-1", 2, total_reactions="5", comments="0", stats_json="'{\"like\": 5}'"),
        snapshot("dl-2", "p-1", 3, total_reactions="9", views="70", run_id="'run-1'"),
    )
    assert curve(store, "p-1") == [
        (0.0, (0, 0, 0, 0), True),
        (2.0, (5, 0, None, None), False),
        (3.0, (9, None, None, 70), False),
    ]
    virtual, first, second = rows(store, "SELECT * FROM v_post_engagement_history ORDER BY downloaded_at")
    assert list(virtual) == [
        *("post_id", "post_urn", "author_username", "downloaded_at", *NUMBERS),
        *("stats_json", "download_id", "run_id", "is_virtual"),
    ]
    assert [virtual[name] for name in ("post_urn", "author_username", "stats_json", "download_id", "run_id")] == [
        *("urn:p-1", "jane", "{}", sqlviews.VIRTUAL, None)
    ]
    assert [first[name] for name in ("post_urn", "author_username", "stats_json", "download_id", "run_id")] == [
        *("urn:p-1", "jane", '{"like": 5}', "dl-1", None)
    ]
    assert second["run_id"] == "run-1"


@pytest.mark.parametrize("hours", [-1, 0])
def test_no_zero_stands_on_or_behind_a_snapshot(store: Store, hours: float) -> None:
    run(store, post("p-1"), snapshot("dl-1", "p-1", hours), snapshot("dl-2", "p-1", 3))
    assert [each[2] for each in curve(store, "p-1")] == [False, False]


def test_a_repost_has_no_zero_for_its_numbers_are_older(store: Store) -> None:
    run(store, post("p-1"), snapshot("dl-1", "p-1", 2, of_original="true"), post("p-2"))
    assert [each[2] for each in curve(store, "p-1")] == [False]
    assert curve(store, "p-2") == [], "nothing was observed, so there is no curve"


# --- making and checking them ---------------------------------------------------------------------------


def test_views_that_are_missing_or_others_are_told_and_made_anew(store: Store) -> None:
    run(
        store,
        "DROP VIEW v_main_post_view",
        "DROP VIEW v_profiles_with_stats",
        "CREATE VIEW v_profiles_with_stats AS SELECT profile_id, 'a' AS tags FROM profiles",
    )
    missing, other, *rest = verify_schema(store)
    assert str(missing) == "v_main_post_view: view is missing (expected: a view)"
    assert (other.table, other.what) == ("v_profiles_with_stats", "definition")
    assert {each.what for each in rest} <= {"security_invoker"}
    assert migrate.upgrade(store) == migrate.UpgradeReport(
        HEAD, HEAD, (), ("view v_main_post_view: made", "view v_profiles_with_stats: made anew")
    )
    assert verify_schema(store) == []
    assert migrate.upgrade(store).settled == ()


@postgresql_only
def test_a_view_with_its_owners_rights_is_told_and_made_anew(store: Store) -> None:
    run(store, "ALTER VIEW v_main_post_view RESET (security_invoker)")
    (told,) = verify_schema(store)
    assert str(told) == "v_main_post_view: security_invoker is missing (expected: on)"
    assert migrate.upgrade(store).settled == ("view v_main_post_view: made anew",)
    assert verify_schema(store) == []


@postgresql_only
def test_a_view_others_build_on_is_not_torn_down(store: Store) -> None:
    run(
        store,
        "CREATE VIEW mine AS SELECT post_id FROM v_main_post_view",
        "ALTER VIEW v_main_post_view SET (security_invoker = off)",
    )
    with pytest.raises(StoreError, match=r"cannot make the view v_main_post_view.*mine"):
        migrate.upgrade(store)
    assert rows(store, "SELECT * FROM mine") == []


def test_a_table_in_place_of_a_view(store: Store) -> None:
    run(store, "DROP VIEW v_main_post_view", "CREATE TABLE v_main_post_view (post_id TEXT)")
    assert {(each.what, each.found) for each in verify_schema(store)} == {("table", "a table"), ("view", None)}
    with pytest.raises(StoreError, match="cannot make the view v_main_post_view"):
        migrate.upgrade(store)
