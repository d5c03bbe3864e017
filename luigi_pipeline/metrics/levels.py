"""Running totals as levels: what comes into a window and what leaves it, added up along the time spine.

MetricFlow joins each row with every step of the time spine whose window it is in: by the hour, hundreds of them. But a
row comes into the windows at one step and leaves them at another, and in between the total stays what it is. Comings
and goings, added up in the order of the steps, are the totals; only steps with something in their window are written
out. What is added up has to be exact for that, and is: integers and decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from luigi_pipeline.metrics.columns import MEASURE, own_columns

if TYPE_CHECKING:
    from sqlglot import expressions as exp

# `added` are the rows, added up by all that tells them apart and by when they were; `within` is MetricFlow's condition.
# A measure that is null is told apart too: a sum of nothing but nulls is null, and no step with something in its window
# is left out.
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


def use(join: exp.Join) -> None:
    """Write a join over a range of time as levels; one that is not of MetricFlow's form stays as it is.

    Args:
        join: A join of a time spine with rows that are added up afterwards.
    """
    import sqlglot
    from sqlglot import expressions as exp

    ranged = join.parent
    if not isinstance(ranged, exp.Select):
        return
    parts = _parts(ranged, join)
    if parts is None:
        return
    alias = join.this.alias_or_name
    made = cast("exp.Select", sqlglot.parse_one(_LEVELS.format(**parts), dialect="duckdb"))
    for column in own_columns(ranged):
        column.set("table", exp.to_identifier(alias))
    ranged.set("joins", None)
    ranged.set("from_", exp.From(this=made.subquery(alias)))


def _parts(ranged: exp.Select, join: exp.Join) -> dict[str, str] | None:
    """What the form above is filled with."""
    from sqlglot import expressions as exp

    spine, rows = ranged.args["from_"].this, join.this
    if not isinstance(spine, exp.Table) or not isinstance(rows, exp.Subquery) or not _is_plain(ranged):
        return None
    within = join.args["on"].copy()
    on = list(within.find_all(exp.Column))
    shown = [column for output in ranged.expressions for column in output.find_all(exp.Column)]
    steps = {column.name for column in [*shown, *on] if column.table == spine.alias_or_name}
    times = {column.name for column in on if column.table == rows.alias_or_name}
    read = {column.name for column in shown if column.table == rows.alias_or_name}
    keys, measures = ([name for name in sorted(read) if name.startswith(MEASURE) is is_one] for is_one in (False, True))
    tables = {spine.alias_or_name, rows.alias_or_name}
    if len(steps) != 1 or len(times) != 1 or not measures or {column.table for column in [*shown, *on]} != tables:
        return None
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
