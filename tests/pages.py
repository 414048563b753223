"""A made-up platform whose records are pages: many posts, the list they stood in, and whose account it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from postkeep.model import (
    Account,
    BioLink,
    Json,
    Listed,
    Listing,
    Location,
    MediaRef,
    MediaType,
    Metrics,
    Observation,
    ObservedSource,
    Parsed,
    Place,
    Post,
    PostFormat,
    PostKind,
    Presence,
    Profile,
    ProfileKind,
    RawRecord,
    Role,
)

PLATFORM = "instagram"
"""A name the tables know; the records are nobody's."""

EPOCH = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    return EPOCH + timedelta(days=number)


def entry(serial: int, **more: Any) -> dict[str, Any]:
    """A post of the page, `serial` days after the epoch."""
    return {"id": str(serial), "day": serial, "text": f"Text {serial}"} | more


def page(*posts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A page of the owner's posts in this order; `kind=None` leaves out the list, `account` tells of the owner."""
    return {"posts": list(posts), "kind": "feed", "owner": "ann", "owner_id": "77"} | more


def raw(
    record: Any,
    *,
    at: datetime = EPOCH,
    source: ObservedSource = ObservedSource.FILE_NAME,
    name: str = "page.json",
) -> RawRecord:
    return RawRecord(orjson.dumps(record), Place(name, 1, 0), Observation(at, source))


class Pages:
    """Reads the records made above."""

    name = PLATFORM

    def recognises(self, record: Json) -> bool:
        return isinstance(record, dict) and "posts" in record

    def canonical(self, record: Json) -> bytes:
        return orjson.dumps({key: value for key, value in record.items() if key != "token"})

    def parse(self, record: Json, via: str | None = None) -> Parsed:
        owner = _owner(record)
        posts = tuple(_post(each, owner) for each in record["posts"])
        people = [person for post in posts for person in (*post.tagged, *post.coauthors)]
        authors = [post.author for post in posts if post.author is not None]
        profiles: list[Profile] = []
        for each in (*([owner] if owner is not None else []), *authors, *people):
            if each not in profiles:
                profiles.append(each)
        return Parsed(
            shape="page",
            posts=posts,
            profiles=tuple(profiles),
            listing=_listing(record, owner),
            contents=tuple(orjson.dumps(each) for each in record["posts"]),
        )


def _person(name: str | None, **more: Any) -> Profile | None:
    return None if name is None else Profile(PLATFORM, ProfileKind.CREATOR, name, name=name.title(), **more)


def _owner(record: Json) -> Profile | None:
    told = record.get("account")
    account = None
    if told is not None:
        links = told.get("links")
        account = Account(
            **{key: value for key, value in told.items() if key not in ("links", "avatar", "via")},
            links=None if links is None else tuple(BioLink(url, kind="site") for url in links),
        )
    avatar = (told or {}).get("avatar") or record.get("seen_avatar")
    media = () if avatar is None else (_media(avatar, Role.AVATAR),)
    return _person(record.get("owner"), native_id=record.get("owner_id"), media=media, account=account)


def _media(key: str, role: Role = Role.OWN, position: int = 0, **more: Any) -> MediaRef:
    return MediaRef(role, MediaType.IMAGE, f"https://cdn.example.com/{key}.jpg", key, position, **more)


def _post(told: dict[str, Any], owner: Profile | None) -> Post:
    author = _person(told.get("author")) or (
        None if owner is None else Profile(PLATFORM, owner.kind, owner.username, owner.native_id, owner.name)
    )
    place = told.get("place")
    return Post(
        PLATFORM,
        told["id"],
        f"urn:{told['id']}",
        day(told["day"]),
        PostKind.REGULAR,
        author=author,
        text=told.get("text"),
        metrics=Metrics(
            hidden=told.get("hidden", False),
            **{name: told[name] for name in ("likes", "comments", "views", "shares") if name in told},
        ),
        media=tuple(
            _media(each["key"], position=i, caption=each.get("caption"), alternatives=tuple(each.get("or", ())))
            for i, each in enumerate(told.get("media", ()))
        ),
        title=told.get("title"),
        format=PostFormat(told["format"]) if "format" in told else None,
        presence=Presence(told.get("presence", "there")),
        tagged=_people(told.get("tagged", ())),
        coauthors=_people(told.get("coauthors", ())),
        location=Location(place, latitude=1.5, longitude=-2.25) if place else None,
        flags=tuple(told.get("flags", ())),
    )


def _people(names: Sequence[str]) -> tuple[Profile, ...]:
    return tuple(person for name in names if (person := _person(name)) is not None)


def _listing(record: Json, owner: Profile | None) -> Listing | None:
    if record["kind"] is None:
        return None
    entries = tuple(Listed(each["id"], i, each.get("pinned", False)) for i, each in enumerate(record["posts"]))
    return Listing(record["kind"], owner, entries, record.get("complete", False), record.get("page"))
