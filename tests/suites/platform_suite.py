"""What every platform must keep, whatever it reads: subclass it as `Test...` and name the samples."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from postkeep.errors import ParseError, UnknownShape
from postkeep.model import Json, Listing, MediaRef, Parsed, Platform, Post, Profile
from postkeep.platforms import PLATFORMS, load_platform, recognise

Path = tuple[str | int, ...]
Sample = tuple[Json, str | None]

SEEDED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)

DELETED = object()

MUTATIONS = st.one_of(
    st.sampled_from([None, True, False, "", [], {}, -1, 0, 2**31, 2**63, 10**30, 1.5, 1e300, "x" * 5000]),
    st.sampled_from([float(2**53), [None], [[]], {"url": 7}, {"url": "https://"}, [{"url": None}], DELETED]),
    st.sampled_from(["https://a.example.com/b", "ftp://a.example.com/b", "https://[::1", "urn:li:activity:0"]),
    st.integers(),
    st.text(max_size=30),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def places(value: Json, path: Path = ()) -> Iterator[Path]:
    """The path of everything inside a JSON value."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*path, key)
        yield from places(child, (*path, key))


def replaced(record: Json, path: Path, value: Json) -> Json:
    """A copy of the record in which one place holds another value, or is gone."""
    changed = copy.deepcopy(record)
    owner = changed
    for key in path[:-1]:
        owner = owner[key]
    if value is DELETED:
        del owner[path[-1]]
    else:
        owner[path[-1]] = copy.deepcopy(value)
    return changed


def check_media(media: Sequence[MediaRef], *, all_of_them: bool = True) -> None:
    first = 0 if all_of_them or not media else media[0].position
    assert [ref.position for ref in media] == list(range(first, first + len(media)))
    seen: dict[tuple[str, str], int] = {}
    for ref in media:
        assert ref.occurrence == seen.get((ref.role, ref.media_key), 0)
        seen[ref.role, ref.media_key] = ref.occurrence + 1
        assert ref.url.lower().startswith(("http://", "https://"))
        assert len(ref.url) <= 4000
        assert 0 < len(ref.media_key) <= 400
        assert all(side is None or 0 < side < 10**6 for side in (ref.width, ref.height))
        assert ref.expires_at is None or ref.expires_at.utcoffset() == timedelta(0)


def check_profile(profile: Profile) -> None:
    assert profile.username or profile.native_id
    assert len(profile.username or "") <= 255
    assert len(profile.name or "") <= 1000
    assert len(profile.headline or "") <= 5000
    assert len(profile.url or "") <= 4000
    check_media(profile.media)
    if profile.account is not None:
        account = profile.account
        for count in (account.followers, account.following, account.posts):
            assert count is None or (type(count) is int and 0 <= count < 2**31)
        assert len(account.facts) <= 50
        assert len(account.links or ()) <= 100


def check_post(post: Post) -> None:
    assert post.posted_at.utcoffset() == timedelta(0)
    assert post.posted_at.microsecond % 1000 == 0
    assert post.native_id
    assert len(post.native_id) <= 64
    assert post.url is None or len(post.url) <= 4000
    counts = (
        *(post.metrics.reactions, post.metrics.comments, post.metrics.reposts),
        *(post.metrics.views, post.metrics.likes, post.metrics.saves, post.metrics.shares),
        *post.metrics.detail.values(),
    )
    for count in counts:
        assert count is None or (type(count) is int and 0 <= count < 2**31)
    assert len(post.metrics.detail) <= 50
    assert len(post.media) <= 1000
    assert all(0 < len(tag) <= 100 and tag == tag.lower() for tag in post.hashtags)
    check_media(post.media, all_of_them=post.tells_media)
    if post.original and post.original.posted_at:
        assert post.original.posted_at.utcoffset() == timedelta(0)


def check_listing(listing: Listing, ids: Sequence[str]) -> None:
    assert listing.kind
    assert {each.native_id for each in listing.entries} <= set(ids)
    positions = [each.position for each in listing.entries]
    assert positions == sorted(set(positions))
    assert all(position >= 0 for position in positions)


def check(parsed: Parsed) -> None:
    """Everything that is true of whatever a platform makes of whatever record."""
    for post in parsed.posts:
        check_post(post)
        for who in (post.author, post.community, post.original and post.original.author):
            assert who is None or who in parsed.profiles
    for profile in parsed.profiles:
        check_profile(profile)
    assert len(set(parsed.profiles)) == len(parsed.profiles)
    assert parsed.via is None or parsed.via in parsed.profiles
    ids = [post.native_id for post in parsed.posts]
    assert len(set(ids)) == len(ids)
    assert len(parsed.contents) == (len(ids) if len(ids) > 1 or parsed.contents else 0)
    if parsed.listing is not None:
        check_listing(parsed.listing, ids)
        assert parsed.listing.owner is None or parsed.listing.owner in parsed.profiles
    assert list(parsed.unknown_keys) == sorted(set(parsed.unknown_keys))
    assert len(parsed.unknown_keys) <= 50
    assert all(len(name) <= 80 for name in parsed.unknown_keys)


class PlatformSuite:
    """Set `name`, and give `samples()`: records of every shape with the profile they were seen through."""

    name: str

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        raise NotImplementedError

    @property
    def platform(self) -> Platform:
        return load_platform(self.name)

    def test_goes_by_the_name_it_is_listed_under(self) -> None:
        assert self.name in PLATFORMS
        assert self.platform.name == self.name

    def test_each_record_is_recognised_by_exactly_one_platform(self) -> None:
        everyone = [load_platform(name) for name in PLATFORMS]
        for record, _ in self.samples():
            assert [one.name for one in everyone if one.recognises(record)] == [self.name]
            assert recognise(record, everyone) is self.platform

    @pytest.mark.parametrize("stranger", [None, 7, "text", [], {}, [{}], {"id": 1}, True, 1.5])
    def test_strangers_are_not_recognised_and_not_read(self, stranger: Json) -> None:
        assert not self.platform.recognises(stranger)
        with pytest.raises(UnknownShape):
            recognise(stranger, [self.platform])
        with pytest.raises(ParseError):
            self.platform.parse(stranger)

    def test_records_and_parse_are_deterministic_and_leave_the_record_alone(self) -> None:
        for record, via in self.samples():
            before = copy.deepcopy(record)
            assert self.platform.parse(record, via) == self.platform.parse(copy.deepcopy(record), via)
            assert self.platform.canonical(record) == self.platform.canonical(copy.deepcopy(record))
            assert record == before

    def test_what_is_read_keeps_the_model(self) -> None:
        for record, via in self.samples():
            parsed = self.platform.parse(record, via)
            assert parsed.posts or parsed.profiles
            assert parsed.unknown_keys == ()
            check(parsed)

    def test_unknown_keys_are_counted_and_otherwise_ignored(self) -> None:
        for record, via in self.samples():
            parsed = self.platform.parse(record, via)
            more = self.platform.parse({**record, "never_seen": {"a": 1}, "k" * 200: 1}, via)
            assert more.unknown_keys == ("k" * 80, "never_seen")
            assert (more.posts, more.profiles, more.via) == (parsed.posts, parsed.profiles, parsed.via)
            flood = self.platform.parse({**record, **{f"x{number}": 0 for number in range(999)}}, via)
            assert len(flood.unknown_keys) == 50

    @SEEDED
    @given(draw=st.data())
    def test_a_mutilated_record_is_read_or_refused_and_nothing_else(self, draw: st.DataObject) -> None:
        record, via = draw.draw(st.sampled_from(self.samples()), "record")
        for _ in range(draw.draw(st.integers(1, 3), "mutations")):
            found = list(places(record))
            assume(found)
            record = replaced(record, draw.draw(st.sampled_from(found), "place"), draw.draw(MUTATIONS, "value"))
        self._survives(record, via)

    def test_every_single_place_may_hold_anything(self) -> None:
        strange = (None, True, -1, 10**30, "", "x" * 5000, [], {}, [None, {}], {"url": {}}, DELETED)
        for record, via in self.samples():
            for number, path in enumerate(places(record)):
                # Each place gets a few, all places together get all.
                for value in strange[number % 3 :: 3]:
                    self._survives(replaced(record, path, value), via)

    def _survives(self, record: Json, via: str | None) -> None:
        assert self.platform.recognises(record) in (True, False)
        assert self.platform.canonical(record)
        try:
            parsed = self.platform.parse(record, via)
        except ParseError:
            return
        check(parsed)
