"""Translating filters for MetricFlow: names become references, and everything else stays as it is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from luigi_pipeline.core.errors import QueryError, UnknownName, one_line
from luigi_pipeline.metrics.names import METRIC_TIME, Attribute, Cut, resolve

_REFERENCES = {"categorical": "Dimension", "entity": "Entity"}


def rewrite(where: str, attributes: Sequence[Attribute], metrics: Sequence[str]) -> str:
    """Rewrite a filter for MetricFlow, such as `temperature_category = 'cold' and trip_date__month >= '2024-10-01'`.

    Args:
        where: A condition in SQL on dimensions. A condition in MetricFlow's own templates stays as it is.
        attributes: The dimensions of the metrics.
        metrics: The metrics of the query. They can't be used in a filter.

    Returns:
        The condition, with `{{ Dimension('...') }}` and the like in place of names.

    Raises:
        UnknownName: A name is unknown.
        QueryError: It is not a condition in SQL.
    """
    if "{{" in where:
        return where
    parts, position = [], 0
    for start, end, name in _names(where):
        if name in metrics:
            raise QueryError(f"where: {name} is a metric; a filter is on dimensions")
        parts += [_literally(where[position:start]), _reference(_resolve(name, attributes))]
        position = end
    return "".join([*parts, _literally(where[position:])])


def period(start: dt.datetime | None, end: dt.datetime | None, attributes: Sequence[Attribute]) -> list[str]:
    """Filters for a period, both ends included.

    MetricFlow's own time constraint is not used: for trips dated by the hour, it takes a day for its first hour. A
    metric that looks back in time, such as a growth, still sees the time before the period.
    """
    time = next(attribute for attribute in attributes if attribute.name == METRIC_TIME)
    when = _reference(Cut(METRIC_TIME, time, time.grain))
    ends = ((">=", start), ("<=", end))
    return [f"{when} {sign} '{moment:%Y-%m-%d %H:%M:%S.%f}'" for sign, moment in ends if moment is not None]


def _names(where: str) -> list[tuple[int, int, str]]:
    """Start, end and text of every name in a condition that can be a column."""
    import sqlglot
    from sqlglot import expressions

    try:
        condition = sqlglot.parse_one(where, dialect="duckdb", into=expressions.Condition)
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"where {where!r} is not a condition in SQL: {_without_marks(error)}") from error
    places = []
    for column in condition.find_all(expressions.Column):
        if not isinstance(column.this, expressions.Identifier) or column.table:
            raise QueryError(f"where: {column.sql()} is not a name")
        place = column.this.meta
        places.append((place["start"], place["end"] + 1, column.name))
    return sorted(places)


def _resolve(name: str, attributes: Sequence[Attribute]) -> Cut:
    try:
        return resolve(name, attributes)
    except UnknownName as error:
        raise UnknownName(f"where: {error} (texts stand in single quotes)") from None


def _reference(cut: Cut) -> str:
    if cut.grain:
        return f"{{{{ TimeDimension('{cut.attribute.name}', '{cut.grain}') }}}}"
    return f"{{{{ {_REFERENCES[cut.attribute.kind]}('{cut.attribute.name}') }}}}"


def _literally(text: str) -> str:
    """Protect SQL from MetricFlow's template engine, which would take '{%' in a text for a tag."""
    return re.sub(r"\{[%#]", lambda match: f"{{{{ '{match[0]}' }}}}", text)


def _without_marks(error: Exception) -> str:
    return one_line(re.sub(r"\x1b\[\d*m", "", str(error)))
