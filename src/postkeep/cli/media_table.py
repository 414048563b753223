"""Media as a table, each with a clear word for where its bytes stand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, beginning, day, moment
from postkeep.model import MediaState
from postkeep.views import FailureView, MediaView, human_size
from postkeep.views.joining import JoinedView

_COLUMNS = (
    Column("Media", whole=True),
    Column("Post", whole=True),
    Column("State", least=36),
    Column("Role", whole=True, spare=3),
    Column("Type", whole=True, spare=2),
    Column("Size", right=True, spare=1),
    Column("Dimensions", right=True, spare=4),
    Column("Error", least=16, spare=1),
)

JOINED = "+ joined"
"""What stands in place of an id where a row tells of the file made of the medium above it."""

LOST_WORDS = "lost: not here, nor at its source"

STATE_WORDS = {
    MediaState.PENDING: "waiting",
    MediaState.RETRY: "to be tried again",
    MediaState.FETCHED: "known, not in the cache",
    MediaState.GONE: "gone at its source",
    MediaState.EXPIRED: "link expired",
    MediaState.REFUSED: "refused",
    MediaState.UNSUPPORTED: "unsupported",
    MediaState.FAILED: "failed",
}


def write_media(media: Iterable[MediaView], *, of_one_post: bool = False) -> None:
    """Print a table of media; those of one post do not repeat its id."""
    rows = [row for each in media for row in _rows(each)]
    if of_one_post:
        write_table((_COLUMNS[0], *_COLUMNS[2:]), [(row[0], *row[2:]) for row in rows])
    else:
        write_table(_COLUMNS, rows)


def _rows(media: MediaView) -> list[tuple[str, ...]]:
    """A medium, and below it the file that was made of it."""
    return [_row(media)] if media.joined is None else [_row(media), _joined_row(media, media.joined)]


def _joined_row(media: MediaView, joined: JoinedView) -> tuple[str, ...]:
    if joined.error_kind:
        words = "not joined with its sound"
    elif joined.cached:
        words = "cached; joined with its sound"
    elif joined.evicted_at:
        words = f"evicted {day(joined.evicted_at)}; joined with its sound"
    else:
        words = "joined with its sound; to be made again"
    known_size = joined.width is not None and joined.height is not None
    return (
        JOINED,
        media.post_id,
        words,
        media.role,
        joined.mime_type or "",
        UNKNOWN if joined.size is None else human_size(joined.size),
        f"{joined.width}×{joined.height}" if known_size else UNKNOWN,
        beginning(joined.error, 80),
    )


def state_words(media: MediaView) -> str:
    """Where the bytes are, and what comes next."""
    if media.cached:
        words = "cached" if media.state is MediaState.FETCHED else f"cached; newer {STATE_WORDS[media.state]}"
    elif media.evicted_at and media.state is MediaState.FETCHED:
        words = f"evicted {day(media.evicted_at)}"
    elif media.state is MediaState.FETCHED and media.error and media.next_try_at is None:
        words = LOST_WORDS
    else:
        words = STATE_WORDS[media.state]
        if over_at := link_end(media):
            words = f"expired {day(over_at)}"
        elif media.state is MediaState.RETRY and media.next_try_at:
            # A day ahead at most, so that the year need not be told.
            words += f" {moment(media.next_try_at).partition('-')[2]}"
    if media.incomplete_at_source:
        words += "; incomplete at its source"
    return f"{words}; no longer in the post" if media.absent_since else words


def link_end(media: MediaView | FailureView) -> datetime | None:
    """When an expired link was over, where its own time says it; that alone is what went wrong then."""
    if media.state is not MediaState.EXPIRED or media.expires_at is None:
        return None
    # A host may call a link expired before its time, and is then the one who knows.
    return media.expires_at if media.error_at is None or media.expires_at <= media.error_at else None


def _row(media: MediaView) -> tuple[str, ...]:
    known_size = media.width is not None and media.height is not None
    return (
        media.media_id,
        media.post_id,
        state_words(media),
        media.role,
        media.mime_type or media.media_type.value,
        UNKNOWN if media.size is None else human_size(media.size),
        f"{media.width}×{media.height}" if known_size else UNKNOWN,
        "" if link_end(media) else beginning(media.error, 80),
    )
