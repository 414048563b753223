"""The command `postkeep`: its global options and the table of its commands."""

from __future__ import annotations

from pathlib import Path

import click

from postkeep import __version__
from postkeep.cli.face import Face
from postkeep.cli.lazy import Entry, LazyGroup

NAME = "postkeep"

COMMANDS = {
    "import": Entry("postkeep.cli.imports:import_posts", "Import scraped posts from files and folders."),
    "posts": Entry("postkeep.cli.posts:posts", "Look at posts and how their numbers grew."),
    "creators": Entry(
        "postkeep.cli.creators:creators", "See how creators are doing, by figures with their sample."
    ),
    "report": Entry("postkeep.cli.report:report", "Write a creator's figures as one HTML page."),
    "metrics": Entry("postkeep.cli.metrics:metrics", "See what each figure means."),
    "profiles": Entry("postkeep.cli.profiles:profiles", "Keep the people you follow in order."),
    "tags": Entry("postkeep.cli.tags:tags", "Put words of your own on profiles and posts."),
    "media": Entry("postkeep.cli.media:media", "List, fetch and verify pictures, videos and documents."),
    "hold": Entry("postkeep.cli.holds:hold", "Keep files in the cache, whoever wants room."),
    "retention": Entry("postkeep.cli.retention:retention", "Remove cached files by age, platform and profile."),
    "erase": Entry("postkeep.cli.erasing:erase", "Erase posts and profiles for good, and keep them away."),
    "cache": Entry("postkeep.cli.cache:cache", "Take over the media of another cache."),
    "archive": Entry("postkeep.cli.archive:archive", "See, check and set up the archive, and bring media back."),
    "costs": Entry("postkeep.cli.costs:costs", "See what was spent, on what and for whom."),
    "hosts": Entry("postkeep.cli.hosts:hosts", "See which hosts have work, and which are left alone."),
    "data": Entry("postkeep.cli.data:data", "Import posts, and see how much there is."),
    "export": Entry(
        "postkeep.cli.export:export",
        "Write posts, media, snapshots, followers or analytics for other programs.",
    ),
    "runs": Entry("postkeep.cli.runs:runs", "See what was done when, and how it ended."),
    "quarantine": Entry("postkeep.cli.quarantine:quarantine", "Look at records that could not be read."),
    "db": Entry("postkeep.cli.database:db", "Upgrade, verify and copy the database."),
    "config": Entry("postkeep.cli.settings:config", "See the settings and where each comes from."),
    "completion": Entry("postkeep.cli.completion:completion", "Print the script that completes commands."),
}


@click.group(
    NAME,
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory where postkeep keeps everything.",
)
@click.option("--database", metavar="URL", help="The database: a path, sqlite:// or postgresql:// URL.")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read this file in place of every .env.",
)
@click.option("-v", "--verbose", count=True, help="Tell more on stderr; twice: everything.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def postkeep(
    ctx: click.Context, home: Path | None, database: str | None, env_file: Path | None, verbose: int
) -> None:
    """Keep the posts you follow: every picture, every number over time, proven.

    Answers go to stdout (with --json as one JSON document), everything else to stderr.
    """
    ctx.obj = Face(home=home, database=database, env_file=env_file, verbosity=verbose)
