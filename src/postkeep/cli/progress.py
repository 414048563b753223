"""How far long work is, on stderr: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from postkeep.cli.output import say
from postkeep.cli.text import duration, visible
from postkeep.views import OnProgress, Progress, human_size

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_SECONDS = 10.0
_WINDOW_SECONDS = 30.0
_LEAST_SECONDS = 2.0


class Pace:
    """The rate over a recent window, and from it the seconds that are left.

    Over a window because the first files tell nothing about the last; the time since the last step counts
    too, so that what stands still does not look near its end, and what stood still for a whole window, as
    while a host rests, foretells nothing. Times are seconds of any steady clock.
    """

    def __init__(self, window: float = _WINDOW_SECONDS) -> None:
        self._window = window
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, at: float, done: int) -> None:
        self._steps.append((at, done))
        while len(self._steps) > 2 and self._steps[1][0] <= at - self._window:
            self._steps.popleft()

    def left(self, now: float, total: int | None) -> float | None:
        """Seconds to the end; None while the total or the rate is unknown."""
        if total is None or not self._steps:
            return None
        (first, before), (last, done) = self._steps[0], self._steps[-1]
        if done >= total:
            return 0.0
        if done <= before or now - first < _LEAST_SECONDS or now - last > self._window:
            return None
        return (total - done) * (now - first) / (done - before)


class Lines:
    """Progress as plain lines: one at most every ten seconds, and the last of each phase."""

    def __init__(self, tell: Callable[[str], None] = say, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._said_at = clock()
        self._waiting: Progress | None = None
        self._doing = ""
        self._pace = Pace()

    def __call__(self, step: Progress) -> None:
        now = self._clock()
        if step.doing != self._doing:
            self.finish()
            self._doing, self._pace = step.doing, Pace()
        self._pace.add(now, step.done)
        self._waiting = step
        if now - self._said_at >= LINE_SECONDS:
            self._say(now)

    def finish(self) -> None:
        """Say the last step, unless it was said."""
        self._say(self._clock())

    def _say(self, now: float) -> None:
        if self._waiting is None or not (self._waiting.done or self._waiting.total):
            return
        left = self._pace.left(now, self._waiting.total)
        self._tell(line_of(self._waiting, left))
        self._waiting, self._said_at = None, now


def line_of(step: Progress, left: float | None) -> str:
    """A step in words; `left` is in seconds, None when unknown."""
    parts = [f"{step.doing}: {amount_of(step)}"]
    if step.note:
        parts.append(visible(step.note))
    if left:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def amount_of(step: Progress) -> str:
    if step.unit == "bytes":
        done, total = human_size(step.done), None if step.total is None else human_size(step.total)
        return done if total is None else f"{done} of {total}"
    return f"{step.done} {step.unit}" if step.total is None else f"{step.done} of {step.total} {step.unit}"


class _Drawn:
    """A step's words with the time that is left as of now: a bar is drawn again while no step comes."""

    def __init__(self, step: Progress, pace: Pace) -> None:
        self._step, self._pace = step, pace

    def __str__(self) -> str:
        left = self._pace.left(time.monotonic(), self._step.total)
        return line_of(self._step, left).removeprefix(f"{self._step.doing}: ")


class Bar:
    """Progress as one line of a terminal that is drawn again and again, and gone at the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._rich = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[told]}", markup=False),
            console=Console(stderr=True, markup=False, emoji=False, highlight=False),
            transient=True,
            redirect_stdout=False,
            refresh_per_second=5,
        )
        self._task: TaskID | None = None
        self._doing = ""
        self._pace = Pace()
        self._drawn_at = 0.0

    def __call__(self, step: Progress) -> None:
        now = time.monotonic()
        if self._task is None:
            self._task = self._rich.add_task(step.doing, total=None, told="")
            self._rich.start()
        if step.doing != self._doing:
            self._doing, self._pace, self._drawn_at = step.doing, Pace(), 0.0
            self._rich.reset(self._task, description=step.doing, total=None, told="")
        # Thousands of steps a second would cost more than the work they tell of.
        if now - self._drawn_at < 0.1 and step.done != step.total:
            return
        self._drawn_at = now
        self._pace.add(now, step.done)
        self._rich.update(self._task, total=step.total, completed=step.done, told=_Drawn(step, self._pace))

    def finish(self) -> None:
        """Take the line away and give stderr back."""
        if self._task is not None:
            self._rich.stop()


@contextmanager
def shown_progress(*, as_json: bool) -> Iterator[OnProgress]:
    """Where steps are told for the block; with JSON only a person at a terminal is told any."""
    shown: Bar | Lines
    if sys.stderr.isatty():
        shown = Bar()
    elif as_json:
        yield lambda step: None
        return
    else:
        shown = Lines()
    try:
        yield shown
    finally:
        shown.finish()
