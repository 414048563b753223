"""Platforms take `Jane` and `jane` for one name, and so do we: in imports, lists, references, after erasing."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from postkeep.views.people import NewProfile
from tests.library.world import World
from tests.platforms.reddit_records import text_post, thing
from tests.records import EPOCH, author, post

DAY = timedelta(days=1)
BOTH = pytest.mark.parametrize("spelled", [("Python", "python"), ("python", "Python")])


def submission(identity: str, community: str, by: str = "Jane_Potter", **more: Any) -> dict[str, Any]:
    """A submission that tells no ids but its own."""
    return thing(
        text_post(identity, subreddit=community, author=by, subreddit_id=..., author_fullname=..., **more)
    )


def submit(here: World, *submissions: Any, at: int = 0) -> None:
    here.library.import_([here.write(*submissions, at=EPOCH + at * DAY, user="reddit")], fetch=False)


def people(here: World, kind: str = "subreddit") -> list[str | None]:
    return [line.username for line in here.library.people.profiles() if line.kind == kind]


@BOTH
def test_a_name_in_another_case_is_the_same_profile_called_as_seen_last(here, spelled):
    for at, name in enumerate(spelled):
        submit(here, submission(f"one{at}", name), at=at)

    assert people(here) == [spelled[1]]
    found = here.library.people.show("r/PYTHON")
    assert {each.value for each in found.names if each.kind == "username"} == set(spelled)
    # What was seen before comes in later.
    submit(here, submission("older", spelled[0]), at=-1)
    assert people(here) == [spelled[1]]
    assert here.library.verify_database() == []


def test_spellings_within_one_file_are_one_profile_in_whatever_order(here, tmp_path):
    submit(here, submission("one1", "Python"), submission("one2", "python", by="jane_POTTER"))
    assert (people(here), people(here, "redditor")) == (["python"], ["jane_POTTER"])
    submit(here, submission("one3", "Python", by="Jane_Potter"), at=0)
    assert (people(here), people(here, "redditor")) == (["python"], ["jane_POTTER"])


def test_of_two_ids_the_one_seen_last_has_the_name_however_it_is_spelled(here):
    submit(here, thing(text_post("one1", subreddit="Kilns", subreddit_id="t5_kiln1")))
    submit(here, thing(text_post("one2", subreddit="kilns", subreddit_id="t5_kiln2")), at=1)
    found = here.rows("SELECT native_id, username FROM profiles WHERE kind = 'subreddit' ORDER BY 1")
    assert found == [("t5_kiln1", None), ("t5_kiln2", "kilns")]


def test_posts_are_found_by_their_author_in_any_case(here):
    submit(here, submission("one1", "python", by="Jane"), submission("one2", "python", by="Joe"))
    submit(here, submission("one3", "python", by="jane"), at=1)

    for name in ("Jane", "jane", "JANE"):
        assert [line.native_id for line in here.library.posts(author=name)] == ["one3", "one1"], name
        first = here.library.posts(author=name, limit=1)
        assert [line.native_id for line in here.library.posts(author=name, after=first[0].post_id)] == ["one1"]


def test_who_is_gone_is_found_by_the_author_in_any_case(here):
    submit(here, submission("one1", "python", by="Jane", selftext="[removed]", removed_by_category="moderator"))
    assert [each.native_id for each in here.library.erasing.gone(author="JANE")] == ["one1"]
    assert here.library.erasing.gone(author="joe") == []


def test_adding_somebody_in_another_case_adds_nobody(here):
    here.library.import_([here.write(post(1, author=author("jane-doe")))], fetch=False)
    added = here.library.people.add(NewProfile("linkedin/Jane-Doe"))
    assert (added.new, added.line.username, added.line.active) == (False, "jane-doe", True)

    lines = ["Jane,JANE-DOE,linkedin,", "P,Python,reddit,subreddit", "P,pyTHON,reddit,subreddit"]
    text = "\n".join(["name,username,platform,kind", *lines])
    told = here.library.people.import_csv("people.csv", stdin=BytesIO(text.encode()))
    assert (told.new, told.problems) == (1, ())
    assert people(here, "person") == ["jane-doe"]
    assert people(here) == ["Python"]
    submit(here, submission("one1", "python"))
    assert people(here) == ["python"]


def test_a_former_name_is_known_in_any_case(here):
    submit(here, thing(text_post("one1", author="Jane", author_fullname="t2_jane01")))
    submit(here, thing(text_post("one2", author="jane_potter", author_fullname="t2_jane01")), at=1)
    submit(here, thing(text_post("one3", author="JANE", author_fullname="t2_jane01")), at=-1)
    assert here.library.people.show("u/jANE").line.username == "jane_potter"


def test_who_was_erased_does_not_come_back_in_another_case(here):
    submit(here, submission("one1", "clay", by="Jane"))
    here.library.erasing.profile("u/JANE", reason="asked to")
    submit(here, submission("one2", "clay", by="jANE"), at=1)
    assert people(here, "redditor") == []
    assert here.library.erasing.readmit("JANE", platform="reddit") > 0
    submit(here, submission("one3", "clay", by="jane"), at=2)
    assert people(here, "redditor") == ["jane"]
