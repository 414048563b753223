"""Which transfers hardly move: so many of them must not keep hosts waiting that would answer at once."""

from __future__ import annotations

import resource
from collections.abc import Iterable

from postkeep.net.job import Job

LOOK_SECONDS = 1.0

SLOW_AFTER = 2.0
# 64 transfers at this rate are a line on which a picture of 200 KB would not end within the ten minutes it has:
# what is this slow on a line that works at all is so at its host's end.
LEAST_RATE = 256
OUTSTAYED = 10.0
_TIMES = 4


class SlowOnes:
    """The running jobs that hardly move and so do not count against the shared limit; for the engine's thread.

    At most `most` are let off. Of more than that the oldest have to end, once they have had ten seconds.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: set[Job] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def hosts(self) -> set[str]:
        return {job.host for job in self._jobs}

    def look(self, running: Iterable[Job]) -> list[Job]:
        """Find them anew among all that run, the oldest first; returns those that have to end."""
        slow = [job for job in running if _is_slow(job, SLOW_AFTER)]
        ending = [job for job in slow[: max(0, len(slow) - self._most)] if _is_slow(job, OUTSTAYED)]
        self._jobs = set(slow[len(ending) :][: self._most])
        return ending

    def leave(self, job: Job) -> None:
        """Forget a job that runs no longer."""
        self._jobs.discard(job)


def most_slow(concurrency: int) -> int:
    """How many may be let off: four times the shared limit, as far as this process may open sockets."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = _TIMES * concurrency
    return most if descriptors == resource.RLIM_INFINITY else max(0, min(most, descriptors // 2 - concurrency))


def _is_slow(job: Job, seconds: float) -> bool:
    transfer = job.transfer
    return (
        transfer is not None and transfer.seconds > seconds and transfer.received < LEAST_RATE * transfer.seconds
    )
