"""Who may look in through Supabase, at the command line: what is asked of the library, what people are told."""

from __future__ import annotations

from uuid import UUID as Uuid

import pytest

from postkeep.errors import NotFound
from postkeep.views.databases import UpgradeSummary
from tests.cli.answers import FakeLibrary
from tests.cli.commands import UUID
from tests.cli.conftest import Call


def test_a_user_is_allowed_and_denied_in_one_spelling(call: Call, library: FakeLibrary) -> None:
    assert call("db", "allow", UUID.upper(), "--note", "the desk").code == 0
    assert call("db", "deny", UUID.replace("-", "")).code == 0
    assert [each for each in library.asked if each[0] != "is_supabase"] == [
        ("allow_user", (Uuid(UUID),), {"note": "the desk"}),
        ("deny_user", (Uuid(UUID),), {}),
    ]


def test_what_comes_of_it_is_said_of_supabase_alone(call: Call, library: FakeLibrary) -> None:
    assert call("db", "allow", UUID).err == f"{UUID} may see and change everything\n"
    assert call("db", "deny", UUID).err == f"{UUID} sees nothing any more\n"
    library.answers["is_supabase"] = False
    because = "this database is not on Supabase, so nobody asks the list"
    assert call("db", "allow", UUID).err == f"{UUID} is listed; {because}\n"
    assert call("db", "deny", UUID).err == f"{UUID} is not listed any more; {because}\n"


def test_users_are_listed(call: Call, library: FakeLibrary) -> None:
    assert UUID in call("db", "allowed").out
    assert library.opened == [True]
    library.answers["allowed_users"] = []
    words, document = call("db", "allowed"), call("db", "allowed", "--json")
    assert (words.code, words.out, words.err) == (0, "", "nobody is listed\n")
    assert (document.out, document.err) == ("[]\n", "")


@pytest.mark.parametrize("arguments", [("allow",), ("allow", "jane@example.com"), ("deny", "1")])
def test_what_is_no_user_id_asks_nothing(arguments: tuple[str, ...], call: Call, library: FakeLibrary) -> None:
    called = call("db", *arguments)
    assert (called.code, called.out, library.asked) == (2, "", [])


def test_who_is_not_listed_cannot_be_denied(call: Call, library: FakeLibrary) -> None:
    library.answers["deny_user"] = NotFound(f"{UUID} is not listed")
    called = call("db", "deny", UUID)
    assert called.code == 2
    assert "is not listed" in called.err


def test_an_upgrade_tells_what_it_set_right(call: Call, library: FakeLibrary) -> None:
    library.answers["upgrade"] = UpgradeSummary("0003", "0003", 0, ("posts: dropped other policies: everybody",))
    called = call("db", "upgrade")
    assert called.out == "posts: dropped other policies: everybody\n"
