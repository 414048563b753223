"""`postkeep completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click

from postkeep.cli.output import write_exactly


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the script that completes commands.

    Put it where your shell looks for completions, or evaluate it in your shell's start-up file.
    """
    from click.shell_completion import get_completion_class

    from postkeep.cli.root import NAME, postkeep
    from postkeep.cli.run import COMPLETE_VARIABLE

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    write_exactly(kind(postkeep, {}, NAME, COMPLETE_VARIABLE).source())
    return 0
