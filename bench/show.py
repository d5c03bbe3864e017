"""What was measured, as tables."""

from __future__ import annotations

import statistics
from typing import Any

from rich.console import Console
from rich.table import Table

_STAGES = ("load", "build", "validate")


def show(result: dict[str, Any], console: Console) -> None:
    """Print the comparison as a table."""
    columns = ("", "floor s", "pipeline s", "ratio", "range")
    table = Table(*columns, title="the pipeline beside DuckDB alone", title_justify="left")
    for stage in (*_STAGES, "total"):
        ours = [row[stage] for row in result["pipeline"] if stage in row]
        theirs = [row[stage] for row in result["floor"] if stage in row]
        if not theirs:
            table.add_row(stage, "", f"{statistics.median(ours):.1f}")
            continue
        ratios = [pipeline / floor for pipeline, floor in zip(ours, theirs, strict=True)]
        seconds = (f"{statistics.median(theirs):.1f}", f"{statistics.median(ours):.1f}")
        table.add_row(stage, *seconds, f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}")
    console.print(table)
    last, floor = result["pipeline"][-1], result["floor"][-1]
    idle, empty = statistics.median(result["idle"]), statistics.median(result["empty"])
    console.print(f"nothing to do: {idle:.2f} s, an empty task of Luigi's {empty:.2f} s: {idle / empty:.2f} times")
    peaks = result["peak_bytes"]
    told = {
        "memory at the peak": (peaks["pipeline"], peaks["floor"]),
        "written to disk": (last["written_bytes"], floor["written_bytes"]),
        "warehouse": (last["warehouse_bytes"], floor["warehouse_bytes"]),
    }
    for what, (ours, theirs) in told.items():
        console.print(f"{what}: {ours / 1e6:,.0f} MB, floor {theirs / 1e6:,.0f} MB")
    console.print(f"the warehouse is {last['warehouse_bytes'] / result['landed_bytes']:.2f} times the landed files")


def show_growth(result: dict[str, Any], console: Console) -> None:
    """Print what a month more costs, and how much more than that month alone, start-up set apart."""
    title = "the last month added"
    table = Table("months", *_STAGES, "total s", "of a month alone", "peak MiB", title=title, title_justify="left")
    start_up, alone = result["start_up"]["total"], next(iter(result["added"].values()))["total"]
    for months, row in result["added"].items():
        stages = [f"{row[stage]:.1f}" for stage in _STAGES]
        ratio = (row["total"] - start_up) / (alone - start_up)
        table.add_row(str(months), *stages, f"{row['total']:.1f}", f"{ratio:.2f}", f"{row['peak_bytes'] / 2**20:,.0f}")
    console.print(table)
    console.print(f"a run on a month of hardly any rows, which is taken off each: {start_up:.1f} s")
