"""When outcomes go to the database: on a thread of its own, so that who decides need not wait for a commit."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from postkeep.errors import StoreBusy
from postkeep.log import get_logger
from postkeep.stages.fetch.outcomes import Outcomes

log = get_logger("fetch")


class Storing:
    """Stores what `outcomes` gathered, one batch at a time; what storing raised comes out of the next call."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._database = ThreadPoolExecutor(1, thread_name_prefix="postkeep-store")
        self._storing: Future[None] | None = None

    def when_time(self) -> None:
        """Begin to store when enough waits or has waited long; waits only when far too much does."""
        if self._storing is not None and (self._storing.done() or self._outcomes.crowded):
            storing, self._storing = self._storing, None
            try:
                storing.result()
            except StoreBusy:
                # Nothing is lost: it is tried again with what comes next, as long as that is not too much.
                if self._outcomes.crowded:
                    raise
                log.warning("outcomes_wait")
        if self._storing is None and (self._outcomes.full or self._outcomes.old):
            self._storing = self._database.submit(self._outcomes.flush)

    def now(self) -> None:
        """Store everything there is, and wait for it."""
        storing, self._storing = self._storing, None
        try:
            if storing is not None:
                storing.result()
        finally:
            self._database.submit(self._outcomes.flush).result()

    def end(self) -> None:
        """End the thread; what was not stored by then is not."""
        self._database.shutdown()
