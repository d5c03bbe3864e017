"""List the metrics, or query some of them, from the published data.

Without a name it lists all metrics. `--by` groups them and `--where` filters them, by names that `--dimensions` lists.
The name of a time ends in a grain, from trip_date__hour to trip_date__year.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from luigi_pipeline.core.errors import QueryError

if TYPE_CHECKING:
    from rich.console import Console

    from luigi_pipeline.metrics import Metric

_WIDE = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("metrics", nargs="*", metavar="METRIC", help="names of metrics; none: list them all")
    parser.add_argument(
        "--by", action="append", type=_names, default=[], metavar="NAME,...", help="group by these dimensions"
    )
    parser.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="a condition in SQL on dimensions"
    )
    parser.add_argument(
        "--order-by",
        action="append",
        type=_names,
        default=[],
        metavar="NAME,...",
        help="metrics or names of --by; --order-by=-NAME (or 'NAME desc') for a falling order",
    )
    parser.add_argument("--limit", type=_count, metavar="ROWS", help="at most so many rows")
    parser.add_argument("--start", metavar="DATE", help="from this day or moment in New York")
    parser.add_argument("--end", metavar="DATE", help="to the end of this day, or to this moment")
    parser.add_argument("--dimensions", action="store_true", help="list what the metrics can be grouped by")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--csv", action="store_true", help="answer as CSV")
    shown.add_argument("--json", action="store_true", help="answer as JSON")
    shown.add_argument("--chart", action="store_true", help="draw the answer: a line over time, otherwise bars")


def run(options: argparse.Namespace) -> int:
    """Print the answer, or the list.

    Raises:
        QueryError: The query has no answer.
        WarehouseError: Nothing is published yet.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDE)
    if options.dimensions:
        _list_dimensions(options.metrics, console)
    elif options.metrics:
        _answer(options, console)
    elif any((options.by, options.where, options.order_by, options.limit, options.start, options.end, options.chart)):
        raise QueryError("name the metrics too; without options, all are listed")
    else:
        _list_metrics(options, console)
    return 0


def _list_metrics(options: argparse.Namespace, console: Console) -> None:
    from rich.table import Table

    from luigi_pipeline import metrics

    every = metrics.list_metrics()
    if options.csv or options.json:
        _write_list(every, as_json=options.json)
        return
    for group, members in groupby(every, key=lambda metric: metric.group):
        table = Table("metric", "unit", "description", title=group, title_justify="left", box=None, pad_edge=False)
        table.columns[0].no_wrap = table.columns[1].no_wrap = True
        for metric in members:
            table.add_row(metric.name, metric.unit, metric.description)
        console.print(table)
        console.print()
    console.print(f"{len(every)} metrics; METRIC --dimensions lists what one can be grouped by")


def _write_list(listed: Sequence[Metric], *, as_json: bool) -> None:
    import csv
    import json
    from dataclasses import asdict

    rows = [asdict(metric) for metric in listed]
    if as_json:
        json.dump(rows, sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
    elif rows:
        writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _list_dimensions(asked: Sequence[str], console: Console) -> None:
    from rich.table import Table

    from luigi_pipeline import metrics
    from luigi_pipeline.metrics import names

    if not asked:
        raise QueryError("name the metrics whose dimensions are asked for")
    table = Table("name", "kind", "description", box=None, pad_edge=False)
    for attribute in metrics.dimensions(asked):
        grains = [f"__{grain}" for grain in names.grains(attribute)] if attribute.kind == "time" else []
        table.add_row(
            attribute.name, attribute.kind, "; ".join(filter(None, [", ".join(grains), attribute.description]))
        )
    console.print(table)


def _answer(options: argparse.Namespace, console: Console) -> None:
    from luigi_pipeline import metrics
    from luigi_pipeline.metrics.answer import Answer

    table = metrics.query(
        options.metrics,
        by=_flat(options.by),
        where=options.where,
        order_by=_flat(options.order_by),
        limit=options.limit,
        start=options.start,
        end=options.end,
    )
    answer = Answer.of(table, metrics.find(options.metrics))
    if options.csv:
        answer.write_csv(sys.stdout)
    elif options.json:
        answer.write_json(sys.stdout)
    elif options.chart:
        from luigi_pipeline.metrics import charts

        terminal = sys.stdout.isatty()
        width = console.width if terminal else 100
        sys.stdout.write(charts.draw(answer, width, colour=terminal and "NO_COLOR" not in os.environ))
    else:
        console.print(answer.table())
    _print_findings()


def _print_findings() -> None:
    """Print the findings that nobody has accepted. They are not part of the answer, so they go to stderr."""
    from luigi_pipeline.config import options
    from luigi_pipeline.metrics import reading

    for line in reading.current(options.data_dir()).findings:
        print(f"finding: {line}", file=sys.stderr)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _flat(lists: Sequence[Sequence[str]]) -> list[str]:
    return [name for names in lists for name in names]


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)
