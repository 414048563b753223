"""Erasing as the library offers it: posts and profiles that go for good, and what is known to be gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from postkeep.model import Platform
from postkeep.platforms import PLATFORMS, load_platform
from postkeep.stages import disappeared, erasing
from postkeep.stages.erasing import Asked
from postkeep.stages.parts import Parts
from postkeep.views import OnProgress, Stop
from postkeep.views.erasing import Erasure, Fact, GonePost, Removals, TombstoneView


def _quiet(step: object) -> None:
    pass


def _never() -> bool:
    return False


def _platforms() -> list[Platform]:
    return [load_platform(name) for name in PLATFORMS]


@dataclass(frozen=True, slots=True)
class Erasing:
    """What can be done about things that are to go, or are gone."""

    parts: Parts

    def posts(
        self,
        posts: Sequence[str],
        *,
        reason: str,
        dry_run: bool = False,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> Erasure:
        """Erase posts by id, URN, digits or URL; raises NotFound, Held, LeaseTaken, CacheError."""
        return self._erase(Asked(posts=posts), reason, stop, progress, dry_run=dry_run)

    def profile(
        self,
        profile: str,
        *,
        platform: str | None = None,
        reason: str,
        dry_run: bool = False,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> Erasure:
        """Erase a profile (id or username) with all its posts; raises as `posts` does."""
        return self._erase(Asked(profile=profile, platform=platform), reason, stop, progress, dry_run=dry_run)

    def _erase(self, asked: Asked, reason: str, stop: Stop, progress: OnProgress, *, dry_run: bool) -> Erasure:
        return erasing.erase(
            self.parts, _platforms(), asked, reason=reason, dry_run=dry_run, stop=stop, progress=progress
        )

    def finish(self, *, stop: Stop = _never, progress: OnProgress = _quiet) -> Removals:
        """End every erasing that was broken off, and remove the files and objects that are queued; idempotent."""
        return erasing.finish(self.parts, _platforms(), stop=stop, progress=progress)

    def tombstones(self, *, limit: int = 50, after: str | None = None) -> list[TombstoneView]:
        """A page of tombstones; `after` is the hash the page before ended with."""
        return erasing.list_tombstones(self.parts, limit=limit, after=after)

    def readmit(self, name: str, *, platform: str | None = None) -> int:
        """Let something erased come back with a later import; returns how many tombstones went.

        Raises NotFound.
        """
        return erasing.readmit(self.parts, name, platform=platform)

    def gone(
        self,
        *,
        facts: Collection[Fact] = (),
        platform: str | None = None,
        author: str | None = None,
        limit: int = 50,
    ) -> list[GonePost]:
        """Posts that are gone, one entry a fact; without `facts` all but those whose media only we could not get.

        At most `limit` of each way to be gone. Raises NotFound for a platform nobody knows.
        """
        return disappeared.list_gone(self.parts, facts=facts, platform=platform, author=author, limit=limit)
