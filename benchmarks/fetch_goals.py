"""What was promised, beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and its bound; `value` is None when nothing was measured that tells it."""

    name: str
    value: float | None
    bound: float
    at_least: bool = True
    unit: str = ""

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def shown(self) -> dict[str, Any]:
        relation = "at least" if self.at_least else "at most"
        return {"name": self.name, "value": self.value, relation.replace(" ", "_"): self.bound, "met": self.met}


def print_goals(goals: Sequence[Goal]) -> None:
    """A table of those goals that something was measured for."""
    print(f"\n{'goal':58}{'measured':>10}{'bound':>20}")
    for goal in goals:
        if goal.value is not None:
            bound = f"{'at least' if goal.at_least else 'at most'} {goal.bound:g}{goal.unit}"
            print(f"{goal.name:58}{goal.value:10.2f}{bound:>20}  {'pass' if goal.met else 'falls short'}")
