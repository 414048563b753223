"""Who may look in through Supabase: its roles get row level security on all that is ours, and only users who are
listed pass. A PostgreSQL without those roles, and SQLite, know none of this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exc

from postkeep.errors import NotFound, StoreError
from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.schema import access_users, metadata
from postkeep.store.shapes import Shape
from postkeep.store.sqlviews import VIEWS
from postkeep.views.access import AccessUserView

# --- the list -------------------------------------------------------------------------------------------


def allow(tx: Connection, user: UUID, note: str | None, now: datetime) -> AccessUserView:
    """List a user; one who is listed stays so since then, with the new note if there is one."""
    bulk.execute(
        tx,
        "INSERT INTO access_users (user_id, note, created_at) VALUES (?, ?, ?) ON CONFLICT (user_id)"
        " DO UPDATE SET note = COALESCE(excluded.note, access_users.note)",
        str(user),
        note,
        now,
    )
    return next(each for each in allowed(tx) if each.user_id == str(user))


def deny(tx: Connection, user: UUID) -> AccessUserView:
    """Take a user off the list, and tell how he stood there; raises NotFound for one who is not on it."""
    listed = [each for each in allowed(tx) if each.user_id == str(user)]
    if not listed:
        raise NotFound(f"{user} is not listed")
    bulk.execute(tx, "DELETE FROM access_users WHERE user_id = ?", str(user))
    return listed[0]


def allowed(tx: Connection) -> list[AccessUserView]:
    """The users who are listed, longest first."""
    rows = bulk.execute(
        tx, "SELECT user_id, note, created_at FROM access_users ORDER BY created_at, user_id"
    ).all()
    return [_user(*row) for row in rows]


def _user(user_id: str, note: str | None, created_at: Any) -> AccessUserView:
    since = moment(created_at)
    if since is None:
        raise AssertionError("a listed user is so since some time")
    return AccessUserView(user_id, note, since)


# --- what there should be -------------------------------------------------------------------------------

_HISTORY = "alembic_version"
TABLES = (*sorted(metadata.tables), _HISTORY)
"""Everything of ours that holds rows."""

_SECURITY = "row level security"
_POLICY = "policy "
_OUR_POLICIES = f"{_POLICY}postkeep_"
_RIGHTS = "rights of "
_ON = "on"
_SERVED = f"{_RIGHTS}service_role"
_ALL = "all"
_LIST = access_users.name
_MOST_NAMED = 3

# A query of its own, to be asked once and not for each row; so is every question in the policies.
_WHO = "(SELECT auth.uid())::text"

_READERS = """
    SELECT count(*) = 2 AND to_regprocedure('auth.uid()') IS NOT NULL, to_regprocedure('auth.jwt()') IS NOT NULL
    FROM pg_roles WHERE rolname IN ('anon', 'authenticated')"""

_SERVICE_ROLE = "SELECT 1 FROM pg_roles WHERE rolname = 'service_role'"


def is_supabase(tx: Connection) -> bool:
    """Whether the database has Supabase's roles and can tell who asks."""
    return tx.dialect.name == "postgresql" and bool(tx.exec_driver_sql(_READERS).one()[0])


def _with_account(tx: Connection) -> str:
    """What else must hold: who signed in without an account is `authenticated`, too."""
    if tx.exec_driver_sql(_READERS).one()[1]:
        return " AND (SELECT auth.jwt()) ->> 'is_anonymous' IS DISTINCT FROM 'true'"
    return ""


def _policies(table: str, with_account: str) -> dict[str, str]:
    """Name of each policy of a table, and what stands behind `CREATE POLICY name ON table`."""
    if table == _LIST:
        # Who asked the list here whether he may read the list would ask for ever.
        return {"postkeep_select": f"FOR SELECT TO authenticated USING (user_id = {_WHO}{with_account})"}
    listed = f"EXISTS (SELECT 1 FROM {_LIST} u WHERE u.user_id = {_WHO}){with_account}"  # noqa: S608
    ends = {
        "select": f"USING ({listed})",
        "insert": f"WITH CHECK ({listed})",
        "update": f"USING ({listed}) WITH CHECK ({listed})",
        "delete": f"USING ({listed})",
    }
    return {f"postkeep_{verb}": f"FOR {verb.upper()} TO authenticated {end}" for verb, end in ends.items()}


def _rights(name: str) -> str:
    """What `authenticated` may try at all; the policies decide what comes of it."""
    # Without its history a database is nobody's: whoever is let in must not be able to lose it.
    only_read = name in (_LIST, _HISTORY) or name in VIEWS
    return "select" if only_read else "delete, insert, select, update"


def wanted(tx: Connection) -> Shape:
    """What of access each of our tables and views should have; nothing where there is no Supabase."""
    if not is_supabase(tx):
        return {}
    with_account = _with_account(tx)
    # Supabase gives it everything, but only on what is made after it.
    served = {_SERVED: _ALL} if tx.exec_driver_sql(_SERVICE_ROLE).all() else {}
    shape: Shape = {view: {f"{_RIGHTS}authenticated": _rights(view), **served} for view in VIEWS}
    for of, tables in ((_LIST, [_LIST]), ("posts", [table for table in TABLES if table != _LIST])):
        policies = _as_postgresql_keeps(tx, _policies(of, with_account))
        for table in tables:
            shape[table] = {_SECURITY: _ON, f"{_RIGHTS}authenticated": _rights(table), **served, **policies}
    return shape


def _as_postgresql_keeps(tx: Connection, policies: dict[str, str]) -> dict[str, str]:
    """Policies as this server spells them when it shows them: made on a table for trial, and taken back.

    None of them when there is no list to ask, which is told of that table.
    """
    trial = tx.begin_nested()
    try:
        tx.exec_driver_sql("CREATE TEMPORARY TABLE postkeep_trial (user_id text)")
        for name, rest in policies.items():
            tx.exec_driver_sql(f"CREATE POLICY {name} ON postkeep_trial {rest}")
        return _found_policies(tx, ["postkeep_trial"], temporary=True)["postkeep_trial"]
    except exc.ProgrammingError:
        return {}
    finally:
        trial.rollback()


# --- what there is --------------------------------------------------------------------------------------

_PG_SECURITY = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v') AND c.relname = ANY (%s)"""

_PG_POLICIES = """
    SELECT tablename, policyname, permissive, array_to_string(roles, ', '), cmd, qual, with_check FROM pg_policies
    WHERE schemaname = COALESCE(%s, (SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()))
        AND tablename = ANY (%s)"""

_PG_RIGHTS = """
    SELECT q.relname, COALESCE(r.rolname, 'PUBLIC'), string_agg(q.what, ', ' ORDER BY q.what COLLATE "C") FROM (
        SELECT c.relname, a.grantee, lower(a.privilege_type) AS what
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v')
        UNION
        SELECT c.relname, a.grantee, lower(a.privilege_type) || ' of ' || t.attname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v')
    ) q LEFT JOIN pg_roles r ON r.oid = q.grantee
    WHERE q.relname = ANY (%s) AND (q.grantee = 0 OR r.rolname IN ('anon', 'authenticated', 'service_role'))
    GROUP BY 1, 2"""


def found(tx: Connection) -> Shape:
    """What of access our tables and views have; nothing where there is no Supabase."""
    if not is_supabase(tx):
        return {}
    names = [*TABLES, *VIEWS]
    shape: Shape = {}
    for name, enabled, forced in tx.exec_driver_sql(_PG_SECURITY, (names,)):
        # Forced, it would hold for us as well.
        shape[name] = {_SECURITY: "on, for the owner, too" if forced else _ON} if enabled else {}
    for name, policies in _found_policies(tx, names).items():
        shape[name] |= policies
    for name, role, rights in tx.exec_driver_sql(_PG_RIGHTS, (names,)):
        shape[name][f"{_RIGHTS}{role}"] = rights
    for name, facts in shape.items():
        # More than what rows need, such as TRUNCATE, is Supabase's affair.
        needed = {"select"} if name in VIEWS else {"delete", "insert", "select", "update"}
        if needed <= set(facts.get(_SERVED, "").split(", ")):
            facts[_SERVED] = _ALL
    return shape


def _found_policies(tx: Connection, tables: list[str], *, temporary: bool = False) -> Shape:
    schema = None if temporary else tx.exec_driver_sql("SELECT current_schema()").scalar_one()
    shape: Shape = defaultdict(dict)
    for table, name, permissive, roles, command, using, check in tx.exec_driver_sql(
        _PG_POLICIES, (schema, tables)
    ):
        spelled = f"for {command.casefold()} to {roles}"
        if permissive != "PERMISSIVE":
            spelled += f" {permissive.casefold()}"
        for word, expression in (("using", using), ("with check", check)):
            if expression is not None:
                spelled += f" {word} {' '.join(expression.split())}"
        shape[table][f"{_POLICY}{name}"] = spelled
    return shape


# --- making it so ---------------------------------------------------------------------------------------


def untouched(actual: Shape) -> bool:
    """Whether nothing was ever done here about access by us, as when the roles came after the tables."""
    return not any(what.startswith(_OUR_POLICIES) for facts in actual.values() for what in facts)


def open_tables(actual: Shape) -> list[str]:
    """The tables without row level security."""
    return [name for name in TABLES if _SECURITY not in actual.get(name, {_SECURITY: _ON})]


def policies_of_others(actual: Shape) -> Iterator[tuple[str, str, str]]:
    """Table, `policy name` and how it is, of each that is not ours."""
    for name, facts in sorted(actual.items()):
        for what, how in sorted(facts.items()):
            if what.startswith(_POLICY) and not what.startswith(_OUR_POLICIES):
                yield name, what, how


def settle(tx: Connection) -> list[str]:
    """Give our tables and views the access they should have, and nobody else's; says what was changed. Idempotent.

    What Supabase grants on every new table by itself is taken back in the transaction that made the table.
    Policies of others on our tables are dropped and told by name. Raises StoreError when the tables are not ours
    to change.
    """
    expected, actual = wanted(tx), found(tx)
    if not expected:
        return []
    if _LIST not in actual:
        raise StoreError(f"the table {_LIST} is missing: see `postkeep db verify`")
    with_account = _with_account(tx)
    told: list[str] = []
    secured: list[str] = []
    granted: list[str] = []
    for name in sorted(expected.keys() & actual.keys()):
        ours = _policies(name, with_account) if name in TABLES else {}
        security = list(_to_secure(name, expected[name], actual[name], ours))
        rights = list(_to_grant(name, expected[name], actual[name]))
        try:
            for statements in filter(None, (security, rights)):
                tx.exec_driver_sql(";\n".join(statements).replace("%", "%%"))
        except exc.ProgrammingError as error:
            raise StoreError(f"cannot set who may see {name}: {' '.join(str(error.orig).split())}") from error
        if strange := sorted(_policies_of(actual[name]).keys() - ours.keys()):
            told.append(f"{name}: dropped other policies: {', '.join(strange)}")
        secured += [name] if security else []
        granted += [name] if rights else []
    if secured or granted:
        _prove(tx, expected)
    if secured:
        told.append(f"row level security set on {_named(secured, 'tables')}")
    if granted:
        told.append(f"rights of Supabase's roles and PUBLIC set on {_named(granted, 'tables and views')}")
    return told


def _prove(tx: Connection, expected: Shape) -> None:
    """PostgreSQL takes back only what the same role granted, and says no more than a warning of the rest."""
    for name, facts in found(tx).items():
        if facts != expected[name]:
            raise StoreError(
                f"cannot set who may see {name}: it belongs to another role, or another role granted it"
            )


def _named(names: list[str], kind: str) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMED else f"{len(names)} {kind}"


def _to_secure(name: str, expected: dict[str, str], actual: dict[str, str], ours: dict[str, str]) -> Iterator[str]:
    if actual.get(_SECURITY) != expected.get(_SECURITY):
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
    right, there = _policies_of(expected), _policies_of(actual)
    for policy, how in there.items():
        if right.get(policy) != how:
            quoted = policy.replace('"', '""')
            yield f'DROP POLICY "{quoted}" ON {name}'
    for policy, rest in ours.items():
        if there.get(policy) != right[policy]:
            yield f"CREATE POLICY {policy} ON {name} {rest}"


def _to_grant(name: str, expected: dict[str, str], actual: dict[str, str]) -> Iterator[str]:
    wanted, there = _rights_of(expected), _rights_of(actual)
    if wanted.pop(_SERVED, None) != there.pop(_SERVED, None):
        yield f"GRANT ALL ON {name} TO service_role"
    if wanted != there:
        yield f"REVOKE ALL ON {name} FROM PUBLIC, anon, authenticated CASCADE"
        yield f"GRANT {expected[f'{_RIGHTS}authenticated']} ON {name} TO authenticated"


def _policies_of(facts: dict[str, str]) -> dict[str, str]:
    return {what.removeprefix(_POLICY): how for what, how in facts.items() if what.startswith(_POLICY)}


def _rights_of(facts: dict[str, str]) -> dict[str, str]:
    return {what: how for what, how in facts.items() if what.startswith(_RIGHTS)}


__all__ = [
    "allow",
    "allowed",
    "deny",
    "found",
    "is_supabase",
    "open_tables",
    "policies_of_others",
    "settle",
    "untouched",
    "wanted",
]
