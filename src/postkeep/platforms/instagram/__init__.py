"""Instagram as its own interfaces, a proxy of them and two downloaders deliver it, told apart by content alone."""

from __future__ import annotations

from functools import partial

from ...model import Json
from ..by_shape import ByShape, Reader
from . import gallery, instaloader
from .items import is_item, is_page, is_wrapped, parse_item, parse_page
from .lasting import lasting
from .names import PLATFORM_NAME
from .nodes import find_account, find_node, parse_account, parse_node
from .web import find_answer, parse_answer


class Instagram(ByShape):
    """The Instagram platform."""

    name = PLATFORM_NAME
    stranger = "not an Instagram record"

    def reader(self, record: dict[str, Json]) -> Reader | None:
        """Who reads a record of this shape; None for none of the shapes. Never raises."""
        return _reader(record)

    def canonical(self, record: Json) -> bytes:
        """The record's lasting content with sorted keys; raises ParseError when nested too deeply."""
        return lasting(record)


def _reader(record: dict[str, Json]) -> Reader | None:
    if gallery.is_sidecar(record):
        return gallery.parse_sidecar
    if instaloader.is_sidecar(record):
        return instaloader.parse_sidecar
    if is_page(record):
        return parse_page
    if is_item(record) or is_wrapped(record):
        return parse_item
    node = find_node(record)
    if node is not None:
        return partial(parse_node, node)
    answer = find_answer(record)
    if answer is not None:
        return partial(parse_answer, answer)
    account = find_account(record)
    return partial(parse_account, account) if account is not None else None


PLATFORM = Instagram()
