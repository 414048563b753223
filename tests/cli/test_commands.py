"""Every command answers, in words and as JSON, asks the library what it was told to, and is documented."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest

from postkeep.cli.imports import import_posts
from postkeep.cli.root import COMMANDS
from postkeep.views import PostLine
from postkeep.views.erasing import Fact
from tests.cli import answers, commands
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call

DOCS = Path(__file__).parents[2] / "docs"


def test_the_calls_are_all_commands_there_are() -> None:
    assert {*commands.CALLS, "completion"} == set(commands.leaves())


@pytest.mark.parametrize(
    ("name", "command"), list(commands.tree()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_command_has_help(name: str, command: click.Command, call: Call) -> None:
    assert command.help
    called = call(*name.split(), "--help")
    assert called.code == 0
    assert called.out.startswith(f"Usage: postkeep {name} ")
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), f"{name} {option.name}"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_says_what_the_command_says(name: str) -> None:
    assert COMMANDS[name].summary == COMMANDS[name].load().get_short_help_str(200)


def test_the_documentation_has_every_command_and_option_and_no_other() -> None:
    page = (DOCS / "commands.md").read_text()
    sections = dict(re.findall(r"^### `postkeep ([^`]+)`\n(.*?)(?=^##|\Z)", page, flags=re.M | re.S))
    assert set(sections) == set(commands.leaves())
    for name, command in commands.leaves().items():
        section = sections[name]
        if name == "data import":
            continue  # the section of `import` tells its options
        assert re.search(rf"^(?:\S+ \| )?postkeep (?:-\S+ )*{name}", section, re.M), f"no example of {name}"
        spelled = {spelling for each in command.params for spelling in each.opts if spelling.startswith("--")}
        assert spelled - {"--json"} == set(re.findall(r"^- `(--[a-z0-9-]+)", section, re.M)), name


def test_data_import_is_import() -> None:
    assert commands.leaves()["data import"] is import_posts


@pytest.mark.parametrize("name", list(commands.CALLS))
def test_json_is_one_document_and_nothing_else(name: str, call: Call) -> None:
    called = call(*commands.CALLS[name], "--json")
    assert called.code == 0
    assert isinstance(json.loads(called.out), dict | list)
    assert called.err == ""


@pytest.mark.parametrize("name", list(commands.CALLS))
def test_words_are_said(name: str, call: Call) -> None:
    called = call(*commands.CALLS[name])
    assert called.code == 0
    assert called.out or called.err
    assert "\x1b" not in called.out + called.err


EMPTY = {
    "posts list": "posts",
    "media list": "media_list",
    "runs list": "runs",
    "quarantine list": "quarantine",
    "profiles list": "people.profiles",
    "tags list": "people.tags",
    "posts gone": "erasing.gone",
    "erase list": "erasing.tombstones",
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_says_so(name: str, call: Call, library: FakeLibrary) -> None:
    library.answers[EMPTY[name]] = []
    words, document = call(*commands.CALLS[name]), call(*commands.CALLS[name], "--json")
    assert (words.code, words.out) == (0, "")
    assert words.err
    assert (document.out, document.err) == ("[]\n", "")


ASKED: list[tuple[tuple[str, ...], str, tuple[Any, ...], dict[str, Any]]] = [
    (("import", "a", "b"), "import_", (("a", "b"),), {"fetch": True, "wait": True, "readmit": False}),
    (
        ("import", "-", "--no-fetch", "--no-wait"),
        "import_",
        (("-",),),
        {"fetch": False, "wait": False, "readmit": False},
    ),
    (
        ("media", "download-all", "--limit", "3", "--no-wait"),
        "fetch_due",
        (),
        {"limit": 3, "wait": False, "patience": 0.0},
    ),
    *(
        (
            ("media", "download-all", "--patience", span),
            "fetch_due",
            (),
            {"limit": None, "wait": True, "patience": seconds},
        )
        for span, seconds in (("90", 90.0), ("1.5s", 1.5), ("10m", 600.0), ("2h", 7200.0), ("1d", 86_400.0))
    ),
    (("media", "list", "--post-id", "p-1"), "media_list", (), {"post": "p-1", "limit": 50, "after": None}),
    (("media", "list", "--after", "med-1"), "media_list", (), {"post": None, "limit": 50, "after": "med-1"}),
    (
        ("media", "backfill", "--dry-run", "--start-date", "2025-01-02", "--batch-size", "3", "--sleep-min", "0"),
        "backfill",
        (),
        {
            "dry_run": True,
            "limit": None,
            "start_date": date(2025, 1, 2),
            "batch_size": 3,
            "sleep_min": 0.0,
            "sleep_max": 2.0,
        },
    ),
    (
        (
            "posts",
            "list",
            "--limit",
            "2",
            "--after",
            "p-2",
            "--author",
            "x",
            "--since",
            "2025-01-02",
            "--tag",
            "y",
        ),
        "posts",
        (),
        {"limit": 2, "after": "p-2", "author": "x", "since": date(2025, 1, 2), "tag": "y"},
    ),
    (("runs", "show", "run-1", "--limit", "7"), "run", ("run-1",), {"limit": 7}),
    (
        ("erase", "post", "p-1", "p-2", "--yes", "--reason", "by law"),
        "erasing.posts",
        (("p-1", "p-2"),),
        {"reason": "by law", "dry_run": False},
    ),
    (("posts", "delete", "p-1", "--yes"), "erasing.posts", (("p-1",),), {"reason": "asked to", "dry_run": False}),
    (
        ("profiles", "erase", "jane", "--dry-run"),
        "erasing.profile",
        ("jane",),
        {"platform": None, "reason": "asked to", "dry_run": True},
    ),
    (
        ("erase", "profile", "jane", "--platform", "reddit", "--dry-run"),
        "erasing.profile",
        ("jane",),
        {"platform": "reddit", "reason": "asked to", "dry_run": True},
    ),
    (
        ("posts", "gone", "--fact", "missing", "--fact", "failed", "--author", "x", "--limit", "3"),
        "erasing.gone",
        (),
        {"facts": [Fact.MISSING, Fact.FAILED], "platform": None, "author": "x", "limit": 3},
    ),
    (("db", "backup", "x.db"), "backup", (Path("x.db"),), {}),
]


@pytest.mark.parametrize(("arguments", "verb", "given", "named"), ASKED)
def test_options_reach_the_library(
    arguments: tuple[str, ...],
    verb: str,
    given: tuple[Any, ...],
    named: dict[str, Any],
    call: Call,
    library: FakeLibrary,
) -> None:
    assert call(*arguments).code == 0
    [(asked, positional, keywords)] = library.asked
    assert (asked, positional) == (verb, given)
    assert {key: value for key, value in keywords.items() if key not in ("stop", "progress")} == named


@pytest.mark.parametrize(("name", "form"), [("a.csv", "csv"), ("a.NDJSON", "jsonl"), ("a.parquet", "parquet")])
def test_an_export_is_what_its_file_s_ending_says(name: str, form: str, call: Call, library: FakeLibrary) -> None:
    assert call("export", "posts", name, "--force", "--author", "u/x").code == 0
    [(asked, (what, path), named)] = library.asked
    assert (asked, what, path, named["form"]) == ("export", "posts", Path(name), form)
    assert (named["overwrite"], named["author"]) == (True, "u/x")


@pytest.mark.parametrize("name", ["posts.xlsx", "posts", "posts.csv.gz"])
def test_an_ending_that_says_nothing_is_an_error_that_names_those_that_do(name: str, call: Call) -> None:
    called = call("export", "posts", name)
    assert called.code == 2
    assert all(ending in called.err for ending in (".csv", ".jsonl", ".parquet", "--format"))
    assert call("export", "posts", name, "--format", "csv").code == 0


def test_only_what_writes_opens_for_writing(call: Call, library: FakeLibrary) -> None:
    for name in ("posts list", "media stats", "runs list", "data stats"):
        call(*commands.CALLS[name])
    assert library.opened == [True] * 4
    call(*commands.CALLS["import"])
    assert library.opened[-1] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("erase", "post", "p-1"),
        ("posts", "delete", "p-1"),
        ("erase", "profile", "jane", "--yes", "--dry-run"),
        ("posts", "gone", "--fact", "lost"),
        ("posts", "list", "--limit", "0"),
        ("posts", "list", "--since", "yesterday"),
        ("media", "backfill", "--sleep-min", "3"),
        ("media", "backfill", "--sleep-min", "nan"),
        ("media", "backfill", "--sleep-max", "inf"),
        ("media", "backfill", "--sleep-max", "nan"),
        ("media", "download-all", "--patience", "soon"),
        ("media", "download-all", "--patience", "-1"),
        ("media", "download-all", "--patience", "1e9"),
        ("media", "download-all", "--patience", "366d"),
        ("media", "download-all", "--patience", "nan"),
        ("media", "list", "--post-id", "p-1", "--after", "med-1"),
        ("completion", "tcsh"),
        ("--nonsense",),
        (),
    ],
)
def test_wrong_usage_is_2_and_asks_nothing(arguments: tuple[str, ...], call: Call, library: FakeLibrary) -> None:
    called = call(*arguments)
    assert (called.code, called.out, library.asked) == (2, "", [])
    assert called.err


def test_a_near_name_is_suggested(call: Call) -> None:
    called = call("imprt", "x")
    assert called.code == 2
    assert "Did you mean 'import'" in called.err


def test_the_last_page_is_told_from_others(call: Call, library: FakeLibrary) -> None:
    assert "--after p-1" in call("posts", "list", "--limit", "1").err
    assert call("posts", "list", "--limit", "2").err == ""


def test_posts_mark_numbers_of_another_post(call: Call, library: FakeLibrary) -> None:
    latest = answers.snapshot(reactions=12, of_original=True)
    line: PostLine = answers.post_line(latest=latest)
    library.answers["posts"] = [line]
    called = call("posts", "list")
    assert re.search(r"12\*\s+–\s+–\s+1/2$", called.out, re.M)
    assert "* numbers of the post it shares" in called.out


def test_a_post_without_words_of_its_own_tells_what_it_shares(call: Call, library: FakeLibrary) -> None:
    library.answers["posts"] = [answers.post_line(text=None, shared_text="Hear, hear")]
    assert "shares: Hear, hear" in call("posts", "list").out


def test_a_narrow_terminal_cuts_the_text_and_never_an_id(
    call: Call, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, no colours
    ids = [f"p-67c2f6c00000000{number}" for number in (10, 11)]
    library.answers["posts"] = [answers.post_line(post_id=each, text="word " * 40) for each in ids]
    _, *rows = call("posts", "list").out.splitlines()
    assert [row.split()[0] for row in rows] == ids
    assert all(len(row) <= 80 and "…" in row and row.endswith("1/2") for row in rows)


def test_a_post_is_shown_with_growth_media_and_history(call: Call) -> None:
    out = call("posts", "show", "p-1").out
    assert "Jane Doe (jane-doe)" in out
    assert "  Hello\n  world" in out
    assert "9 (+4)" in out
    assert "Media (1 of 2 in the cache)" in out
    assert "cached" in out
    assert "The post it shares" in out
    assert "Earlier text" in out
    assert "Helo" in out


def test_verifying_the_database_tells_each_difference(call: Call, library: FakeLibrary) -> None:
    library.answers["verify_database"] = [answers.FINDING]
    called = call("db", "verify")
    assert called.code == 3
    assert called.out == "posts: column urn differs (expected: text; found: integer)\n"


def test_fetched_files_go_to_stdout_and_failures_to_stderr(call: Call, library: FakeLibrary) -> None:
    library.answers["fetch_urls"] = [answers.url_outcome(), answers.url_outcome("http")]
    called = call("media", "fetch", "u", "v")
    assert (called.code, called.out) == (1, "/c/1.jpg\n")
    assert called.err == "https://media.example/1: it failed\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(shell: str, call: Call) -> None:
    assert "_POSTKEEP_COMPLETE" in call("completion", shell).out


def test_completion_knows_what_is_loaded_late(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_POSTKEEP_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "postkeep media ver")
    monkeypatch.setenv("COMP_CWORD", "2")
    out = call().out
    assert "verify" in out
    assert "verify-cache" in out


def test_config_show_tells_where_values_come_from(call: Call, tmp_path: Path) -> None:
    out = call("config", "show").out
    assert re.search(rf"^home\s+{re.escape(str(tmp_path))}/home\s+flag$", out, re.M)


def test_a_bad_setting_is_2(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTKEEP_FETCH_TRIES", "many")
    called = call("posts", "list")
    assert called.code == 2
    assert called.err.startswith("postkeep: ")
