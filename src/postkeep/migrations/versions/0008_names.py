"""Profiles are found, and are one, whatever the case of their names: platforms take `Jane` and `jane` for one."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Which of several keeps the name: whom the platform's own id names, then who is followed, then who was seen last.
_ALIKE = """
    SELECT profile_id, is_active, row_number() OVER (
        PARTITION BY platform, kind, {username}
        ORDER BY CASE WHEN native_id IS NULL THEN 1 ELSE 0 END, is_active DESC,
            coalesce(observed_at, created_at) DESC, profile_id DESC
    ) AS place,
    count(CASE WHEN is_active THEN 1 END) OVER (PARTITION BY platform, kind, {username}) AS followed
    FROM profiles WHERE username IS NOT NULL"""


def upgrade() -> None:
    username, value = map(_folded, ("username", "value"))
    alike = _ALIKE.format(username=username)
    # To make one profile of two, with all that hangs on both, is more than an upgrade should decide.
    op.execute(
        "UPDATE profiles SET is_active = TRUE WHERE profile_id IN"  # noqa: S608
        f" (SELECT profile_id FROM ({alike}) a WHERE place = 1 AND followed > 0) AND NOT is_active"
    )
    op.execute(
        "UPDATE profiles SET username = NULL WHERE profile_id IN"  # noqa: S608
        f" (SELECT profile_id FROM ({alike}) a WHERE place > 1)"
    )
    op.execute(f"CREATE UNIQUE INDEX idx_profiles_called ON profiles ({username}, platform, kind)")
    op.execute(f"CREATE INDEX idx_profile_names_called ON profile_names ({value})")


def _folded(column: str) -> str:
    return f"lower({column})" if op.get_bind().dialect.name == "sqlite" else f'lower({column} COLLATE "C")'
