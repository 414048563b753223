"""The media of Reddit's submissions: order, originals, renditions, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from postkeep.model import Link, MediaRef, MediaType, Post, PostFormat, Role
from postkeep.platforms import load_platform
from tests.platforms import reddit_records as records
from tests.platforms.reddit_records import escaped, preview, reddit_video, thing

REDDIT = load_platform("reddit")


def read(content: dict[str, Any]) -> Post:
    (post,) = REDDIT.parse(thing(content)).posts
    return post


def only(content: dict[str, Any]) -> MediaRef:
    (found,) = read(content).media
    return found


def places(post: Post) -> list[tuple[str, str]]:
    return [(ref.role, ref.url) for ref in post.media]


def test_a_gallery_keeps_its_own_order_and_captions_without_what_was_deleted_or_failed() -> None:
    post = read(records.gallery_post())
    assert [(ref.position, ref.url, ref.caption, ref.width, ref.height) for ref in post.media] == [
        (0, "https://i.redd.it/vase0000000cc.png", "The vase", 2000, 1000),
        (1, "https://i.redd.it/vase0000000aa.jpg", None, 640, 480),
    ]
    assert (post.format, post.tells_media) == (PostFormat.CAROUSEL, True)
    assert post.links == (Link("https://shop.example.com/vase", "article", "The vase"),)


@pytest.mark.parametrize(
    "missing",
    [
        {"gallery_data": None},
        {"media_metadata": None},
        {"gallery_data": None, "media_metadata": None},
        {"gallery_data": ...},
        {"media_metadata": {}},
        {"gallery_data": {"items": None}},
    ],
)
def test_a_gallery_without_its_pictures_takes_none_away(missing: dict[str, Any]) -> None:
    post = read(records.gallery_post(**missing))
    assert (post.format, post.media, post.tells_media) == (PostFormat.CAROUSEL, (), False)


def test_an_unprocessed_picture_is_still_to_come() -> None:
    content = records.gallery_post()
    content["media_metadata"]["vase0000000aa"] = {"status": "unprocessed"}
    post = read(content)
    assert [ref.media_key for ref in post.media] == ["vase0000000cc"]
    assert [ref.position for ref in post.media] == [0]
    assert not post.tells_media


def test_the_same_picture_twice_has_two_places() -> None:
    content = records.gallery_post()
    content["gallery_data"]["items"] = [{"media_id": "vase0000000aa"}, {"media_id": "vase0000000aa"}]
    assert [(ref.position, ref.occurrence) for ref in read(content).media] == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("address", "url", "key"),
    [
        ("https://i.redd.it/bowl0000000aa.jpeg", "https://i.redd.it/bowl0000000aa.jpeg", "bowl0000000aa"),
        ("https://i.redd.it/bowl0000000aa", "https://i.redd.it/bowl0000000aa", "bowl0000000aa"),
        (
            "https://preview.redd.it/my-bowl-v0-bowl0000000aa.png?width=9&amp;s=ab",
            *("https://i.redd.it/bowl0000000aa.png", "bowl0000000aa"),
        ),
        (
            "https://i.reddituploads.com/0f44f1b1fca2461f?fit=max&h=9&s=ab",
            *("https://i.reddituploads.com/0f44f1b1fca2461f?fit=max&h=9&s=ab", "0f44f1b1fca2461f"),
        ),
    ],
)
def test_a_single_picture_is_its_original(address: str, url: str, key: str) -> None:
    found = only(records.image_post(address=address))
    assert (found.role, found.media_type, found.url, found.media_key) == (Role.OWN, MediaType.IMAGE, url, key)
    assert (found.width, found.height, found.rendition_rank) == (1200, 900, 1200)


def test_a_spoiler_and_a_moving_picture_are_taken_themselves() -> None:
    blurred = {"source": {"url": "https://preview.redd.it/x.jpeg?blur=40&s=1", "width": 9, "height": 9}}
    shown = preview("preview.redd.it", "spin0000000aa.gif", 300, 200, gif=blurred, mp4=blurred, obfuscated=blurred)
    found = only(records.image_post(address="https://i.redd.it/spin0000000aa.gif", preview=shown, spoiler=True))
    assert (found.url, found.media_type) == ("https://i.redd.it/spin0000000aa.gif", MediaType.IMAGE)


def test_a_moving_picture_of_a_gallery_is_the_gif() -> None:
    content = records.gallery_post()
    source = {"gif": "https://i.redd.it/vase0000000aa.gif", "mp4": "https://preview.redd.it/vase0000000aa.gif?s=1"}
    moving = {"status": "valid", "e": "AnimatedImage", "m": "image/gif", "s": {"x": 9, "y": 8, **source}}
    content["media_metadata"]["vase0000000aa"] = moving
    assert read(content).media[1].url == "https://i.redd.it/vase0000000aa.gif"


def test_a_picture_from_elsewhere_is_not_looked_for_among_the_uploads() -> None:
    content = records.gallery_post()
    source = {"u": "https://cdn.example.com/vase.jpg", "x": 9, "y": 8}
    content["media_metadata"]["vase0000000aa"] = {"status": "valid", "e": "Image", "m": "image/jpg", "s": source}
    assert read(content).media[1].url == "https://cdn.example.com/vase.jpg"


def test_a_video_comes_with_its_sound_and_poster() -> None:
    film, sound, poster = read(records.video_post()).media
    assert (film.role, film.media_type, film.media_key) == (Role.OWN, MediaType.VIDEO, "film00000001x")
    assert film.url == "https://v.redd.it/film00000001x/DASH_720.mp4?source=fallback"
    assert (film.rendition, film.rendition_rank, film.width, film.height) == ("DASH_720", 720, 720, 1280)
    assert (sound.role, sound.media_type, sound.media_key) == (Role.AUDIO_TRACK, MediaType.VIDEO, "film00000001x")
    assert sound.url == "https://v.redd.it/film00000001x/DASH_AUDIO_128.mp4"
    assert sound.alternatives == ("DASH_AUDIO_64.mp4", "DASH_audio.mp4", "audio")
    assert (poster.role, poster.media_type, poster.media_key) == (Role.THUMBNAIL, MediaType.IMAGE, "film00000001x")
    assert poster.url.startswith("https://external-preview.redd.it/Cover00_film.png?width=720&format=")


@pytest.mark.parametrize(
    ("rendition", "named", "rank", "names"),
    [
        ("CMAF_1080.mp4", "CMAF_1080", 1080, ["CMAF_AUDIO_128.mp4", "CMAF_AUDIO_64.mp4"]),
        ("DASH_480", "DASH_480", 480, ["DASH_AUDIO_128.mp4", "DASH_AUDIO_64.mp4", "DASH_audio.mp4", "audio"]),
        ("DASH_2_4_M", "DASH_2_4_M", 720, ["DASH_AUDIO_128.mp4", "DASH_AUDIO_64.mp4", "DASH_audio.mp4", "audio"]),
    ],
)
def test_the_sound_is_looked_for_in_the_videos_family(
    rendition: str, named: str, rank: int, names: list[str]
) -> None:
    film, sound, _ = read(records.video_post(video=reddit_video(rendition=rendition))).media
    assert (film.rendition, film.rendition_rank) == (named, rank)
    assert [sound.url.rpartition("/")[2], *sound.alternatives] == names


@pytest.mark.parametrize("silent", [{"has_audio": False}, {"is_gif": True}])
def test_a_silent_video_has_no_sound(silent: dict[str, Any]) -> None:
    post = read(records.video_post(video=reddit_video(**silent)))
    assert [ref.role for ref in post.media] == [Role.OWN, Role.THUMBNAIL]


def test_a_video_whose_rendition_is_not_told_is_tried_under_its_names() -> None:
    post = read(records.video_post(video=reddit_video(fallback_url=None, width=854, height=480)))
    film, sound, _ = post.media
    assert film.url == "https://v.redd.it/film00000001x/CMAF_480.mp4"
    assert film.alternatives == ("DASH_480.mp4", "CMAF_360.mp4", "DASH_360.mp4", "CMAF_240.mp4", "DASH_240.mp4")
    assert film.rendition_rank == 480
    assert [sound.url.rpartition("/")[2], *sound.alternatives][2] == "DASH_AUDIO_128.mp4"
    assert not post.tells_media
    alone = read(records.video_post(media=None, secure_media=None, preview=None))
    assert [ref.media_key for ref in alone.media] == ["film00000001x"] * 2
    assert (alone.format, alone.tells_media) == (PostFormat.VIDEO, False)


def test_a_poster_may_be_the_thumbnail() -> None:
    small = "https://b.thumbs.redditmedia.com/abc.jpg"
    post = read(records.video_post(preview=None, thumbnail=small, thumbnail_width=140, thumbnail_height=78))
    assert (post.media[2].role, post.media[2].url, post.media[2].rendition_rank) == (Role.THUMBNAIL, small, 140)


@pytest.mark.parametrize("word", ["self", "default", "nsfw", "spoiler", "image", "", None])
def test_words_in_place_of_a_thumbnail_are_no_media(word: str | None) -> None:
    assert read(records.post("link01", thumbnail=word)).media == ()
    assert len(read(records.video_post(preview=None, thumbnail=word)).media) == 2


@pytest.mark.parametrize(
    "host", ["i.imgur.com/a.jpg", "www.redgifs.com/watch/a", "youtu.be/a", "i.redd.it.example.com/abcd.jpg"]
)
def test_what_lies_elsewhere_is_a_link_with_its_preview(host: str) -> None:
    shown = preview("external-preview.redd.it", "Link00000_x.jpg", 640, 360)
    content = records.post(
        "link01", url_overridden_by_dest=f"https://{host}", preview=shown, post_hint="rich:video"
    )
    content["secure_media"] = {"type": "x", "oembed": {"title": "The film", "html": "<iframe src='x'>"}}
    post = read(content)
    assert (post.format, post.links) == (PostFormat.LINK, (Link(f"https://{host}", "article", "The film"),))
    (found,) = post.media
    assert (found.role, found.media_key, found.width) == (Role.ARTICLE, "Link00000_x", 640)


def test_uploads_in_a_text_stand_in_its_order() -> None:
    post = read(records.inline_post())
    assert [(ref.role, ref.media_type, ref.media_key, ref.caption) for ref in post.media] == [
        (Role.OWN, MediaType.IMAGE, "kiln0000000bb", "The kiln"),
        (Role.OWN, MediaType.IMAGE, "kiln0000000aa", None),
        (Role.OWN, MediaType.IMAGE, "giphy|spin01", None),
        (Role.OWN, MediaType.VIDEO, "film00000009z", None),
        (Role.AUDIO_TRACK, MediaType.VIDEO, "film00000009z", None),
    ]
    assert post.media[1].url == "https://i.redd.it/kiln0000000aa.png"
    assert post.media[2].url.startswith("https://external-preview.redd.it/Spin00.gif?")
    assert post.media[3].url == "https://v.redd.it/film00000009z/CMAF_480.mp4"
    assert post.format is PostFormat.TEXT
    assert post.links == ()
    titled = "[My kiln](https://preview.redd.it/kiln0000000aa.png?width=9&s=0f)"
    assert read(records.inline_post(selftext=titled)).media[0].caption == "My kiln"


def test_a_text_with_a_link_has_its_preview_only_when_it_shows_nothing_else() -> None:
    shown = preview("external-preview.redd.it", "Page00000_x.jpg", 640, 360)
    assert only(records.text_post(preview=shown)).role is Role.ARTICLE
    own = preview("preview.redd.it", "kiln0000000aa.png", 640, 360)
    assert read(records.text_post(preview=own)).media == ()
    assert Role.ARTICLE not in {ref.role for ref in read(records.inline_post(preview=shown)).media}


def test_escaped_addresses_are_mended() -> None:
    for content in records.posts():
        assert places(read(escaped(content))) == places(read(content))
        assert not any("&amp;" in ref.url for ref in read(escaped(content)).media)


def test_media_are_bounded() -> None:
    content = records.gallery_post()
    content["gallery_data"]["items"] *= 1001
    parsed = REDDIT.parse(thing(content))
    assert len(parsed.posts[0].media) == 1000
    assert not parsed.posts[0].tells_media
    assert "media=too_many" in parsed.unknown_keys
