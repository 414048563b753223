"""Bytes of media into the cache: bytes first, then the row."""

from postkeep.stages.fetch.run import Fetch
from postkeep.stages.fetch.tally import FetchTally

__all__ = ["Fetch", "FetchTally"]
