"""What all charts share: the look of modes, the page's filter, and the description of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import altair as alt
from markupsafe import Markup

from luigi_pipeline import sources
from luigi_pipeline.report.datasets import MODES, Dataset

# How each mode looks, by its title. Modes differ in hue, lightness, dash and shape, each of which is enough.
LOOKS = {title: sources.MODES[name] for name, title in MODES.items()}
NEUTRAL = "#5b8a72"
PAIR = ["#5b8a72", "#9a6bb3"]
HEIGHT = 260

Filter = Literal["mode", "day", "month"]


@dataclass(frozen=True)
class Figure:
    """One figure of the page.

    Attributes:
        name: Its anchor in the page, `#name`.
        title: What it shows, with the unit.
        sentence: What can be seen in it. Each number is `stated`.
        dataset: The table that is offered as CSV.
        filters: The parts of the page's filter that apply to it.
        charts: Vega-Lite specifications by caption; a single chart has none.
        wide: Whether it takes the page's whole width.
        note: What a reader must know to read it right.
        missing: Why it is empty, if it is.
    """

    name: str
    title: str
    sentence: Markup
    dataset: Dataset
    filters: tuple[Filter, ...] = ()
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)
    wide: bool = False
    note: str = ""
    missing: str = "There are no trips for it in what is published."

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.dataset.rows


def source(dataset: str, *filters: Filter) -> alt.Chart:
    """A chart on a table, with the page's filter.

    Args:
        dataset: The table's name. The page fills in the data.
        *filters: The columns to filter: `mode`, `day`, or `month`, which counts if any of its days does.
    """
    chart = alt.Chart(alt.NamedData(dataset)).properties(width="container", height=HEIGHT)
    conditions = {
        "mode": "indexof(modes, datum.mode) >= 0",
        "day": "datum.day >= first && datum.day <= last",
        "month": "datum.month >= slice(first, 0, 7) && datum.month <= slice(last, 0, 7)",
    }
    for name in filters:
        chart = chart.transform_filter(conditions[name])
    return chart


def finished(chart: Any) -> dict[str, Any]:
    """The specification, with the page's filter as its parameters."""
    given = (
        alt.param(name="modes", value=list(MODES.values())),
        alt.param(name="first", value=""),
        alt.param(name="last", value="9"),
    )
    made: dict[str, Any] = chart.add_params(*given).to_dict()
    return made


def dated(chart: alt.Chart) -> alt.Chart:
    """Read the day as midnight in the reader's own time zone, so that no time zone moves it."""
    return chart.transform_calculate(date="toDate(datum.day + 'T00:00:00')")


def colour(modes: Sequence[str], legend: bool = True) -> alt.Color:
    """Modes by colour.

    Args:
        modes: The titles of the modes that have trips.
        legend: Whether there is a legend.
    """
    shown = alt.Legend(title=None, orient="top", symbolStrokeWidth=3) if legend else None
    scale = alt.Scale(domain=list(modes), range=[LOOKS[title].colour for title in modes])
    return alt.Color("mode:N", scale=scale, legend=shown)


def dash(modes: Sequence[str], legend: bool = True) -> alt.StrokeDash:
    """Modes by dash; see `colour`."""
    shown = alt.Legend(title=None, orient="top", symbolStrokeWidth=3) if legend else None
    scale = alt.Scale(domain=list(modes), range=[list(LOOKS[title].dash) for title in modes])
    return alt.StrokeDash("mode:N", scale=scale, legend=shown)


def shape(modes: Sequence[str]) -> alt.Shape:
    """Modes by shape; see `colour`."""
    shown = alt.Legend(title=None, orient="top")
    scale = alt.Scale(domain=list(modes), range=[LOOKS[title].shape for title in modes])
    return alt.Shape("mode:N", scale=scale, legend=shown)


def day_axis() -> alt.X:
    """Days along the bottom."""
    return alt.X("date:T", title=None, axis=dates())


def dates() -> alt.Axis:
    """An axis of days. The year is shown under the first tick and under each January."""
    year = "datum.index == 0 || (month(datum.value) == 0 && date(datum.value) < 8) ? timeFormat(datum.value, '%Y') : ''"
    words = f"[timeFormat(datum.value, '%-d %b'), {year}]"
    return alt.Axis(labelExpr=words, labelOverlap=True, grid=False, tickCount=8)


def day_tooltip() -> alt.Tooltip:
    """The day, in a tooltip."""
    return alt.Tooltip("date:T", title="Day", format="%A %-d %B %Y")


def counts(ticks: int | list[int]) -> alt.Axis:
    """An axis of counts (500, 20k, 3M), with a number of ticks or with ticks at given values."""
    words = (
        "datum.value >= 1e6 ? format(datum.value / 1e6, '~g') + 'M' : "
        "datum.value >= 1e3 ? format(datum.value / 1e3, '~g') + 'k' : format(datum.value, '~g')"
    )
    return (
        alt.Axis(labelExpr=words, tickCount=ticks)
        if isinstance(ticks, int)
        else alt.Axis(labelExpr=words, values=ticks)
    )


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """A number as people write it."""
    return "not known" if value is None else f"{value:,.{digits}f}"


def signed(value: float) -> str:
    """An effect in words: 12 % fewer."""
    return f"{abs(value):.0f} % {'more' if value >= 0 else 'fewer'}"
