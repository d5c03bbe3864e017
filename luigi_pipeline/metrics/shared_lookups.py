"""Lookups that the metrics of one question share: made once, before the trips are added up.

MetricFlow writes down what several metrics read by hour and zone, and looks the borough up for each of them. Looked up
before, a row of what is written down is a borough's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from luigi_pipeline.metrics.columns import keep, own_columns

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_SOURCE = "source"


@dataclass(frozen=True)
class Lookup:
    """A table that is joined by its key.

    Attributes:
        join: The join, of rows that are called `source`.
        columns: The columns that are read of it, by the names that the rows get them by.
    """

    join: exp.Join
    columns: dict[str, exp.Column] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The columns of the rows that it is joined by."""
        return {column.name for column in _on(self.join) if column.table == _SOURCE}


def take(readers: Sequence[exp.Table]) -> list[Lookup]:
    """Take the lookups that all readers of a shared part make out of their queries, which read the part instead.

    Args:
        readers: The part, where it is read.
    """
    found = [_lookups(reader) for reader in readers]
    taken = []
    for text, join in found[0].items():
        if not all(text in others for others in found):
            continue
        lookup = Lookup(_of_source(join, readers[0]))
        for reader, others in zip(readers, found, strict=True):
            _read_of_part(reader, others[text], lookup)
        taken.append(lookup)
    return taken


def look_up(part: exp.Expression, lookups: Sequence[Lookup], columns: Collection[str]) -> exp.Select:
    """Look up what is read.

    Args:
        part: The query of the part.
        lookups: What was taken of its readers.
        columns: The columns that they read now.
    """
    from sqlglot import expressions as exp

    read = keep(part, {*columns, *(key for lookup in lookups for key in lookup.keys)})
    if not lookups:
        return read
    wider = exp.select(*(exp.column(name, table=_SOURCE) for name in read.named_selects if name in columns))
    wider = wider.from_(read.subquery(_SOURCE))
    for lookup in lookups:
        for name, column in lookup.columns.items():
            wider.select(exp.alias_(column.copy(), name), copy=False)
        wider.append("joins", lookup.join.copy())
    return wider


def _lookups(reader: exp.Table) -> dict[str, exp.Join]:
    """What a query looks up by columns of the table that it reads; by how it would be written for `source`."""
    from sqlglot import expressions as exp

    select = reader.find_ancestor(exp.Select)
    if select is None or select.args["from_"].this is not reader:
        return {}
    return {
        _of_source(join, reader).sql(dialect="duckdb", comments=False): join
        for join in select.args.get("joins") or []
        if join.side == "LEFT" and {column.table for column in _on(join)} == {reader.alias_or_name, join.alias_or_name}
    }


def _of_source(join: exp.Join, reader: exp.Table) -> exp.Join:
    """A join as one with `source`; a part of the query that is joined by its name is joined as a subquery."""
    from sqlglot import expressions as exp

    made = join.copy()
    for column in _on(made):
        if column.table == reader.alias_or_name:
            column.set("table", exp.to_identifier(_SOURCE))
    if isinstance(made.this, exp.Table) and not made.this.db:
        # The part that the rows come from may be written before it.
        parts = {cte.alias: cte.this for cte in reader.root().find_all(exp.CTE)}
        made.set("this", _written_out(made.this, parts))
    return made


def _written_out(table: exp.Table, parts: Mapping[str, exp.Expression]) -> exp.Subquery:
    """A part of a query as a subquery, with the parts that it reads itself."""
    from sqlglot import expressions as exp

    query = cast("exp.Select", parts[table.name].copy())
    for inner in list(query.find_all(exp.Table)):
        if not inner.db:
            inner.replace(_written_out(inner, parts))
    return query.subquery(table.alias_or_name)


def _read_of_part(reader: exp.Table, join: exp.Join, lookup: Lookup) -> None:
    """Read what was looked up of the part."""
    from sqlglot import expressions as exp

    select, table = reader.find_ancestor(exp.Select), join.this.alias_or_name
    join.pop()
    for column in own_columns(select) if select is not None else []:
        if column.table == table:
            name = f"{table}__{column.name}"
            lookup.columns.setdefault(name, column.copy())
            column.replace(exp.column(name, table=reader.alias_or_name))


def _on(join: exp.Join) -> list[exp.Column]:
    from sqlglot import expressions as exp

    on = join.args.get("on")
    return list(on.find_all(exp.Column)) if on is not None else []
