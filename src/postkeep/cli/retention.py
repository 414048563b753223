"""`postkeep retention`: policies, and what they would remove and do."""

from __future__ import annotations

import re
from tempfile import SpooledTemporaryFile
from typing import Any

import click

from postkeep.cli import exits, summaries
from postkeep.cli.as_json import document, write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.output import say, write, write_exactly
from postkeep.cli.tables import Column, write_table
from postkeep.cli.text import UNKNOWN, day, known, plural, visible
from postkeep.views import PolicyView, RetentionMatch, RetentionSummary, RetentionTotals, human_size

SHOWN = 20
_IN_MEMORY = 1024 * 1024
_SPAN = re.compile(r"([0-9]{1,6})([dw])")
_DAYS = {"d": 1, "w": 7}
_MOST_DAYS = 36_500

_COLUMNS = (
    Column("Policy", whole=True),
    Column("Older than", right=True),
    Column("Platform"),
    Column("Profile"),
)


class Span(click.ParamType[int]):
    """A number of days: 365d, 52w."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SPAN.fullmatch(str(value).strip())
        days = int(found[1]) * _DAYS[found[2]] if found else 0
        if not 1 <= days <= _MOST_DAYS:
            self.fail(f"{value!r} is not a span such as 365d or 52w", param, ctx)
        return days


@click.group()
def retention() -> None:
    """Remove cached files by age, platform and profile."""


@retention.command("add")
@click.argument("name", metavar="NAME")
@click.option("--older-than", type=Span(), required=True, metavar="SPAN", help="Days or weeks: 365d, 52w.")
@click.option("--platform", metavar="NAME", help="Only what posts and profiles of this platform show.")
@click.option("--profile", metavar="PROFILE", help="Only what this profile shows (an id or username).")
@json_option
@pass_face
def add_policy(
    face: Face, name: str, older_than: int, platform: str | None, profile: str | None, as_json: bool
) -> int:
    """Add a policy; nothing is removed before it is applied."""
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise click.UsageError("NAME is made of letters, digits, '-', '_' and '.'")
    with face.library() as library:
        made = library.add_policy(name, older_than_days=older_than, platform=platform, profile=profile)
    if as_json:
        write_json(made)
    else:
        say(f"added; see what it matches: postkeep retention apply {made.name} --dry-run")
    return 0


@retention.command("list")
@json_option
@pass_face
def list_policies(face: Face, as_json: bool) -> int:
    """List the policies by name."""
    with face.library(read_only=True) as library:
        found = library.policies()
    if as_json:
        write_json(found)
    elif not found:
        say("no policies")
    else:
        write_table(_COLUMNS, [_row(each) for each in found])
    return 0


def _row(policy: PolicyView) -> tuple[str, ...]:
    profile = UNKNOWN if policy.profile_id is None else policy.profile or policy.profile_id
    return (visible(policy.name), plural(policy.older_than_days, "day"), known(policy.platform), visible(profile))


@retention.command("remove")
@click.argument("name", metavar="NAME")
@json_option
@pass_face
def remove_policy(face: Face, name: str, as_json: bool) -> int:
    """Remove a policy; what it removed stays removed."""
    with face.library() as library:
        library.remove_policy(name)
    if as_json:
        write_json({"removed": name})
    else:
        say(f"removed the policy {visible(name)}")
    return 0


@retention.command("apply")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
@click.option("--include-unrecoverable", is_flag=True, help="Remove also what cannot come back.")
@limit_option(None, "files")
@json_option
@pass_face
def apply(
    face: Face,
    names: tuple[str, ...],
    dry_run: bool,
    include_unrecoverable: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """Remove from the cache what the policies match: those named, or all.

    Posts and what is known of the files stay; so does every file under a hold.
    """
    with _Told(as_json=as_json) as told, face.working(as_json=as_json) as work:
        summary = work.library.apply_retention(
            names,
            dry_run=dry_run,
            include_unrecoverable=include_unrecoverable,
            limit=limit,
            on_match=told,
            stop=work.stop,
            progress=work.progress,
        )
        told.write(summary)
        if not as_json:
            _say(summary, included=include_unrecoverable)
        return work.interrupts.code(exits.Exit.DONE)


class _Told:
    """What was matched, in two lists; however long they are, they wait on the disk for their totals."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lists = {
            apart: SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - closed at the exit
            for apart in ("recoverable", "unrecoverable")
        }
        self._counts = dict.fromkeys(self._lists, 0)

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *exc: object) -> None:
        for each in self._lists.values():
            each.close()

    def __call__(self, match: RetentionMatch) -> None:
        apart = "recoverable" if match.recoverable else "unrecoverable"
        self._counts[apart] += 1
        if self._as_json:
            comma = "" if self._counts[apart] == 1 else ",\n"
            self._lists[apart].write(f"{comma}{document(match, plain_ascii=True)}")
        elif self._counts[apart] <= SHOWN:
            self._lists[apart].write(f"{_line(match)}\n")

    def write(self, summary: RetentionSummary) -> None:
        if not self._as_json:
            for apart, title in (("recoverable", "Can come back"), ("unrecoverable", "Cannot come back")):
                self._write_list(apart, title, getattr(summary, apart))
            summaries.write_text(_text(summary))
            return
        write_exactly(f'{{"summary": {document(summary, plain_ascii=True)}')
        for apart, file in self._lists.items():
            write_exactly(f', "{apart}": [')
            file.seek(0)
            for line in file:
                write_exactly(line.rstrip("\n"))
            write_exactly("]")
        write_exactly("}")

    def _write_list(self, apart: str, title: str, totals: RetentionTotals) -> None:
        if not totals.files:
            return
        write(f"{title}:")
        self._lists[apart].seek(0)
        for line in self._lists[apart]:
            write(f"  {line.rstrip()}")
        if (more := self._counts[apart] - SHOWN) > 0:
            say(f"  … and {more} more (all with --json)")
        write("")


def _line(match: RetentionMatch) -> str:
    return (
        f"{day(match.newest_at)}  {human_size(match.size):>9}  {visible(match.path)}  {visible(match.policy)}"
        f"{'' if not match.removed else '  removed'}"
    )


def _text(summary: RetentionSummary) -> str:
    lines = ["Retention Summary:"]
    if summary.run_id:
        lines.append(f"Run ID:           {summary.run_id}")
    for label, totals in (
        ("Can come back", summary.recoverable),
        ("Cannot come back", summary.unrecoverable),
        ("Under hold", summary.held),
        *((("Removed", summary.removed),) if not summary.dry_run else ()),
    ):
        lines.append(f"{label + ':':<17} {_totals(totals)}")
    return "\n".join(lines)


def _totals(totals: RetentionTotals) -> str:
    text = f"{plural(totals.files, 'file')}, {human_size(totals.bytes)}"
    if totals.oldest is not None and totals.newest is not None:
        text += f", {day(totals.oldest)} to {day(totals.newest)}"
    return text


def _say(summary: RetentionSummary, *, included: bool) -> None:
    if not summary.policies:
        say("there are no policies: postkeep retention add")
    elif summary.dry_run:
        say("nothing was removed")
    if summary.unrecoverable.files and not included:
        left = plural(summary.unrecoverable.files, "file")
        say(f"{left} cannot come back: what would be lost for good needs --include-unrecoverable")
    summaries.say_end(summary.status, None)
