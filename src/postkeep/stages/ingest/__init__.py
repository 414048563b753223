"""Records into the store: old against new, in short transactions, again and again without harm."""

from postkeep.stages.ingest.run import Ingest, Tally

__all__ = ["Ingest", "Tally"]
