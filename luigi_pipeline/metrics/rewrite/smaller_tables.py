"""Reading the smallest table that has all columns of a query: sums that dbt has built, or trips without classes.

    select date_trunc('month', pickup_hour_nyc) as month, sum(trips) as __trips from classified_trips group by all

becomes

    select date_trunc('month', pickup_date) as month, sum(trips) as __trips from pickup_sums group by all

The semantic model of the trips is on `classified_trips`. `pickup_sums` and `dropoff_sums` hold the same trips, summed
by hour, zone and kind. `counted_trips` holds the same rows without classes. Each has some of the columns, under the
same names. All have the day of a trip as a date. It is the day of the trip's hour, and is quicker to turn into weeks
and months. `compared_trips` has such sums too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from luigi_pipeline.metrics.rewrite.columns import UnknownForm, columns_of, is_summed_up, measures_alone, own_columns

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_HOUR, _DAY = "pickup_hour_nyc", "pickup_date"
_SUMS = {
    "classified_trips": ("pickup_sums", "dropoff_sums"),
    "compared_trips": ("compared_pickups", "compared_dropoffs"),
}
_ROWS = {"classified_trips": ("counted_trips",), "compared_trips": ()}
# Columns that are sums in these tables: a duration is that of many trips. They may only be summed.
_ADDED_UP = frozenset(
    {
        "trips",
        "trips_of_all_modes",
        "passengers",
        "duration_minutes",
        "distance_miles",
        "fare_amount",
        "tip_amount",
        "total_amount",
    }
)


def apply(query: exp.Expression, tables: Mapping[str, Collection[str]]) -> None:
    """Read smaller tables, if they have all columns of the query.

    Args:
        query: The query, which is changed.
        tables: The tables that exist, with their columns.

    Raises:
        UnknownForm: It is not clear which columns of a table are read.
    """
    from sqlglot import expressions as exp

    for table in list(query.find_all(exp.Table)):
        if table.name not in _SUMS:
            continue
        _take_times_of_days(table)
        columns = columns_of(table)
        if columns is None:
            raise UnknownForm(f"the columns that are read of {table.name}")
        instead: tuple[str, ...] = _ROWS[table.name]
        # Summed rows have the same distinct values as single rows.
        if is_summed_up(table, distinct=True) and measures_alone(table, _ADDED_UP):
            instead = (*_SUMS[table.name], *instead)
        smaller = next((name for name in instead if columns <= set(tables.get(name, ()))), None)
        if smaller:
            table.set("this", exp.to_identifier(smaller, quoted=True))


def _take_times_of_days(table: exp.Table) -> None:
    """Compute days, weeks, months, ... from the trips' dates. Hours stay as they are."""
    from sqlglot import expressions as exp

    select = table.find_ancestor(exp.Select)
    for column in own_columns(select) if select is not None else []:
        time = column.parent
        if column.name == _HOUR and isinstance(time, exp.TimestampTrunc) and time.this is column:
            if str(time.args["unit"].name).upper() == "HOUR":
                time.replace(column)
            else:
                column.replace(exp.column(_DAY, table=column.table or None))
