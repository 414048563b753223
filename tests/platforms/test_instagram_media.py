"""Which media a post has, by which key they are known, and which rendition is taken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.model import Json
from tests.platforms import instagram_records as made
from tests.platforms.instagram_records import (
    CLIP,
    INSTAGRAM,
    media_of,
    read,
)


def test_of_equal_videos_the_one_of_the_larger_bandwidth_is_taken() -> None:
    film, still = read(made.clip()).media
    assert film.url == made.film("Clip", "720b")
    assert (film.role, film.media_key, film.rendition) == ("own", CLIP, "video-720x1280")
    assert (still.role, still.media_key, still.rendition) == ("thumbnail", "500_501_502_n", "image-720x960")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 4000)), min_size=1, max_size=6))
def test_quality_does_not_stand_in_order(sizes: list[tuple[int, int]]) -> None:
    record = made.photo()
    record["image_versions2"]["candidates"] = [
        {"url": made.picture("400_401_402"), "width": width, "height": height} for width, height in sizes
    ]
    assert read(record).media[0].rendition_rank == max(width * height for width, height in sizes)


def test_one_file_under_another_server_path_and_signature_is_one_thumbnail() -> None:
    record = made.clip()
    before = read(record).media[1].media_key
    moved = made.picture("500_501_502", server="https://x.fbcdn.net", signature="zz").replace(
        "t51.2885", "t51.71878"
    )
    record["image_versions2"]["candidates"] = [{"url": moved, "width": 480, "height": 852}]
    assert read(record).media[1].media_key == before


def test_without_candidates_a_clip_takes_its_first_frame_and_a_photo_tells_nothing() -> None:
    frame = {"url": made.picture("900_1_1"), "width": 480, "height": 852}
    empty = {"candidates": [], "additional_candidates": {"first_frame": frame, "smart_frame": None}}
    assert media_of(read({**made.clip(), "image_versions2": empty})) == [("own", CLIP), ("thumbnail", "900_1_1_n")]
    parsed = INSTAGRAM.parse({**made.photo(), "image_versions2": {"candidates": []}})
    assert (parsed.posts[0].media, parsed.posts[0].tells_media) == ((), False)
    assert parsed.unknown_keys == ("image_versions2=absent",)


def test_a_carousel_that_shows_less_than_it_says_does_not_tell_its_media() -> None:
    assert read(made.carousel()).tells_media
    assert not read({**made.carousel(), "carousel_media_count": 4}).tells_media


def test_a_short_form_shows_a_still_and_does_not_tell_its_media() -> None:
    still = {"carousel_media": [], "image_versions2": made.candidates("602_1_1")}
    short = made.sidecar_node()
    del short["edge_sidecar_to_children"]
    film = {**made.node(), "is_video": True}
    posts = [read(each) for each in ({**made.carousel(), **still}, short, film)]
    assert [media_of(post) for post in posts] == [
        [("thumbnail", "602_1_1_n")],
        [("thumbnail", "400_401_402_n")],
        [("thumbnail", "400_401_402_n")],
    ]
    assert not any(post.tells_media for post in posts)


@pytest.mark.parametrize("url", ["ftp://a.example.com/b", "https://", 7, "https://a.example.com/" + "x" * 4000])
def test_an_unusable_url_is_told_and_nothing_is_taken_for_absent(url: Json) -> None:
    record = made.photo()
    record["image_versions2"]["candidates"] = [{"url": url, "width": 1, "height": 1}]
    parsed = INSTAGRAM.parse(record)
    assert "media.url=unusable" in parsed.unknown_keys
    assert (parsed.posts[0].media, parsed.posts[0].tells_media) == ((), False)


def test_media_are_bounded() -> None:
    parsed = INSTAGRAM.parse({**made.carousel(), "carousel_media": made.carousel()["carousel_media"][:1] * 1001})
    assert len(parsed.posts[0].media) == 1000
    assert parsed.unknown_keys == ("media=too_many",)
