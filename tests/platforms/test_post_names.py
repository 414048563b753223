"""Every form in which a browser, a record or a person names a post; what is another site's names none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.model import OWN_ID, Alias
from postkeep.platforms import PLATFORMS, load_platform, post_names

PHOTO = ("instagram", Alias(OWN_ID, "3713480536923032335"))
CODE = "DOI7t-bn8sP"
THREAD = ("reddit", Alias(OWN_ID, "1abcd2"))


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.instagram.com/p/{CODE}/",
        f"http://instagram.com/p/{CODE}",
        f"instagram.com/reel/{CODE}/?utm_source=ig_web_copy_link&igsh=x==",
        f"https://www.instagram.com/reels/{CODE}/#top",
        f"https://m.instagram.com/tv/{CODE}/embed/captioned/",
        f"https://www.instagram.com/paula.paints/p/{CODE}/",
        f"HTTPS://WWW.Instagram.com/paula.paints/Reel/{CODE}?img_index=2",
        f"https://instagr.am/p/{CODE}/",
        "https://www.instagram.com/stories/paula.paints/3713480536923032335/",
        "3713480536923032335_4401122334",
    ],
)
def test_an_instagram_post_s_address_names_its_number(text: str) -> None:
    assert post_names(text) == [PHOTO]


@pytest.mark.parametrize(
    "text",
    [
        "https://www.reddit.com/r/Kilns/comments/1abcd2/a_title/",
        "https://old.reddit.com/r/Kilns/comments/1ABCD2/",
        "https://www.reddit.com/r/Kilns/comments/1abcd2/a_title/k0mment/?context=3",
        "https://www.reddit.com/user/jane_potter/comments/1abcd2/a_title/",
        "https://reddit.com/comments/1abcd2",
        "reddit.com/gallery/1abcd2#x",
        "https://redd.it/1abcd2",
        "/r/Kilns/comments/1abcd2/a_title/",
        "r/Kilns/comments/1abcd2",
        "t3_1abcd2",
    ],
)
def test_a_submission_s_address_names_its_id(text: str) -> None:
    assert post_names(text) == [THREAD]


@pytest.mark.parametrize(
    "text",
    [
        "https://www.instagram.com/paula.paints/",
        f"https://www.instagram.com.example.org/p/{CODE}/",
        f"https://example.org/instagram.com/p/{CODE}/",
        f"https://www.instagram.com/p/{CODE}\n",
        "https://www.instagram.com/p/",
        "https://www.instagram.com/explore/",
        "https://i.redd.it/1abcd2.jpg",
        "https://v.redd.it/1abcd2/DASH_720.mp4",
        "https://www.reddit.com/r/Kilns/",
        "https://example.org/comments/1abcd2",
        "t1_1abcd2",
        "r/Kilns",
        "jane-doe",
        "3713480536923032335",
        "",
    ],
)
def test_what_is_no_post_s_address_names_none(text: str) -> None:
    assert post_names(text) == []


def test_an_activity_is_the_post_s_own_id_and_another_urn_a_name_of_it() -> None:
    linkedin = load_platform("linkedin")
    activity = Alias("activity", "7298000000000000001")
    assert linkedin.post_names("https://www.linkedin.com/posts/jane_x-activity-7298000000000000001-AbCd") == (
        Alias(OWN_ID, activity.value),
        activity,
    )
    assert linkedin.post_names("urn:li:share:7298000000000000002") == (Alias("share", "7298000000000000002"),)


@given(
    st.text() | st.from_regex(r"(https://)?(www\.instagram\.com|redd\.it|reddit\.com)/[^ ]{0,40}", fullmatch=True)
)
def test_no_text_is_too_odd(text: str) -> None:
    for name, alias in post_names(text):
        assert name in PLATFORMS
        assert alias.value
