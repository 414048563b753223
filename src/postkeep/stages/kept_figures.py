"""The figures of a creator as they are stored: all in one step, nothing old stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection

from postkeep.analytics.growth import Growth, GrowthAsBuilt
from postkeep.analytics.result import Analytics
from postkeep.analytics.stored import stored_fields
from postkeep.stages.creator_sheet import growth_as_json
from postkeep.store import creator_analytics
from postkeep.store.creator_posts import CreatorRow


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """What is stored of a creator; `posts` is how many there were to compute from.

    `stored` is the result under the names of a creator's figures, where `analytics` has others.
    """

    creator: CreatorRow
    analytics: Analytics
    growth: Growth | GrowthAsBuilt | None
    newest_observation: datetime | None
    posts: int
    stored: Analytics | None = None


def keep(tx: Connection, figures: KeptFigures) -> None:
    """Replace what is stored of a creator; what became unknown becomes NULL."""
    analytics = figures.analytics
    fields = stored_fields(
        figures.stored or analytics,
        figures.growth,
        api_calls=0,
        scraped_at=figures.newest_observation,
        followers_updated_at=figures.creator.followers_at,
    )
    details = {"analytics": analytics.as_json(), "growth": growth_as_json(figures.growth)}
    creator_analytics.write(
        tx,
        figures.creator.profile_id,
        fields,
        mode=str(analytics.mode),
        version=analytics.version,
        computed_at=analytics.now,
        details=orjson.dumps(details).decode(),
    )
