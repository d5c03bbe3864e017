"""Metrics that look back in time: the grains that they support, and their variants for queries by the hour."""

from __future__ import annotations

from collections.abc import Sequence

from luigi_pipeline.core.errors import QueryError
from luigi_pipeline.metrics.definitions import Metric
from luigi_pipeline.metrics.names import GRAINS, METRIC_TIME, TRIP_DATE, Cut

# The grains that stay whole when moved by a step. A week that is moved by a month does not begin on a Monday.
_GRAINS_OF = {"week": ("hour", "day", "week"), "month": ("hour", "day", "month")}


def by_hour(asked: Sequence[str], by: Sequence[str], defined: Sequence[Metric]) -> tuple[str, ...]:
    """Replace metrics by their variants for queries by the hour.

    Args:
        asked: Names of metrics.
        by: The dimensions of the query, as asked for.
        defined: All metrics.
    """
    if not {f"{TRIP_DATE}__hour", f"{METRIC_TIME}__hour"} & {name.strip().lower() for name in by}:
        return tuple(asked)
    instead = {metric.name: metric.by_hour for metric in defined if metric.by_hour}
    return tuple(instead.get(name, name) for name in asked)


def check_grains(asked: Sequence[str], cuts: Sequence[Cut], defined: Sequence[Metric]) -> None:
    """Check that each metric that compares with an earlier time has one at the query's grain.

    Raises:
        QueryError: The query has a grain at which there is nothing to compare with.
    """
    grains = [cut.grain for cut in cuts if cut.attribute.name == METRIC_TIME and cut.grain]
    for metric in defined:
        for step in metric.steps if metric.name in asked else ():
            allowed = _GRAINS_OF.get(step.split()[-1], GRAINS)
            unable = next((grain for grain in grains if grain not in allowed), None)
            if unable:
                raise QueryError(
                    f"{metric.name} can't be grouped by {unable}: no {unable} begins {step} after another; "
                    f"group it by {', '.join(allowed[:-1])} or {allowed[-1]}"
                )
