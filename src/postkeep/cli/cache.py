"""`postkeep cache`: the media folder as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face


@click.group()
def cache() -> None:
    """Take over the media of another cache."""


@cache.command("adopt")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@click.option("--dry-run", is_flag=True, help="Only read, and tell what would be done.")
@json_option
@pass_face
def adopt(face: Face, folder: Path, dry_run: bool, as_json: bool) -> int:
    """Copy the media of a predecessor's cache, without downloading.

    Files named by the MD5 of their URL or of their content are joined to the posts that show them. The files
    in DIR are never changed; run again, it goes on where it stopped.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.adopt_cache(folder, dry_run=dry_run, stop=work.stop, progress=work.progress)
    if as_json:
        write_json(summary)
    else:
        summaries.write_text(summaries.adopt_text(summary))
        summaries.say_adopt(summary)
    return work.interrupts.code(exits.of_adopt(summary))
