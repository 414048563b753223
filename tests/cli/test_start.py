"""Help starts fast, because it loads nothing; and streams that fail end a command in good order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import commands

HEAVY = (
    "sqlalchemy",
    "pycurl",
    "structlog",
    "rich",
    "msgspec",
    "orjson",
    "alembic",
    "platformdirs",
    "dotenv",
    "asyncio",
    "postkeep.platforms",
    "postkeep.library",
    "postkeep.store",
)

LOADED = """
import sys
from postkeep.cli.run import run
code = run(sys.argv[1:])
print(code, *sorted(sys.modules), file=sys.stderr)
"""


def loaded_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert code == "0"
    assert "postkeep.cli.root" in modules
    return set(modules)


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name in HEAVY or name.startswith(tuple(f"{each}." for each in HEAVY))}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("completion", "fish")])
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert heavy(loaded_by(*arguments)) == set()


def test_the_list_of_commands_loads_no_command() -> None:
    modules = loaded_by("--help")
    assert not {"postkeep.cli.media", "postkeep.cli.imports", "postkeep.cli.tables"} & modules


@pytest.mark.parametrize("group", sorted({name.split()[0] for name in commands.CALLS}))
def test_the_help_of_a_command_loads_nothing_heavy(group: str) -> None:
    assert heavy(loaded_by(group, "--help")) == set()


def test_the_program_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postkeep", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "postkeep 0.1.0\n"


ANSWER = """
import sys, types
from tests.cli.answers import FakeLibrary
from postkeep.cli.run import run
fake = FakeLibrary()
fake.answers["posts"] *= 5000
sys.modules["postkeep.library"] = types.SimpleNamespace(open_library=fake.open_library)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("last", [("posts", "list", "--json"), ("posts", "list", "--limit", "9999"), ("--help",)])
def test_a_reader_who_leaves_early_is_no_error(last: tuple[str, ...], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ANSWER, "--home", str(tmp_path), *last],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [("posts", "list", "--json"), ("posts", "list"), ("media", "list"), ("config", "show"), ("--help",)],
)
def test_a_full_disk_behind_stdout_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", ANSWER, "--home", str(tmp_path), *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write to stdout: No space left on device\n"


def test_an_answer_goes_through_a_terminal_of_few_characters(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANSWER, "--home", str(tmp_path), "media", "stats"],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)},
    )
    assert done.stdout.isascii()
