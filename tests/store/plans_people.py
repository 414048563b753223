"""The ways to profiles and tags, over a grown database in which both are as many as they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from benchmarks.grown import analyse
from tests.library.world import World

from postkeep.errors import NotFound
from postkeep.store import Store, bulk
from postkeep.views.people import NewProfile, ProfileLine

PAGE = 50
_TAGGED = (
    # One post in sixteen has the rare tag, all others the common one.
    "INSERT INTO tags (tag_id, name) VALUES ('tag-00000001', 'common'), ('tag-00000002', 'rare')",
    "INSERT INTO tags (tag_id, name) SELECT 'tag' || substr(profile_id, 4), 'tag-' || username FROM profiles",
    "INSERT INTO post_tags (post_tag_id, post_id, tag_id) SELECT 'ptg' || substr(post_id, 2), post_id,"
    " CASE WHEN post_id LIKE '%0' THEN 'tag-00000002' ELSE 'tag-00000001' END FROM posts",
    "INSERT INTO profile_tags (profile_tag_id, profile_id, tag_id)"
    " SELECT 'pft' || substr(profile_id, 4), profile_id,"
    " CASE WHEN profile_id LIKE '%0' THEN 'tag-00000002' ELSE 'tag-00000001' END FROM profiles",
    "INSERT INTO profile_names (profile_id, kind, value, first_seen_at, last_seen_at)"
    " SELECT profile_id, 'username', 'once-' || username, created_at, created_at FROM profiles",
    "UPDATE profiles SET is_active = (profile_id LIKE '%7')",
    "UPDATE profiles SET username = NULL WHERE profile_id LIKE '%3'",
)


def tag_all(store: Store) -> None:
    """Let posts and profiles of a grown database carry tags, and profiles have had other names."""
    with store.writing() as tx:
        for statement in _TAGGED:
            bulk.execute(tx, statement)
    analyse(store)


def people_ways(world: World) -> dict[str, Callable[[], None]]:
    people = _People(world)
    return {
        "profiles": people.pages,
        "profile": people.one,
        "people csv": people.csv,
        "tags": people.tags,
        "posts of a tag": people.posts,
    }


class _People:
    def __init__(self, world: World) -> None:
        self.library, self.people = world.library, world.library.people

    def pages(self) -> None:
        for more in (
            {},
            {"platform": "reddit"},
            {"active": True},
            {"active": False},
            {"tags": ["rare"]},
            {"tags": ["common"], "platform": "linkedin", "active": False},
            {"search": "author-199"},
            {"search": "nobody at all"},
        ):
            found = [len(page) for page in self._two(more)]
            assert found == ([] if "nobody" in str(more) else found)
        for deep in [line for line in self.people.profiles(limit=5000) if line.username is None][:1]:
            assert self.people.profiles(limit=PAGE, after=deep.profile_id)

    def _two(self, more: dict[str, Any]) -> Iterator[list[ProfileLine]]:
        last: str | None = None
        for _ in range(2):
            page = self.people.profiles(limit=PAGE, after=last, **more)
            if not page:
                return
            last = page[-1].profile_id
            yield page

    def one(self) -> None:
        [line] = self.people.profiles(limit=1, platform="linkedin")
        for name in (line.profile_id, line.username or "", "once-author-7", f"linkedin.com/in/{line.username}"):
            assert self.people.show(name)
        for unknown in ("nobody", "prf-00000000", "linkedin/nobody", "nowhere/nobody"):
            try:
                self.people.show(unknown)
            except NotFound:
                continue
        self.people.add(NewProfile(f"linkedin/{line.username}", notes="seen", tags=("rare",)))
        self.people.set_active([line.profile_id], active=False)

    def csv(self) -> None:
        rows = [f"N,author-{number},linkedin,note,tag-{number % 9}" for number in range(0, 1000, 2)]
        rows += [f"N,new-{number},linkedin,,rare" for number in range(500)]
        text = "\n".join(["name,username,platform,notes,tags", *rows])
        summary = self.people.import_csv("a.csv", stdin=BytesIO(text.encode()))
        assert summary.new >= 500
        assert summary.changed
        assert self.people.export_csv(active=None, tags=["rare"]).people

    def tags(self) -> None:
        first = self.people.tags(limit=PAGE)
        assert self.people.tags(limit=PAGE, after=first[-1].tag_id)
        assert self.people.tags(limit=1, after=first[3].name)
        posts = [line.post_id for line in self.library.posts(limit=PAGE)]
        assert self.people.put_tag("rare", posts=posts, profiles=["author-1"]).posts
        assert self.people.take_tag("rare", posts=posts[: PAGE // 2], profiles=["author-1"]).posts
        self.people.remove_tag("tag-author-1", agreed=True)

    def posts(self) -> None:
        for tag in ("rare", "common"):
            page = self.library.posts(limit=PAGE, tag=tag)
            assert len(page) == PAGE
            assert self.library.posts(limit=PAGE, tag=tag, after=page[-1].post_id)
            self.library.posts(limit=PAGE, tag=tag, author=page[0].author)
