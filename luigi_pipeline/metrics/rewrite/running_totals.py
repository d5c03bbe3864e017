"""Trips are summed, and their dimensions are looked up, before a running total joins them with a time spine.

    select days.day, borough, sum(__trips) from (
        select days.day, trips.zone, trips.__trips from time_spine_days as days
        inner join (select pickup_date as day, zone, trips as __trips from classified_trips) as trips
            on trips.day <= days.day and trips.day > days.day - interval 7 day
    ) as ranges left join dim_location on ranges.zone = dim_location.zone group by all

becomes

    select days.day, borough, sum(__trips) from (
        select days.day, trips.borough, trips.__trips from time_spine_days as days
        inner join (
            select day, borough, sum(__trips) as __trips
            from (select pickup_date as day, zone, trips as __trips from classified_trips) as trips
            left join dim_location on trips.zone = dim_location.zone group by all
        ) as trips on trips.day <= days.day and trips.day > days.day - interval 7 day
    ) as ranges group by all

MetricFlow joins each trip with every day of its window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from luigi_pipeline.metrics.rewrite.columns import UnknownForm, columns_of, is_summed_up, keep, measures, summed

if TYPE_CHECKING:
    from sqlglot import expressions as exp


def apply(query: exp.Expression) -> None:
    """Sum the rows of each running total first.

    Args:
        query: The query, which is changed.

    Raises:
        UnknownForm: The rows are read or joined in a way that MetricFlow does not use.
    """
    for join in joins(query):
        _read_first(join)
        _look_up_first(join)
        _add_up(join.this)


def joins(query: exp.Expression) -> list[exp.Join]:
    """The joins with a time spine over a range of time, whose rows are then summed."""
    from sqlglot import expressions as exp

    return [join for join in query.find_all(exp.Join) if _is_over_a_range(join) and is_summed_up(join)]


def _read_first(join: exp.Join) -> None:
    """If MetricFlow joins the table itself, read what a running total needs in a subquery.

    Columns that are summed get MetricFlow's prefix for such columns, two underscores, if they lack it.

    Args:
        join: A join over a range of time.
    """
    from sqlglot import expressions as exp

    ranged, table = join.parent, join.this
    if not isinstance(table, exp.Table) or not table.db or not isinstance(ranged, exp.Select):
        return
    alias = table.alias_or_name
    adding = ranged.find_ancestor(exp.Select)
    sums = list(adding.find_all(exp.Sum)) if adding is not None else []
    added = {column.name for node in sums for column in node.find_all(exp.Column)}
    read: dict[str, exp.Expression] = {}
    for column in ranged.expressions:
        of = {node.table for node in column.find_all(exp.Column)}
        if of == {alias}:
            name = f"__{column.alias_or_name}" if column.alias_or_name in added else column.alias_or_name
            read[name] = column.unalias()
            column.replace(exp.alias_(exp.column(name, table=alias), column.alias_or_name))
        elif alias in of:
            raise UnknownForm(f"{column.alias_or_name}, of {alias} and others")
    for column in [node for node in join.args["on"].find_all(exp.Column) if node.table == alias]:
        # Read the column as its function has it, so that the rows of one hour become one row.
        whole = column.parent if isinstance(column.parent, exp.TimestampTrunc | exp.DateTrunc) else column
        read["read__time"] = whole.copy()
        whole.replace(exp.column("read__time", table=alias))
    inner = exp.select(*(exp.alias_(part.copy(), name) for name, part in read.items())).from_(table.copy())
    table.replace(inner.subquery(alias))


def _look_up_first(join: exp.Join) -> None:
    """Look up the dimensions before the rows are joined with the time spine, so that more rows are equal and summed.

    Args:
        join: A join over a range of time, in a subquery whose rows then look up dimensions by left joins.
    """
    from sqlglot import expressions as exp

    ranged = join.find_ancestor(exp.Select)
    outer = ranged.find_ancestor(exp.Select) if ranged is not None else None
    if ranged is None or outer is None or outer.args["from_"].this is not ranged.parent:
        return
    ranges, source = str(ranged.parent.alias), join.this
    lookups = list(outer.args.get("joins") or [])
    origin = {column.alias_or_name: column.unalias() for column in ranged.expressions}
    if not lookups:
        return
    if not all(_is_lookup(lookup, ranges, source.alias_or_name, origin) for lookup in lookups):
        raise UnknownForm(f"the joins with {ranges}")
    wider = exp.select(exp.column(exp.Star(), table=source.alias_or_name)).from_(source.copy())
    for lookup in lookups:
        table = lookup.this.alias_or_name
        for column in [node for node in outer.find_all(exp.Column) if node.table == table]:
            if column.find_ancestor(exp.Join) is lookup:
                continue
            name = f"{table}__{column.name}"
            if name not in origin:
                origin[name] = exp.column(name, table=source.alias_or_name)
                wider.select(exp.alias_(column.copy(), name), copy=False)
                ranged.select(exp.alias_(origin[name].copy(), name), copy=False)
            column.replace(exp.column(name, table=ranges))
        moved = lookup.pop()
        for key in [node for node in moved.args["on"].find_all(exp.Column) if node.table == ranges]:
            key.replace(origin[key.name].copy())
        wider.append("joins", moved)
    _name_columns(wider, source)
    used = {column.name for column in outer.find_all(exp.Column) if column.table == ranges}
    ranged.set("expressions", [column for column in ranged.expressions if column.alias_or_name in used])
    source.replace(wider.subquery(source.alias_or_name))


def _add_up(source: exp.Expression) -> None:
    """Sum the measures of a running total, so that as few rows as possible are joined."""
    from sqlglot import expressions as exp

    columns = columns_of(source)
    if isinstance(source, exp.Subquery) and columns and measures(columns):
        source.replace(summed(keep(source.this, columns).subquery(source.alias_or_name)))


def _name_columns(wider: exp.Select, source: exp.Expression) -> None:
    """Replace a star by the names of all columns of the source."""
    from sqlglot import expressions as exp

    inner: exp.Query = source.this if isinstance(source, exp.Subquery) else _cte(source)
    named = [exp.column(name, table=source.alias_or_name) for name in inner.named_selects]
    wider.set("expressions", [*named, *wider.expressions[1:]])


def _cte(table: exp.Expression) -> exp.Query:
    from sqlglot import expressions as exp

    return cast("exp.Query", next(cte.this for cte in table.root().find_all(exp.CTE) if cte.alias == table.name))


def _is_over_a_range(join: exp.Join) -> bool:
    from sqlglot import expressions as exp

    on = join.args.get("on")
    return on is not None and on.find(exp.LTE, exp.GTE) is not None


def _is_lookup(lookup: exp.Join, ranges: str, source: str, origin: dict[str, exp.Expression]) -> bool:
    """Whether a left join looks up dimensions by columns that the rows had before the join with the time spine."""
    from sqlglot import expressions as exp

    keys = list(lookup.args["on"].find_all(exp.Column)) if lookup.args.get("on") else []
    return (
        lookup.side == "LEFT"
        and bool(keys)
        and all(
            key.table == lookup.this.alias_or_name
            or (
                key.table == ranges
                and isinstance(origin.get(key.name), exp.Column)
                and str(origin[key.name].table) == source  # type: ignore[attr-defined]
            )
            for key in keys
        )
    )
