"""Bytes of media into the cache: bytes first, then the row."""

from postkeep.stages.fetch.run import Fetch, FetchTally

__all__ = ["Fetch", "FetchTally"]
