"""Pages of users and communities on Reddit."""

from __future__ import annotations

from itertools import product

import pytest

from postkeep.errors import ParseError
from postkeep.model import Account, Json, ProfileKind, Role
from postkeep.platforms import PLATFORMS, load_platform
from tests.platforms.reddit_records import account, community, escaped, pages, thing
from tests.suites.platform_suite import DELETED, check_profile, places, replaced

REDDIT = load_platform("reddit")


def test_a_users_page() -> None:
    parsed = REDDIT.parse(account(), "Jane_Potter")
    (profile,) = parsed.profiles
    assert parsed.via is profile
    assert (parsed.shape, parsed.posts, parsed.unknown_keys) == ("account", (), ())
    assert (profile.kind, profile.username, profile.native_id) == (
        ProfileKind.REDDITOR,
        "jane_potter",
        "t2_jane01",
    )
    assert (profile.name, profile.url) == ("Jane & clay", "https://www.reddit.com/user/jane_potter/")
    assert profile.account == Account(
        followers=321,
        biography="Bowls",
        facts={
            **{"created_utc": 1_500_000_000, "total_karma": 9000, "link_karma": 8000, "comment_karma": 1000},
            "verified": True,
        },
    )
    assert [(ref.role, ref.media_key) for ref in profile.media] == [
        (Role.AVATAR, "styles.redditmedia.com/t5_janes/styles/icon.png"),
        (Role.BANNER, "styles.redditmedia.com/t5_janes/styles/banner.png"),
    ]


def test_a_suspended_users_page_tells_what_it_has() -> None:
    (profile,) = REDDIT.parse(thing({"name": "gone_user", "is_suspended": True, "total_karma": -5}, "t2")).profiles
    assert (profile.username, profile.native_id, profile.media) == ("gone_user", None, ())
    assert profile.account
    assert (profile.account.followers, profile.account.biography) == (None, None)
    assert profile.account.facts == {"is_suspended": True, "total_karma": -5}


def test_a_communitys_page() -> None:
    (profile,) = REDDIT.parse(community()).profiles
    assert (profile.kind, profile.username, profile.native_id) == (ProfileKind.SUBREDDIT, "pottery", "t5_pots1")
    assert (profile.name, profile.headline) == ("All about pots", "Pots")
    assert profile.account
    assert (profile.account.followers, profile.account.biography, profile.account.is_private) == (
        *(41_000, "# Rules", False),
    )
    assert profile.account.facts == {
        **{"created_utc": 1_300_000_000, "accounts_active": 55, "over18": False, "subreddit_type": "public"},
    }
    assert [ref.role for ref in profile.media] == [Role.AVATAR, Role.BANNER]


@pytest.mark.parametrize("page", [account(), community()])
def test_an_escaped_page_says_the_same(page: Json) -> None:
    assert REDDIT.parse(escaped(page)) == REDDIT.parse(page)
    assert REDDIT.canonical(escaped(page)) == REDDIT.canonical(page)


def test_only_what_rotates_or_is_the_viewers_does_not_count() -> None:
    page = community()
    icon = page["data"]["community_icon"].replace("ee", "00")
    assert REDDIT.canonical(community(community_icon=icon, user_is_banned=True)) == REDDIT.canonical(page)
    assert REDDIT.canonical(community(subscribers=41_001)) != REDDIT.canonical(page)
    other = replaced(account(), ("data", "is_friend"), True)
    assert REDDIT.canonical(other) == REDDIT.canonical(account())


@pytest.mark.parametrize("kind", ["t2", "t5"])
def test_a_page_of_nobody_is_refused(kind: str) -> None:
    with pytest.raises(ParseError):
        REDDIT.parse(thing({"id": "abc", "name": "[deleted]"}, kind))


def test_pages_are_read_by_one_platform_and_survive_anything_in_any_place() -> None:
    everyone = [load_platform(name) for name in PLATFORMS]
    strange = (None, True, -1, 10**30, 1e300, "", "x" * 5000, [], {}, [None, {}], {"url": {}}, DELETED)
    for record, via in pages():
        assert [one.name for one in everyone if one.recognises(record)] == ["reddit"]
        assert REDDIT.parse({**record, "never_seen": 1}, via).unknown_keys == ("never_seen",)
        for path, value in product(places(record), strange):
            changed = replaced(record, path, value)
            assert REDDIT.canonical(changed)
            try:
                parsed = REDDIT.parse(changed, via)
            except ParseError:
                continue
            assert len(parsed.unknown_keys) <= 50
            for profile in parsed.profiles:
                check_profile(profile)
