"""Drawing answers in the terminal: a line over time, bars over anything else."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from luigi_pipeline.core.errors import QueryError
from luigi_pipeline.metrics import values
from luigi_pipeline.metrics.answer import Answer
from luigi_pipeline.metrics.definitions import Metric

_HEIGHT = 18
_TICKS = 6


def draw(answer: Answer, width: int, *, colour: bool) -> str:
    """Draw an answer, one chart for each metric, because their units differ.

    Args:
        answer: The answer.
        width: The width of the terminal, in characters.
        colour: Whether the terminal shows colours.

    Returns:
        The charts, as text.

    Raises:
        QueryError: The answer has no dimension to draw along.
    """
    import plotext

    if not answer.by:
        raise QueryError("a chart needs a dimension, such as --by trip_date__week")
    times = [at for at, column in enumerate(answer.columns) if _is_time(column) and at < len(answer.by)]
    charts = []
    for at, metric in enumerate(answer.metrics, start=len(answer.by)):
        plotext.clear_figure()
        plotext.theme("pro" if colour else "clear")
        drawn = _lines(answer, times[0], at, metric, width) if times else _bars(answer, at, metric, width)
        charts.append("\n".join(line.rstrip() for line in drawn.splitlines()))
    text = "\n\n".join(charts) + "\n"
    return text if colour else str(plotext.uncolorize(text))


def _lines(answer: Answer, time: int, at: int, metric: Metric, width: int) -> str:
    import plotext

    series: dict[str, list[tuple[dt.datetime, float]]] = defaultdict(list)
    for row in answer.rows:
        name = ", ".join(_text(answer, other, row) for other in range(len(answer.by)) if other != time)
        if row[time] is not None and row[at] is not None:
            series[name].append((row[time], float(row[at])))
    moments = sorted({moment for points in series.values() for moment, _ in points})
    if not moments:
        return f"{_title(metric)}: no values"
    plotext.plot_size(width, _HEIGHT)
    plotext.title(_title(metric))
    for name, points in series.items():
        points.sort()
        plotext.plot([_seconds(moment) for moment, _ in points], [value for _, value in points], label=name or None)
    ticks = moments[:: max(1, -(-len(moments) // _TICKS))]
    labels = [str(values.for_people(tick, whole_days=answer.whole_days(time))) for tick in ticks]
    plotext.xticks([_seconds(tick) for tick in ticks], labels)
    return str(plotext.build())


def _bars(answer: Answer, at: int, metric: Metric, width: int) -> str:
    """Draw bars without plotext, which would drop the sign of a value."""
    if not answer.rows:
        return f"{_title(metric)}: no values"
    shown = [(", ".join(_text(answer, by, row) for by in range(len(answer.by))), row[at]) for row in answer.rows]
    texts = [values.for_people(value, metric.unit) for _, value in shown]
    names = max((len(name) for name, _ in shown), default=0)
    most = max((abs(float(value)) for _, value in shown if value is not None), default=0) or 1
    room = max(10, width - names - max(map(len, texts), default=0) - 4)
    lines = [
        f"{name:>{names}} │{'█' * round(abs(float(value or 0)) / most * room)} {text}"
        for (name, value), text in zip(shown, texts, strict=True)
    ]
    return "\n".join([_title(metric), *lines])


def _seconds(moment: dt.datetime) -> float:
    return moment.replace(tzinfo=dt.UTC).timestamp()  # evenly spaced on any machine


def _title(metric: Metric) -> str:
    return f"{metric.label} ({metric.unit})" if metric.unit else metric.label


def _text(answer: Answer, at: int, row: tuple[Any, ...]) -> str:
    return values.for_people(row[at], whole_days=answer.whole_days(at))


def _is_time(column: list[Any]) -> bool:
    return any(isinstance(value, dt.datetime) for value in column)
