"""Whom a name means: the profile that is called so now, else the only one that ever was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from postkeep.errors import NotFound
from postkeep.ids import is_id
from postkeep.platforms.people import KINDS, Whose, on_platform, read_reference
from postkeep.store import old_ids, people
from postkeep.store.spelling import fold

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from postkeep.store.people import Person

_TOLD = 10


class Several(NotFound):
    """A name means several profiles."""

    def __init__(self, name: str, found: Iterable[Person]) -> None:
        self.candidates = sorted(map(spelled, found))
        told = ", ".join(self.candidates[:_TOLD]) + (" …" if len(self.candidates) > _TOLD else "")
        super().__init__(f"{name!r} is a name of several profiles: {told}")


class Known:
    """The profiles that some names may mean, found in two queries however many names there are."""

    def __init__(self, tx: Connection, names: Iterable[str]) -> None:
        wanted = set(names)
        self._called: defaultdict[str, dict[str, Person]] = defaultdict(dict)
        self._own_id: defaultdict[str, dict[str, Person]] = defaultdict(dict)
        self._once: defaultdict[str, dict[str, Person]] = defaultdict(dict)
        for each in people.called(tx, wanted):
            self.note(each)
        for name, each in people.once_called(tx, wanted):
            self._once[fold(name)][each.profile_id] = each

    def note(self, person: Person) -> None:
        """A profile that is there, too, from now on."""
        if person.username is not None:
            self._called[fold(person.username)][person.profile_id] = person
        if person.native_id is not None:
            self._own_id[person.native_id][person.profile_id] = person

    def find(self, whose: Whose) -> Person | None:
        """The profile that is meant, None for none; raises Several.

        A former name means a profile only when nobody is called so now, and nobody else ever was. Usernames are
        compared in whatever case.
        """
        name = fold(whose.name)
        for kept, called in ((self._called, name), (self._own_id, whose.name), (self._once, name)):
            found = [
                each
                for each in kept.get(called, {}).values()
                if whose.platform in (None, each.platform) and whose.kind in (None, each.kind)
            ]
            if len(found) > 1:
                raise Several(whose.name, found)
            if found:
                return found[0]
        return None

    @property
    def profile_ids(self) -> set[str]:
        """Of all profiles that may be meant."""
        return {
            profile_id
            for kept in (self._called, self._own_id, self._once)
            for some in kept.values()
            for profile_id in some
        }


def spelled(person: Person) -> str:
    """A name of a profile that means no other one, and its id."""
    if person.username is None:
        return f"{person.profile_id} ({person.platform}, {person.kind})"
    return f"{person.platform}/{person.kind}/{person.username} ({person.profile_id})"


def find_all(tx: Connection, references: Iterable[str], *, platform: str | None = None) -> list[Person]:
    """The profiles that ids (old ones too), addresses and names mean, in order, each once.

    With `platform` names are meant there. Raises NotFound for a name of nobody, and Several, naming them.
    """
    asked = [reference.strip() for reference in references]
    now = old_ids.current_of(tx, asked)
    asked = [now.get(reference, reference) for reference in asked]
    ids = {reference for reference in asked if is_id(reference, "prf")}
    by_id = people.by_id(tx, ids)
    whose = {reference: _there(reference, platform) for reference in asked if reference not in ids}
    known = Known(tx, [each.name for each in whose.values()])
    found: dict[str, Person] = {}
    for reference in asked:
        person = by_id.get(reference) if reference in ids else known.find(whose[reference])
        if person is None:
            raise NotFound(f"no profile is known as {reference!r}")
        found[person.profile_id] = person
    return list(found.values())


def _there(reference: str, platform: str | None) -> Whose:
    whose = read_reference(reference)
    return whose if platform is None else on_platform(replace(whose, platform=platform))


def find(tx: Connection, reference: str, *, platform: str | None = None) -> Person:
    """The profile that one reference means, on this platform where one is said; raises NotFound."""
    return find_all(tx, [reference], platform=platform)[0]


def must_be_platform(tx: Connection, name: str) -> None:
    """Raise NotFound for a platform that nothing is known of and that no profile here is of."""
    if name not in KINDS and not people.has_platform(tx, name):
        raise NotFound(f"no platform is called {name!r}; there are: {', '.join(KINDS)}")
