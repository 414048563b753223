"""People in CSV files, as spreadsheets write them: whatever is wrong with a line costs that line alone.

What is written can be read again to the last character, and no spreadsheet takes a cell of it for a formula.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postkeep.errors import SourceError

LONGEST_NAME = 500
COLUMNS = ("name", "username", "platform", "kind", "active", "notes", "tags")

_REQUIRED = ("name", "username")
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
_FORMULA = r"(?:[\t\r\n]|\s*[=+\-@＝＋－＠])"
_DANGEROUS = re.compile(f"'*{_FORMULA}")
_DEFUSED = re.compile(f"'+{_FORMULA}")
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A line that could be read, by the number it begins at (from 1); what it does not say is empty or None."""

    line: int
    name: str
    username: str
    platform: str = ""
    kind: str = ""
    active: bool | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of a file in order, blank ones left out, and remarks on how it was read."""

    lines: tuple[PersonLine | BadLine, ...]
    remarks: tuple[str, ...]


def read_people(content: bytes) -> Sheet:
    """Read a CSV file of people; raises SourceError when it is empty or its header lacks a column.

    The header is optional: without one a line is `name,username`. Cells may be separated by commas, semicolons
    or tabs, the text may be UTF-8 or (with its mark) UTF-16.
    """
    text, remarks = _decoded(content)
    lines = list(io.StringIO(text, newline=""))
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise SourceError("the file is empty")
    delimiter, header = _opening(lines, first)
    if delimiter != ",":
        remarks.append(f"its cells are separated by {_DELIMITERS[delimiter]}")
    columns: tuple[str, ...] = _REQUIRED
    if header is not None:
        columns = _columns(header)
        strange = [name for name in columns if name and name not in COLUMNS]
        if strange:
            remarks.append(f"columns that mean nothing here: {', '.join(strange)}")
        first += 1
    else:
        remarks.append("it has no header: each line is name, username")
    found = tuple(
        each if isinstance(each, BadLine) else _person(*each, columns, headed=header is not None)
        for each in _records(lines, first, delimiter)
    )
    return Sheet(found, tuple(remarks))


def write_people(rows: Iterable[Sequence[str]]) -> str:
    """The rows (their cells in the order of COLUMNS) as CSV with a header; what could be a formula is defused."""
    return "".join(joined(map(_defused, row)) + "\n" for row in (COLUMNS, *rows))


def _defused(cell: str) -> str:
    # Spreadsheets take the wide signs for the others, too.
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def joined(cells: Iterable[str]) -> str:
    """Cells as one record of CSV, without its end; line breaks inside stay as they are, in quotes."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()[:-2]


def _decoded(content: bytes) -> tuple[str, list[str]]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace"), ["it is UTF-16"]
    # What is not UTF-8 stays to be seen in its line.
    return content.decode("utf-8-sig", "surrogateescape"), []


def _opening(lines: list[str], first: int) -> tuple[str, list[str] | None]:
    """What separates the cells, and the header where there is one."""
    likely = ","
    for delimiter in reversed(_DELIMITERS):
        record = next(_records(lines, first, delimiter))
        if isinstance(record, BadLine):
            continue
        cells = [cell.strip().casefold() for cell in record[1]]
        if "username" in cells or cells[0] == "name":
            if len(cells) > 1:
                return delimiter, cells
        elif len(cells) > 1:
            likely = delimiter
    return likely, None


def _columns(header: list[str]) -> tuple[str, ...]:
    for name in _REQUIRED:
        if name not in header:
            raise SourceError(f"the header has no column {name!r}; it has: {', '.join(filter(None, header))}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise SourceError(f"the header has the column {twice[0]!r} twice")
    return tuple(header)


def _records(lines: list[str], first: int, delimiter: str) -> Iterator[tuple[int, list[str]] | BadLine]:
    """The records that are not blank, each with the number of its first line; after a bad one the next line."""
    begins = first
    while begins < len(lines):
        start = begins
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                number, begins = begins + 1, start + reader.line_num
                if any(map(str.strip, cells)):
                    yield number, cells
        except csv.Error as error:
            yield BadLine(begins + 1, _told(error))
            begins += 1


def _told(error: csv.Error) -> str:
    reason = str(error)
    if "end of data" in reason:
        return "a quote is opened and never closed"
    if "expected after" in reason:
        return "a quote ends in the middle of a cell; inside quotes a quote is written twice"
    if "field limit" in reason:
        return f"a cell of more than {csv.field_size_limit()} characters, or a quote that is never closed"
    return reason


def _person(number: int, cells: list[str], columns: tuple[str, ...], *, headed: bool) -> PersonLine | BadLine:
    cells = [cell[1:] if _DEFUSED.match(cell) else cell for cell in cells]
    if any(map(_UNREADABLE.search, cells)):
        return BadLine(number, "it has characters that are not UTF-8; save the file as UTF-8")
    if any(map(str.strip, cells[len(columns) :])) or (len(cells) < len(columns) and not headed):
        expected = f"its header {len(columns)}" if headed else "without a header it is name,username"
        return BadLine(number, f"it has {len(cells)} cell{'s' * (len(cells) != 1)}, {expected}")
    told = dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
    name, username, active = " ".join(told["name"].split()), told["username"].strip(), told["active"].strip()
    if not username:
        return BadLine(number, "it has no username")
    if len(name) > LONGEST_NAME:
        return BadLine(number, f"its name is longer than {LONGEST_NAME} characters")
    if active.casefold() not in _YES | _NO | {""}:
        return BadLine(number, f"active is yes or no, not {active[:40]!r}")
    return PersonLine(
        number,
        name,
        username,
        told["platform"].strip().casefold(),
        told["kind"].strip().casefold(),
        active.casefold() in _YES if active else None,
        told["notes"] if told["notes"].strip() else "",
        _tags(told["tags"]),
    )


def _tags(cell: str) -> tuple[str, ...]:
    """The tags of a cell, separated by commas; quotes are for names with commas in them."""
    found = csv.reader(io.StringIO(cell, newline=""), skipinitialspace=True)
    try:
        return tuple(tag.strip() for record in found for tag in record if tag.strip())
    except csv.Error:
        return (cell.strip(),)
