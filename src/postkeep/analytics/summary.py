"""The few lines that say how a creator is doing; unknown figures are told as such."""

from __future__ import annotations

from .result import Analytics, Mode, Value

_UNKNOWN = "unknown"


def summary_text(analytics: Analytics) -> str:
    """The predecessor's summary, one figure a line, with how it was calculated in the first."""
    day, hour = analytics["most_active_day"], analytics["most_active_hour"]
    active = _UNKNOWN if day is None or hour is None else f"{day} @ {hour}:00"
    best = analytics["best_performing_type"]
    lines = [
        f"Content analyzed: {analytics['total_content_analyzed']}",
        f"Engagement rate: {_number(analytics['engagement_rate'], 2, '%')}",
        f"Avg reel views: {_number(analytics['avg_reel_views'], 0)}",
        f"Viral rate: {_number(analytics['viral_content_rate'], 1, '%')}",
        f"Best performing: {_UNKNOWN if best is None else best}",
        f"Posting frequency: {_number(analytics['posting_frequency_per_week'], 1, ' per week')}",
        f"Consistency: {_number(analytics['posting_consistency_score'], 1, '/100')}",
        f"Most active: {active}",
    ]
    if analytics.mode is Mode.COMPAT:
        return "\n".join(lines)
    return "\n".join([*lines, f"({analytics.mode} {analytics.version}, times in {analytics.zone})"])


def _number(value: Value, digits: int, unit: str = "") -> str:
    if not isinstance(value, int | float):
        return _UNKNOWN
    return f"{value:,.{digits}f}{unit}"
