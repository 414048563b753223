"""A post is found wherever one is asked for, by the address a browser shows and by the id that exports tell."""

from __future__ import annotations

import pytest

from postkeep.errors import NotFound
from tests.library.world import World
from tests.platforms import instagram_records as instagram
from tests.platforms.reddit_records import text_post, thing

CODE = instagram.code_of(instagram.PHOTO)


NAMES = {
    "instagram": (
        f"https://www.instagram.com/p/{CODE}/",
        f"https://www.instagram.com/paula.paints/reel/{CODE}/?igsh=x",
        CODE,
        instagram.PHOTO,
        f"instagram:{instagram.PHOTO}",
    ),
    "reddit": (
        "https://www.reddit.com/r/Kilns/comments/text01/",
        "https://redd.it/text01",
        "t3_text01",
        "text01",
    ),
}


def test_wherever_a_post_is_asked_for(here: World) -> None:
    records = [instagram.photo(), thing(text_post("text01")), thing(text_post("other1"))]
    here.library.import_([here.write(*records, user="some")], fetch=False)
    here.library.people.add_tag("seen")

    for platform, references in NAMES.items():
        for reference in references:
            shown = here.library.post(reference).line
            assert shown.platform == platform, reference
            assert {each.post_id for each in here.library.media_list(post=reference)} <= {shown.post_id}
            assert here.library.people.put_tag("seen", posts=[reference]).posts == 1
            assert here.library.people.take_tag("seen", posts=[reference]).posts == 1
            assert here.library.people.set_post_notes(reference, "good").post_id == shown.post_id


def test_the_address_a_post_is_shown_with_leads_back_to_it(here: World) -> None:
    records = [instagram.photo(), instagram.clip(), instagram.carousel(), thing(text_post("text01"))]
    here.library.import_([here.write(*records, user="some")], fetch=False)
    lines = here.library.posts()
    assert len(lines) == 4
    for line in lines:
        for name in (line.url, line.native_id, line.post_id):
            assert here.library.post(name or "").line.post_id == line.post_id, name


def test_a_post_nobody_knows_says_what_to_do(here: World) -> None:
    with pytest.raises(NotFound, match="postkeep posts list shows those there are"):
        here.library.post("https://redd.it/nobody")
