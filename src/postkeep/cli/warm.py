"""`postkeep media warm`: fetching ahead what people look at most."""

from __future__ import annotations

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import count, day, plural
from postkeep.views import WarmBy, WarmPost, WarmSummary

_COLUMNS = (
    Column("Post", whole=True),
    Column("Posted", whole=True),
    Column("Kind", whole=True),
    Column("Engagement", right=True),
    Column("To fetch", right=True),
)


@click.command("warm")
@click.option(
    "--by",
    type=click.Choice([each.value for each in WarmBy]),
    default=WarmBy.ENGAGEMENT.value,
    show_default=True,
    help="Which posts come first.",
)
@click.option("--profile", metavar="NAME", help="Only posts by this username.")
@limit_option(100, "posts")
@click.option("--no-wait", is_flag=True, help="When another process fetches already, leave at once.")
@click.option("--dry-run", is_flag=True, help="Only list the posts.")
@json_option
@pass_face
def warm(face: Face, by: str, profile: str | None, limit: int, no_wait: bool, dry_run: bool, as_json: bool) -> int:
    """Fetch ahead the media of the posts people look at most.

    Engagement is reactions, comments and reposts together, as observed last.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.warm(
            by=WarmBy(by),
            profile=profile,
            limit=limit,
            wait=not no_wait,
            dry_run=dry_run,
            stop=work.stop,
            progress=work.progress,
        )
        hosts = work.library.hosts() if summary.media.pending and not as_json else []
    if as_json:
        write_json(summary)
    elif dry_run:
        _write_posts(summary)
    else:
        write(summaries.warm_text(summary))
        summaries.say_waiting(summary.media.pending, hosts)
        summaries.say_end(summary.status, summary.error)
    return work.interrupts.code(exits.of_warm(summary))


def _write_posts(summary: WarmSummary) -> None:
    if summary.posts:
        write_table(_COLUMNS, [_row(post) for post in summary.posts])
    total = sum(post.items for post in summary.posts)
    say(f"{plural(len(summary.posts), 'post')} with {plural(total, 'file')} to fetch; nothing was fetched")


def _row(post: WarmPost) -> tuple[str, ...]:
    return (post.post_id, day(post.posted_at), post.kind, count(post.engagement), str(post.items))
