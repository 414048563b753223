"""The cache's limit in words, the same for everything that fetches."""

from __future__ import annotations

from postkeep.errors import CacheFull


def cache_full(limit: int) -> CacheFull:
    """The error that says what to do when the cache holds as much as it may, `limit` bytes."""
    return CacheFull(
        f"the cache has reached its limit of {limit:,} bytes; raise cache.max_bytes"
        " (POSTKEEP_CACHE_MAX_BYTES) and run `postkeep media download-all`"
    )
