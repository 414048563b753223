"""People change their names, also among each other and all at once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from tests.library.world import World
from tests.records import EPOCH, author, post


def named(number: int, username: str) -> dict:
    """A post by member `number`, who is called this at the time."""
    member = f"urn%3Ali%3Afsd_profile%3AACoAAmember{number}"
    url = f"https://www.linkedin.com/in/{username}?miniProfileUrn={member}"
    return post(number, author=author(username, profile_url=url))


def names(here: World) -> dict[str, str | None]:
    return dict(here.rows("SELECT native_id, username FROM profiles WHERE native_id IS NOT NULL"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_names_that_go_round_within_one_import_arrive(here, order):
    here.bring(*(named(n, name) for n, name in enumerate(("anna", "bert", "cleo"))), fetch=False)
    after = ("bert", "cleo", "anna")

    summary = here.bring(*(named(n, after[n]) for n in order), at=EPOCH + timedelta(days=1), fetch=False)

    assert (summary.duplicates, summary.errors) == (3, 0)
    assert names(here) == {f"ACoAAmember{n}": after[n] for n in range(3)}
    assert here.library.verify_database() == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_name_given_up_and_taken_within_one_import_changes_hands(here, first):
    here.bring(named(0, "anna"), named(1, "bert"), fetch=False)
    moves = [named(0, "anna-new"), named(1, "anna")]

    here.bring(moves[first], moves[1 - first], at=EPOCH + timedelta(days=1), fetch=False)

    assert names(here) == {"ACoAAmember0": "anna-new", "ACoAAmember1": "anna"}
    assert here.library.verify_database() == []
