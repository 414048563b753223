"""`postkeep media`: what is in the cache, what is not, and bringing it there."""

from __future__ import annotations

import math
from datetime import datetime

import click

from postkeep.cli import archive, exits, summaries
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.failures import failures, retry
from postkeep.cli.join import join
from postkeep.cli.media_table import write_media
from postkeep.cli.output import say, write
from postkeep.cli.patience import Patience
from postkeep.cli.placeholders import placeholders
from postkeep.cli.since import Since, write_metrics
from postkeep.cli.tables import write_pairs
from postkeep.cli.text import plural, visible
from postkeep.cli.warm import warm
from postkeep.views import FetchMetrics, MediaStats, UrlOutcome, human_size


@click.group()
def media() -> None:
    """List, fetch and verify pictures, videos and documents."""


for _command in (failures, retry, join, warm, placeholders, archive.send):
    media.add_command(_command)


@media.command("list")
@click.option("--post-id", metavar="POST", help="Only media of this post (an id, URN or URL).")
@limit_option(50, "media")
@click.option("--after", metavar="ID", help="Go on after this media id, the last of the page before.")
@json_option
@pass_face
def list_media(face: Face, post_id: str | None, limit: int, after: str | None, as_json: bool) -> int:
    """List media and where their bytes stand."""
    if post_id is not None and after is not None:
        raise click.UsageError("--after pages through all media and does not go with --post-id")
    with face.library(read_only=True) as library:
        found = library.media_list(post=post_id, limit=limit, after=after)
    if as_json:
        write_json(found)
    elif not found:
        say("no media")
    else:
        write_media(found)
        if len(found) == limit:
            more = "a larger --limit shows them" if post_id is not None else f"--after {found[-1].media_id}"
            say(f"there may be more: {more}")
    return 0


@media.command("download-all")
@limit_option(None, "media")
@click.option(
    "--patience",
    type=Patience(),
    default=0.0,
    metavar="SPAN",
    help="Wait up to so long (seconds, 10m, 2h) for what is due later and for hosts that rest.",
)
@click.option("--no-wait", is_flag=True, help="When another process fetches already, leave at once.")
@json_option
@pass_face
def download_all(face: Face, limit: int | None, patience: float, no_wait: bool, as_json: bool) -> int:
    """Fetch all media that are due, each tried once.

    With --patience it goes on, once nothing is due any more, with what is due within that time.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.fetch_due(
            limit=limit, wait=not no_wait, patience=patience, stop=work.stop, progress=work.progress
        )
        hosts = work.library.hosts() if summary.resting and not as_json else []
    if as_json:
        write_json(summary)
    else:
        summaries.write_text(summaries.fetch_text(summary))
        summaries.say_fetch(summary, hosts)
    return work.interrupts.code(exits.of_fetch(summary))


@media.command("fetch")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@json_option
@pass_face
def fetch_urls(face: Face, urls: tuple[str, ...], as_json: bool) -> int:
    """Bring URLs into the cache, without a post.

    Prints the path of each file, in the order of the URLs.
    """
    with face.working(as_json=as_json) as work:
        outcomes = work.library.fetch_urls(urls, stop=work.stop, progress=work.progress)
    if as_json:
        write_json(outcomes)
    else:
        for outcome in outcomes:
            _write_outcome(outcome)
    return work.interrupts.code(exits.of_urls(outcomes))


def _write_outcome(outcome: UrlOutcome) -> None:
    if outcome.file is None:
        say(f"{visible(outcome.url)}: {visible(outcome.error or 'not fetched')}")
    else:
        write(visible(outcome.file.path))


@media.command("stats")
@click.option(
    "--since", type=Since(), metavar="WHEN", help="Show how fetching went since a day, or in the last 7d."
)
@json_option
@pass_face
def media_stats(face: Face, since: datetime | None, as_json: bool) -> int:
    """Show the media library in numbers, or how fetching went."""
    with face.library(read_only=True) as library:
        stats = library.media_stats() if since is None else library.media_metrics(since)
    if as_json:
        write_json(stats)
    elif isinstance(stats, FetchMetrics):
        write_metrics(stats)
    else:
        _write_stats(stats)
    return 0


def _write_stats(stats: MediaStats) -> None:
    used = f" ({stats.bytes / stats.cache_limit:.0%})" if stats.cache_limit else ""
    write_pairs(
        [
            ("Cache", stats.cache_root),
            ("Files", f"{stats.files} in the cache, each content once"),
            ("Size", f"{human_size(stats.bytes)} of {human_size(stats.cache_limit)}{used}"),
            ("In posts", plural(stats.places, "place")),
            ("To fetch", f"{stats.waiting}, due now: {stats.due}"),
            *([("Lost", f"{stats.lost} (postkeep media failures --kind lost)")] if stats.lost else []),
        ]
    )
    if stats.by_type:
        write("\nBy type:")
        write_pairs(
            [
                (name, f"{plural(each.files, 'file')}, {human_size(each.bytes)}")
                for name, each in stats.by_type.items()
            ],
            indent="  ",
        )
    if stats.by_state:
        write("\nPlaces in posts by state (`fetched`: its content is known, in the cache or not):")
        write_pairs([(state, str(number)) for state, number in stats.by_state.items()], indent="  ")


@media.command("verify")
@click.argument("md5", metavar="MD5")
@json_option
@pass_face
def verify_md5(face: Face, md5: str, as_json: bool) -> int:
    """Hash the cached file with this MD5."""
    with face.library() as library:
        check = library.verify_md5(md5)
    if as_json:
        write_json(check)
    else:
        word = "sound" if check.sound else "damaged" if check.found else "not found"
        write(f"{word}: {visible(check.path or check.md5)}")
        say(visible(check.message))
    return exits.of_md5(check)


@media.command("verify-cache")
@click.option("--repair", is_flag=True, help="Mend what can be mended; without it nothing is changed.")
@click.option("--md5-only", is_flag=True, help="Take only the MD5: faster, and blind to forged files.")
@json_option
@pass_face
def verify_cache(face: Face, repair: bool, md5_only: bool, as_json: bool) -> int:
    """Hash every file of the cache, and tell what is not as it was proven.

    With --repair damaged files are moved to quarantine, damaged and missing ones are queued to be fetched
    again, sound files that no row knows are taken up, and wrong names are put right.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.verify_cache(
            repair=repair, md5_only=md5_only, stop=work.stop, progress=work.progress
        )
    if as_json:
        write_json(summary)
    else:
        summaries.write_text(summaries.verify_text(summary))
        summaries.say_verify(summary)
    return work.interrupts.code(exits.of_verify(summary))


@media.command("backfill")
@click.option("--dry-run", is_flag=True, help="Only list the posts that would be tried.")
@limit_option(None, "posts")
@click.option(
    "--start-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only posts from this day on (UTC).",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Posts between two pauses.",
)
@click.option(
    "--sleep-min",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    metavar="X",
    help="Pause at least X seconds.",
)
@click.option(
    "--sleep-max",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    metavar="X",
    help="Pause at most X seconds.",
)
@json_option
@pass_face
def backfill(
    face: Face,
    dry_run: bool,
    limit: int | None,
    start_date: datetime | None,
    batch_size: int,
    sleep_min: float,
    sleep_max: float,
    as_json: bool,
) -> int:
    """Fetch what posts still miss, with pauses.

    Interrupted, it goes on where it stopped: what is in the cache is not found again.
    """
    if not math.isfinite(sleep_min) or not math.isfinite(sleep_max):
        raise click.UsageError("--sleep-min and --sleep-max are numbers of seconds")
    if sleep_max < sleep_min:
        raise click.UsageError("--sleep-max is less than --sleep-min")
    with face.working(as_json=as_json) as work:
        summary = work.library.backfill(
            dry_run=dry_run,
            limit=limit,
            start_date=start_date.date() if start_date else None,
            batch_size=batch_size,
            sleep_min=sleep_min,
            sleep_max=sleep_max,
            stop=work.stop,
            progress=work.progress,
        )
        hosts = work.library.hosts() if summary.media.pending and not as_json else []
    if as_json:
        write_json(summary)
    elif dry_run:
        summaries.write_text(summaries.dry_run_text(summary))
        summaries.say_dry_run(summary)
    else:
        summaries.write_text(summaries.backfill_text(summary))
        summaries.say_backfill(summary, hosts)
    return work.interrupts.code(exits.of_backfill(summary))
