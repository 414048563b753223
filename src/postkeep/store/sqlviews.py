"""The three views that people's own queries know from the predecessor, with the same columns and values on both
databases; the product itself reads none of them.
"""

from __future__ import annotations

from sqlalchemy import Connection, exc

from postkeep.errors import StoreError
from postkeep.store.shapes import Shape

VIRTUAL = "virtual_initial_point"
"""The download_id of a zero that nobody observed."""

_MAIN = """
    SELECT p.post_id, p.platform, p.urn, {posted} AS posted_at_formatted, p.author_username,
        substr(p.text_content, 1, 50) AS text_preview,
        (SELECT CASE count(*) WHEN 0 THEN '' WHEN 1 THEN '📷' ELSE '📷 (' || count(*) || ')' END
            FROM post_media m
            WHERE m.post_id = p.post_id AND m.role = 'own' AND m.media_type = 'image' AND m.absent_since IS NULL
        ) AS media_indicator,
        COALESCE((SELECT {marks} FROM (
            SELECT DISTINCT a.action_type AS mark FROM action_queue a
            WHERE a.post_id = p.post_id AND a.status <> 'cancelled' ORDER BY 1
        ) q), '') AS marked_indicator,
        p.first_seen_at, p.raw_json
    FROM posts p ORDER BY p.posted_at_timestamp DESC, p.post_id DESC"""

_PROFILES = """
    SELECT f.profile_id, f.username, f.name, f.platform, f.is_active, f.notes, f.last_synced_at, f.created_at,
        f.updated_at,
        (SELECT count(*) FROM posts p WHERE p.author_profile_id = f.profile_id) AS post_count,
        {tags} AS tags,
        f.kind, f.native_id, f.headline, f.profile_url
    FROM profiles f"""

# A zero stands where a curve was born: before the first snapshot, never on it, and not for a repost, whose numbers
# began with the older original.
_HISTORY = f"""
    SELECT d.post_id, p.urn AS post_urn, p.author_username, d.observed_at AS downloaded_at,
        d.total_reactions AS reactions, d.comments, d.reposts, d.views, d.stats_json, d.download_id, d.run_id,
        false AS is_virtual
    FROM data_downloads d JOIN posts p ON p.post_id = d.post_id
    UNION ALL
    SELECT p.post_id, p.urn, p.author_username, p.posted_at, 0, 0, 0, 0, '{{{{}}}}', '{VIRTUAL}',
        CAST(NULL AS TEXT), true
    FROM posts p
    WHERE p.posted_at < (SELECT min(d.observed_at) FROM data_downloads d WHERE d.post_id = p.post_id)
        AND NOT EXISTS (SELECT 1 FROM data_downloads d WHERE d.post_id = p.post_id AND d.of_original)"""  # noqa: S608

_TAG_NAMES = """SELECT t.name FROM profile_tags x JOIN tags t ON t.tag_id = x.tag_id
            WHERE x.profile_id = f.profile_id"""

_SPELLED = {
    "sqlite": {
        "posted": "replace(substr(p.posted_at, 1, 19), 'T', ' ')",
        "marks": "group_concat(q.mark, ', ')",
        "tags": f"(SELECT json_group_array(q.name) FROM ({_TAG_NAMES} ORDER BY 1) q)",  # noqa: S608
    },
    "postgresql": {
        "posted": "to_char(p.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
        # Without COLLATE the order would be the database's language's, not SQLite's.
        "marks": """string_agg(q.mark, ', ' ORDER BY q.mark COLLATE "C")""",
        "tags": f"""COALESCE((SELECT jsonb_agg(q.name ORDER BY q.name COLLATE "C") FROM ({_TAG_NAMES}) q),
            '[]'::jsonb)""",  # noqa: S608
    },
}

_BODIES = {
    "v_main_post_view": _MAIN,
    "v_profiles_with_stats": _PROFILES,
    "v_post_engagement_history": _HISTORY,
}

VIEWS = tuple(_BODIES)
"""Their names."""


def body(view: str, dialect: str) -> str:
    """The query of a view, as a database of this kind wants it, in one line."""
    return " ".join(_BODIES[view].format(**_SPELLED[dialect]).split())


def settle(tx: Connection) -> list[str]:
    """Make the views what they should be; says what was changed, nothing when they were. Idempotent.

    Raises StoreError when a view cannot be made, or not be replaced because others build on it.
    """
    expected, actual = wanted(tx), found(tx)
    told = []
    for view in VIEWS:
        if expected.get(view, {}) == actual.get(view):
            continue
        try:
            tx.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
            tx.exec_driver_sql(_statement(view, tx.dialect.name))
        except (exc.ProgrammingError, exc.NotSupportedError, exc.InternalError, exc.OperationalError) as error:
            raise StoreError(f"cannot make the view {view}: {' '.join(str(error.orig).split())}") from error
        told.append(f"view {view}: {'made anew' if view in actual else 'made'}")
    return told


def drop(tx: Connection) -> None:
    """Remove the views, so that nothing stands in the way of changes to the tables below them."""
    for view in VIEWS:
        tx.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")


def _statement(view: str, dialect: str) -> str:
    # With the reader's rights, not the owner's: the tables' row level security must reach through.
    rights = " WITH (security_invoker = true)" if dialect == "postgresql" else ""
    return f"CREATE VIEW {view}{rights} AS {body(view, dialect)}"


# --- what there is and what there should be --------------------------------------------------------------


def wanted(tx: Connection) -> Shape:
    """The shape the views should have; on PostgreSQL without those that its tables do not allow."""
    if tx.dialect.name == "sqlite":
        return {view: {"definition": body(view, "sqlite")} for view in VIEWS}
    shape = {}
    for view in VIEWS:
        if (definition := _as_postgresql_keeps(tx, view)) is not None:
            shape[view] = {"definition": definition, "security_invoker": "on"}
    return shape


def found(tx: Connection) -> Shape:
    """The shape the views have."""
    if tx.dialect.name == "sqlite":
        rows = tx.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'view'").all()
        return {
            name: {"definition": " ".join(sql.split()).removeprefix(f"CREATE VIEW {name} AS ")}
            for name, sql in rows
            if name in VIEWS
        }
    shape = {}
    for name, definition, options in tx.exec_driver_sql(_PG_VIEWS, (list(VIEWS),)):
        shape[name] = {"definition": " ".join(definition.split())}
        if {"security_invoker=true", "security_invoker=on", "security_invoker=1"} & set(options):
            shape[name]["security_invoker"] = "on"
    return shape


_PG_VIEWS = """
    SELECT c.relname, pg_get_viewdef(c.oid), COALESCE(c.reloptions, '{}') FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind = 'v' AND c.relname = ANY (%s)"""


def _as_postgresql_keeps(tx: Connection, view: str) -> str | None:
    """Our query as this server spells it when it shows a view: only a view tells, so one is made and taken back.

    None when the tables are not what they should be, which is told of the tables.
    """
    trial = tx.begin_nested()
    try:
        tx.exec_driver_sql(f"CREATE TEMPORARY VIEW postkeep_trial AS {body(view, 'postgresql')}")
        spelled = tx.exec_driver_sql("SELECT pg_get_viewdef('pg_temp.postkeep_trial'::regclass)").scalar_one()
    except exc.ProgrammingError:
        return None
    finally:
        trial.rollback()
    return " ".join(spelled.split())


__all__ = ["VIEWS", "VIRTUAL", "body", "drop", "found", "settle", "wanted"]
