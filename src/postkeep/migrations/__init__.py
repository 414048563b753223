"""The revisions of the database; store/migrate.py runs them."""
