"""Which files may lie beside a downloader's record, by names alone."""

from __future__ import annotations

import pytest

from postkeep.model import Json, MediaType
from postkeep.platforms.instagram import PLATFORM as INSTAGRAM
from postkeep.platforms.reddit import PLATFORM as REDDIT
from postkeep.stages.neighbours import Neighbour, may_be_sidecar, neighbours, profile_pictures
from tests.platforms import instagram_records as insta
from tests.platforms import reddit_records as reddit

BASE = "2025-09-03_11-46-40_UTC"


def found(name: str, record: Json, platform: object = INSTAGRAM) -> list[Neighbour]:
    return neighbours(name, platform.name, record, platform.parse(record))


def keys(found: list[Neighbour], name: str, media_type: MediaType) -> list[tuple[str, str]]:
    """What a file of this name and type may be: role and media key."""
    [one] = [each for each in found if each.name == name]
    return [(subject.role, subject.media_key) for subject in one.of_type(media_type)]


def test_instaloader_numbers_the_slides_and_gives_a_stills_number_to_its_video():
    files = found(f"{BASE}.json.xz", insta.instaloader("Post", insta.sidecar_node()))
    assert {each.name.partition(".")[0] for each in files} == {f"{BASE}_{n}" for n in (1, 2, 3)}
    assert keys(files, f"{BASE}_1.jpg", MediaType.IMAGE) == [("own", insta.SECOND)]
    assert keys(files, f"{BASE}_2.mp4", MediaType.VIDEO) == [("own", insta.FIRST)]
    assert keys(files, f"{BASE}_2.jpg", MediaType.IMAGE) == [("thumbnail", "601_1_1_n")]
    assert keys(files, f"{BASE}_3.jpg", MediaType.VIDEO) == []


def test_instaloaders_lone_picture_needs_no_number():
    files = found(f"{BASE}.json", insta.instaloader("Post", insta.node()))
    assert keys(files, f"{BASE}.jpg", MediaType.IMAGE) == [("own", insta.PHOTO)]
    assert keys(files, f"{BASE}_1.jpg", MediaType.IMAGE) == [("own", insta.PHOTO)]
    assert not any(each.name.endswith(".mp4") for each in files)


def test_a_carousel_of_which_a_slide_is_missing_counts_nothing():
    node = insta.sidecar_node()
    node["edge_sidecar_to_children"]["edges"][0] = {"node": {}}
    assert found(f"{BASE}.json", insta.instaloader("Post", node)) == []


def test_gallery_dl_names_one_file():
    record = insta.gallery(2, insta.FIRST, "601_1_1", video_url=insta.film("601_1_1"))
    files = found("a.b.mp4.json", record)
    assert [each.name for each in files] == ["a.b.mp4"]
    assert keys(files, "a.b.mp4", MediaType.VIDEO) == [("own", insta.FIRST)]
    assert keys(files, "a.b.mp4", MediaType.IMAGE) == [("thumbnail", "601_1_1_n")]


@pytest.mark.parametrize("name", ["info.json", ".json", "a.mp4.json.xz", "a.mp4.jsonl", "-", "..json"])
def test_other_names_of_gallery_dls_records_have_no_neighbour(name):
    assert found(name, insta.gallery(1, insta.SECOND, "602_1_1")) == []


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"filename": "vase0000000aa"}, "vase0000000aa"),
        ({"filename": "vase0000000cc", "num": 2}, "vase0000000cc"),
        ({"num": 1}, "vase0000000cc"),
        ({"num": 2}, "vase0000000aa"),
        ({"num": 3}, None),
        ({"num": 0}, None),
        ({"num": "1"}, None),
    ],
)
def test_a_file_of_a_reddit_gallery_is_the_one_its_record_names_or_counts(more, key):
    record = reddit.sidecar(reddit.gallery_post(), **more)
    files = found("g 01.jpg.json", record, REDDIT)
    expected = [] if key is None else [("own", key)]
    assert [pair for each in files for pair in keys([each], each.name, MediaType.IMAGE)] == expected


def test_the_preview_of_a_link_is_no_file_of_gallery_dls():
    assert found("a.jpg.json", reddit.sidecar(reddit.post("link01")), REDDIT) == []


def test_a_profile_picture_is_the_newest_of_a_folder_of_one_profile():
    record = insta.instaloader_profile()
    parsed = INSTAGRAM.parse(record)
    name, old, new = (
        "paula.paints_5500112233.json.xz",
        "2024-01-01_00-00-00_UTC_profile_pic.jpg",
        "2025-01-01_00-00-00_UTC_profile_pic.jpg",
    )
    listed = [name, new, old, f"{BASE}.json.xz", f"{BASE}_1.jpg"]
    [picture] = profile_pictures(name, "instagram", parsed, listed)
    assert picture.name == new
    assert keys([picture], new, MediaType.IMAGE) == [("avatar", "111_222_333_n")]
    assert profile_pictures(name, "instagram", parsed, [*listed, "gail_77.json"]) == []
    assert profile_pictures(name, "instagram", parsed, [name]) == []
    assert found(name, record) == []


def test_records_of_others_have_no_neighbours():
    assert found("a.jpg.json", insta.node()) == []
    assert not may_be_sidecar("a.json.gz", b'{"instaloader": 1}')
    assert not may_be_sidecar("a.json", b'{"posts": 1}')
    assert may_be_sidecar("a.json.xz", b'{"instaloader": 1}')
