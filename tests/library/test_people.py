"""People kept in order on both databases: found by any of their names, brought in from CSV, listed in pages."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from postkeep.errors import ConfigError, NotFound, SourceError, StoreClash
from postkeep.model import Presence, ProfileKind
from postkeep.stages import people_csv
from postkeep.views.people import NewProfile, PeopleImport, ProfileLine
from tests.library.world import World
from tests.platforms import instagram_records as instagram
from tests.platforms.reddit_records import community, deleted_post, removed_post, text_post, thing
from tests.records import EPOCH, author, post
from tests.store.test_listing import counted

DAY = timedelta(days=1)


def bring(here: World, text: str, **more: Any) -> PeopleImport:
    return here.library.people.import_csv("people.csv", stdin=BytesIO(text.encode()), **more)


def add(here: World, who: str, **more: Any) -> ProfileLine:
    return here.library.people.add(NewProfile(who, **more)).line


def listed(here: World, **more: Any) -> list[str | None]:
    return [line.username for line in here.library.people.profiles(**more)]


def renamed(here: World, before: str, after: str) -> str:
    """A profile that was seen under one username, and under another later; its id."""
    known = {
        "profile_url": f"https://www.linkedin.com/in/x?miniProfileUrn=urn%3Ali%3Afsd_profile%3AACoAA{after:0>9}"
    }
    for at, name in ((EPOCH, before), (EPOCH + DAY, after)):
        record = post(sum(map(ord, after)), author=author(name) | known)
        here.library.import_([here.write(record, at=at, user=name)], fetch=False)
    return here.library.people.show(after).line.profile_id


def problems(summary: PeopleImport) -> dict[int, str]:
    return {each.line: each.reason for each in summary.problems}


# --- by which name ------------------------------------------------------------------------------------


def test_a_profile_is_found_by_every_name_it_has(here):
    jane = add(here, "https://www.linkedin.com/in/jane/", name="Jane Doe")
    here.write_rows(
        "INSERT INTO old_ids (old_id, new_id, table_name) VALUES ('prf-0000000a', ?, 'profiles')", jane.profile_id
    )
    here.write_rows("UPDATE profiles SET native_id = 'ACoAAJane' WHERE profile_id = ?", jane.profile_id)
    for name in (
        *(jane.profile_id, "prf-0000000a", " jane ", "@jane", "linkedin/jane", "linkedin/person/jane", "Jane"),
        *("http://linkedin.com/in/jane?x=y", "linkedin/ACoAAJane", "ACoAAJane"),
    ):
        assert here.library.people.show(name).line.profile_id == jane.profile_id, name
    for name in (
        "prf-0000000b",
        "joe",
        "reddit/jane",
        "linkedin/company/jane",
        "r/jane",
        "",
        "\0",
        "\udcff",
    ):
        with pytest.raises(NotFound, match="no profile is known as"):
            here.library.people.show(name)


def test_a_name_of_several_names_them(here):
    ids = [add(here, who).profile_id for who in ("linkedin/acme", "linkedin/company/acme", "r/acme")]
    with pytest.raises(NotFound) as told:
        here.library.people.show("acme")
    assert str(told.value) == (
        f"'acme' is a name of several profiles: linkedin/company/acme ({ids[1]}), linkedin/person/acme ({ids[0]}),"
        f" reddit/subreddit/acme ({ids[2]})"
    )
    with pytest.raises(NotFound, match="several"):
        here.library.people.show("linkedin/acme")
    assert here.library.people.show("reddit/acme").line.profile_id == ids[2]


def test_a_former_name_is_known_until_somebody_else_has_it(here):
    first = renamed(here, "jane", "jane-two")
    assert here.library.people.show("jane").line.profile_id == first
    assert [each.value for each in here.library.people.show("jane").names if each.kind == "username"] == [
        "jane",
        "jane-two",
    ]
    second = renamed(here, "jane", "jane-three")
    with pytest.raises(
        NotFound, match=r"several profiles: linkedin/person/jane-three .*, linkedin/person/jane-two"
    ):
        here.library.people.show("linkedin/jane")
    third = add(here, "linkedin/company/jane").profile_id
    assert here.library.people.show("jane").line.profile_id == third
    assert len({first, second, third}) == 3


# --- adding and changing ------------------------------------------------------------------------------


def test_who_was_only_imported_is_not_active_until_somebody_says_so(here):
    here.bring(post(1, author=author("jane-doe")), fetch=False)
    assert listed(here, active=True) == []
    added = here.library.people.add(NewProfile("jane-doe", name="Other", notes="n", tags=("AWS ", "ai")))
    assert not added.new
    line = added.line
    assert (line.active, line.notes, line.tags, line.posts) == (True, "n", ("ai", "aws"), 1)
    assert line.name != "Other"
    before = here.rows("SELECT * FROM profiles ORDER BY profile_id")
    assert here.library.people.add(NewProfile("jane-doe", tags=("aws",))).line == line
    assert here.rows("SELECT * FROM profiles ORDER BY profile_id") == before


def test_an_added_profile_is_what_an_import_finds(here):
    made = add(here, "linkedin/jane-doe", active=False)
    assert (made.name, made.kind, made.url) == ("jane-doe", "person", "https://www.linkedin.com/in/jane-doe/")
    here.bring(post(1, author=author("jane-doe")), fetch=False)
    [line] = here.library.people.profiles()
    assert (line.profile_id, line.posts, line.active) == (made.profile_id, 1, False)
    assert line.name != "jane-doe"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (NewProfile("Jane Doe"), "neither a username"),
        (NewProfile("https://example.com/jane"), "neither a username"),
        (NewProfile("linkedn/jane"), "no platform is called 'linkedn'"),
        (NewProfile("r/x1", platform="linkedin"), "written as one of reddit"),
        (NewProfile("instagram/x1", kind=ProfileKind.SUBREDDIT), "instagram has no subreddit"),
        (NewProfile("x1", tags=("a", " ")), "no name for a tag"),
        (NewProfile("x1", name="a\0"), "no database can keep"),
    ],
)
def test_what_cannot_be_added_changes_nothing(new, told, here):
    with pytest.raises((ConfigError, NotFound), match=told):
        here.library.people.add(new)
    assert here.rows("SELECT 1 FROM profiles") == here.rows("SELECT 1 FROM tags") == []


def test_all_named_are_turned_or_none(here):
    for name in ("a", "b"):
        add(here, name)
    with pytest.raises(NotFound, match="'c'"):
        here.library.people.set_active(["a", "c"], active=False)
    assert listed(here, active=True) == ["a", "b"]
    turned = here.library.people.set_active(["b", "linkedin/b", "a"], active=False)
    assert [(line.username, line.active) for line in turned] == [("b", False), ("a", False)]
    assert listed(here, active=False) == ["a", "b"]


def test_a_note_is_written_and_removed(here):
    add(here, "a")
    assert here.library.people.set_notes("a", "met\nin Oslo").notes == "met\nin Oslo"
    assert here.library.people.set_notes("a", None).notes is None
    with pytest.raises(ConfigError):
        here.library.people.set_notes("a", "\0")


# --- lists --------------------------------------------------------------------------------------------


def test_a_profile_shows_what_its_own_records_told_over_time(here):
    icons = [f"https://styles.redditmedia.com/t5_pots1/styles/icon{i}.png?width=256&s=ee" for i in (1, 2)]
    for i, (text, members) in enumerate((("Pots", 10), ("Pots and pans", None), ("Only pots", 12))):
        told = community(description=text, subscribers=members, community_icon=icons[i > 0])
        here.library.import_([here.write(told, at=EPOCH + i * DAY, user="pottery")], fetch=False)

    shown = here.library.people.show("r/pottery")
    assert shown.account is not None
    assert (shown.account.biography, shown.account.followers, shown.account.is_private) == ("Only pots", 12, False)
    assert shown.account.facts["over18"] is False
    assert [(each.text, each.last_seen_at) for each in shown.texts] == [
        ("Only pots", EPOCH + 2 * DAY),
        ("Pots and pans", EPOCH + DAY),
        ("Pots", EPOCH),
    ]
    assert [(each.followers, each.observed_at) for each in shown.counts] == [(12, EPOCH + 2 * DAY), (10, EPOCH)]
    pictures = [(each.role, each.url, each.absent_since) for each in shown.pictures]
    assert [each for each in pictures if each[0] == "avatar"] == [
        ("avatar", icons[1], None),
        ("avatar", icons[0], EPOCH + DAY),
    ]
    assert [role for role, _, _ in pictures] == ["avatar", "avatar", "banner"]


def test_links_of_now_come_before_those_that_are_gone(here):
    for i, urls in enumerate((["a", "b", "c"], ["c", "a"])):
        told = instagram.profile() | {"bio_links": [{"url": f"https://{each}.example/"} for each in urls]}
        here.library.import_([here.write(told, at=EPOCH + i * DAY, user="paula.paints")], fetch=False)

    shown = here.library.people.show("instagram/paula.paints")
    assert [(each.url, each.shown) for each in shown.links] == [
        ("https://c.example/", True),
        ("https://a.example/", True),
        ("https://b.example/", False),
    ]


def test_a_profile_that_was_only_named_has_no_account(here):
    here.library.import_([here.write(post(1))], fetch=False)
    shown = here.library.people.show("jane-doe")
    assert (shown.account, shown.texts, shown.links, shown.counts) == (None, (), (), ())


# --- posts --------------------------------------------------------------------------------------------


def test_a_note_on_a_post_stays_whatever_is_imported(here):
    here.bring(post(1, text="first"), fetch=False)
    [line] = here.library.posts()
    assert here.library.people.set_post_notes(line.url, "met in Oslo").notes == "met in Oslo"
    here.bring(post(1, text="second"), at=EPOCH + DAY, fetch=False)

    shown = here.library.post(line.post_id).line
    assert (shown.text, shown.notes) == ("second", "met in Oslo")
    assert [each.notes for each in here.library.posts()] == ["met in Oslo"]
    assert here.library.people.set_post_notes(line.post_id, None).notes is None
    assert here.library.post(line.post_id).line.notes is None
    with pytest.raises(NotFound, match="no post is known as"):
        here.library.people.set_post_notes("p-67c2f6c0000000009", "who?")
    with pytest.raises(ConfigError):
        here.library.people.set_post_notes(line.post_id, "\0")


def test_what_the_platform_says_of_a_post_is_seen_in_lists(here):
    records = [thing(text_post("here01")), thing(removed_post("gone01")), thing(deleted_post("gone02"))]
    here.library.import_([here.write(*records)], fetch=False)

    lines = {line.native_id: line for line in here.library.posts()}
    assert {native_id: (line.presence, line.presence_at) for native_id, line in lines.items()} == {
        "here01": (Presence.THERE, None),
        "gone01": (Presence.REMOVED, EPOCH),
        "gone02": (Presence.DELETED, EPOCH),
    }


def test_pages_of_profiles_are_complete_and_in_order(here):
    for who in ("r/bb", "linkedin/c", "instagram/a", "linkedin/company/z", "linkedin/a", "u/b1"):
        add(here, who)
    for number in range(3):
        here.write_rows(
            "INSERT INTO profiles (profile_id, platform, name, is_active) VALUES (?, 'linkedin', ?, ?)",
            f"prf-0000000{number}",
            f"N{number}",
            number == 1,
        )
    whole = here.library.people.profiles()
    assert [(line.platform, line.kind, line.username or line.name) for line in whole] == [
        ("instagram", "creator", "a"),
        ("linkedin", "company", "z"),
        ("linkedin", "person", "a"),
        ("linkedin", "person", "c"),
        ("reddit", "redditor", "b1"),
        ("reddit", "subreddit", "bb"),
        *(("linkedin", "person", f"N{number}") for number in range(3)),
    ]
    for more in (
        {},
        {"platform": "linkedin"},
        {"active": True},
        {"active": False},
        {"search": "N"},
        {"search": "a"},
    ):
        expected = here.library.people.profiles(**more)
        for size in (1, 2, 4):
            found: list[ProfileLine] = []
            while page := here.library.people.profiles(
                limit=size, after=found[-1].profile_id if found else None, **more
            ):
                assert len(page) <= size
                found += page
            assert found == expected, (more, size)
    with pytest.raises(NotFound, match="'nobody' to go on after"):
        here.library.people.profiles(after="nobody")


def test_profiles_are_chosen_by_what_is_known_of_them(here):
    bring(
        here,
        "name,username,platform,active,notes,tags\n"
        'Émile,emile,linkedin,yes,,"aws,ai"\nJoe,joe,reddit,no,met ÉMILE once,ai\nAnn,ann,,yes,,',
    )
    renamed(here, "old-emile", "other")
    assert listed(here, platform="reddit") == ["joe"]
    assert listed(here, active=True) == ["ann", "emile"]
    assert listed(here, tags=["AI"]) == ["emile", "joe"]
    assert listed(here, tags=["ai", "aws"]) == ["emile"]
    assert listed(here, search="émile") == ["emile", "joe"]
    assert listed(here, search="OLD-em") == ["other"]
    assert listed(here, search="100%") == listed(here, search="\0") == []
    for more in ({"platform": "nowhere"}, {"tags": ["none"]}):
        with pytest.raises(NotFound):
            here.library.people.profiles(**more)


def test_a_page_asks_the_same_whatever_its_length(here):
    bring(here, "name,username,tags\n" + "".join(f"N{n},n{n},t{n % 3}\n" for n in range(60)))
    asked = []
    for limit in (2, 50):
        with counted(here.store) as sent:
            assert len(here.library.people.profiles(limit=limit)) == limit
        asked.append(len(sent))
    assert asked[0] == asked[1] <= 3


# --- CSV ----------------------------------------------------------------------------------------------

CSV = """name,username,platform,kind,notes,tags
Jane Doe,jane,,,,
"Doe, Joe",https://www.linkedin.com/in/joe/,,,"two
lines","aws,new one"
Acme,acme,linkedin,company,,AWS
Python,r/python,,,,
Jane,jane-2,instagram,,=1+1,
"""


def test_a_list_is_brought_in_and_again_without_a_change(here):
    summary = bring(here, CSV)
    assert (summary.lines, summary.new, summary.changed, summary.unchanged) == (5, 5, 0, 0)
    assert summary.problems == ()
    [joe] = here.library.people.profiles(search="joe")
    assert (joe.name, joe.notes, joe.tags, joe.active) == ("Doe, Joe", "two\nlines", ("aws", "new one"), True)
    assert [tag.name for tag in here.library.people.tags()] == ["aws", "new one"]
    tables = ("profiles", "tags", "profile_tags", "profile_names")
    before = {table: sorted(map(str, here.rows(f"SELECT * FROM {table}"))) for table in tables}
    again = bring(here, CSV)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 5)
    assert {table: sorted(map(str, here.rows(f"SELECT * FROM {table}"))) for table in tables} == before


def test_what_is_wrong_with_a_line_is_told_and_the_others_go_on(here):
    add(here, "linkedin/company/both")
    add(here, "linkedin/person/both")
    text = (
        "name,username,platform,kind,tags\n"
        "A,a,,,\n"
        "B,b b,,,\n"
        "C,c,nowhere,,\n"
        "D,d,,wizard,\n"
        "E,r/e1,linkedin,,\n"
        "F,both,,,\n"
        "G,a,,,t\n"
        "A,a,,,\n"
        f"H,h,,,{'x' * 61}\n"
        "I,both,,company,\n"
    )
    summary = bring(here, text)
    told = problems(summary)
    assert {line: told[line][:30] for line in told} == {
        3: "'b b' is neither a username no",
        4: "no platform is called 'nowhere",
        5: "'wizard' is no kind of profile",
        6: "'e1' is written as one of redd",
        7: "'both' is a name of several pr",
        8: "line 2 says something else of ",
        10: f"'{'x' * 29}",
    }
    assert (summary.lines, summary.new, summary.changed, summary.unchanged) == (10, 1, 1, 1)
    assert listed(here) == ["both", "a", "both"]


def test_a_former_name_in_a_list_is_the_profile_it_was(here):
    jane = renamed(here, "jane", "jane-two")
    renamed(here, "sue", "sue-two")
    renamed(here, "sue", "sue-three")
    summary = bring(here, "name,username\nJane,jane\nJane,jane-two\nSue,sue\nJoe,joe\n")
    assert (summary.new, summary.changed, summary.unchanged) == (1, 1, 1)
    assert "several" in problems(summary)[4]
    assert listed(here, active=True) == ["jane-two", "joe"]
    assert here.library.people.show("jane").line.profile_id == jane


def test_a_list_asks_no_more_for_more_lines(here):
    asked = []
    for most in (10, 400):
        with counted(here.store) as sent:
            bring(here, "name,username,tags\n" + "".join(f"N,n{most}-{n},t{n % 7}\n" for n in range(most)))
        asked.append(len(sent))
    assert asked[1] <= asked[0] + 2 <= 14


def test_many_lines_are_several_batches_of_one_list(here):
    rows = [f"N{n},n{n}\n" for n in range(1201)]
    summary = bring(here, "name,username\n" + "".join(rows) + "Other,n0\n" + rows[1])
    assert (summary.lines, summary.new, summary.unchanged) == (1203, 1201, 1)
    assert problems(summary) == {1203: "line 2 says something else of the same profile"}


def test_a_list_that_is_stopped_goes_on_the_next_time(here):
    text = "name,username\n" + "".join(f"N{n},n{n}\n" for n in range(1200))
    looks = iter([False, True])
    first = bring(here, text, stop=lambda: next(looks))
    assert (first.stopped, first.new) == (True, 500)
    assert (bring(here, text).new, bring(here, text).unchanged) == (700, 1200)


def test_what_another_process_wrote_meanwhile_is_planned_again(here, monkeypatch):
    tried = []

    def write(*given: Any) -> list[bool]:
        tried.append(given)
        if len(tried) == 1:
            people_write(*given)
            raise StoreClash
        return people_write(*given)

    people_write = people_csv.write
    monkeypatch.setattr(people_csv, "write", write)
    summary = bring(here, "name,username,tags\nA,a,t\nB b,b b,\nA,a,t\n")
    assert (len(tried), summary.new, summary.unchanged, len(summary.problems)) == (2, 1, 1, 1)
    assert (listed(here), len(here.library.people.tags())) == (["a"], 1)


def test_a_platform_for_lines_without_one(here):
    bring(here, "name,username,platform\nA,A,\nB,b,linkedin\nC,r/cc,\n", platform="instagram")
    assert [line.platform for line in here.library.people.profiles()] == ["instagram", "linkedin", "reddit"]
    assert listed(here, platform="instagram") == ["a"]
    with pytest.raises(NotFound):
        bring(here, "A,a\n", platform="nowhere")


def test_no_list_is_no_silence(here, tmp_path):
    for source in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(SourceError, match=str(source)):
            here.library.people.import_csv(str(source))
    with pytest.raises(SourceError, match=r"people\.csv: the file is empty"):
        bring(here, "")


def test_what_is_exported_is_imported_elsewhere_to_the_same(here, tmp_path):
    bring(here, CSV + 'Dash,-dash-,reddit,redditor,\'=x,"-tag,a b"\nGone,gone,linkedin,,,\n')
    here.library.people.set_active(["gone"], active=False)
    here.write_rows("INSERT INTO profiles (profile_id, platform, name) VALUES ('prf-0000000a', 'linkedin', 'N')")
    path = tmp_path / "people.csv"
    made = here.library.people.export_csv(path, active=None)
    assert (path.read_bytes().decode(), made.unnamed, len(made.people)) == (made.csv, 1, 7)
    assert [each.username for each in made.people] == ["jane-2", "acme", "gone", "jane", "joe", "-dash-", "python"]
    assert "gone" not in here.library.people.export_csv().csv
    assert len(here.library.people.export_csv(tags=["aws"], platform="linkedin").people) == 2
    again = bring(here, made.csv)
    assert (again.unchanged, again.problems) == (7, ())
    with pytest.raises(ConfigError, match="--force"):
        here.library.people.export_csv(path)
    here.library.people.export_csv(path, active=None, overwrite=True)
    with pytest.raises(ConfigError, match="cannot write"):
        here.library.people.export_csv(tmp_path / "none" / "people.csv")
    assert [each.name for each in tmp_path.glob("*.csv")] == ["people.csv"]

    here.write_rows("DELETE FROM profiles")
    here.write_rows("DELETE FROM tags")
    assert bring(here, made.csv).new == 7
    assert here.library.people.export_csv(active=None).csv == made.csv


# --- tags ---------------------------------------------------------------------------------------------


def test_tags_are_made_listed_renamed_and_removed(here):
    people = here.library.people
    made = [people.add_tag(name, description="d") for name in ("b", " A  b ", "É")]
    assert [tag.name for tag in made] == ["b", "a b", "é"]
    names = [tag.name for tag in people.tags()]
    assert sorted(names) == ["a b", "b", "é"]
    assert [people.tags(limit=1, after=name)[0].name for name in names[:2]] == names[1:]
    for name in ("B", "", "x" * 61, "a\nb\x1b", "tag-0000000a"):
        with pytest.raises(ConfigError):
            people.add_tag(name)
    with pytest.raises(ConfigError, match="'b' already"):
        people.rename_tag("a b", "B")
    assert people.rename_tag(made[0].tag_id, "C").name == "c"
    with pytest.raises(NotFound, match="no tag is called 'b'"):
        people.remove_tag("b")
    assert people.remove_tag("C").name == "c"
    with pytest.raises(NotFound):
        people.tags(after="c")


def test_a_tag_of_others_keeps_its_spelling(here):
    here.write_rows("INSERT INTO tags (tag_id, name) VALUES ('tag-0000000a', 'Old, One')")
    add(here, "a")
    assert here.library.people.put_tag("Old, One", profiles=["a"]).profiles == 1
    csv = here.library.people.export_csv().csv
    assert bring(here, csv).unchanged == 1
    assert [tag.name for tag in here.library.people.tags()] == ["Old, One"]


def test_tags_are_put_and_taken_and_counted_once(here):
    here.bring(*(post(n, author=author("jane-doe")) for n in range(3)), fetch=False)
    people, first = here.library.people, [line.post_id for line in here.library.posts()]
    add(here, "a")
    people.add_tag("t")
    put = people.put_tag("T", profiles=["a", "linkedin/a"], posts=first[:2])
    assert (put.tag, put.profiles, put.posts) == ("t", 1, 2)
    put = people.put_tag("t", profiles=["a", "jane-doe"], posts=first[1:])
    assert (put.profiles, put.posts) == (1, 1)
    [tag] = people.tags()
    assert (tag.profiles, tag.posts) == (2, 3)
    for unknown in ({"profiles": ["a", "nobody"]}, {"posts": [first[0], "p-00000000"]}):
        with pytest.raises(NotFound):
            people.take_tag("t", **unknown)
    taken = people.take_tag("t", profiles=["a"], posts=first[:1])
    assert (taken.profiles, taken.posts) == (1, 1)
    assert (people.take_tag("t", profiles=["a"], posts=first[:1])) == taken.__class__("t", 0, 0)
    with pytest.raises(ConfigError, match="carried by 1 profile and 2 posts, which would lose it; --yes"):
        people.remove_tag("t")
    assert people.remove_tag("t", agreed=True).posts == 2
    assert here.rows("SELECT 1 FROM post_tags") == here.rows("SELECT 1 FROM profile_tags") == []


def test_a_persons_word_stands_above_an_analyzers(here):
    here.bring(post(1), fetch=False)
    tag = here.library.people.add_tag("t")
    [line] = here.library.posts()
    here.write_rows(
        "INSERT INTO post_tags (post_tag_id, post_id, tag_id, confidence) VALUES ('ptg-0000000a', ?, ?, 0.5)",
        line.post_id,
        tag.tag_id,
    )
    assert here.library.people.put_tag("t", posts=[line.post_id]).posts == 1
    assert here.rows("SELECT applied_by, confidence FROM post_tags") == [("user", 0.5)]


@pytest.mark.parametrize("few", [0, 5000])
def test_posts_of_a_tag_come_in_pages(few, here, monkeypatch):
    monkeypatch.setattr("postkeep.store.listing.FEW", few)
    here.bring(*(post(n, posted_at=EPOCH - n * DAY, author=author("jane-doe")) for n in range(9)), fetch=False)
    every = here.library.posts()
    here.library.people.add_tag("t")
    here.library.people.put_tag("t", posts=[line.post_id for line in every[::2]])
    for size in (1, 2, 5, 9):
        found: list[Any] = []
        while page := here.library.posts(limit=size, after=found[-1].post_id if found else None, tag="T"):
            found += page
        assert found == every[::2]
    assert here.library.posts(tag="t", author="nobody") == []
    with pytest.raises(NotFound, match="no tag is called"):
        here.library.posts(tag="u")
