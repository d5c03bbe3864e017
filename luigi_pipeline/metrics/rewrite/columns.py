"""What all rewritings ask about MetricFlow's SQL: which columns a part uses, and whether they are only summed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from sqlglot import expressions as exp


class UnknownForm(Exception):
    """A part of MetricFlow's SQL does not have the form that a rewriting knows."""


# MetricFlow's prefix for a column that is not aggregated yet.
MEASURE = "__"


def measures(columns: Iterable[str]) -> list[str]:
    """The columns that are not aggregated yet."""
    return [name for name in columns if name.startswith(MEASURE)]


def own_columns(select: exp.Select) -> list[exp.Column]:
    """The columns that a query itself names, without those that its subqueries name."""
    from sqlglot import expressions as exp

    return [column for column in select.find_all(exp.Column) if column.find_ancestor(exp.Select) is select]


def sources_of(select: exp.Select) -> list[exp.Expression]:
    """The tables and subqueries that a query reads."""
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]


def columns_of(source: exp.Expression) -> set[str] | None:
    """The columns of a table or subquery that the query around it uses; None if that is not clear."""
    from sqlglot import expressions as exp

    select = source.find_ancestor(exp.Select)
    if select is None or select.find(exp.Star) is not None:
        return None
    sources = sources_of(select)
    columns = set()
    for column in own_columns(select):
        if column.table == source.alias_or_name or (not column.table and len(sources) == 1):
            columns.add(column.name)
        elif not column.table and not _is_output(column, select):
            return None
    return columns


def is_summed_up(part: exp.Expression, *, distinct: bool = False) -> bool:
    """Whether the next aggregation of a part's rows consists of sums only.

    Args:
        part: A table or subquery.
        distinct: Whether counts of distinct values are allowed too.
    """
    from sqlglot import expressions as exp

    def is_allowed(used: exp.AggFunc) -> bool:
        if used.find(exp.Distinct):
            return distinct and isinstance(used, exp.Count)
        return isinstance(used, exp.Sum)

    select = part.find_ancestor(exp.Select)
    while select is not None:
        used = [aggregate for column in select.expressions for aggregate in column.find_all(exp.AggFunc)]
        if used or select.args.get("group"):
            return bool(used) and all(map(is_allowed, used))
        if select.args.get("distinct") or isinstance(select.parent, exp.CTE):
            return False  # its rows also go somewhere else
        select = select.find_ancestor(exp.Select)
    return False


def measures_alone(source: exp.Expression, columns: Collection[str]) -> bool:
    """Whether the query around a table uses some columns only in aggregations, not in groups, filters or keys."""
    from sqlglot import expressions as exp

    select = source.find_ancestor(exp.Select)
    if select is None:
        return False
    measures = {id(output) for output in select.expressions if output.alias_or_name.startswith(MEASURE)}
    for column in own_columns(select):
        part: Any = column
        while part is not None and id(part) not in measures and not isinstance(part, exp.Sum):
            part = part.parent if part is not select else None
        if part is None and column.name in columns:
            return False
    return True


def keep(select: exp.Expression, columns: Collection[str]) -> exp.Select:
    """A copy of a query with only some of its columns."""
    from sqlglot import expressions as exp

    kept = select.copy()
    if not isinstance(kept, exp.Select):
        raise UnknownForm(f"a part that is a {kept.key}")
    kept.set("expressions", [column for column in kept.expressions if column.alias_or_name in columns])
    return kept


def summed(rows: exp.Subquery) -> exp.Subquery:
    """Sum the measures of rows, with one row for each combination of the other columns."""
    import sqlglot

    shown = [f'sum("{name}") as "{name}"' if measures([name]) else f'"{name}"' for name in rows.this.named_selects]
    made = cast("exp.Select", sqlglot.parse_one(f"select {', '.join(shown)} group by all", dialect="duckdb"))
    return made.from_(rows).subquery(rows.alias_or_name)


def _is_output(column: exp.Column, select: exp.Select) -> bool:
    """Whether a column is an output name of the query, as in `order by`."""
    from sqlglot import expressions as exp

    return column.find_ancestor(exp.Order) is not None and column.name in select.named_selects
