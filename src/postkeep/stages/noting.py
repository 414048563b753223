"""What people write beside a post: kept apart from all that is observed of it, so that no import changes it."""

from __future__ import annotations

from dataclasses import replace

from postkeep.log import get_logger
from postkeep.stages import looking
from postkeep.stages.parts import Parts
from postkeep.stages.people import must_be_storable
from postkeep.store import listing
from postkeep.views import PostLine

log = get_logger("posts")


def set_notes(parts: Parts, reference: str, notes: str | None) -> PostLine:
    """Write a note on a post in place of the one it has; None removes it.

    Raises NotFound for no post and for several, ConfigError for what no database can keep.
    """
    must_be_storable(notes or "")
    with parts.store.writing() as tx:
        line = looking.one_post(tx, reference).line
        listing.set_notes(tx, line.post_id, notes, parts.clock())
    log.info("post_noted", post_id=line.post_id)
    return replace(line, notes=notes)
