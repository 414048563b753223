"""What a run of fetching came to, in the figures that are stored with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import orjson


@dataclass(slots=True)
class Figures:
    """Running totals of one run.

    `cached` came over the network and are in the cache, `linked` needed no request, `failed` counts tries that
    brought nothing, by kind of error in `kinds`. `milliseconds` is the time the downloads of `cached` took, one
    beside the other. `refetched` files had made
    room a short while before.
    """

    requests: int = 0
    cached: int = 0
    linked: int = 0
    failed: int = 0
    bytes: int = 0
    milliseconds: int = 0
    refetched: int = 0
    refetched_bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Figures:
        return replace(self, kinds=dict(self.kinds))

    def take(self, other: Figures) -> None:
        """Become equal to other figures of the same run; what was requested meanwhile stays counted."""
        requests = self.requests
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))
        self.requests = requests

    def json(self) -> str:
        return orjson.dumps(asdict(self)).decode()
