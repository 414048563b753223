"""`postkeep import`, which is `postkeep data import` too."""

from __future__ import annotations

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, pass_face


@click.command("import")
@click.argument("sources", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--no-fetch", is_flag=True, help="Store the posts only; fetch their media another time.")
@click.option("--no-wait", is_flag=True, help="When another process fetches already, leave the media to it.")
@json_option
@pass_face
def import_posts(face: Face, sources: tuple[str, ...], no_fetch: bool, no_wait: bool, as_json: bool) -> int:
    """Import scraped posts from files and folders.

    SOURCES are JSON or JSON Lines files (also .gz), folders of them, or - for standard input. Posts that are
    known already get the numbers of this observation. Then each of their media is tried once.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.import_(
            sources, fetch=not no_fetch, wait=not no_wait, stop=work.stop, progress=work.progress
        )
        hosts = work.library.hosts() if summary.media.pending and not as_json else []
    if as_json:
        write_json(summary)
    else:
        summaries.write_text(summaries.import_text(summary))
        summaries.say_import(summary, hosts)
    return work.interrupts.code(exits.of_import(summary))
