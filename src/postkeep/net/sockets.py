"""Waits for sockets with the system's own selector: libcurl's select cannot see descriptors above 1023."""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Callable

import pycurl

_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
BITS = {
    selectors.EVENT_READ: pycurl.CSELECT_IN,
    selectors.EVENT_WRITE: pycurl.CSELECT_OUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


def watcher(selector: selectors.BaseSelector) -> Callable[[int, int, pycurl.CurlMulti, object], None]:
    """What libcurl calls to say which descriptors it waits for."""

    def watch(what: int, descriptor: int, _multi: pycurl.CurlMulti, _given: object) -> None:
        events = _EVENTS.get(what)
        if events is None:
            # The descriptor may be closed already, and was forgotten by the system with that.
            with contextlib.suppress(KeyError, ValueError, OSError):
                selector.unregister(descriptor)
            return
        try:
            selector.register(descriptor, events)
        except KeyError:
            try:
                selector.modify(descriptor, events)
            except (KeyError, OSError):
                # It was closed and its number is in use again.
                selector.register(descriptor, events)

    return watch
