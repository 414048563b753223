"""On Supabase only listed users see and change anything, and on any other database nothing is different."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, exc, text
from tests.store.lints import LINTS
from tests.store.supabase import asking, make_roles, make_supabase

from postkeep.config import Config
from postkeep.errors import NotFound, StoreError
from postkeep.library import open_library
from postkeep.store import Store, access, migrate
from postkeep.store.migrate import HEAD
from postkeep.store.sqlviews import VIEWS
from postkeep.store.verify import verify_schema
from postkeep.views.access import AccessUserView

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JANE, JOE = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"), UUID("0a0a0a0a-0000-4000-8000-00000000000b")
POST = (
    "INSERT INTO posts (post_id, urn, native_id, posted_at_timestamp, posted_at)"
    " VALUES ('{0}', 'urn:{0}', '{0}', 1, '2026-03-01T10:00:00Z')"
)


def run(store: Store, *statements: str) -> None:
    with store.writing() as tx:
        for statement in statements:
            tx.execute(text(statement.replace(":", r"\:")))


def told(store: Store) -> list[str]:
    return [str(each) for each in verify_schema(store)]


@pytest.fixture
def supabase(request: pytest.FixtureRequest, empty_database_url: str) -> Iterator[Store]:
    """A database of Supabase's with all our tables, a post, and Jane on the list."""
    make_roles(request.getfixturevalue("postgres_url"))
    store = Store(empty_database_url)
    make_supabase(store)
    migrate.upgrade(store)
    with store.writing() as tx:
        tx.exec_driver_sql(POST.format("p-1"))
        access.allow(tx, JANE, "the desk", NOON)
    yield store
    store.close()


# --- the list -------------------------------------------------------------------------------------------


def test_a_database_without_supabase_says_so(database_url: str, tmp_path: Path) -> None:
    with open_library(Config(tmp_path, database_url)) as library:
        assert not library.is_supabase()


def test_the_list_is_kept_on_both_databases(store: Store) -> None:
    later = datetime(2026, 3, 2, tzinfo=UTC)
    with store.writing() as tx:
        assert access.allow(tx, JANE, "the desk", NOON) == AccessUserView(str(JANE), "the desk", NOON)
        assert access.allow(tx, JANE, None, later) == AccessUserView(str(JANE), "the desk", NOON)
        assert access.allow(tx, JANE, "home", later).note == "home"
        access.allow(tx, JOE, None, later)
        assert [each.user_id for each in access.allowed(tx)] == [str(JANE), str(JOE)]
        assert access.deny(tx, JANE).note == "home"
        with pytest.raises(NotFound):
            access.deny(tx, JANE)
        assert access.allowed(tx) == [AccessUserView(str(JOE), None, later)]


# --- who sees what --------------------------------------------------------------------------------------


def refused(tx: Connection, statement: str) -> None:
    """The statement fails for want of rights, or of a policy that lets the row pass."""
    trial = tx.begin_nested()
    with pytest.raises(exc.ProgrammingError, match=r"permission denied|row-level security"):
        tx.exec_driver_sql(statement)
    trial.rollback()


def count(tx: Connection, relation: str) -> int:
    found: int = tx.exec_driver_sql(f"SELECT count(*) FROM {relation}").scalar_one()
    return found


SOURCES = [*access.TABLES, *VIEWS]


@postgresql_only
def test_anon_may_not_even_look(supabase: Store) -> None:
    with asking(supabase, "anon") as tx:
        for relation in SOURCES:
            refused(tx, f"SELECT FROM {relation}")
        refused(tx, POST.format("p-2"))
        refused(tx, "TRUNCATE posts CASCADE")


@postgresql_only
@pytest.mark.parametrize("user", [str(JOE), None])
def test_who_is_not_listed_sees_and_changes_nothing(supabase: Store, user: str | None) -> None:
    with asking(supabase, "authenticated", user) as tx:
        assert {relation: count(tx, relation) for relation in SOURCES} == dict.fromkeys(SOURCES, 0)
        refused(tx, POST.format("p-2"))
        refused(tx, "TRUNCATE posts CASCADE")
        refused(tx, f"INSERT INTO access_users (user_id) VALUES ('{user}')")
        assert tx.exec_driver_sql("UPDATE posts SET is_read = true").rowcount == 0
        assert tx.exec_driver_sql("DELETE FROM posts").rowcount == 0
    with supabase.reading() as tx:
        assert tx.exec_driver_sql("SELECT post_id, is_read FROM posts").all() == [("p-1", False)]


@postgresql_only
def test_who_is_listed_sees_and_changes_all_but_the_list(supabase: Store) -> None:
    with supabase.writing() as tx:
        access.allow(tx, JOE, None, NOON)
    with asking(supabase, "authenticated", str(JANE)) as tx:
        tx.exec_driver_sql(POST.format("p-2"))
        assert (count(tx, "posts"), count(tx, "v_main_post_view"), count(tx, "alembic_version")) == (2, 2, 1)
        assert tx.exec_driver_sql("UPDATE posts SET is_read = true").rowcount == 2
        assert tx.exec_driver_sql("DELETE FROM posts WHERE post_id = 'p-2'").rowcount == 1
        assert tx.exec_driver_sql("SELECT user_id FROM access_users").scalars().all() == [str(JANE)]
        for statement in (
            "INSERT INTO access_users (user_id) VALUES ('x')",
            "UPDATE access_users SET note = ''",
            "DELETE FROM access_users",
            "DELETE FROM alembic_version",
            "DELETE FROM v_main_post_view",
            "TRUNCATE posts CASCADE",
            "CREATE TRIGGER mine BEFORE UPDATE ON posts EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ):
            refused(tx, statement)


@postgresql_only
def test_who_signed_in_without_an_account_sees_nothing(supabase: Store) -> None:
    with asking(supabase, "authenticated", str(JANE), anonymous=True) as tx:
        assert count(tx, "posts") == 0
        refused(tx, POST.format("p-2"))


@postgresql_only
def test_who_is_denied_is_out_at_once(supabase: Store) -> None:
    with supabase.writing() as tx:
        access.deny(tx, JANE)
    with asking(supabase, "authenticated", str(JANE)) as tx:
        assert count(tx, "posts") == 0


@postgresql_only
def test_the_list_is_asked_once_and_not_for_every_row(supabase: Store) -> None:
    run(supabase, *(POST.format(f"q-{n}") for n in range(20)))
    with asking(supabase, "authenticated", str(JANE)) as tx:
        plan = (
            tx.exec_driver_sql("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT post_id FROM posts")
            .scalars()
            .all()
        )
    asked = [line for line in plan if "access_users" in line]
    assert asked
    assert all("loops=1)" in line for line in asked), plan


# --- Supabase's lints -----------------------------------------------------------------------------------

FAULTS = {
    "row level security disabled": "ALTER TABLE posts DISABLE ROW LEVEL SECURITY",
    "policies without row level security": "ALTER TABLE posts DISABLE ROW LEVEL SECURITY",
    "row level security without policies": "DROP POLICY postkeep_select ON access_users",
    "several policies for one role and operation": "CREATE POLICY mine ON posts FOR ALL USING (is_read)",
    "asks who for every row": "CREATE POLICY mine ON posts USING (auth.uid()::text = urn)",
    "policy is always true": "CREATE POLICY mine ON posts FOR INSERT TO authenticated WITH CHECK (true)",
    "policy lets in who signed in without an account": "CREATE POLICY mine ON posts USING (is_read)",
    "policy trusts what users write themselves": (
        "CREATE POLICY mine ON posts USING ((SELECT auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin')"
    ),
    "view with its owner's rights": "CREATE VIEW mine AS SELECT * FROM posts",
    "function with its owner's rights or an open search_path": (
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    ),
    "foreign key without an index": "DROP INDEX idx_posts_community_profile_id",
    "the same index twice": "CREATE INDEX mine ON posts (urn)",
    "no primary key": "ALTER TABLE leases DROP CONSTRAINT leases_pkey",
    "open to anon or to everybody": "GRANT SELECT (urn) ON posts TO PUBLIC",
    "sequence open to anon or to everybody": "CREATE SEQUENCE mine",
    "more than rows for authenticated": "GRANT TRUNCATE ON posts TO authenticated",
    "materialized view or foreign table": "CREATE MATERIALIZED VIEW mine AS SELECT 1",
}


def linted(tx: Connection) -> dict[str, list[str]]:
    # auth must not be in the search path, or policies would be shown without the name of that schema.
    tx.exec_driver_sql("SET LOCAL search_path = ''")
    found = {name: tx.exec_driver_sql(query.replace("%", "%%")).scalars().all() for name, query in LINTS.items()}
    return {name: list(lines) for name, lines in found.items() if lines}


@postgresql_only
def test_the_lints_find_nothing_and_each_can_find_something(supabase: Store) -> None:
    assert set(FAULTS) == set(LINTS)
    with supabase.writing() as tx:
        assert linted(tx) == {}
        for name, fault in FAULTS.items():
            trial = tx.begin_nested()
            tx.exec_driver_sql("SET LOCAL search_path = public")
            tx.exec_driver_sql(fault)
            assert name in linted(tx), name
            trial.rollback()


# --- verify and upgrade ---------------------------------------------------------------------------------

DRIFT = [
    ("ALTER TABLE posts DISABLE ROW LEVEL SECURITY", "posts: row level security is missing (expected: on)"),
    ("ALTER TABLE posts FORCE ROW LEVEL SECURITY", "posts: row level security differs"),
    ("DROP POLICY postkeep_delete ON tags", "tags: policy postkeep_delete is missing"),
    (
        "ALTER POLICY postkeep_delete ON tags USING (true)",
        "tags: policy postkeep_delete differs",
    ),
    (
        'CREATE POLICY "100% ""mine""" ON alembic_version USING (true)',
        'alembic_version: policy 100% "mine" should not be there (found: for all to public using true)',
    ),
    (
        "CREATE POLICY postkeep_insert ON access_users FOR INSERT TO authenticated WITH CHECK (true)",
        "access_users: policy postkeep_insert should not be there",
    ),
    ("GRANT SELECT ON posts TO anon", "posts: rights of anon should not be there (found: select)"),
    ("GRANT UPDATE ON hosts TO PUBLIC", "hosts: rights of PUBLIC should not be there (found: update)"),
    ("GRANT SELECT (urn) ON posts TO anon", "posts: rights of anon should not be there (found: select of urn)"),
    (
        "GRANT SELECT ON v_main_post_view TO anon",
        "v_main_post_view: rights of anon should not be there (found: select)",
    ),
    ("GRANT TRUNCATE ON posts TO authenticated", "posts: rights of authenticated differs"),
    ("GRANT INSERT ON access_users TO authenticated", "access_users: rights of authenticated differs"),
    ("REVOKE SELECT ON tags FROM authenticated", "tags: rights of authenticated differs"),
    ("REVOKE DELETE ON tags FROM service_role", "tags: rights of service_role differs (expected: all; found: "),
    ("REVOKE ALL ON tags FROM service_role", "tags: rights of service_role is missing (expected: all)"),
]


@postgresql_only
def test_each_drift_is_one_finding_and_upgrade_mends_it(supabase: Store) -> None:
    assert told(supabase) == []
    assert migrate.upgrade(supabase).settled == ()
    for statement, finding in DRIFT:
        run(supabase, statement)
        (found,) = told(supabase)
        assert found.startswith(finding)
        assert migrate.upgrade(supabase).settled, statement
        assert told(supabase) == [], statement


@postgresql_only
def test_the_same_on_many_tables_is_one_finding(supabase: Store) -> None:
    tables = [table for table in access.TABLES if table != "posts"]
    run(supabase, *(f"GRANT SELECT ON {table} TO anon" for table in tables), "GRANT DELETE ON posts TO anon")
    assert told(supabase) == [
        f"{', '.join(tables[:3])} and {len(tables) - 3} more: rights of anon should not be there (found: select)",
        "posts: rights of anon should not be there (found: delete)",
    ]


@postgresql_only
def test_policies_of_others_are_dropped_by_name_on_our_tables_alone(supabase: Store) -> None:
    run(
        supabase,
        "CREATE TABLE theirs (id int PRIMARY KEY)",
        "CREATE POLICY everybody ON theirs USING (true)",
        "CREATE POLICY everybody ON posts USING (true)",
        'CREATE POLICY "it\'s %s" ON posts AS RESTRICTIVE FOR DELETE USING (false)',
    )
    assert migrate.upgrade(supabase) == migrate.UpgradeReport(
        HEAD,
        HEAD,
        (),
        ("posts: dropped other policies: everybody, it's %s", "row level security set on posts"),
    )
    with supabase.reading() as tx:
        theirs = tx.exec_driver_sql(
            "SELECT c.relrowsecurity, has_table_privilege('anon', c.oid, 'TRUNCATE'), p.polname FROM pg_class c"
            " JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relname = 'theirs'"
        ).all()
    assert theirs == [(False, True, "everybody")]
    assert told(supabase) == []


@postgresql_only
def test_a_table_of_a_later_version_is_closed_before_anybody_sees_it(supabase: Store) -> None:
    """As a step would make it: with the rights that Supabase gives to every new table."""
    run(supabase, "CREATE TABLE made AS TABLE leases", "DROP TABLE leases", "ALTER TABLE made RENAME TO leases")
    with supabase.writing() as tx:
        assert "open to anon or to everybody" in linted(tx)
        tx.exec_driver_sql("SET LOCAL search_path = public")
        assert access.settle(tx) == [
            "row level security set on leases",
            "rights of Supabase's roles and PUBLIC set on leases",
        ]
        assert set(linted(tx)) == {"no primary key"}


@postgresql_only
def test_roles_that_come_later_are_one_finding(request: pytest.FixtureRequest, store: Store) -> None:
    make_roles(request.getfixturevalue("postgres_url"))
    assert told(store) == [], "roles of the server alone make no Supabase of a database"
    assert migrate.upgrade(store).settled == ()
    make_supabase(store)
    assert told(store) == [
        "every table: row level security is missing (expected: on; `postkeep db upgrade` sets it)"
    ]
    run(
        store,
        'CREATE POLICY "Enable read access for all users" ON posts USING (true)',
        "ALTER TABLE posts ENABLE ROW LEVEL SECURITY",
    )
    policy = (
        "posts: policy Enable read access for all users should not be there (found: for all to public using true)"
    )
    assert told(store) == [
        f"{', '.join(access.TABLES[:3])} and {len(access.TABLES) - 4} more: row level security is missing"
        " (expected: on; `postkeep db upgrade` sets it)",
        policy,
    ]
    run(store, *(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in access.TABLES))
    assert told(store) == [
        "every table: policy of postkeep is missing (expected: `postkeep db upgrade` sets it)",
        policy,
    ]
    run(store, *(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in access.TABLES))
    _dropped, secured, granted = migrate.upgrade(store).settled
    assert secured == f"row level security set on {len(access.TABLES)} tables"
    assert granted.startswith("rights of Supabase's roles")
    with asking(store, "service_role") as tx:
        for relation in SOURCES:
            assert count(tx, relation) >= 0
        assert tx.exec_driver_sql(POST.format("p-9")).rowcount == 1
    assert told(store) == []


@postgresql_only
def test_without_auth_jwt_the_list_is_all_that_is_asked(request: pytest.FixtureRequest, store: Store) -> None:
    make_roles(request.getfixturevalue("postgres_url"))
    make_supabase(store)
    run(store, "DROP FUNCTION auth.jwt()", POST.format("p-1"))
    migrate.upgrade(store)
    with store.writing() as tx:
        access.allow(tx, JANE, None, NOON)
    for user, seen in ((JANE, 1), (JOE, 0)):
        with asking(store, "authenticated", str(user)) as tx:
            assert count(tx, "posts") == seen
    assert told(store) == []


@postgresql_only
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("GRANT TRUNCATE ON posts TO authenticated", "it belongs to another role"),
        ("ALTER TABLE posts DISABLE ROW LEVEL SECURITY", "must be owner"),
    ],
)
def test_tables_of_another_owner_are_a_clear_error(supabase: Store, statement: str, why: str) -> None:
    run(supabase, statement)
    with supabase.writing() as tx:
        trial = tx.begin_nested()
        tx.exec_driver_sql("SET LOCAL ROLE authenticated")
        with pytest.raises(StoreError, match=f"cannot set who may see posts: {why}"):
            access.settle(tx)
        trial.rollback()


@postgresql_only
def test_a_list_that_is_gone(supabase: Store) -> None:
    run(supabase, "DROP TABLE access_users CASCADE")
    assert "access_users: table is missing (expected: a table)" in told(supabase)
    with pytest.raises(StoreError, match="the table access_users is missing"):
        migrate.upgrade(supabase)
