"""A running total goes from step to step of the time spine. What enters the window is added, what leaves is subtracted.

    select days.day, trips.borough, trips.__trips from time_spine_days as days
    inner join trips on trips.day <= days.day and trips.day > days.day - interval 7 day

becomes, in short (`_LEVELS` has the whole query),

    with steps as (select day, row_number() over (order by day) as step from time_spine_days),
    moves as (
        select borough, __trips, comes as step from trips ... -- the first step whose window contains the trip
        union all
        select borough, -__trips, goes from trips ...         -- the first step after that
    ),
    levels as (
        select borough, sum(__trips) over along as __trips, step, lead(step) over along as until
        from moves window along as (partition by borough order by step)
    )
    select steps.day, borough, __trips
    from (select borough, __trips, unnest(range(step, until)) as step from levels) inner join steps using (step)

MetricFlow joins each row with every step whose window contains it. By the hour, these are hundreds of steps. Here, only
steps with something in their window are written. The sums must be exact for this. They are: integers and decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from luigi_pipeline.metrics.rewrite.columns import MEASURE, UnknownForm, own_columns
from luigi_pipeline.metrics.rewrite.running_totals import joins

if TYPE_CHECKING:
    from sqlglot import expressions as exp

# `added` are the rows, summed by their dimensions and their time; `within` is MetricFlow's condition. Whether a measure
# is null counts as a dimension: a sum of nothing but nulls is null, and every step with something in its window must be
# there.
_LEVELS = """
    with
    added as ({rows}),
    steps as (select "{spine}", row_number() over (order by "{spine}") as step from {table}),
    spans as (
        select source."{time}", min(steps.step) as comes, max(steps.step) + 1 as goes
        from (select distinct "{time}" from added) as source
        inner join steps on {within}
        group by source."{time}"
    ),
    moves as (
        select {added_keys}{nulls}{measures}, 1 as held, spans.comes as step
        from added inner join spans on added."{time}" = spans."{time}"
        union all
        select {added_keys}{nulls}{negatives}, -1 as held, spans.goes as step
        from added inner join spans on added."{time}" = spans."{time}"
    ),
    moments as (
        select {keys}{are_null}{sums}, cast(sum(held) as bigint) as held, step from moves group by {keys}{are_null}step
    ),
    levels as (
        select {keys}{running}, sum(held) over along as held, step, lead(step) over along as until
        from moments
        window along as (partition by {apart} order by step)
    ),
    written as (select {keys}{measures}, unnest(range(step, until)) as step from levels where held > 0)
    select {keys}{measures}, steps."{spine}" from written inner join steps on written.step = steps.step
"""


def apply(query: exp.Expression) -> None:
    """Rewrite the join of each running total as levels.

    Args:
        query: The query, which is changed.

    Raises:
        UnknownForm: A join with a time spine does not have MetricFlow's form.
    """
    from sqlglot import expressions as exp

    for join in joins(query):
        # Rows that are read by name are shared with other metrics, and are few by now (`shared_sums`).
        if not isinstance(join.this, exp.Table):
            _write_as_levels(join)


def _write_as_levels(join: exp.Join) -> None:
    import sqlglot
    from sqlglot import expressions as exp

    ranged = cast("exp.Select", join.parent)
    parts, alias = _parts(ranged, join), join.this.alias_or_name
    made = cast("exp.Select", sqlglot.parse_one(_LEVELS.format(**parts), dialect="duckdb"))
    for column in own_columns(ranged):
        column.set("table", exp.to_identifier(alias))
    ranged.set("joins", None)
    ranged.set("from_", exp.From(this=made.subquery(alias)))


def _parts(ranged: exp.Select, join: exp.Join) -> dict[str, str]:
    """The values for the placeholders of `_LEVELS`."""
    from sqlglot import expressions as exp

    spine, rows = ranged.args["from_"].this, join.this
    if not isinstance(spine, exp.Table) or not isinstance(rows, exp.Subquery) or not _is_plain(ranged):
        raise UnknownForm(f"the join with {spine.alias_or_name}")
    within = join.args["on"].copy()
    on = list(within.find_all(exp.Column))
    shown = [column for output in ranged.expressions for column in output.find_all(exp.Column)]
    steps = {column.name for column in [*shown, *on] if column.table == spine.alias_or_name}
    times = {column.name for column in on if column.table == rows.alias_or_name}
    read = {column.name for column in shown if column.table == rows.alias_or_name}
    keys, measures = ([name for name in sorted(read) if name.startswith(MEASURE) is is_one] for is_one in (False, True))
    tables = {spine.alias_or_name, rows.alias_or_name}
    if len(steps) != 1 or len(times) != 1 or not measures or {column.table for column in [*shown, *on]} != tables:
        raise UnknownForm(f"what is read of {rows.alias_or_name} and {spine.alias_or_name}")
    for column in on:
        column.set("table", exp.to_identifier("source" if column.table == rows.alias_or_name else "steps"))
    table = spine.copy()
    table.set("alias", None)
    return {
        "rows": rows.this.sql(dialect="duckdb"),
        "table": table.sql(dialect="duckdb"),
        "within": within.sql(dialect="duckdb"),
        "spine": steps.pop(),
        "time": times.pop(),
        "keys": "".join(f'"{name}", ' for name in keys),
        "added_keys": "".join(f'added."{name}", ' for name in keys),
        "nulls": "".join(f'"{name}" is null as "no{name}", ' for name in measures),
        "are_null": "".join(f'"no{name}", ' for name in measures),
        "apart": ", ".join([f'"{name}"' for name in keys] + [f'"no{name}"' for name in measures]),
        "measures": ", ".join(f'"{name}"' for name in measures),
        "negatives": ", ".join(f'-"{name}" as "{name}"' for name in measures),
        "sums": ", ".join(f'sum("{name}") as "{name}"' for name in measures),
        "running": ", ".join(f'sum("{name}") over along as "{name}"' for name in measures),
    }


def _is_plain(ranged: exp.Select) -> bool:
    return len(ranged.args["joins"]) == 1 and not any(ranged.args.get(part) for part in ("where", "group", "distinct"))
