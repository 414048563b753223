"""What a face may ask of creators: their figures, computed or kept, and the posts that did best."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from postkeep.errors import ConfigError
from postkeep.stages import creator_pictures, creators, metric_list, post_figures, which, whom
from postkeep.stages.parts import Parts
from postkeep.store import creator_analytics
from postkeep.views import OnProgress, Stop
from postkeep.views.creators import (
    AnalyticsMode,
    CreatorDetail,
    CreatorLine,
    CreatorOrder,
    CreatorReport,
    CreatorsUpdated,
    MetricView,
    TopBy,
    TopPost,
)
from postkeep.views.post_figures import PostFigures, PostPeople


def _never() -> bool:
    return False


def _quiet(step: object) -> None:
    pass


class Creators:
    """A library's verbs about creators, each named by an id, an address or a name."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def page(
        self,
        *,
        by: CreatorOrder = CreatorOrder.NAME,
        limit: int = 50,
        after: str | None = None,
        platform: str | None = None,
    ) -> list[CreatorLine]:
        """A page of active profiles and those with stored figures; `after` is the last profile_id before it."""
        with self._parts.store.reading() as tx:
            if platform is not None:
                whom.must_be_platform(tx, platform)
            return creator_analytics.page(tx, by=by, limit=limit, after=after, platform=platform)

    def show(
        self, name: str, *, mode: AnalyticsMode = AnalyticsMode.CORRECTED, zone: str = "UTC", top: int = 5
    ) -> CreatorDetail:
        """A creator's figures as of now, with its `top` best posts; raises NotFound, ConfigError for a zone."""
        return creators.detail(self._parts, name, mode=mode, zone=_zone(zone), top=top)

    def report(
        self, name: str, *, mode: AnalyticsMode = AnalyticsMode.CORRECTED, zone: str = "UTC", top: int = 12
    ) -> CreatorReport:
        """The same with the avatar and pictures of the best posts, as far as they are in the cache and proven."""
        detail = self.show(name, mode=mode, zone=zone, top=top)
        pictures = creator_pictures.pictures(self._parts, [*detail.top, *detail.rising])
        return CreatorReport(detail, pictures, creator_pictures.avatar(self._parts, detail.profile_id))

    def post_figures(self, reference: str) -> PostFigures:
        """The figures of one post, which is meant as `Library.post` takes it; raises NotFound."""
        with self._parts.store.reading() as tx:
            return post_figures.post_figures(tx, which.find_post(tx, reference))

    def post_people(self, reference: str) -> PostPeople:
        """Whom one post names, and who stands behind it; it is meant as before. Raises NotFound."""
        with self._parts.store.reading() as tx:
            return post_figures.post_people(tx, which.find_post(tx, reference))

    def update(
        self,
        names: Sequence[str] = (),
        *,
        mode: AnalyticsMode = AnalyticsMode.CORRECTED,
        zone: str = "UTC",
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> CreatorsUpdated:
        """Compute and store the figures of these, or of all active ones and those that have some already."""
        return creators.run_update(self._parts, names, mode=mode, zone=_zone(zone), stop=stop, progress=progress)

    def top_posts(
        self,
        *,
        by: TopBy = TopBy.LIKES,
        limit: int = 10,
        since: datetime | None = None,
        author: str | None = None,
        platform: str | None = None,
    ) -> list[TopPost]:
        """The posts with the largest known number, posted since then; raises NotFound for an unknown author."""
        return creators.run_top(self._parts, by=by, limit=limit, since=since, author=author, platform=platform)


def metrics(name: str | None = None) -> list[MetricView]:
    """Every metric there is, or those of a name; raises NotFound for one that nothing is called by."""
    return metric_list.metrics(name)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"no time zone is called {name!r}; names are such as Europe/Berlin") from None
