"""Numbers a customer can be shown: pure arithmetic over posts and counts, no clock, no database, no network."""
