"""What every command starts from: the global options, and the library they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from postkeep.cli.interrupts import Interrupts

if TYPE_CHECKING:
    from postkeep.config import Config
    from postkeep.library import Library
    from postkeep.views import OnProgress

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Work:
    """A command's long work: the library, whether to stop, where to tell how far it is."""

    library: Library
    interrupts: Interrupts
    progress: OnProgress

    def stop(self) -> bool:
        return self.interrupts.stopping


@dataclass(frozen=True, slots=True)
class Face:
    """The global options of one call; None where an option was not given."""

    home: Path | None = None
    database: str | None = None
    env_file: Path | None = None
    verbosity: int = 0

    def config(self) -> Config:
        """The configuration these options lead to; raises ConfigError."""
        from postkeep.config import load_config

        return load_config(flags={"home": self.home, "database": self.database}, env_file=self.env_file)

    def logged_config(self) -> Config:
        """The same, with logging set up from it."""
        from postkeep.log import configure_logging

        config = self.config()
        configure_logging(config, verbosity=self.verbosity)
        return config

    @contextmanager
    def library(self, *, read_only: bool = False) -> Iterator[Library]:
        """The open library for the block; raises what `open_library` raises."""
        config = self.logged_config()
        from postkeep.library import open_library

        with open_library(config, read_only=read_only) as library:
            yield library

    @contextmanager
    def working(self, *, as_json: bool) -> Iterator[Work]:
        """The open library for long work that can be interrupted and tells how far it is."""
        from postkeep.cli.progress import shown_progress

        with (
            Interrupts() as interrupts,
            self.library() as library,
            shown_progress(as_json=as_json) as progress,
        ):
            yield Work(library, interrupts, progress)


pass_face = click.make_pass_decorator(Face)


def json_option(command: AnyFunction) -> AnyFunction:
    """The option `--json`, alike on every command that has it."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def limit_option(default: int | None, what: str) -> Callable[[AnyFunction], AnyFunction]:
    """The option `--limit`; without a default there is none."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=default,
        show_default=default is not None,
        metavar="N",
        help=f"At most N {what}.",
    )
