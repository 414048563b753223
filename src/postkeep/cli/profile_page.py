"""One profile as a page of text: who it is, what its account told, and names, texts, links, pictures over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from postkeep.cli.media_table import STATE_WORDS
from postkeep.cli.output import write
from postkeep.cli.post_page import SOURCE_WORDS, with_delta, write_block
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, beginning, day, known, moment
from postkeep.views.people import AccountView, BioLinkView, CountsView, PictureView, ProfileDetail

_MOST = 10
"""So many of what may be many are shown; `--json` has all."""
_NAMES = (
    Column("Known as", cut=True),
    Column("First seen", whole=True),
    Column("Last seen", whole=True, spare=1),
)
_LINKS = (
    Column("Link", cut=True),
    Column("Kind", whole=True),
    Column("Title", cut=True, spare=1),
    Column("First seen", whole=True, spare=3),
    Column("Last seen", whole=True, spare=2),
    Column("Shown", whole=True),
)
_PICTURES = (
    Column("Picture", whole=True),
    Column("Role", whole=True),
    Column("State", whole=True),
    Column("First seen", whole=True, spare=1),
    Column("Last seen", whole=True, spare=2),
    Column("Gone since", whole=True),
)
_COUNTS = (
    Column("Observed", whole=True),
    Column("Known from", whole=True, spare=1),
    Column("Followers", right=True),
    Column("Following", right=True),
    Column("Posts", right=True),
)


def write_profile(detail: ProfileDetail) -> None:
    """Print what is known of a profile; of long histories the newest part."""
    _write_head(detail)
    if detail.line.notes:
        write_block("Note", detail.line.notes)
    if detail.account is not None:
        _write_account(detail.account)
    if detail.counts:
        _write_table("Counts", _COUNTS, _count_rows(detail.counts), len(detail.counts))
    if detail.names:
        rows = [
            (
                beginning(each.value if each.kind == "name" else f"@{each.value}", 60),
                moment(each.first_seen_at),
                moment(each.last_seen_at),
            )
            for each in detail.names
        ]
        write("")
        write_table(_NAMES, rows)
    if detail.links:
        _write_table("Links", _LINKS, [_link_row(each) for each in detail.links[:_MOST]], len(detail.links))
    if detail.pictures:
        pictures = [_picture_row(each) for each in detail.pictures[:_MOST]]
        _write_table("Pictures", _PICTURES, pictures, len(detail.pictures))
    _write_texts(detail)


def _write_head(detail: ProfileDetail) -> None:
    line = detail.line
    write_pairs(
        (
            ("Profile", line.profile_id),
            ("Name", line.name or UNKNOWN),
            ("Username", known(line.username)),
            ("Platform", f"{line.platform}, {line.kind}"),
            ("Own id", known(line.native_id)),
            ("Headline", known(line.headline)),
            ("Page", known(line.url)),
            ("Active", _yes(line.active)),
            ("Posts", str(line.posts)),
            ("Tags", ", ".join(line.tags) or UNKNOWN),
            ("Seen", moment(line.observed_at)),
            ("Collected", moment(line.last_synced_at)),
        )
    )


def _write_account(account: AccountView) -> None:
    if account.biography:
        write_block("About", account.biography)
    external = account.external_url and " ".join(
        part
        for part in (account.external_url, account.external_url_kind and f"({account.external_url_kind})")
        if part
    )
    pairs = (
        ("Verified", account.is_verified),
        ("Private", account.is_private),
        ("Business", account.is_business),
        ("Professional", account.is_professional),
        ("Category", account.category),
        ("Link", external),
        ("Created", _created(account)),
        ("Karma", account.facts.get("total_karma")),
        ("For adults", account.facts.get("over18")),
        ("Suspended", account.facts.get("is_suspended")),
    )
    write(f"\nAccount, as seen {moment(account.observed_at)}")
    shown = [(label, value) for label, value in pairs if value is not None and value != ""]
    write_pairs(
        ((label, _yes(value) if isinstance(value, bool) else str(value)) for label, value in shown), indent="  "
    )


def _created(account: AccountView) -> str | None:
    seconds = account.facts.get("created_utc")
    if not isinstance(seconds, int):
        return None
    try:
        return day(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _write_texts(detail: ProfileDetail) -> None:
    now = detail.account.biography if detail.account is not None else None
    earlier = [each for each in detail.texts if each.text and each.text != now]
    for each in earlier[:_MOST]:
        write_block(f"Earlier text, seen {moment(each.first_seen_at)} to {moment(each.last_seen_at)}", each.text)
    _write_more(len(earlier))


def _write_table(title: str, columns: Sequence[Column], rows: Sequence[tuple[str, ...]], of: int) -> None:
    write(f"\n{title}")
    write_table(columns, rows)
    _write_more(of)


def _write_more(of: int) -> None:
    if of > _MOST:
        write(f"and {of - _MOST} more: --json has all")


def _count_rows(counts: Sequence[CountsView]) -> list[tuple[str, ...]]:
    """The newest counts, each number with its distance to the one observed before."""
    earlier: list[CountsView | None] = [*counts[1 : _MOST + 1], None]
    return [
        (
            moment(each.observed_at),
            SOURCE_WORDS.get(each.source, each.source),
            with_delta(each.followers, before.followers if before else None),
            with_delta(each.following, before.following if before else None),
            with_delta(each.posts, before.posts if before else None),
        )
        for each, before in zip(counts[:_MOST], earlier, strict=False)
    ]


def _link_row(each: BioLinkView) -> tuple[str, ...]:
    return (
        beginning(each.url, 80),
        known(each.kind),
        beginning(each.title, 40),
        day(each.first_seen_at),
        day(each.last_seen_at),
        _yes(each.shown),
    )


def _picture_row(each: PictureView) -> tuple[str, ...]:
    return (
        each.media_id,
        each.role,
        "cached" if each.cached else STATE_WORDS[each.state],
        day(each.first_seen_at),
        day(each.last_seen_at) if each.last_seen_at else UNKNOWN,
        day(each.absent_since) if each.absent_since else UNKNOWN,
    )


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
