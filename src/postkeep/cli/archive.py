"""`postkeep archive` and `media archive`: the second home of media, its proof, and the way back."""

from __future__ import annotations

import math
from datetime import datetime

import click

from postkeep.cli import exits
from postkeep.cli.archive_failures import WHERE_TO_LOOK, failures
from postkeep.cli.as_json import jsonable, write_json
from postkeep.cli.costs import cost_pairs
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write
from postkeep.cli.patience import Patience
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import plural, visible
from postkeep.cli.watching import Rounds, write_watched
from postkeep.views import human_size
from postkeep.views.archives import ArchiveCheck, ArchiveStatus, ArchiveSummary, RestoreSummary
from postkeep.views.costs import CostBy, Costs

_FAULTS_SHOWN = 20
_STRANGERS_NAMED = 5


@click.group()
def archive() -> None:
    """See, check and set up the archive, and bring media back."""


archive.add_command(failures)


@click.command("archive")
@click.option("--all", "everything", is_flag=True, help="Everything in the cache that is not there yet.")
@click.option("--post-id", metavar="POST", help="Only media of this post (an id, URN or URL).")
@click.option("--media-id", metavar="MEDIA", help="Only this medium.")
@click.option("--dry-run", is_flag=True, help="Only tell how much would go up.")
@click.option("--watch", is_flag=True, help="Go on until stopped: send also what comes into the cache later.")
@click.option(
    "--every",
    type=Patience(),
    default="1m",
    show_default=True,
    metavar="SPAN",
    help="How often --watch looks for what is new.",
)
@limit_option(None, "files")
@json_option
@pass_face
def send(
    face: Face,
    everything: bool,
    post_id: str | None,
    media_id: str | None,
    dry_run: bool,
    watch: bool,
    every: float,
    limit: int | None,
    as_json: bool,
) -> int:
    """Send media to the archive, and prove that it holds them.

    A file is called archived when the store's own answer, or reading it back, shows the same bytes.
    """
    if watch:
        if post_id is not None or media_id is not None or dry_run or limit is not None:
            raise click.UsageError("--watch sends all media: it goes with --all alone")
        return _watch(face, every=max(1.0, every), as_json=as_json)
    if sum((everything, post_id is not None, media_id is not None)) != 1:
        raise click.UsageError("say which media: one of --all, --post-id and --media-id, or --watch")
    if dry_run:
        with face.library(read_only=True) as library:
            plan = library.plan_archive(post=post_id, media_id=media_id)
        if as_json:
            write_json(plan)
        else:
            write(f"{plural(plan.files, 'file')}, {human_size(plan.bytes)}, would go to {visible(plan.place)}")
            say(f"{plural(plan.proven, 'file')} proven to be there already")
        return 0
    with face.working(as_json=as_json) as work:
        summary = work.library.archive_media(
            post=post_id, media_id=media_id, limit=limit, stop=work.stop, progress=work.progress
        )
    if as_json:
        write_json(summary)
    else:
        _write_summary(summary)
    return work.interrupts.code(exits.of_archive(summary))


def _watch(face: Face, *, every: float, as_json: bool) -> int:
    with face.working(as_json=as_json) as work:
        summary = work.library.watch_archive(
            every=every, on_round=Rounds(), stop=work.stop, progress=work.progress
        )
    if as_json:
        write_json(summary)
    else:
        write_watched(summary)
    return work.interrupts.code(exits.of_watch(summary))


def _write_summary(summary: ArchiveSummary) -> None:
    write("Archive Summary:")
    pairs = [
        ("Run ID", summary.run_id),
        ("Archive", summary.place),
        ("Due", str(summary.due)),
        ("Archived", str(summary.archived)),
        *([("Found there", str(summary.found))] if summary.found else []),
        ("Failed", str(summary.failed)),
        ("Sent", human_size(summary.bytes)),
        *([("Waiting", str(summary.waiting))] if summary.waiting else []),
    ]
    write_pairs(pairs)
    for kind, number in sorted(summary.kinds.items()):
        say(f"{number} failed: {visible(kind)}")
    if summary.failed:
        say(WHERE_TO_LOOK)
    if summary.error:
        say(f"error: {visible(summary.error)}")
    elif summary.waiting:
        say("what waits, tried or not, is sent by the next `postkeep media archive --all`")


@archive.command("status")
@json_option
@pass_face
def status(face: Face, as_json: bool) -> int:
    """Show how much is archived.

    By the rows; the store is not asked. Waiting is what was queued and is not archived yet: never tried, or to be
    tried again.
    """
    with face.library(read_only=True) as library:
        found, spent = library.archive_status(), library.archive_costs(by=CostBy.MONTH)
    if as_json:
        document = jsonable(found)
        assert isinstance(document, dict), "a status is a dataclass"
        write_json({**document, "costs": jsonable(spent)})
    else:
        _write_status(found, spent)
    return 0


def _write_status(found: ArchiveStatus, spent: Costs) -> None:
    write_pairs(
        [
            ("Archive", found.place),
            ("Waiting", str(found.waiting)),
            *cost_pairs(spent),
        ]
    )
    if not found.shares:
        say("no media yet")
        return
    write("")
    write_table(
        [
            Column("Type", whole=True),
            Column("Archived", right=True),
            Column("of", right=True),
            Column("Size", right=True),
            Column("Only here", right=True),
            Column("Failed", right=True),
        ],
        [
            (
                each.media_type,
                str(each.archived),
                str(each.files),
                human_size(each.archived_bytes),
                str(each.cached_only),
                str(each.failed),
            )
            for each in found.shares
        ],
    )
    if any(each.failed for each in found.shares):
        say(WHERE_TO_LOOK)
    if found.waiting:
        say(
            f"{plural(found.waiting, 'file')} queued and not archived yet, never tried or to be tried again:"
            " `postkeep media archive --all`"
        )


@archive.command("verify")
@click.option("--full", is_flag=True, help="Read every object back, which costs as much as downloading all.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Read so many percent of the objects back, chosen by chance.",
)
@click.option("--repair", is_flag=True, help="Call nothing archived that is not; queue what the cache still has.")
@click.option("--all-lost", is_flag=True, help="With --repair: note it also when nothing at all is there.")
@json_option
@pass_face
def verify(face: Face, full: bool, sample: float, repair: bool, all_lost: bool, as_json: bool) -> int:
    """Check that the archive still has everything.

    Compares the store's own listing with what was proven: is each object there, of its size, with its tag. An
    object whose tag has changed is read back in any case. A folder has no tags: there, damage that leaves the size
    as it was is found by --full alone, or by --sample with luck.
    """
    if math.isnan(sample):
        raise click.BadParameter("nan is no number of percent", param_hint="--sample")
    if all_lost and not repair:
        raise click.UsageError("--all-lost changes what --repair does: give both")
    if full and sample:
        raise click.UsageError("--full reads everything: --sample beside it would be ignored")
    with face.working(as_json=as_json) as work:
        check = work.library.verify_archive(
            sample=1.0 if full else sample / 100,
            repair=repair,
            all_lost=all_lost,
            stop=work.stop,
            progress=work.progress,
        )
    if as_json:
        write_json(check)
    else:
        _write_check(check, repair=repair)
    return work.interrupts.code(exits.of_archive_check(check))


def _write_check(check: ArchiveCheck, *, repair: bool) -> None:
    write("Archive Check:")
    write_pairs(
        [
            ("Run ID", check.run_id),
            ("Archive", check.place),
            ("Checked", str(check.checked)),
            ("Read back", str(check.read)),
            ("Faulty", str(len(check.faults))),
            *([("Unknown", f"{check.strangers}, {human_size(check.strange_bytes)}")] if check.strangers else []),
            *([("Queued", str(check.queued))] if check.queued else []),
            *([("Back", str(check.back))] if check.back else []),
        ]
    )
    for fault in check.faults[:_FAULTS_SHOWN]:
        say(visible(f"{fault.fault}: {fault.url}" + ("" if fault.cached else " (not in the cache either)")))
    if (more := len(check.faults) - _FAULTS_SHOWN) > 0:
        say(f"… and {more} more: --json lists all")
    for stranger in check.stranger_objects[:_STRANGERS_NAMED]:
        say(visible(f"unknown: {stranger.key} ({human_size(stranger.bytes)})"))
    if check.strangers > _STRANGERS_NAMED:
        say(f"… and {check.strangers - _STRANGERS_NAMED} more that are unknown: --json names the first 20")
    if check.error:
        say(f"error: {visible(check.error)}")
    if check.queued:
        say(f"{plural(check.queued, 'file')} queued to go up again: `postkeep media archive --all`")
    elif check.faults and not repair:
        say("`postkeep archive verify --repair` queues what the cache has; then `postkeep media archive --all`")


@archive.command("restore")
@click.option("--all", "everything", is_flag=True, help="Everything that is archived and not in the cache.")
@click.option("--post-id", metavar="POST", help="Only media of this post (an id, URN or URL).")
@click.option("--author", metavar="NAME", help="Only media of posts of this username.")
@click.option("--platform", metavar="NAME", help="Only media of posts of this platform.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only media of posts from this day on (UTC).",
)
@limit_option(None, "files")
@json_option
@pass_face
def restore(
    face: Face,
    everything: bool,
    post_id: str | None,
    author: str | None,
    platform: str | None,
    since: datetime | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """Bring media back into the cache.

    What comes must be what was archived. Files that should be in the cache are looked at first, so that what was
    lost comes back, too.
    """
    some = any(each is not None for each in (post_id, author, platform, since))
    if everything == some:
        raise click.UsageError("say which media: --all, or --post-id, --author, --platform, --since")
    with face.working(as_json=as_json) as work:
        summary = work.library.restore_archive(
            post=post_id,
            author=author,
            platform=platform,
            since=since.date() if since else None,
            limit=limit,
            stop=work.stop,
            progress=work.progress,
        )
    if as_json:
        write_json(summary)
    else:
        _write_restored(summary)
    return work.interrupts.code(exits.of_restore(summary))


def _write_restored(summary: RestoreSummary) -> None:
    write("Restore Summary:")
    write_pairs(
        [
            ("Run ID", summary.run_id),
            ("Archive", summary.place),
            ("Due", str(summary.due)),
            ("Restored", str(summary.restored)),
            ("Failed", str(len(summary.failed))),
            ("Received", human_size(summary.bytes)),
        ]
    )
    _say_reasons(summary)
    if summary.error:
        say(f"error: {visible(summary.error)}")


def _say_reasons(summary: RestoreSummary) -> None:
    """Each reason once, but for that which ended the run and is told with it."""
    paths: dict[str, list[str]] = {}
    for path, reason in summary.failed:
        paths.setdefault(reason, []).append(path)
    told = [(reason, its) for reason, its in paths.items() if reason != summary.error]
    for reason, its in told[:_FAULTS_SHOWN]:
        say(visible(f"{its[0] if len(its) == 1 else plural(len(its), 'file')}: {reason}"))
    if more := sum(len(its) for _, its in told[_FAULTS_SHOWN:]):
        say(f"… and {more} more: --json lists all")


@archive.command("url")
@click.argument("media_id", metavar="MEDIA")
@click.option(
    "--expires",
    type=Patience(least=1, most_days=7),
    default="1h",
    show_default=True,
    metavar="SPAN",
    help="How long it opens (7d at most).",
)
@json_option
@pass_face
def url(face: Face, media_id: str, expires: float, as_json: bool) -> int:
    """Print a link that opens a medium for a while.

    It opens for whoever has it. The name of a file in a folder and a link that begins with public_url do not end.
    """
    if expires < 1:
        raise click.BadParameter("a link opens for a second at least", param_hint="--expires")
    with face.library(read_only=True) as library:
        link = library.archive_link(media_id, seconds=int(expires))
    if as_json:
        write_json(link)
    else:
        write(visible(link.url))
    return 0


@archive.command("setup")
@json_option
@pass_face
def setup(face: Face, as_json: bool) -> int:
    """Make the bucket or folder fit for an archive.

    Makes it when it is missing, keeps it private, lets broken uploads go, and writes, reads, lists and removes a
    test object. What the keys do not allow is told.
    """
    with face.library() as library:
        steps = library.set_up_archive()
    if as_json:
        write_json(steps)
    else:
        for step in steps:
            write(visible(f"{'done' if step.done else 'not done'}: {step.name}: {step.note}"))
    return exits.of_steps(steps)
