"""Running totals, made quick: what is added up over time is added up by day before it is joined with later days.

MetricFlow joins every row with each step of the time spine at which it counts: ten million trips with each of the days
after them. A sum of sums is the same sum, so rows that agree in all that the query looks at are summed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sqlglot import expressions as exp

# MetricFlow's mark of a column that is still to be aggregated.
_MEASURE = "__"


def presum(sql: str) -> str:
    """Sum up a query's rows before they are joined over a range of time; other queries stay as they are.

    Args:
        sql: MetricFlow's, in DuckDB's dialect.

    Returns:
        A query with the same answer.
    """
    import sqlglot
    from sqlglot import expressions as exp

    if "Join Self Over Time Range" not in sql:
        return sql
    query = sqlglot.parse_one(sql, dialect="duckdb")
    outputs = {cte.alias: cte.this.named_selects for cte in query.find_all(exp.CTE)}
    for join in list(query.find_all(exp.Join)):
        source, on = join.this, join.args.get("on")
        if on is None or on.find(exp.LTE, exp.GTE) is None or not _is_summed_up(join):
            continue
        columns = source.this.named_selects if isinstance(source, exp.Subquery) else outputs.get(source.name, [])
        if any(name.startswith(_MEASURE) for name in columns):
            source.replace(_summed(source, columns))
    return query.sql(dialect="duckdb")


def _is_summed_up(join: exp.Join) -> bool:
    """Whether the next aggregation above a join is made of sums alone."""
    from sqlglot import expressions as exp

    select = join.find_ancestor(exp.Select)
    while select is not None:
        used = [found for column in select.expressions for found in column.find_all(exp.AggFunc)]
        if used or select.args.get("group"):
            return bool(used) and all(isinstance(found, exp.Sum) and not found.find(exp.Distinct) for found in used)
        select = select.find_ancestor(exp.Select)
    return False


def _summed(source: exp.Expression, columns: list[str]) -> exp.Subquery:
    import sqlglot

    shown = [f'sum("{name}") as "{name}"' if name.startswith(_MEASURE) else f'"{name}"' for name in columns]
    made = sqlglot.parse_one(f"select {', '.join(shown)} from source group by all", dialect="duckdb")
    inner = source.copy()
    made.find(sqlglot.exp.Table).replace(inner)  # type: ignore[union-attr]
    return cast("exp.Subquery", made.subquery(source.alias_or_name))  # type: ignore[attr-defined]
