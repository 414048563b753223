"""The people of a library: profiles, their tags and the lists they come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from postkeep.stages import noting, people, people_csv, tagging
from postkeep.stages.parts import Parts
from postkeep.views import OnProgress, PostLine, Stop
from postkeep.views.people import (
    AddedProfile,
    NewProfile,
    PeopleExport,
    PeopleImport,
    ProfileDetail,
    ProfileLine,
    TagColor,
    Tagged,
    TagView,
)


def _never() -> bool:
    return False


def _quiet(step: object) -> None:
    pass


class People:
    """What a face may ask about profiles and tags, and do with them.

    A profile is named by its id (an old one, too), the address of its page, `platform/username`,
    `platform/kind/username`, or its username when no other profile has it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # --- profiles ---

    def profiles(
        self,
        *,
        limit: int = 50,
        after: str | None = None,
        platform: str | None = None,
        tags: Sequence[str] = (),
        active: bool | None = None,
        search: str | None = None,
    ) -> list[ProfileLine]:
        """A page of profiles by platform, kind and username, those without a username last.

        `after` names the profile the page before ended with; all of `tags` are asked for. Raises NotFound.
        """
        return people.list_profiles(
            self._parts,
            limit=limit,
            after=after,
            platform=platform,
            tag_names=tags,
            active=active,
            search=search,
        )

    def show(self, profile: str) -> ProfileDetail:
        """A profile with all that was observed of it; raises NotFound for none, and for several, naming them."""
        return people.show_profile(self._parts, profile)

    def add(self, new: NewProfile) -> AddedProfile:
        """Make a profile, or bring a known one up to date; raises NotFound, ConfigError."""
        return people.add_profile(self._parts, new)

    def set_active(self, profiles: Sequence[str], *, active: bool) -> list[ProfileLine]:
        """Let profiles be collected, or not; all of them, or after a NotFound none."""
        return people.set_active(self._parts, profiles, active=active)

    def set_notes(self, profile: str, notes: str | None) -> ProfileLine:
        """Write a note on a profile in place of the one it has; None removes it."""
        return people.set_notes(self._parts, profile, notes)

    def import_csv(
        self,
        source: str,
        *,
        stdin: BinaryIO | None = None,
        platform: str | None = None,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> PeopleImport:
        """Make the people of a CSV file known and active; raises SourceError.

        With `stdin` its bytes are read, and `source` is only what they are called.
        """
        return people_csv.import_people(
            self._parts, source, stdin=stdin, platform=platform, stop=stop, progress=progress
        )

    def export_csv(
        self,
        path: Path | None = None,
        *,
        platform: str | None = None,
        tags: Sequence[str] = (),
        active: bool | None = True,
        overwrite: bool = False,
    ) -> PeopleExport:
        """The people as CSV that can be imported again, in a file where one is named; raises ConfigError."""
        return people_csv.export_people(
            self._parts, path, platform=platform, tag_names=tags, active=active, overwrite=overwrite
        )

    # --- posts ---

    def set_post_notes(self, post: str, notes: str | None) -> PostLine:
        """Write a note on a post in place of the one it has; None removes it. Raises NotFound, ConfigError."""
        return noting.set_notes(self._parts, post, notes)

    # --- tags ---

    def tags(self, *, limit: int = 50, after: str | None = None) -> list[TagView]:
        """A page of tags by name; `after` names the tag the page before ended with."""
        return tagging.list_tags(self._parts, limit=limit, after=after)

    def add_tag(self, name: str, *, color: TagColor = TagColor.CYAN, description: str | None = None) -> TagView:
        """Make a tag; raises ConfigError when there is one of this name."""
        return tagging.add_tag(self._parts, name, color=color, description=description)

    def rename_tag(self, name: str, to: str) -> TagView:
        """Call a tag otherwise; raises NotFound, and ConfigError for a name that is taken."""
        return tagging.rename_tag(self._parts, name, to)

    def remove_tag(self, name: str, *, agreed: bool = False) -> TagView:
        """Remove a tag and tell what carried it; raises ConfigError for one in use without `agreed`."""
        return tagging.remove_tag(self._parts, name, agreed=agreed)

    def put_tag(self, name: str, *, profiles: Sequence[str] = (), posts: Sequence[str] = ()) -> Tagged:
        """Put a tag on profiles and posts, on all of them, or after a NotFound on none."""
        return tagging.put_tag(self._parts, name, profiles=profiles, posts=posts)

    def take_tag(self, name: str, *, profiles: Sequence[str] = (), posts: Sequence[str] = ()) -> Tagged:
        """Take a tag from profiles and posts, from all of them, or after a NotFound from none."""
        return tagging.take_tag(self._parts, name, profiles=profiles, posts=posts)
