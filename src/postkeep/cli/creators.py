"""`postkeep creators`: how creators are doing, each figure with the posts it is made of."""

from __future__ import annotations

import click

from postkeep.cli import creator_page, exits
from postkeep.cli.as_json import write_json
from postkeep.cli.face import AnyFunction, Face, json_option, limit_option, pass_face
from postkeep.cli.output import say
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, beginning, known, moment, plural, visible
from postkeep.cli.top_posts import grouped, percent
from postkeep.views.creators import AnalyticsMode, CreatorLine, CreatorOrder, CreatorsUpdated

_COLUMNS = (
    Column("Creator", cut=True, least=24),
    Column("Name", cut=True),
    Column("Followers", right=True),
    Column("Week", right=True, spare=4),
    Column("Rate", right=True),
    Column("Per week", right=True, spare=5),
    Column("Best", whole=True, spare=6),
    Column("Computed", whole=True, spare=2),
    Column("Profile", whole=True, spare=7),
)


def mode_option(command: AnyFunction) -> AnyFunction:
    return click.option(
        "--mode",
        type=click.Choice([str(each) for each in AnalyticsMode]),
        default=str(AnalyticsMode.CORRECTED),
        show_default=True,
        help="Which formulas: ours, or those of the program before, flaws included.",
    )(command)


def zone_option(command: AnyFunction) -> AnyFunction:
    return click.option(
        "--zone", default="UTC", show_default=True, metavar="NAME", help="By whose clock days and hours are told."
    )(command)


@click.group()
def creators() -> None:
    """See how creators are doing, by figures with their sample."""


@creators.command("list")
@click.option(
    "--by",
    type=click.Choice([str(each) for each in CreatorOrder]),
    default=str(CreatorOrder.NAME),
    show_default=True,
    help="What the list is sorted by; numbers from the largest on.",
)
@click.option("--platform", metavar="NAME", help="Only creators of this platform.")
@limit_option(50, "creators")
@click.option("--after", metavar="ID", help="Go on after this profile, the last of the page before.")
@json_option
@pass_face
def list_creators(face: Face, by: str, platform: str | None, limit: int, after: str | None, as_json: bool) -> int:
    """List creators with their stored figures.

    Listed are active profiles, and those of which figures are stored: `postkeep creators update` stores them.
    """
    with face.library(read_only=True) as library:
        found = library.creators.page(by=CreatorOrder(by), limit=limit, after=after, platform=platform)
    if as_json:
        write_json(found)
    elif not found:
        say("no creators: `postkeep creators update NAME` computes and stores the figures of one")
    else:
        write_table(_COLUMNS, [_row(line) for line in found])
        if len(found) == limit:
            say(f"there may be more: --after {found[-1].profile_id}")
    return 0


@creators.command("show")
@click.argument("name")
@mode_option
@zone_option
@click.option(
    "--top", type=click.IntRange(min=0), default=5, show_default=True, metavar="N", help="How many posts."
)
@json_option
@pass_face
def show_creator(face: Face, name: str, mode: str, zone: str, top: int, as_json: bool) -> int:
    """Show one creator or community: figures, followers, posts by type.

    NAME is a profile id, PLATFORM/USERNAME, r/NAME or u/NAME on Reddit, or a username that only one profile has.
    Everything is computed anew from the stored posts; nothing is stored.
    """
    with face.library(read_only=True) as library:
        detail = library.creators.show(name, mode=AnalyticsMode(mode), zone=zone, top=top)
    if as_json:
        write_json(creator_page.as_json(detail))
    else:
        creator_page.write_creator(detail)
    return 0


@creators.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@mode_option
@zone_option
@json_option
@pass_face
def compare_creators(face: Face, names: tuple[str, ...], mode: str, zone: str, as_json: bool) -> int:
    """Show the figures of several creators side by side.

    NAMEs are as in `creators show`. All are computed by the same formulas, as of now.
    """
    with face.library(read_only=True) as library:
        details = [
            library.creators.show(name, mode=AnalyticsMode(mode), zone=zone, top=0)
            for name in dict.fromkeys(names)
        ]
    if as_json:
        write_json([creator_page.as_json(detail) for detail in details])
    else:
        creator_page.write_comparison(details)
        if len({detail.platform for detail in details}) > 1:
            say("platforms count different things by the same name: see `postkeep metrics`")
    return 0


@creators.command("update")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@mode_option
@zone_option
@json_option
@pass_face
def update_creators(face: Face, names: tuple[str, ...], mode: str, zone: str, as_json: bool) -> int:
    """Compute the figures of creators and store them.

    Without a NAME: those of all active profiles, and of those that have figures. What is unknown is stored as
    unknown. Nothing is fetched.
    """
    with face.working(as_json=as_json) as work:
        summary = work.library.creators.update(
            names, mode=AnalyticsMode(mode), zone=zone, stop=work.stop, progress=work.progress
        )
    if as_json:
        write_json(summary)
    else:
        _write_summary(summary)
    return work.interrupts.code(exits.of_creators(summary))


def _row(line: CreatorLine) -> tuple[str, ...]:
    return (
        beginning(creator_page.short_name(line.platform, line.kind, line.username) or line.profile_id, 40),
        beginning(line.name, 30),
        grouped(line.followers),
        percent(line.growth_weekly),
        percent(line.engagement_rate),
        UNKNOWN if line.posts_per_week is None else f"{line.posts_per_week:.2f}",
        known(line.best_content_type),
        moment(line.computed_at)
        if line.mode in (None, AnalyticsMode.CORRECTED)
        else f"{moment(line.computed_at)}, {line.mode}",
        line.profile_id,
    )


def _write_summary(summary: CreatorsUpdated) -> None:
    write_pairs(
        [
            ("Run ID", summary.run_id),
            ("Profiles", str(summary.profiles)),
            ("Updated", str(summary.updated)),
            ("Posts", str(summary.posts)),
            ("Errors", str(len(summary.failed))),
        ]
    )
    for profile_id, error in summary.failed.items():
        say(f"{profile_id}: {visible(error)}")
    if not summary.profiles:
        say("no profile is active and none has figures: name one")
    elif str(summary.status) == "cancelled":
        say(f"stopped after {plural(summary.profiles, 'profile')}; the same command does all of them")
