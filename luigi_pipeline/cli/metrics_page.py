"""docs/metrics.md: all metrics, from their definitions, with an example value of each.

`python -m luigi_pipeline.cli.metrics_page` publishes a small sample below data/docs and writes the page. The sample is
seeded, so the page changes only with the definitions.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from luigi_pipeline.cli.demo import publish_sample
from luigi_pipeline.config import project
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.metrics import asking, values
from luigi_pipeline.metrics.definitions import Metric

_TRIPS = 5000
_DAY = dt.date(2024, 11, 20)
_LOOK_BACK = "Growth"
_HEAD = f"""\
# Metrics

<!-- Made by `make docs` from the definitions beside the models; edit those. -->

Query them with `python -m luigi_pipeline metrics NAME`, with `luigi_pipeline.metrics.query` or with `mf query`.
`python -m luigi_pipeline metrics NAME --dimensions` lists what a metric can be grouped by.

A percentage is 0 to 100. A formula uses columns of the models and other metrics; the column `trips` is the number of
trips that a row stands for. The examples are from a generated sample of two months, with {_TRIPS:,} taxi and {_TRIPS:,}
CitiBike trips in each. They cover the whole sample or, for metrics that look back in time, {_DAY}.
"""
_PARTS = """
## Parts

Other metrics are made of these. Some are running totals by the hour, which replace those by the day in a query by
`trip_date__hour`; with `mf`, use their own names. They can be queried too, but the command does not list them.

| metric | formula |
| --- | --- |
"""


def render(metrics: Sequence[Metric], examples: Mapping[str, Any]) -> str:
    """Render the page.

    Args:
        metrics: All metrics, group by group. Those that only others are made of have no group, and come last.
        examples: The value of each metric that has a group.
    """
    text = _HEAD
    for group, members in groupby(metrics, key=lambda metric: metric.group):
        if group:
            text += f"\n## {group}\n\n| metric | unit | example | |\n| --- | --- | ---: | --- |\n"
            text += "".join(_row(metric, examples[metric.name]) for metric in members)
        else:
            text += _PARTS + "".join(f"| `{part.name}` | `{_cell(part.formula)}` |\n" for part in members)
    return text


def examples(metrics: Sequence[Metric], data_dir: Path) -> dict[str, Any]:
    """An example value of each metric, from the published data of a data dir."""
    values_by_name: dict[str, Any] = {}
    for group, members in groupby(metrics, key=lambda metric: metric.group):
        if not group:
            continue
        names = [metric.name for metric in members]
        on_day: dict[str, Any] = {"by": "trip_date", "start": _DAY, "end": _DAY} if group == _LOOK_BACK else {}
        (row,) = asking.query(names, **on_day, data_dir=data_dir).select(names).to_pylist()
        values_by_name |= row
    return values_by_name


def main() -> int:
    """Publish the sample and write the page."""
    console = Console(highlight=False)
    try:
        folder = project.folder()
        data = DataDir(folder / "data" / "docs")
        code = publish_sample(folder, data, console, trips=_TRIPS)
        if code == 0:
            metrics = asking.list_metrics(data.root, parts=True)
            page = folder / "docs" / "metrics.md"
            page.parent.mkdir(exist_ok=True)
            page.write_text(render(metrics, examples(metrics, data.root)), encoding="utf-8")
            console.print(f"{page.relative_to(folder)}: {sum(bool(metric.group) for metric in metrics)} metrics")
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _row(metric: Metric, example: Any) -> str:
    what = f"**{_cell(metric.label)}.** {_cell(metric.description)}<br>`{_cell(metric.formula)}`"
    return f"| `{metric.name}` | {_cell(metric.unit)} | {values.for_people(example, metric.unit)} | {what} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
