"""CSV files of people as spreadsheets write them: what can be read is read, what cannot is told by its line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import SourceError
from postkeep.sources.people import COLUMNS, BadLine, PersonLine, joined, read_people, write_people


def lines(text: str | bytes) -> tuple[PersonLine | BadLine, ...]:
    return read_people(text if isinstance(text, bytes) else text.encode()).lines


def bad(text: str | bytes) -> dict[int, str]:
    return {each.line: each.reason for each in lines(text) if isinstance(each, BadLine)}


def names(text: str | bytes) -> list[tuple[int, str]]:
    return [(each.line, each.username) for each in lines(text) if isinstance(each, PersonLine)]


JANE = PersonLine(2, "Jane, Doe", "jane-doe", "reddit", "redditor", False, "two\nlines", ("a", "b, c"))

DOE, NOTES, TAGS = '"Jane, Doe"', '"two\nlines"', '"a, ""b, c"""'


@pytest.mark.parametrize(
    "content",
    [
        f"name,username,platform,kind,active,notes,tags\n{DOE},jane-doe,Reddit,redditor,No,{NOTES},{TAGS}",
        "Tags; Username ;NAME;kind;platform;ACTIVE;notes\r\n"
        f"{TAGS};jane-doe;Jane, Doe;redditor;reddit;0;{NOTES}\r\n",
        "username\tname\tplatform\tkind\tactive\tnotes\ttags\n"
        f" jane-doe \tJane,  Doe\treddit\tredditor\tfalse\t{NOTES}\t{TAGS}\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_same_person_is_read_however_the_file_is_written(content: str, encoding: str) -> None:
    assert lines(content.encode(encoding)) == (JANE,)


def test_the_header_is_optional() -> None:
    sheet = read_people(b"Jane Doe,jane-doe\n\n  ,\nJoe Roe,joe-roe\n")
    assert sheet.lines == (PersonLine(1, "Jane Doe", "jane-doe"), PersonLine(4, "Joe Roe", "joe-roe"))
    assert "no header" in sheet.remarks[0]


def test_how_a_file_was_read_is_told() -> None:
    assert read_people(b"name,username\nJ,j\n").remarks == ()
    assert read_people(b"name;username;mail\nJ;j;x\n").remarks == (
        "its cells are separated by semicolons",
        "columns that mean nothing here: mail",
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_bad_line_is_told_by_its_number_and_the_others_go_on(ends: str) -> None:
    text = ends.join(
        [
            "name,username,active,tags",
            "A,a",
            "B",
            '"C"x,c',
            "D,d,yes,x,too much",
            "E,e,perhaps",
            'F,f,,"never',
            "G,g,YES",
            f"{'H' * 501},h",
            '"never,closed',
        ]
    )
    assert names(text) == [(2, "a"), (8, "g")]
    told = bad(text)
    assert sorted(told) == [3, 4, 5, 6, 7, 9, 10]
    assert "no username" in told[3]
    assert "middle of a cell" in told[4]
    assert "5 cells, its header 4" in told[5]
    assert "'perhaps'" in told[6]
    assert "closed" in told[7] or "middle" in told[7]
    assert "never closed" in told[10]


def test_bytes_that_are_no_utf8_cost_their_line_alone() -> None:
    content = b"name,username\nRen\xe9,rene\nNul,n\x00ul\nJane,jane\n"
    assert names(content) == [(4, "jane")]
    assert sorted(bad(content)) == [2, 3]


def test_without_a_header_more_cells_are_no_person() -> None:
    assert "3 cells" in bad("A,a\nB,b,c\n")[2]
    assert "1 cell," in bad("A,a\nb\n")[2]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n \n", "empty"),
        (b"name,user\nJ,j\n", "no column 'username'"),
        (b"username,mail\nj,x\n", "no column 'name'"),
        (b"name,username,Name\nJ,j,J\n", "'name' twice"),
    ],
)
def test_a_file_that_says_nothing_is_told(content: bytes, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        read_people(content)


def test_ten_thousand_open_quotes_are_no_trouble() -> None:
    found = lines("name,username\n" + '"x\n' * 10_001)
    assert all(isinstance(each, BadLine) for each in found)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
CELL = st.one_of(
    CELLS, st.builds(str.__add__, st.sampled_from(["'", "''=", "=", "+", "-", "@", " =", "\t", "＝"]), CELLS)
)
LETTERS = st.characters(categories=["L", "N", "P", "S"])
WORD = st.text(LETTERS, min_size=1, max_size=12)


@given(WORD, st.text(LETTERS, max_size=3), CELL, st.lists(WORD, max_size=3), st.booleans())
def test_what_is_written_is_read_again(
    username: str, name: str, notes: str, tags: list[str], active: bool
) -> None:
    notes = notes if notes.strip() else ""
    row = (name, username, "reddit", "redditor", "yes" if active else "no", notes, joined(tags) if tags else "")
    text = write_people([row, row])
    expected = (name, username, "reddit", "redditor", active, notes, tuple(tags))
    first, second = lines(text)
    for each in (first, second):
        assert isinstance(each, PersonLine)
        told = (each.name, each.username, each.platform, each.kind, each.active, each.notes, each.tags)
        assert told == expected


@given(st.lists(st.tuples(*[CELL] * len(COLUMNS)), max_size=3))
def test_no_spreadsheet_takes_a_cell_for_a_formula(rows: list[tuple[str, ...]]) -> None:
    for row in csv.reader(io.StringIO(write_people(rows), newline="")):
        assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in row)


@given(st.binary(max_size=200))
def test_no_file_is_too_odd(content: bytes) -> None:
    try:
        found = read_people(content).lines
    except SourceError:
        return
    assert [each.line for each in found] == sorted({each.line for each in found})
