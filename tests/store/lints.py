"""What Supabase's linter looks for and what could concern a schema like ours, in queries of our own.

Each gives a line for every fault in the schema `public`; there are none where there is nothing to say.
"""

from __future__ import annotations

_TABLES = """(SELECT c.*, c.oid AS id FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p'))"""

LINTS = {
    "row level security disabled": f"SELECT relname FROM {_TABLES} t WHERE NOT relrowsecurity",
    "policies without row level security": f"""
        SELECT relname FROM {_TABLES} t WHERE NOT relrowsecurity
            AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.id)""",
    "row level security without policies": f"""
        SELECT relname FROM {_TABLES} t WHERE relrowsecurity
            AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.id)""",
    "several policies for one role and operation": """
        SELECT tablename || ' ' || role || ' ' || verb FROM pg_policies,
            unnest(CASE WHEN roles = '{public}' THEN '{anon,authenticated}' ELSE roles END) AS role,
            unnest(CASE cmd WHEN 'ALL' THEN '{SELECT,INSERT,UPDATE,DELETE}' ELSE ARRAY[cmd] END) AS verb
        WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'
        GROUP BY tablename, role, verb HAVING count(*) > 1""",
    "asks who for every row": r"""
        SELECT tablename || ' ' || policyname FROM pg_policies, unnest(ARRAY[qual, with_check]) AS expression
        WHERE schemaname = 'public'
            AND regexp_replace(lower(expression), 'select\s+auth\.(uid|jwt|role|email)\(\)', '', 'g')
                ~ 'auth\.(uid|jwt|role|email)\(\)'""",
    "policy is always true": r"""
        SELECT tablename || ' ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND permissive = 'PERMISSIVE' AND (
            replace(COALESCE(qual, 'false'), ' ', '') IN ('true', '(true)', '(1=1)')
            OR replace(COALESCE(with_check, 'false'), ' ', '') IN ('true', '(true)', '(1=1)')
            OR (qual IS NULL AND cmd <> 'INSERT')
            OR (with_check IS NULL AND cmd IN ('INSERT', 'UPDATE', 'ALL')))""",
    "policy lets in who signed in without an account": """
        SELECT tablename || ' ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND roles && '{authenticated,public}'
            AND COALESCE(qual, with_check) NOT LIKE '%auth.jwt()%is_anonymous%'""",
    "policy trusts what users write themselves": """
        SELECT tablename || ' ' || policyname FROM pg_policies
        WHERE schemaname = 'public' AND concat(qual, with_check) LIKE '%user_metadata%'""",
    "view with its owner's rights": """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'v'
            AND NOT COALESCE(c.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on']""",
    "function with its owner's rights or an open search_path": """
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND (p.prosecdef
            OR NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%'))""",
    "foreign key without an index": f"""
        SELECT t.relname || ' ' || k.conname FROM pg_constraint k JOIN {_TABLES} t ON t.id = k.conrelid
        WHERE k.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid
                AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(k.conkey)] = k.conkey)""",
    "the same index twice": """
        SELECT tablename || ' ' || string_agg(indexname, ', ') FROM pg_indexes WHERE schemaname = 'public'
        GROUP BY tablename, replace(indexdef, indexname, '') HAVING count(*) > 1""",
    "no primary key": f"""
        SELECT relname FROM {_TABLES} t
        WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.id AND i.indisprimary)""",
    "open to anon or to everybody": """
        SELECT c.relname || ' ' || what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS what
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND (has_table_privilege('anon', c.oid, what)
                OR what IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege('anon', c.oid, what))""",
    "sequence open to anon or to everybody": """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public'
            AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('anon', c.oid, 'USAGE') ELSE false END""",
    "more than rows for authenticated": """
        SELECT c.relname || ' ' || what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) AS what
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v')
            AND has_table_privilege('authenticated', c.oid, what)""",
    "materialized view or foreign table": """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('m', 'f')""",
}
