"""MetricFlow's SQL, made quick where sums are made of sums.

MetricFlow carries every trip through its joins and adds up at the end. Two of these ways are long: a running total
joins ten million trips with each of the days after them, and what several metrics of a question share is written down
trip by trip. A sum of sums is the same sum, so rows that agree in all that a query looks at are added up before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sqlglot import expressions as exp

# MetricFlow's mark of a column that is still to be aggregated.
_MEASURE = "__"


def presum(sql: str) -> str:
    """Add up a query's rows as early as that changes nothing; other queries stay as they are.

    Args:
        sql: MetricFlow's, in DuckDB's dialect.

    Returns:
        A query with the same answer.
    """
    if "Join Self Over Time Range" not in sql and "_cte AS (" not in sql:
        return sql
    import sqlglot
    from sqlglot import expressions as exp

    query = sqlglot.parse_one(sql, dialect="duckdb")
    outputs = {cte.alias: cte.this.named_selects for cte in query.find_all(exp.CTE)}
    for join in list(query.find_all(exp.Join)):
        if _is_over_a_range(join) and _is_summed_up(join):
            source = join.this
            columns = source.this.named_selects if isinstance(source, exp.Subquery) else outputs.get(source.name, [])
            if _measures(columns):
                source.replace(_summed(source, columns))
    for cte in query.find_all(exp.CTE):
        references = [table for table in query.find_all(exp.Table) if table.name == cte.alias and not table.db]
        if _measures(outputs[cte.alias]) and references and all(_is_summed_up(table) for table in references):
            cte.set("this", _summed(cte.this.subquery("source"), outputs[cte.alias]).this)
    return query.sql(dialect="duckdb")


def _measures(columns: list[str]) -> list[str]:
    return [name for name in columns if name.startswith(_MEASURE)]


def _is_over_a_range(join: exp.Join) -> bool:
    from sqlglot import expressions as exp

    on = join.args.get("on")
    return on is not None and on.find(exp.LTE, exp.GTE) is not None


def _is_summed_up(part: exp.Expression) -> bool:
    """Whether the next aggregation that a part's rows come to is made of sums alone."""
    from sqlglot import expressions as exp

    select = part.find_ancestor(exp.Select)
    while select is not None:
        used = [found for column in select.expressions for found in column.find_all(exp.AggFunc)]
        if used or select.args.get("group"):
            return bool(used) and all(isinstance(found, exp.Sum) and not found.find(exp.Distinct) for found in used)
        if select.args.get("distinct") or isinstance(select.parent, exp.CTE):
            return False  # its rows go elsewhere than to what it stands in
        select = select.find_ancestor(exp.Select)
    return False


def _summed(source: exp.Expression, columns: list[str]) -> exp.Subquery:
    import sqlglot

    shown = [f'sum("{name}") as "{name}"' if name.startswith(_MEASURE) else f'"{name}"' for name in columns]
    made = sqlglot.parse_one(f"select {', '.join(shown)} from source group by all", dialect="duckdb")
    inner = source.copy()
    made.find(sqlglot.exp.Table).replace(inner)  # type: ignore[union-attr]
    return cast("exp.Subquery", made.subquery(source.alias_or_name))  # type: ignore[attr-defined]
