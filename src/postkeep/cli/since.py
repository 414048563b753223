"""The option `--since`, a day or a span before now, and what was measured since then, in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from postkeep.cli.output import write
from postkeep.cli.tables import write_pairs
from postkeep.cli.text import moment, plural
from postkeep.model import utc_now
from postkeep.views import FetchMetrics, human_size

_SPAN = re.compile(r"([0-9]+)([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_UNKNOWN = "unknown"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Since(click.ParamType):  # type: ignore[type-arg]
    """`2025-03-01` (a day in UTC) or `24h`, `7d`, `4w` before now, as an aware time."""

    name = "when"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if span := _SPAN.fullmatch(value.strip()):
                when = utc_now() - int(span[1]) * _UNITS[span[2]]
            else:
                when = datetime.strptime(value.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            when = _EARLIEST - _UNITS["h"]
        if when < _EARLIEST:
            self.fail(f"{value!r} is not a day such as 2025-03-01, nor a span such as 24h, 7d or 4w", param, ctx)
        return when


def write_metrics(metrics: FetchMetrics) -> None:
    """Print the metrics; what nothing was counted for is unknown."""
    tries = metrics.cached + metrics.failed
    wanted = metrics.linked + metrics.cached
    mean = metrics.mean_download_ms
    took = _UNKNOWN if mean is None else f"{mean:.0f} ms ({plural(metrics.cached, 'file')})"
    write_pairs(
        [
            ("Since", f"{moment(metrics.since)}, {plural(metrics.runs, 'run')} that fetched"),
            ("Download success rate", _rate(metrics.download_success_rate, f"{metrics.cached} of {tries} tries")),
            ("Cache hit rate", _rate(metrics.cache_hit_rate, f"{metrics.linked} of {wanted} without a request")),
            ("Mean download time", took),
            ("Storage, local", human_size(metrics.storage_local)),
            ("Storage, archive", human_size(metrics.storage_archive)),
            ("AI queue depth", str(metrics.ai_queue_depth)),
            ("Failed downloads", _failed(metrics)),
        ]
    )
    if metrics.failed_by_kind:
        write("\nFailed downloads by kind of error:")
        write_pairs([(kind, str(number)) for kind, number in metrics.failed_by_kind.items()], indent="  ")


def _rate(rate: float | None, sample: str) -> str:
    return _UNKNOWN if rate is None else f"{rate:.1%} ({sample})"


def _failed(metrics: FetchMetrics) -> str:
    return _UNKNOWN if metrics.failed_by_kind is None else str(metrics.failed)
