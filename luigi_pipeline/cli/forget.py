"""Take a month out of the warehouse, in one transaction.

The next run builds the models without it. If the configuration still names the month, that run loads it again.
"""

from __future__ import annotations

import argparse

from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.core.months import Month
from luigi_pipeline.run.holding import holding
from luigi_pipeline.run.run import Run
from luigi_pipeline.sources import MONTHLY, SOURCES
from luigi_pipeline.state import markers
from luigi_pipeline.tasks.load import LoadMonth
from luigi_pipeline.warehouse.recognise import recognise


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--source", required=True, choices=MONTHLY, help="the source")
    parser.add_argument("--month", required=True, type=_month, metavar="YYYY-MM", help="the month")


def run(options: argparse.Namespace) -> int:
    """Forget the month: its rows and its markers.

    Raises:
        PipelineError: There is no such month in the warehouse.
        AlreadyRunning: A run holds the data dir.
    """
    context = Run.current()
    settings, data = context.settings, context.data
    month, what = options.month, f"{options.source} {options.month}"
    if not data.warehouse.exists():
        raise PipelineError(f"there is no warehouse in {data.root}, so {what} is not in it")
    with holding(data):
        if context.found_unknown_warehouse:
            recognise(data, settings.warehouse)
        rows = _forget(options.source, month)
    print(f"{what} is forgotten: {rows:,} rows; the next run builds the models without it")
    if month in SOURCES[options.source].months(settings):
        print(f"{context.config_file} still names it, so that run will load it again; take it out there first")
    return 0


def _forget(source: str, month: Month) -> int:
    from luigi_pipeline.warehouse import database, loading

    load = LoadMonth(source=source, month=month)
    with database.reading(load.data, load.settings.warehouse) as connection:
        is_there = (source, month) in {loaded[:2] for loaded in database.loaded_versions(connection)}
    if not is_there and markers.read(load.marker_path) is None:
        raise PipelineError(f"{source} {month} is not in {load.data.warehouse}; nothing was changed")
    # Drop the markers first. If a kill comes in between, the month must be loaded or forgotten again. The other order
    # could leave a marker of a month that is gone.
    load.drop_marker()
    load.requires().drop_marker()
    with database.writing(load.data, load.settings.warehouse) as connection:
        return loading.unload(connection, load.origin, month)


def _month(text: str) -> Month:
    try:
        return Month(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
