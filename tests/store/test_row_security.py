"""A user to whom PostgreSQL shows only some rows gets an error: a library with rows missing would be a lie."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from postkeep.errors import StoreError
from postkeep.store import Store, caching, listing, migrate

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def shown_in_part(store: Store) -> Store:
    """Two tables hide their rows from everybody but their owner."""
    statements = (
        "DO $$ BEGIN CREATE ROLE postkeep_plain NOLOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO postkeep_plain",
        "ALTER TABLE posts ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE post_media ENABLE ROW LEVEL SECURITY",
    )
    with store.writing() as tx:
        for statement in statements:
            tx.execute(text(statement))
    return store


def read_as_somebody(store: Store, read: Callable[[Connection], object]) -> None:
    with store.reading() as tx:
        tx.exec_driver_sql("SET LOCAL ROLE postkeep_plain")
        read(tx)


def test_reading_what_is_shown_in_part_is_refused(shown_in_part: Store) -> None:
    for read in (
        lambda tx: listing.media(tx, post_id=None, limit=10, after=None),
        lambda tx: tx.execute(text("SELECT count(*) FROM posts")),
    ):
        with pytest.raises(StoreError, match=r"only some of the rows.*BYPASSRLS"):
            read_as_somebody(shown_in_part, read)


def test_what_has_no_policies_is_read(shown_in_part: Store) -> None:
    with shown_in_part.reading() as tx:
        tx.exec_driver_sql("SET LOCAL ROLE postkeep_plain")
        assert caching.cached_count(tx) == 0


def test_the_owner_is_not_kept_out(shown_in_part: Store) -> None:
    with shown_in_part.reading() as tx:
        assert listing.media(tx, post_id=None, limit=10, after=None) == []
    assert migrate.revision(shown_in_part) == migrate.HEAD
