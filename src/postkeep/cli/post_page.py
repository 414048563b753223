"""One post as a page of text: head, text, numbers over time, figures, media, what it shares, earlier texts."""

from __future__ import annotations

from dataclasses import fields

from postkeep.cli import post_figures_page
from postkeep.cli.creator_page import VOTED
from postkeep.cli.media_table import write_media
from postkeep.cli.output import write
from postkeep.cli.tables import Column, write_pairs, write_table
from postkeep.cli.text import UNKNOWN, count, known, moment, visible
from postkeep.model import Json, ObservedSource, Presence
from postkeep.views import OriginalView, PostDetail, PostLine, SnapshotView
from postkeep.views.post_figures import PostFigures, PostPeople

OF_ORIGINAL = "*"
OF_ORIGINAL_NOTE = "* numbers of the post it shares, not its own"

_ALWAYS = ("reactions", "comments", "reposts")
_WHEN_KNOWN = ("views", "likes", "saves")
SOURCE_WORDS: dict[str, str] = {
    ObservedSource.COLLECTOR: "collector",
    ObservedSource.FILE_NAME: "file name",
    ObservedSource.FOLDER: "folder name",
    ObservedSource.MTIME: "file date",
}


def as_json(detail: PostDetail, figures: PostFigures, people: PostPeople) -> dict[str, Json]:
    """All that is known of a post, then the people it names and its figures."""
    return {
        **{each.name: getattr(detail, each.name) for each in fields(detail)},
        **{each.name: getattr(people, each.name) for each in fields(people)},
        "figures": figures,
    }


def write_post(detail: PostDetail, figures: PostFigures, people: PostPeople) -> None:
    """Print all that is known of a post."""
    _write_head(detail, people)
    if detail.line.notes:
        write_block("Note", detail.line.notes)
    if detail.text:
        replaced = "Text (characters no database can hold were replaced; the raw record is exact)"
        write_block(replaced if detail.text_altered else "Text", detail.text)
    _write_title("Numbers")
    if detail.snapshots:
        _write_numbers(detail.snapshots, voted=detail.line.platform == VOTED)
    else:
        write("none observed")
    line = detail.line
    told = list(post_figures_page.pairs(figures))
    if told:
        _write_title("Figures")
        write_pairs(told, indent="  ")
    _write_title(f"Media ({line.cached} of {line.media} in the cache)" if detail.media else "Media")
    if detail.media:
        write_media(detail.media, of_one_post=True)
    else:
        write("none")
    if detail.original:
        _write_original(detail.original)
    for text in detail.texts:
        if text.text != detail.text:
            span = f"{moment(text.first_seen_at)} to {moment(text.last_seen_at)}"
            write_block(f"Earlier text, seen {span}", text.text)


def _write_title(title: str) -> None:
    write(f"\n{title}")


def write_block(title: str, text: str) -> None:
    """Print a text of several lines under its title, made harmless."""
    _write_title(title)
    write("\n".join(f"  {line}".rstrip() for line in visible(text, lines=True).split("\n")))


def _write_head(detail: PostDetail, people: PostPeople) -> None:
    line = detail.line
    author = " ".join(
        part for part in (line.author_name, f"({line.author})" if line.author else None) if part is not None
    )
    pairs = [
        ("Post", line.post_id),
        ("Platform", f"{line.platform}, {line.kind}"),
        ("Author", author or UNKNOWN),
        ("Posted", moment(line.posted_at)),
        ("URL", known(line.url)),
        ("URN", detail.urn),
        ("Gone", _gone(line)),
        ("Edited", _edited(detail)),
        ("Seen via", ", ".join(detail.seen_via)),
        ("Hashtags", " ".join(f"#{tag}" for tag in detail.hashtags)),
        ("Mentions", " ".join(f"@{name}" for name in people.mentions)),
        ("Made with", " ".join(f"@{name}" for name in people.coauthors)),
        ("Tagged", " ".join(f"@{name}" for name in people.tagged)),
        ("Links", " ".join(detail.links)),
        ("Observed", moment(detail.observed_at)),
    ]
    write_pairs(pair for pair in pairs if pair[1])


def _edited(detail: PostDetail) -> str:
    """What the platform says; that the text was another one is seen whatever it says."""
    if any(each.text != detail.text for each in detail.texts):
        return {True: "yes", False: "the platform says no, but the text was another", None: "yes, by its texts"}[
            detail.edited
        ]
    return {True: "yes", False: "no", None: ""}[detail.edited]


def _gone(line: PostLine) -> str:
    """What the platform says of a post that is not there, and when it said so."""
    return "" if line.presence is Presence.THERE else f"{line.presence}, seen {moment(line.presence_at)}"


def _write_original(original: OriginalView) -> None:
    _write_title("The post it shares")
    pairs = [
        ("Post", original.post_id or "not imported"),
        ("Reference", original.reference),
        ("Author", original.author),
        ("Posted", moment(original.posted_at) if original.posted_at else None),
        ("URL", original.url),
    ]
    write_pairs(((label, value) for label, value in pairs if value), indent="  ")
    if original.text:
        write_block("Its text", original.text)


# --- numbers ------------------------------------------------------------------------------------


def _write_numbers(snapshots: tuple[SnapshotView, ...], *, voted: bool) -> None:
    names = [
        *_ALWAYS,
        *(name for name in _WHEN_KNOWN if any(_value(each, name) is not None for each in snapshots)),
    ]
    columns = [
        Column("Observed", whole=True),
        Column("Known from", whole=True),
        *(Column("Votes" if voted and name == "reactions" else name.capitalize(), right=True) for name in names),
    ]
    write_table(columns, number_rows(snapshots, names))
    if any(each.of_original for each in snapshots):
        write(OF_ORIGINAL_NOTE)
    if any(each.zone_assumed for each in snapshots):
        write("~ the time's zone was assumed")


def number_rows(snapshots: tuple[SnapshotView, ...], names: list[str]) -> list[tuple[str, ...]]:
    """One row a snapshot; each number with its distance to the last known one of the same post."""
    rows = []
    last: dict[tuple[bool, str], int] = {}
    for each in snapshots:
        cells = []
        for name in names:
            value, before = _value(each, name), last.get((each.of_original, name))
            cells.append(
                with_delta(value, before) + (OF_ORIGINAL if each.of_original and value is not None else "")
            )
            if value is not None:
                last[each.of_original, name] = value
        zone = "~" if each.zone_assumed else ""
        rows.append((moment(each.observed_at) + zone, SOURCE_WORDS.get(each.source, each.source), *cells))
    return rows


def _value(snapshot: SnapshotView, name: str) -> int | None:
    value = getattr(snapshot, name)
    return value if isinstance(value, int) else None


def with_delta(value: int | None, before: int | None) -> str:
    """A count with its distance to the one known before."""
    if value is None or before is None or value == before:
        return count(value)
    return f"{value} ({value - before:+d})"
