"""One call of the command line from its arguments to its exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from postkeep.cli import exits, output
from postkeep.cli.interrupts import StopAtOnce
from postkeep.cli.root import NAME, postkeep
from postkeep.cli.text import visible
from postkeep.errors import PostkeepError

# How a shell asks for completions: not a setting, so no part of the configuration.
COMPLETE_VARIABLE = f"_{NAME.upper()}_COMPLETE"


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code; what is our own mistake is raised as it is.

    Not Click's own runner: it takes every broken pipe, a database's too, for a closed stdout.
    """
    output.prepare()
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(postkeep, {}, NAME, COMPLETE_VARIABLE, instruction)
    try:
        with postkeep.make_context(NAME, list(arguments)) as context:
            return int(postkeep.invoke(context) or exits.Exit.DONE)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PostkeepError as error:
        output.say(f"{NAME}: {visible(' '.join(error.message.split()))}")
        return exits.of_error(error)
    except StopAtOnce as stopped:
        return exits.of_signal(stopped.number)
    except (KeyboardInterrupt, click.Abort):
        return exits.Exit.INTERRUPTED
    except BrokenPipeError:
        if not output.stdout_gone():
            raise
        output.silence_stdout()
        return exits.Exit.DONE
    except OSError as error:
        # Click prints help and versions by itself.
        if error.filename is not None or not output.stdout_refuses():
            raise
        output.silence_stdout()
        output.say(f"Error: cannot write to stdout: {error.strerror}")
        return exits.Exit.SOME_FAILED
