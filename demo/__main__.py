"""Shows postkeep at work: real commands on an invented world, with the media server's own count as proof."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from demo.records import CURVE_ID, write_records
from demo.server import MediaServer
from demo.world import files

ROOT = Path(__file__).parents[1]
PLACE = Path("build") / "demo"
HOME, DATA = PLACE / "home", PLACE / "data"

Run = Callable[[Sequence[str], str], int]
"""Runs a postkeep command that may fetch from an address; returns its exit code."""


class Failed(Exception):
    """A step of the demonstration did not do what it should."""


def postkeep(arguments: Sequence[str], address: str) -> int:
    """Run the real command line on the demonstration's home, told as a user would type it."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("POSTKEEP_")}
    # The user's own settings and proxies are no part of the show.
    settings["XDG_CONFIG_HOME"] = str(ROOT / PLACE / "config")
    settings["no_proxy"] = "127.0.0.1"
    settings["POSTKEEP_FETCH_ALLOW"] = address
    command = [sys.executable, "-m", "postkeep", "--home", str(HOME), *arguments]
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode


def demonstrate(server: MediaServer, run: Run) -> None:
    """Run every command in turn; raises Failed at the first that fails, or when the second import fetches."""

    def step(*arguments: str) -> None:
        _echo(f"postkeep --home {HOME} {shlex.join(arguments)}")
        code = run(arguments, server.address)
        if code:
            raise Failed(f"`postkeep {shlex.join(arguments)}` ended with exit code {code}")

    step("import", str(DATA))
    step("posts", "list", "--limit", "8")
    step("posts", "show", CURVE_ID)
    step("media", "stats")
    step("media", "failures")
    step("media", "verify-cache")
    before = server.hits
    if not before:
        raise Failed("the import asked the media server for nothing")
    step("import", str(DATA))
    after = server.hits
    print(f"\nrequests the media server saw: before {before}, after {after}", flush=True)
    if after != before:
        raise Failed(f"the second import sent {after - before} requests, and should have sent none")


def _echo(command: str) -> None:
    is_bright = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(f"\n\033[1m$ {command}\033[0m" if is_bright else f"\n$ {command}", flush=True)


def main(run: Run = postkeep) -> int:
    """Make the world anew below build/demo and show it; 0 when everything went as told."""
    shutil.rmtree(ROOT / PLACE, ignore_errors=True)
    with MediaServer(files()) as server:
        written = write_records(ROOT / DATA, server.base)
        print(
            f"{len(written)} files of scraped posts are in {DATA}; their media are at {server.base}.", flush=True
        )
        try:
            demonstrate(server, run)
        except Failed as error:
            print(f"\nThe demonstration failed: {error}", file=sys.stderr)
            return 1
    print(f"""
Imported twice, fetched once. What is to be had is kept in {HOME}, and proven;
what is not has a reason. Look around, for example:

  .venv/bin/postkeep --home {HOME} posts list --author mara-lindqvist
  .venv/bin/postkeep --home {HOME} media list
  .venv/bin/postkeep --home {HOME} runs list""")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
