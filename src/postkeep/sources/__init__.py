"""Where records come from: files, folders and standard input, in whatever state a scraper left them."""

from __future__ import annotations

from postkeep.sources.names import observe
from postkeep.sources.reading import read_sources

__all__ = ["observe", "read_sources"]
