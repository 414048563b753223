"""A run from its beginning to its end: whatever happens in between, it never stays "running"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from postkeep.errors import PostkeepError
from postkeep.ids import IdFactory
from postkeep.log import bind_run, get_logger
from postkeep.model import RunStatus
from postkeep.points import passing
from postkeep.store import Store, runs
from postkeep.views.joining import Joins

log = get_logger("runs")


@dataclass(slots=True)
class OpenRun:
    """A run under way; whoever has it sets how it ended and what its summary says.

    `lost` counts files that were said to be cached and were not there, `beside` those that lay beside their
    records; `cache_seen` is False when the cache could not be looked at. `joins` are of videos and their sound.
    """

    run_id: str
    status: RunStatus = RunStatus.COMPLETED
    error: str | None = None
    lost: int = 0
    beside: int = 0
    cache_seen: bool = True
    joins: Joins = field(default_factory=Joins)
    summary: dict[str, Any] = field(default_factory=dict)


@contextmanager
def recorded(
    store: Store, kind: str, *, ids: IdFactory, clock: Callable[[], datetime], command: str = ""
) -> Iterator[OpenRun]:
    """Record a run around the block; an error ends it as failed, an interruption as cancelled."""
    run = OpenRun(ids.new("run"))
    with store.writing() as tx:
        runs.end_abandoned(tx, clock())
        runs.start(tx, run.run_id, kind, clock(), {"script": command or f"postkeep {kind}"})
    passing("run_started")
    with bind_run(run.run_id):
        log.info("run_started", kind=kind)
        try:
            yield run
        except (KeyboardInterrupt, GeneratorExit):
            run.status, run.error = RunStatus.CANCELLED, "interrupted"
            raise
        except PostkeepError as error:
            run.status, run.error = RunStatus.FAILED, error.message
            raise
        except BaseException as error:
            run.status, run.error = RunStatus.FAILED, f"{type(error).__name__}: {error}"
            raise
        finally:
            with store.writing() as tx:
                runs.finish(tx, run.run_id, run.status, clock(), summary=run.summary, error=run.error)
            passing("run_finished")
            log.info("run_ended", status=run.status, error=run.error)
