"""The registry of metrics as it is shown."""

from __future__ import annotations

from postkeep.analytics.metric import Metric
from postkeep.analytics.registry import METRICS
from postkeep.errors import NotFound
from postkeep.views.creators import MetricView


def metrics(name: str | None) -> list[MetricView]:
    """All metrics in the order of the registry, or those of a name, one for each meaning; raises NotFound."""
    found = [_view(each) for each in METRICS if name is None or each.name == name]
    if not found:
        raise NotFound(f"no metric is called {name!r}; `postkeep metrics` lists all")
    return found


def _view(each: Metric) -> MetricView:
    return MetricView(
        each.name,
        each.definition,
        str(each.unit),
        tuple(sorted(each.platforms)),
        str(each.source),
        each.formula_source,
        each.valid_from,
        each.valid_to,
        each.predecessor,
        each.successor,
        each.same_as,
    )
