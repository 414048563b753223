"""The archive stage: contents of the cache get a second home that was proven."""

from postkeep.stages.archive.run import ArchiveTally, Archiving

__all__ = ["ArchiveTally", "Archiving"]
