"""What of Supabase a database needs to be one: its roles, who asks, and the grants it makes on every new table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text

from postkeep.store import Store

# Roles belong to the server, which other tests and other runs may share; all of them come through this lock.
ROLES = """
    SELECT pg_advisory_xact_lock(7011);
    DO $$ DECLARE wanted text; BEGIN
        FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            END IF;
        END LOOP;
        ALTER ROLE service_role BYPASSRLS;
    END $$"""

CLAIMS = "NULLIF(current_setting('request.jwt.claims', true), '')::jsonb"

DATABASE = f"""
    CREATE SCHEMA auth;
    GRANT USAGE ON SCHEMA auth, public TO anon, authenticated, service_role;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS
        $$ SELECT NULLIF(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE SET search_path = '' AS $$ SELECT {CLAIMS} $$;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role"""


def make_roles(server_url: str) -> None:
    """Make the roles of the server; `server_url` leads to its own database, where the lock is everybody's."""
    engine = create_engine(server_url)
    try:
        with engine.begin() as tx:
            tx.exec_driver_sql(ROLES.replace("%", "%%"))
    finally:
        engine.dispose()


def make_supabase(store: Store) -> None:
    """Make a database with or without tables one of Supabase's."""
    with store.writing() as tx:
        tx.exec_driver_sql(DATABASE)


@contextmanager
def asking(store: Store, role: str, user: str | None = None, *, anonymous: bool = False) -> Iterator[Connection]:
    """A transaction as Supabase's API makes one for a request: with the role and the claims of its token."""
    with store.writing() as tx:
        claims = '{"is_anonymous": true}' if anonymous else '{"is_anonymous": false}'
        for name, value in (("request.jwt.claim.sub", user or ""), ("request.jwt.claims", claims)):
            tx.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        # As others come: for us it is off.
        tx.exec_driver_sql(f"SET LOCAL row_security = on; SET LOCAL ROLE {role}")
        yield tx
