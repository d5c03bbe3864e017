"""What looks back in time: which grains it has, and what is asked for it by the hour."""

from __future__ import annotations

from collections.abc import Sequence

from luigi_pipeline.core.errors import QueryError
from luigi_pipeline.metrics.definitions import Metric
from luigi_pipeline.metrics.names import GRAINS, METRIC_TIME, TRIP_DATE, Cut

# The grains whose beginnings, moved by a step, are beginnings again: a week that begins a month earlier is no week.
_GRAINS_OF = {"week": ("hour", "day", "week"), "month": ("hour", "day", "month")}


def by_hour(asked: Sequence[str], by: Sequence[str], defined: Sequence[Metric]) -> tuple[str, ...]:
    """The metrics to ask in place of some, which by the hour are metrics of their own.

    Args:
        asked: Names of metrics.
        by: What they are cut by, as asked for.
        defined: All metrics.
    """
    if not {f"{TRIP_DATE}__hour", f"{METRIC_TIME}__hour"} & {name.strip().lower() for name in by}:
        return tuple(asked)
    instead = {metric.name: metric.by_hour for metric in defined if metric.by_hour}
    return tuple(instead.get(name, name) for name in asked)


def check_grains(asked: Sequence[str], cuts: Sequence[Cut], defined: Sequence[Metric]) -> None:
    """Check that what is compared with an earlier time has one.

    Raises:
        QueryError: It is cut by a grain at which every comparison would be with nothing.
    """
    grains = [cut.grain for cut in cuts if cut.attribute.name == METRIC_TIME and cut.grain]
    for metric in defined:
        for step in metric.steps if metric.name in asked else ():
            allowed = _GRAINS_OF.get(step.split()[-1], GRAINS)
            unable = next((grain for grain in grains if grain not in allowed), None)
            if unable:
                raise QueryError(
                    f"{metric.name} can't be cut by {unable}: no {unable} begins {step} after another; "
                    f"cut it by {', '.join(allowed[:-1])} or {allowed[-1]}"
                )
