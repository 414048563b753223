"""Foreign text cannot steer a terminal, wherever it is printed; JSON gives it back unharmed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.cli.as_json import document
from postkeep.cli.text import beginning, count, duration, is_unsafe, moment, visible
from postkeep.model import MediaState
from tests.cli import answers, commands
from tests.cli.answers import EVIL, FakeLibrary
from tests.cli.conftest import Call


def test_what_steers_is_made_visible() -> None:
    assert visible("\x1b[2J\x07\x9b\x7f") == r"\x1b[2J\x07\x9b\x7f"
    assert visible("a\u202eb\u2066c\ufeff") == r"a\u202eb\u2066c\ufeff"
    assert visible("a\nb\tc") == r"a\nb\tc"
    assert visible("a\r\nb\tc\r", lines=True) == "a\nb    c\\r"


@pytest.mark.parametrize("text", ["père", "日本語", "👩‍💻", "می‌خواهم", "a\u00a0b", "ﷺ", "[bold]"])
def test_what_is_only_read_stays(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_nothing_unsafe_is_left(text: str) -> None:
    assert not any(map(is_unsafe, visible(text)))
    assert not any(is_unsafe(each) for each in visible(text, lines=True) if each != "\n")
    assert "\n" not in beginning(text)
    assert len(beginning(text, 20)) <= 20


@given(st.text(), st.booleans())
def test_json_gives_the_text_back(text: str, plain_ascii: bool) -> None:
    told = document({"text": text}, plain_ascii=plain_ascii)
    assert json.loads(told) == {"text": text}
    assert not any(is_unsafe(each) for each in told if each != "\n")
    assert told.isascii() or not plain_ascii


def test_json_has_the_form_that_is_promised() -> None:
    east = timezone(timedelta(hours=2))
    told = json.loads(
        document(
            {
                "at": datetime(2025, 1, 1, 1, 30, tzinfo=east),
                "day": date(2025, 1, 2),
                "state": MediaState.GONE,
                "path": Path("/x"),
                "rows": (answers.url_outcome("dns"),),
                "map": MappingProxyType({"a": 1.5}),
            }
        )
    )
    assert told["at"] == "2024-12-31T23:30:00Z"
    assert (told["day"], told["state"], told["path"], told["map"]) == ("2025-01-02", "gone", "/x", {"a": 1.5})
    assert told["rows"][0]["file"] is None
    with pytest.raises(TypeError):
        document(object())


def evil(value: Any) -> Any:
    """The answer with every text of it hostile."""
    match value:
        case None | bool() | int() | float() | datetime() | MediaState():
            return value
        case str() if type(value) is str:
            return EVIL
        case list() | tuple():
            return type(value)(evil(each) for each in value)
        case dict():
            return {key: evil(each) for key, each in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{name: evil(getattr(value, name)) for name in value.__dataclass_fields__})
    return value


@pytest.mark.parametrize("name", [name for name in commands.CALLS if name not in ("config show", "db upgrade")])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_command_prints_what_steers(
    name: str, options: tuple[str, ...], call: Call, library: FakeLibrary
) -> None:
    library.answers = {verb: evil(answer) for verb, answer in library.answers.items()}
    called = call(*commands.CALLS[name], *options)
    assert not any(is_unsafe(each) for each in called.out + called.err if each != "\n")


def test_markup_and_pictures_of_words_stay_as_they_are(call: Call, library: FakeLibrary) -> None:
    library.answers["posts"] = [answers.post_line(text="[bold]x[/] :smile: [link=https://x]y")]
    assert "[bold]x[/] :smile: [link=https://x]y" in call("posts", "list").out


def test_errors_are_one_harmless_line(call: Call) -> None:
    called = call("--env-file", "no\x1bsuch\nfile", "posts", "list")
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert "\x1b" not in called.err


def test_unknown_is_a_dash_and_zero_is_zero() -> None:
    assert (count(None), count(0), moment(None)) == ("–", "0", "–")


def test_times_are_local_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert moment(datetime(2025, 1, 1, 20, 0, tzinfo=UTC)) == "2025-01-02 01:30 IST"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_durations() -> None:
    assert [duration(each) for each in (-1, 0.4, 59.6, 60, 200, 3600, 7500)] == [
        "0 s",
        "0 s",
        "1 min",
        "1 min",
        "3 min 20 s",
        "1 h",
        "2 h 5 min",
    ]
