"""Instagram by the contract's function names: each item stored once, nothing unknown taken for zero."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from postkeep.analytics.registry import COMPUTED_50
from postkeep.analytics.stored import STORED_FIELDS
from postkeep.api import default, instagram
from postkeep.errors import NotFound, ParseError, StoreClash
from postkeep.store import known, schema, tombstones
from postkeep.views.creators import AnalyticsMode
from tests.analytics.lists import sample_lists
from tests.library.world import World
from tests.platforms.instagram_records import CAROUSEL, GUEST, OWNER, PROFILE, carousel, clip, photo, sample

NOW = datetime(2025, 9, 17, 9, 30, tzinfo=UTC)
NAME = "paula.paints"
GROWN = {"daily_growth_rate": 1.5, "weekly_growth_rate": 0.0, "previous_followers_count": 990}


@pytest.fixture
def world(here: World) -> Iterator[World]:
    """A library whose clock stands at NOW, under the functions."""
    here.now_is(NOW)
    default.use(here.library)
    yield here
    default.use(None)
    here.check()


def profile_id(world: World, number: str = OWNER) -> str:
    [[found]] = world.rows("SELECT profile_id FROM profiles WHERE native_id = ?", number)
    return str(found)


def figures(world: World) -> dict[str, Any]:
    names = [column.name for column in schema.creator_analytics.columns]
    [row] = world.rows(f"SELECT {', '.join(names)} FROM creator_analytics")
    return dict(zip(names, row, strict=True))


def history(world: World) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT followers_count, following_count, media_count FROM follower_history ORDER BY observed_at"
    )


# --- storing ------------------------------------------------------------------------------------------------


def test_the_sample_lists_are_seventeen_posts_whatever_is_called_how_often(world: World) -> None:
    reels, posts = sample_lists()
    owner = str(posts[0]["user"]["pk"])

    assert instagram.get_creator_content_counts(owner) == (0, 0)
    assert instagram.store_reels(owner, posts[0]["user"]["username"], reels) == (6, 6, 0)
    assert instagram.store_posts(owner, posts[0]["user"]["username"], posts) == (12, 11, 1)
    assert instagram.store_reels(owner, posts[0]["user"]["username"], reels) == (6, 0, 6)

    assert world.rows("SELECT count(*) FROM posts") == [(17,)]
    assert sum(instagram.get_creator_content_counts(owner)) == 17
    assert instagram.get_creator_content_counts(profile_id(world, owner))[0] >= 6
    runs = world.rows("SELECT script_name, status, posts_fetched, posts_new FROM download_runs ORDER BY run_id")
    assert runs == [
        ("store_reels", "completed", 6, 6),
        ("store_posts", "completed", 12, 11),
        ("store_reels", "completed", 6, 0),
    ]
    assert set(world.states().values()) == {"pending"}
    assert world.queued() == len(world.rows("SELECT media_id FROM post_media"))
    assert world.server.count() == 0


def test_what_is_stored_is_remembered_as_the_lists_it_was(world: World) -> None:
    reels, posts = sample_lists()
    owner, name = str(posts[0]["user"]["pk"]), posts[0]["user"]["username"]
    instagram.track_follower_growth(owner, name, 108_221)
    instagram.store_reels(owner, name, reels)
    instagram.store_posts(owner, name, posts)

    lists = (
        "SELECT l.kind, count(*), max(p.native_id) FROM listings l JOIN profiles p ON p.profile_id = l.profile_id"
    )
    lists += " JOIN listing_posts t ON t.listing_id = l.listing_id GROUP BY l.listing_id ORDER BY l.kind"
    assert world.rows(lists) == [("feed", 12, owner), ("reels", 6, owner)]
    # So the figures of the store are those of the lists.
    shown = world.library.creators.show(owner, mode=AnalyticsMode.CORRECTED).analytics
    told = instagram.calculate_analytics(reels, posts, 108_221, now=NOW)
    assert {each: shown[each] for each in COMPUTED_50} == {each: told[each] for each in COMPUTED_50}

    instagram.store_reels(owner, name, [*reels, {"what": "is this"}])
    assert len(world.rows("SELECT listing_id FROM listings")) == 2


def test_a_carousel_keeps_its_order_and_new_numbers_are_a_new_observation(world: World) -> None:
    item = carousel()
    assert instagram.store_posts(OWNER, NAME, [item, item]) == (1, 1, 0)
    world.now_is(NOW + timedelta(hours=1))
    assert instagram.store_posts(profile_id(world), NAME, [{**item, "like_count": 99}]) == (1, 0, 1)

    keys = world.rows(
        "SELECT m.position, m.role FROM post_media m JOIN posts p ON p.post_id = m.post_id"
        " WHERE p.native_id = ? ORDER BY m.position",
        CAROUSEL,
    )
    assert [position for position, _ in keys] == list(range(len(keys)))
    assert len([role for _, role in keys if role == "own"]) == len(item["carousel_media"])
    assert len(world.rows("SELECT observed_source FROM data_downloads WHERE observed_source = 'collector'")) == 2


def test_what_cannot_be_read_is_quarantined_and_not_counted(world: World) -> None:
    bad = [None, {"what": "is this"}, {**photo(), "taken_at": "never"}, {**photo(), "caption": object()}]

    assert instagram.store_posts(OWNER, NAME, [*bad, clip()]) == (1, 1, 0)

    reasons = world.rows("SELECT record_number, reason FROM quarantine ORDER BY record_number")
    assert [number for number, _ in reasons] == [1, 2, 3, 4]
    assert "JSON" in reasons[3][1]
    assert world.rows("SELECT status FROM download_runs") == [("partial",)]
    assert instagram.get_creator_content_counts(OWNER) == (1, 0)


def test_a_wrapper_fills_gaps_and_posts_of_others_count_where_they_stood(world: World) -> None:
    theirs = {**photo(), "user": {"pk": GUEST, "username": "guest.gail"}, "coauthor_producers": []}
    theirs["id"] = theirs["id"].replace(OWNER, GUEST)
    inner = {name: value for name, value in clip().items() if name != "play_count"}

    assert instagram.store_reels(OWNER, NAME, [{"media": inner, "play_count": 777}]) == (1, 1, 0)
    assert instagram.store_posts(OWNER, NAME, [theirs]) == (1, 1, 0)

    assert world.rows("SELECT views FROM data_downloads WHERE views IS NOT NULL") == [(777,)]
    assert instagram.get_creator_content_counts(OWNER) == (1, 1)
    assert instagram.get_creator_content_counts(GUEST) == (0, 1)


# --- whom -----------------------------------------------------------------------------------------------------


def test_a_creator_is_the_same_by_number_by_id_and_by_old_id_and_may_be_renamed(world: World) -> None:
    instagram.store_posts(OWNER, NAME, [photo()])
    subject = profile_id(world)
    world.write_rows("INSERT INTO old_ids VALUES (?, ?, ?, ?)", "prf-0000abcd", subject, "profiles", NOW)

    for serial, name in enumerate([OWNER, int(OWNER), subject, "prf-0000abcd"]):
        world.now_is(NOW + timedelta(days=serial))
        assert instagram.get_creator_content_counts(name) == (0, 1)
        instagram.track_follower_growth(name, "paula.paints.more", 1000 + serial)

    assert profile_id(world) == subject
    assert world.rows("SELECT username FROM profiles WHERE profile_id = ?", subject) == [("paula.paints.more",)]
    assert [row[0] for row in history(world)] == [1000, 1001, 1002, 1003]
    assert world.rows("SELECT is_active FROM profiles WHERE is_active") == []


@pytest.mark.parametrize("name", ["", "prf-00000000", NAME, "1.5", "9" * 30, "prf-\0", None])
def test_nobody_is_no_creator(world: World, name: Any) -> None:
    for call in (
        lambda: instagram.store_reels(name, NAME, [clip()]),
        lambda: instagram.get_creator_content_counts(name),
        lambda: instagram.track_follower_growth(name, NAME, 5),
        lambda: instagram.track_follower_growth(name, NAME, None),
        lambda: instagram.update_creator_profile(name, {}),
        lambda: instagram.update_creator_analytics(name, {"mode": "corrected"}, 1),
    ):
        with pytest.raises(NotFound):
            call()
    assert world.rows("SELECT count(*) FROM profiles") == [(0,)]
    assert world.rows("SELECT count(*) FROM download_runs") == [(0,)]


def test_a_profile_of_another_platform_is_no_creator(world: World) -> None:
    world.write_rows(
        "INSERT INTO profiles (profile_id, platform, name, username) VALUES (?, ?, ?, ?)",
        *("prf-0000abcd", "linkedin", "Jane", "jane"),
    )
    with pytest.raises(NotFound, match="linkedin"):
        instagram.store_reels("prf-0000abcd", NAME, [clip()])


def test_who_was_erased_is_not_stored_again(world: World) -> None:
    stones = tombstones.of_profile("instagram", "creator", native_id=OWNER, username=NAME)
    with world.store.writing() as tx:
        tombstones.leave(tx, stones, reason="asked", now=NOW)
    for call in (
        lambda: instagram.store_posts(OWNER, NAME, [photo()]),
        lambda: instagram.track_follower_growth(OWNER, NAME, 5),
        lambda: instagram.update_creator_profile(OWNER, sample(PROFILE)),
    ):
        with pytest.raises(NotFound):
            call()
    assert instagram.store_posts(GUEST, "guest.gail", [photo()]) == (0, 0, 0)
    assert world.rows("SELECT count(*) FROM posts") == [(0,)]


def test_a_creator_somebody_else_makes_meanwhile_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(tx: Connection, *names: Any) -> Any:
        asked.append(names)
        if len(asked) == 1:
            raise StoreClash
        return loaded(tx, *names)

    loaded = known.load_profiles
    monkeypatch.setattr(known, "load_profiles", load)
    instagram.track_follower_growth(OWNER, NAME, 5)
    assert len(asked) == 2
    assert history(world) == [(5, None, None)]


# --- followers ------------------------------------------------------------------------------------------------


def test_growth_is_told_with_its_basis_and_no_change_is_no_growth(world: World) -> None:
    first = instagram.track_follower_growth(OWNER, NAME, 1000, 10, 3)
    assert (first["daily_growth_rate"], first["weekly_growth_rate"]) == (None, None)
    assert first["previous_followers_count"] is None

    world.now_is(NOW + timedelta(hours=20))
    second = instagram.track_follower_growth(OWNER, NAME, 1100)
    assert second["daily_growth_rate"] == pytest.approx(12)
    assert second["previous_followers_count"] == 1000
    assert second["basis"]
    assert second["basis"]["daily"]["from"] == NOW.isoformat()
    assert second["basis"]["daily"]["elapsed_hours"] == 20

    world.now_is(NOW + timedelta(hours=44))
    third = instagram.track_follower_growth(OWNER, NAME, 1100)
    assert (third["daily_growth_rate"], third["previous_followers_count"]) == (0.0, 1000)
    world.now_is(NOW + timedelta(days=40))
    assert instagram.track_follower_growth(OWNER, NAME, 1100)["previous_followers_count"] == 1000
    assert history(world) == [(1000, 10, 3), (1100, None, None), (1100, None, None), (1100, None, None)]


def test_an_hour_has_one_row_and_what_a_record_tells_stays(world: World) -> None:
    instagram.track_follower_growth(OWNER, NAME, 1000, 10)
    world.now_is(NOW + timedelta(minutes=20))
    instagram.track_follower_growth(OWNER, NAME, 1005, None, 7)
    world.now_is(NOW + timedelta(minutes=10))
    instagram.track_follower_growth(OWNER, NAME, 1)
    assert history(world) == [(1005, 10, 7)]
    world.now_is(NOW + timedelta(minutes=31))
    instagram.track_follower_growth(OWNER, NAME, 1006)
    assert [row[0] for row in history(world)] == [1005, 1006]

    world.write_rows("UPDATE follower_history SET record_sha256 = 'abc' WHERE followers_count = 1006")
    instagram.track_follower_growth(OWNER, NAME, 2000)
    assert [row[0] for row in history(world)] == [1005, 1006]


@pytest.mark.parametrize("followers", [None, -1, True, "1000", 1.5, 2**40])
def test_a_count_that_is_none_is_not_written(world: World, followers: Any) -> None:
    assert instagram.track_follower_growth(OWNER, NAME, followers) == {
        "daily_growth_rate": None,
        "weekly_growth_rate": None,
        "previous_followers_count": None,
        "basis": None,
    }
    assert history(world) == []
    instagram.track_follower_growth(OWNER, NAME, 0, followers)
    assert history(world) == [(0, None, None)]


# --- the profile ----------------------------------------------------------------------------------------------


def mapped(answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A profile as the predecessor mapped it, unknown counts made zero."""

    def count(name: str) -> int:
        return int((answer.get(name) or {}).get("count", 0))

    return {
        "follower_count": count("edge_followed_by"),
        "following_count": count("edge_follow"),
        "media_count": count("edge_owner_to_timeline_media"),
        **{name: answer.get(name) for name in ("biography", "is_verified", "external_url", "full_name", "id")},
        **more,
    }


PROFILED = (
    "SELECT followers_count, following_count, media_count, biography, is_verified, external_url, name,"
    " external_url_kind FROM profiles WHERE native_id = ?"
)


def test_a_profile_is_the_same_raw_and_mapped(world: World) -> None:
    answer = sample(PROFILE)
    instagram.update_creator_profile(answer["id"], answer, GROWN)
    raw = world.rows(PROFILED, answer["id"])
    links = world.rows("SELECT url, kind FROM profile_links ORDER BY position")
    world.now_is(NOW + timedelta(hours=2))
    instagram.update_creator_profile(answer["id"], mapped(answer), GROWN)

    assert world.rows(PROFILED, answer["id"]) == raw
    assert raw[0][0] == answer["edge_followed_by"]["count"]
    assert links == [(each["url"], each["type"]) for each in instagram.extract_bio_links(answer)]
    assert len(history(world)) == 2
    assert world.rows("SELECT count(*) FROM profile_media") == [(1,)]
    assert world.rows("SELECT count(*) FROM posts") == [(0,)]
    stored = figures(world)
    assert (stored["follower_growth_rate_daily"], stored["follower_growth_rate_weekly"]) == (1.5, 0.0)
    assert (stored["previous_followers_count"], stored["avg_engagement_rate"]) == (990, None)
    assert stored["total_api_calls"] is None


def test_unknown_is_not_zero_and_what_is_taken_away_is_told(world: World) -> None:
    full = {"id": OWNER, "username": NAME, "biography": "I paint", "external_url": "https://linktr.ee/p"}
    instagram.update_creator_profile(OWNER, {**full, "follower_count": 7, "is_verified": True})
    assert world.rows(PROFILED, OWNER) == [(7, None, None, "I paint", 1, "https://linktr.ee/p", NAME, "linktree")]

    world.now_is(NOW + timedelta(minutes=1))
    bare = {"id": OWNER, "username": NAME, "biography": "", "external_url": None, "full_name": "P\0"}
    instagram.update_creator_profile(OWNER, mapped({}, raw_data=bare))
    assert world.rows(PROFILED, OWNER) == [(7, None, None, "", 1, "", "P\ufffd", None)]
    assert history(world) == [(7, None, None)]


def test_what_stands_beside_a_profile_fills_what_it_lacks(world: World) -> None:
    given = [{"url": "https://t.me/p", "title": "Chat", "type": "telegram"}]
    instagram.update_creator_profile(
        OWNER,
        {"external_url": "https://p.example.com/"},
        external_url_type="shop",
        bio_links=given,
        profile_pic_url="https://media.example.com/p/avatar.jpg",
    )
    assert world.rows("SELECT url, title, kind FROM profile_links") == [("https://t.me/p", "Chat", "telegram")]
    assert world.rows("SELECT external_url_kind FROM profiles") == [("shop",)]
    assert world.rows("SELECT role, media_url FROM profile_media") == [
        ("avatar", "https://media.example.com/p/avatar.jpg")
    ]
    assert world.queued() == 0


def test_another_creators_profile_is_refused_and_so_is_what_json_cannot_hold(world: World) -> None:
    with pytest.raises(NotFound, match=GUEST):
        instagram.update_creator_profile(OWNER, {"id": GUEST, "username": "guest.gail"})
    with pytest.raises(ParseError):
        instagram.update_creator_profile(OWNER, {"biography": object()})
    assert world.rows("SELECT count(*) FROM profiles") == [(0,)]


# --- figures --------------------------------------------------------------------------------------------------


def test_all_24_are_written_at_once_and_calls_are_added(world: World) -> None:
    reels, posts = sample_lists()
    instagram.track_follower_growth(OWNER, NAME, 1000)
    world.now_is(NOW + timedelta(days=1))
    instagram.track_follower_growth(OWNER, NAME, 1100)
    result = instagram.calculate_analytics(reels, posts, 108221, now=NOW)

    instagram.update_creator_analytics(OWNER, result, 12)
    instagram.update_creator_analytics(OWNER, json.loads(json.dumps(result)), 5)

    stored = figures(world)
    assert stored["total_api_calls"] == 17
    assert stored["avg_views_per_reel_cached"] == pytest.approx(result["avg_reel_views"])
    assert stored["best_content_type"] == result["best_content_type"]
    assert (stored["mode"], stored["version"]) == ("corrected", result["version"])
    assert stored["follower_growth_rate_daily"] == pytest.approx(10)
    assert stored["previous_followers_count"] == 1000
    assert json.loads(stored["details"])["growth"]["daily"]["from_followers"] == 1000

    unknown = instagram.calculate_analytics([], [], None, now=NOW)
    instagram.update_creator_analytics(OWNER, unknown, 0)
    stored = figures(world)
    assert stored["avg_views_per_reel_cached"] is None
    assert stored["avg_engagement_rate"] is None
    assert stored["total_api_calls"] == 17
    assert set(STORED_FIELDS) <= set(stored)


def test_compat_figures_are_stored_with_the_growth_as_it_was_built(world: World) -> None:
    reels, posts = sample_lists()
    instagram.track_follower_growth(OWNER, NAME, 1000)
    world.now_is(NOW + timedelta(days=3))
    instagram.track_follower_growth(OWNER, NAME, 1100)

    result = instagram.calculate_analytics(reels, posts, 108221, now=NOW, mode="compat")
    instagram.update_creator_analytics(OWNER, result, 1)

    stored = figures(world)
    assert (stored["mode"], stored["follower_growth_rate_daily"]) == ("compat", 10.0)
    assert stored["follower_growth_rate_weekly"] is None
    assert stored["avg_engagement_rate"] == pytest.approx(2.3061862095)


@pytest.mark.parametrize(
    ("analytics", "calls"),
    [({}, 1), ({"mode": "other"}, 1), ({"mode": "corrected"}, -1), ({"mode": "corrected"}, None)],
)
def test_what_is_no_result_is_not_stored(world: World, analytics: Any, calls: Any) -> None:
    with pytest.raises(ValueError, match=r"Mode|calls"):
        instagram.update_creator_analytics(OWNER, analytics, calls)
    assert world.rows("SELECT count(*) FROM creator_analytics") == [(0,)]


def test_odd_values_in_a_result_are_unknown(world: World) -> None:
    odd = {"mode": "corrected", "avg_reel_views": "many", "viral_content_count": 1.5, "best_content_type": 3}
    instagram.update_creator_analytics(OWNER, odd, 1)
    stored = figures(world)
    assert [stored[name] for name in ("avg_views_per_reel_cached", "viral_content_count_cached")] == [None, None]
    assert stored["best_content_type"] is None


# --- telling --------------------------------------------------------------------------------------------------


def test_figures_hold_at_the_clocks_time_unless_told_and_never_without_a_zone() -> None:
    reels, posts = sample_lists()
    at = instagram.calculate_analytics(reels, posts, 108221, now=NOW)["calculated_at"]
    assert at == NOW.isoformat()
    assert instagram.calculate_analytics(reels, posts, 108221)["calculated_at"] > at
    with pytest.raises(ValueError, match="zone"):
        instagram.calculate_analytics(reels, posts, 1, now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="Mode"):
        instagram.calculate_analytics(reels, posts, 1, mode="other")


def test_words_links_and_rates_are_told_without_a_library() -> None:
    assert instagram.extract_hashtags("Grün #Köln #köln, mail#no #2") == ["köln"]
    assert instagram.extract_mentions("by @Gail.Paints. and me@mail.example") == ["Gail.Paints"]
    assert instagram.extract_hashtags(None) == instagram.extract_mentions(None) == []
    assert instagram.calculate_engagement_rate(10, 5, 1000) == 1.5
    assert instagram.calculate_engagement_rate(None, 5, 1000) is None
    assert instagram.calculate_engagement_rate(1, 5, 0) is None
    assert instagram.identify_external_url_type("https://netflix.com/x") == "personal_site"
    assert instagram.identify_external_url_type("linktr.ee/p") == "linktree"
    assert instagram.identify_external_url_type("") is instagram.identify_external_url_type(None) is None
    assert instagram.extract_bio_links({"bio_links": [{"url": "https://t.me/p", "title": ""}, None]}) == [
        {"url": "https://t.me/p", "title": None, "type": "telegram"}
    ]
    assert instagram.extract_bio_links(None) == instagram.extract_bio_links({"follower_count": 1}) == []
