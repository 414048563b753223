"""What the website's own interface answers: posts of the flat dialect, in a connection or list of GraphQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from ...model import Json, Parsed
from ..fields import as_dict, as_list, objects
from .items import is_item, is_wrapped, pins, read_item, unwrapped
from .keys import WRAPPER_KEYS
from .reading import Page, Reading

_ROOT: Final = "xdt_"
_LISTS: Final = {
    f"{_ROOT}api__v1__feed__user_timeline_graphql_connection": "feed",
    f"{_ROOT}api__v1__clips__user__connection_v2": "reels",
}
"""The lists of which one profile is the owner, by the kind they are; the others say nothing of what is gone."""
_DATA_KEYS = frozenset({f"{_ROOT}viewer", "viewer"})
_ANSWER_KEYS = frozenset({"edges", "page_info", "items", "num_results", "more_available", "status"})
_EDGE_KEYS = frozenset({"node", "cursor"})
_SHAPE: Final = "web"


class Answer(NamedTuple):
    """What a query asked for, under its name, and the path to it."""

    name: str
    inner: dict[str, Json]
    prefix: str


def find_answer(record: dict[str, Json]) -> Answer | None:
    """The answer that shows posts, with or without `data` around it; None when there is none."""
    for outer, prefix in ((record, ""), (as_dict(record.get("data")), "data.")):
        for name, inner in outer.items():
            if not name.startswith(_ROOT) or not isinstance(inner, dict):
                continue
            is_list = name in _LISTS and isinstance(inner.get("edges"), list)
            if is_list or any(is_item(each) or is_wrapped(each) for each in _shown(inner)):
                return Answer(name, inner, prefix)
    return None


def parse_answer(answer: Answer, record: dict[str, Json], via: str | None) -> Parsed:
    """Read the posts of an answer; raises ParseError when it shows some and none can be read."""
    reading = Reading()
    unread = reading.unread
    around = _DATA_KEYS | {answer.name}
    unread.keys("", record, WRAPPER_KEYS if answer.prefix else around)
    if answer.prefix:
        unread.keys(answer.prefix, record.get("data"), around)
    prefix = f"{answer.prefix}{answer.name}."
    unread.keys(prefix, answer.inner, _ANSWER_KEYS)
    for edge in objects(answer.inner.get("edges")):
        unread.keys(f"{prefix}edges.", edge, _EDGE_KEYS)
    kind, shown = _LISTS.get(answer.name), _shown(answer.inner)
    # The posts are the same whatever was asked for, and so are the names of what is unread in them.
    page = Page(reading)
    page.read(
        shown,
        lambda item: read_item(item, reading, "items."),
        lambda item: pins(item, kind),
        "items",
        unwrap=lambda entry: unwrapped(entry, unread, "items."),
    )
    if kind is None:
        parsed = reading.parsed(_SHAPE, tuple(page.posts), via)
        return replace(parsed, contents=tuple(page.contents), refused=tuple(page.refused))
    more = as_dict(answer.inner.get("page_info")).get("has_next_page")
    return page.parsed(_SHAPE, kind, via, complete=more is False)


def _shown(answer: dict[str, Json]) -> list[Json]:
    if isinstance(answer.get("edges"), list):
        return [edge.get("node") if isinstance(edge, dict) else edge for edge in answer["edges"]]
    return as_list(answer.get("items"))
