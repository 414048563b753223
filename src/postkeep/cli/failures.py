"""`postkeep media failures` and `media retry`: what could not be fetched, by class, and beginning anew with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from postkeep import errors
from postkeep.cli import exits
from postkeep.cli.as_json import write_json
from postkeep.cli.face import Face, json_option, limit_option, pass_face
from postkeep.cli.media_table import link_end
from postkeep.cli.output import say, write
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import beginning, day, known, moment, plural, visible
from postkeep.model import MediaState
from postkeep.views import LOST, FailureClass, FailureView, RetrySummary

if TYPE_CHECKING:
    from postkeep.library import Library

_STATES = click.Choice(
    [state.value for state in MediaState if state not in (MediaState.PENDING, MediaState.FETCHED)]
)

_UNREAD_PLATFORM = "no_parser"
_HTTP_KIND = re.compile(r"http_[1-5][0-9][0-9]")

_NEXT = {
    MediaState.RETRY.value: "tried again by itself; sooner: postkeep media retry --state retry",
    MediaState.EXPIRED.value: "the link is over: import its post, scraped anew",
    MediaState.GONE.value: "as a rule nothing, or: postkeep media retry --state gone",
    MediaState.REFUSED.value: "change fetch.allow, .ports, .max_bytes or .max_redirects",
    MediaState.UNSUPPORTED.value: "a newer scrape, or postkeep media retry --state unsupported",
    MediaState.FAILED.value: "when its host is well again: postkeep media retry --state failed",
    LOST: "a newer scrape, then postkeep media retry --kind lost",
    _UNREAD_PLATFORM: "nothing yet: this version cannot read its platform",
}
"""What to do about each class, by its state, or by its kind where that decides."""


class Kind(click.ParamType[str]):
    """A kind of error."""

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        named = sorted({*_kinds(errors.FetchError), LOST, _UNREAD_PLATFORM})
        if value not in named and not _HTTP_KIND.fullmatch(value):
            self.fail(f"{value!r} is none of {', '.join(named)}, or http_404 and so on", param, ctx)
        return str(value)


def _kinds(error: type[errors.FetchError]) -> Iterator[str]:
    """The kinds of an error and of those below it; that of a status is named by its number."""
    if error is not errors.HttpStatus:
        yield error.kind
    for each in error.__subclasses__():
        yield from _kinds(each)


_CLASS_COLUMNS = (
    Column("State", whole=True),
    Column("Kind", whole=True),
    Column("Media", right=True),
    Column("Host", cut=True, spare=1),
    Column("For example", least=30),
)
_MEDIA_COLUMNS = (
    Column("Media", whole=True),
    Column("Post", whole=True),
    Column("State", whole=True),
    Column("Kind", whole=True, spare=2),
    Column("Tried", whole=True, spare=3),
    Column("Next try", whole=True, spare=4),
    Column("Host", cut=True, spare=1),
    Column("Error", least=24),
)


@click.command("failures")
@click.option("--state", "states", type=_STATES, multiple=True, help="Only media in this state (repeatable).")
@click.option(
    "--kind", "kinds", type=Kind(), metavar="KIND", multiple=True, help="Only this kind of error (repeatable)."
)
@click.option("--host", metavar="HOST", help="Only media of this host.")
@limit_option(20, "media")
@click.option("--after", metavar="ID", help="Go on after this media id, the last of the page before.")
@json_option
@pass_face
def failures(
    face: Face,
    states: tuple[str, ...],
    kinds: tuple[str, ...],
    host: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> int:
    """Show what could not be fetched: how much of which class, and the newest.

    The options narrow both. With --after only the list goes on.
    """
    with face.library(read_only=True) as library:
        found = library.media_failures(
            states=[MediaState(state) for state in states], kinds=kinds, host=host, limit=limit, after=after
        )
    if as_json:
        write_json(found)
    elif not found.media:
        say("no such media" if states or kinds or host or after else "nothing failed")
    else:
        if found.classes:
            write_table(_CLASS_COLUMNS, [_class_row(each) for each in found.classes])
            write("")
        write_table(_MEDIA_COLUMNS, [_media_row(each) for each in found.media])
        if len(found.media) == limit:
            say(f"there may be more: --after {found.media[-1].media_id}")
        if found.classes:
            _say_next(found.classes)
            narrowed = bool(states or kinds or host)
            if any(_may_come(each, named=bool(states or kinds)) for each in found.classes):
                how = "media retry` with the same options" if narrowed else "media retry --all-failed`"
                say(f"`postkeep {how} queues again what may still come")
    return 0


def _say_next(classes: Sequence[FailureClass]) -> None:
    words = {_UNREAD_PLATFORM if each.kind == _UNREAD_PLATFORM else _word(each) for each in classes}
    width = max(map(len, words))
    say("\nWhat to do:")
    for word, deed in _NEXT.items():
        if word in words:
            say(f"  {word:<{width}}  {deed}")


def _may_come(each: FailureClass, *, named: bool) -> bool:
    """Whether a retry queues any of these; what is gone only where its state or kind is `named`."""
    if each.kind == _UNREAD_PLATFORM or each.state is MediaState.EXPIRED:
        return False
    return named or each.state is not MediaState.GONE


def _word(each: FailureClass | FailureView) -> str:
    """The state, but for what is lost: that it was fetched once tells nobody what is the matter."""
    return LOST if each.kind == LOST else each.state.value


def _class_row(each: FailureClass) -> tuple[str, ...]:
    return (_word(each), known(each.kind), str(each.media), known(each.host), beginning(each.message, 100))


def _media_row(each: FailureView) -> tuple[str, ...]:
    over_at = link_end(each)
    return (
        each.media_id,
        each.post_id or each.profile_id or "",
        _word(each),
        known(each.kind),
        moment(each.error_at),
        moment(each.next_try_at),
        each.host,
        f"over since {day(over_at)}" if over_at else beginning(each.message, 100),
    )


@click.command("retry")
@click.option("--state", "states", type=_STATES, multiple=True, help="Media in this state (repeatable).")
@click.option(
    "--kind",
    "kinds",
    type=Kind(),
    metavar="KIND",
    multiple=True,
    help="Media with this kind of error (repeatable).",
)
@click.option("--host", metavar="HOST", help="Media of this host, which is no longer left alone.")
@click.option("--media-id", "media_ids", metavar="ID", multiple=True, help="This one (repeatable).")
@click.option("--all-failed", is_flag=True, help="All of them, but what is gone.")
@click.option("--dry-run", is_flag=True, help="Only say how many would be queued.")
@json_option
@pass_face
def retry(
    face: Face,
    states: tuple[str, ...],
    kinds: tuple[str, ...],
    host: str | None,
    media_ids: tuple[str, ...],
    all_failed: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Queue media that failed as if nothing had been tried.

    Several options narrow each other. What is gone is queued only when its state, kind or id is given; what has an
    expired link never: a newer import of its post brings a fresh one.
    """
    chosen = bool(states or kinds or host or media_ids)
    if not chosen and not all_failed:
        raise click.UsageError("say what to try again: --state, --kind, --host, --media-id or --all-failed")
    if chosen and all_failed:
        raise click.UsageError("--all-failed stands alone")
    with face.working(as_json=as_json) as work:
        summary = work.library.retry_media(
            states=[MediaState(state) for state in states],
            kinds=kinds,
            host=host,
            media_ids=media_ids,
            dry_run=dry_run,
            stop=work.stop,
        )
        unread = 0 if as_json or media_ids else _unread(work.library, states, kinds, host)
    if as_json:
        write_json(summary)
    else:
        _write_retry(summary, host)
        if unread:
            say(f"{unread} of a platform that this version cannot read, left as they are")
    return work.interrupts.code(exits.Exit.DONE)


def _unread(library: Library, states: Sequence[str], kinds: Sequence[str], host: str | None) -> int:
    """How many of those meant no retry queues, because no part of postkeep reads their platform."""
    if kinds and _UNREAD_PLATFORM not in kinds:
        return 0
    found = library.media_failures(
        states=[MediaState(state) for state in states], kinds=[_UNREAD_PLATFORM], host=host, limit=1
    )
    return sum(each.media for each in found.classes if each.kind == _UNREAD_PLATFORM)


def _write_retry(summary: RetrySummary, host: str | None) -> None:
    write("Retry Summary:")
    counts = [
        ("Queued", str(summary.queued)),
        *((state.capitalize(), str(number)) for state, number in summary.states.items()),
    ]
    write_pairs([counts[0], *((f"  {label}", number) for label, number in counts[1:])])
    if summary.resumed:
        say(f"{visible(host or '')} is no longer left alone")
    if summary.expired:
        say(f"{plural(summary.expired, 'link')} expired, left as they are: import those posts again, scraped anew")
    if summary.other:
        say(f"{summary.other} of the ids: not failed, never to be fetched, or not what the other options name")
    if summary.stopped:
        say("stopped before the end: the same command goes on from there")
    if summary.dry_run:
        say("nothing was queued: that was a dry run")
    elif summary.queued:
        say("next: `postkeep media download-all`")
