"""An overview of a data dir after a run: what is loaded, built, checked and published, and how long it took."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table

from luigi_pipeline.core.datadir import DataDir, relative
from luigi_pipeline.sources import MONTHLY
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker

_STAGES = {
    "fetch": ("FetchMonth", "FetchZones"),
    "load": ("LoadMonth", "LoadZones"),
    "build": ("DbtBuild",),
    "validate": ("Validate",),
    "publish": ("Publish",),
}


def show(data: DataDir, console: Console) -> None:
    """Print the overview of a data dir after a successful run."""
    markers_by_task = {task: _markers_of(data, task) for tasks in _STAGES.values() for task in tasks}
    console.print(rows_table(data))
    console.print(_trips_table(data))
    console.print(_stages_table(markers_by_task))
    report = json.loads((data.validation / "report.json").read_text(encoding="utf-8"))
    tests = markers_by_task["DbtBuild"][0].details
    console.print(f"checks   {tests['tests']} dbt tests, {report['summary']['passed']} expectations passed")
    console.print("look at")
    for what, path in (
        ("published", data.published),
        ("Parquet", data.parquet),
        ("warehouse", data.warehouse),
        ("Data Docs", data.validation / "data_docs" / "index.html"),
        ("checks", data.validation / "report.json"),
        ("log", data.logs / "pipeline.log"),
        # The last line, because people look there.
        ("report", data.report / "index.html"),
    ):
        console.print(f"  {what:<10} {relative(path)}", soft_wrap=True)


def _markers_of(data: DataDir, task: str) -> list[Marker]:
    paths = sorted(data.markers.glob(f"{task}.json")) + sorted((data.markers / task).rglob("*.json"))
    return [marker for path in paths if (marker := markers.read(path))]


def rows_table(data: DataDir) -> Table:
    """The rows that are loaded, by month and source."""
    loads = _markers_of(data, "LoadMonth")
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for marker in loads:
        if marker.source:
            rows[marker.parameters["month"]][marker.parameters["source"]] = marker.source.rows or 0
    there = [name for name in MONTHLY if any(name in of_month for of_month in rows.values())]
    table = Table("month", *there, title="rows loaded", title_justify="left")
    for month in sorted(rows):
        table.add_row(month, *(f"{rows[month].get(source, 0):,}" for source in there))
    return _right_aligned(table)


def _trips_table(data: DataDir) -> Table:
    import duckdb

    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        counted: list[Any] = connection.execute(
            """
            select
                trip_type,
                count(*),
                count(*) filter (where not is_voided and not is_suspect),
                mode(pickup_hour_of_day) filter (
                    where day_of_week <= 5 and is_covered_by_all_modes and not is_voided and not is_suspect
                )
            from marts.fct_trips
            left join marts.dim_date on pickup_date = date_day
            group by 1 order by 1
            """
        ).fetchall()
    table = Table("mode", "trips", "that count", "busiest weekday hour", title="trips", title_justify="left")
    for mode, trips, valid, hour in counted:
        table.add_row(mode, f"{trips:,}", f"{valid:,}", "" if hour is None else f"{hour}:00")
    return _right_aligned(table)


def _stages_table(markers_by_task: dict[str, list[Marker]]) -> Table:
    table = Table("stage", "tasks", "seconds", title="time, added up over tasks", title_justify="left")
    for stage, tasks in _STAGES.items():
        done = [marker for task in tasks for marker in markers_by_task[task]]
        table.add_row(stage, str(len(done)), f"{sum(markers.seconds(marker) for marker in done):.1f}")
    return _right_aligned(table)


def _right_aligned(table: Table) -> Table:
    for column in table.columns[1:]:
        column.justify = "right"
    return table
