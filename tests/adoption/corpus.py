"""All cases together: a database of any size, the same for the same seed."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.adoption import corpus_media, corpus_posts, corpus_reposts
from tests.adoption.building import FIRST_RUN, Builder, Built

WHOLE = 10_000
"""Rows of the database that all is proven on."""
SHORT = 4_000
"""Rows of the one that is enough for every day."""

_CASES = (*corpus_posts.CASES, *corpus_reposts.CASES, *corpus_media.CASES)


def build(*, sqlite: bool, rows: int = 0, seed: int = 5, base_url: str = "https://media.licdn.com") -> Built:
    """At least one of every case, then more of all until there are so many rows."""
    b = Builder(seed=seed, sqlite=sqlite, base_url=base_url)
    _profiles(b)
    _runs(b)
    corpus_posts.words(b, long=True)
    if sqlite:
        corpus_posts.odd_types(b)
        corpus_media.sizes_as_text(b)
    while True:
        for case in _CASES:
            case(b)
        if sum(b.old.counts().values()) >= rows:
            return b.built()


def _runs(b: Builder) -> None:
    for number, status in enumerate(("running", "failed", "cancelled", "running", None)):
        b.run(status, number + 5)


def _profiles(b: Builder) -> None:
    names = (
        *("jane-doe", "Jane-Doe", "ann-original", "rita-reposts", "sam-shares", "quoted-one"),
        *("ren%C3%A9-imagined", "some-channel", "writer"),
    )
    platforms = {"some-channel": "youtube", "writer": "substack"}
    for number, name in enumerate(names):
        profile_id = b.id("prf", "profiles")
        note = f"about {name}"
        b.expected.texts.add(note)
        b.old.add(
            "profiles",
            {
                "profile_id": profile_id,
                "username": name,
                "name": name.title(),
                "platform": platforms.get(name, "linkedin"),
                "is_active": number % 3 > 0,
                "notes": note,
                "post_count": 7000 + number,
                "last_synced_at": FIRST_RUN - timedelta(days=number) if number % 2 else None,
                "created_at": FIRST_RUN,
                "updated_at": FIRST_RUN,
            },
        )
        for tag in ("aws", "ai") if number < 4 else ():
            b.old.add(
                "profile_tags",
                {
                    "profile_tag_id": b.id("pft", "profile_tags"),
                    "profile_id": profile_id,
                    "tag_id": b.tag_ids[tag],
                    "created_at": FIRST_RUN,
                },
            )
    # Nobody's platform, and all that may be NULL is.
    b.old.add(
        "profiles",
        {
            "profile_id": b.id("prf", "profiles"),
            "username": "sparse",
            "name": "Sparse",
            **dict.fromkeys(("platform", "is_active", "notes", "post_count", "created_at", "updated_at")),
        },
    )


def summary(built: Built) -> str:
    return json.dumps(built.old.counts())


__all__ = ["SHORT", "WHOLE", "build", "summary"]
