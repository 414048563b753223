"""`postkeep import`, which is `postkeep data import` too."""

from __future__ import annotations

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import jsonable, write_json
from postkeep.cli.face import Face, Work, json_option, pass_face
from postkeep.cli.watching import say_archived
from postkeep.errors import PostkeepError
from postkeep.model import Json
from postkeep.views import ImportSummary
from postkeep.views.watching import ImportArchived


@click.command("import")
@click.argument("sources", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--no-fetch", is_flag=True, help="Store the posts only; fetch their media another time.")
@click.option("--no-wait", is_flag=True, help="When another process fetches already, leave the media to it.")
@click.option(
    "--archive", is_flag=True, help="When all is done, send the media this import brought to the archive."
)
@click.option("--readmit", is_flag=True, help="Let what was erased and is in these sources come back, for good.")
@json_option
@pass_face
def import_posts(
    face: Face,
    sources: tuple[str, ...],
    no_fetch: bool,
    no_wait: bool,
    archive: bool,
    readmit: bool,
    as_json: bool,
) -> int:
    """Import scraped posts from files and folders.

    SOURCES are JSON or JSON Lines files (also .gz), folders of them, or - for standard input. Posts that are
    known already get the numbers of this observation. Then each of their media is tried once.
    """
    with face.working(as_json=as_json) as work:
        if archive:
            work.library.must_have_archive()
        summary = work.library.import_(
            sources,
            fetch=not no_fetch,
            wait=not no_wait,
            readmit=readmit,
            stop=work.stop,
            progress=work.progress,
        )
        archived = _archived(work, summary.run_id) if archive and not work.stop() else None
        hosts = work.library.hosts() if summary.media.pending and not as_json else []
    if as_json:
        write_json(_joined(summary, archived) if archive else summary)
    else:
        summaries.write_text(summaries.import_text(summary))
        summaries.say_import(summary, hosts)
        if archived is not None:
            say_archived(archived)
    return work.interrupts.code(exits.of_import_archived(summary, archived))


def _archived(work: Work, run_id: str) -> ImportArchived | PostkeepError:
    """What became of the media; the import is done whatever that is."""
    try:
        return work.library.archive_imported(run_id, stop=work.stop, progress=work.progress)
    except PostkeepError as error:
        return error


def _joined(summary: ImportSummary, archived: ImportArchived | PostkeepError | None) -> Json:
    told = {"error": archived.message} if isinstance(archived, PostkeepError) else jsonable(archived)
    document = jsonable(summary)
    assert isinstance(document, dict), "a summary is a dataclass"
    return {**document, "archive": told}
