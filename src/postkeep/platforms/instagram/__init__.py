"""Instagram as its own interfaces, a proxy of them and two downloaders deliver it, told apart by content alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...errors import ParseError, UnknownShape
from ...model import Json, Parsed
from . import gallery, instaloader
from .items import is_item, is_page, is_wrapped, parse_item, parse_page
from .lasting import lasting
from .names import PLATFORM_NAME
from .nodes import find_account, find_node, parse_account, parse_node

_Reader = Callable[[dict[str, Json], str | None], Parsed]


class Instagram:
    """The Instagram platform; stateless, so that any thread may use it."""

    @property
    def name(self) -> str:
        return PLATFORM_NAME

    def recognises(self, record: Json) -> bool:
        """Whether the record has one of the shapes; never raises."""
        return _reader(record) is not None

    def parse(self, record: Json, via: str | None = None) -> Parsed:
        """Read a record; raises ParseError (UnknownShape for none of the shapes) and nothing else."""
        if not isinstance(record, dict):
            raise ParseError(f"not an object but {type(record).__name__}")
        reader = _reader(record)
        if reader is None:
            raise UnknownShape("not an Instagram record")
        return reader(record, via)

    def canonical(self, record: Json) -> bytes:
        """The record's lasting content with sorted keys; raises ParseError when nested too deeply."""
        return lasting(record)


def _reader(record: Json) -> _Reader | None:
    if not isinstance(record, dict):
        return None
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
    account = find_account(record)
    return partial(parse_account, account) if account is not None else None


PLATFORM = Instagram()
