"""Querying metrics: from names as people use them to an Arrow table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_pipeline.config import options
from luigi_pipeline.core import paths
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import QueryError, UnknownName
from luigi_pipeline.metrics import filters, looking_back, names, reading
from luigi_pipeline.metrics.definitions import Metric
from luigi_pipeline.metrics.names import Attribute, Cut
from luigi_pipeline.metrics.reading import Version

if TYPE_CHECKING:
    import pyarrow as pa

Moment = str | dt.date | dt.datetime


def query(
    metrics: str | Sequence[str],
    by: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    order_by: str | Sequence[str] = (),
    limit: int | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    data_dir: str | Path | None = None,
) -> pa.Table:
    """Query metrics.

    Args:
        metrics: Names of metrics, as `list_metrics` lists them.
        by: Names of dimensions to group by, such as `pickup_borough` or `trip_date__week`, as `dimensions` lists them.
        where: Conditions in SQL on dimensions: `temperature_category = 'cold'`.
        order_by: Names from `metrics` and `by`, with a `-` in front for descending order; by default, `by`.
        limit: The largest number of rows.
        start: The first hour (in New York time) or day.
        end: The last hour (in New York time) or day, included.
        data_dir: The data dir; by default that of the pipeline (`MOBILITY_DATA_DIR`, `data`).

    Returns:
        A column for each name in `by`, then one for each metric, with the names that were asked for. A time is the
        beginning of its hour, day, week (Monday), ... in New York. Counts are int64, and sums of money are decimals.

    Raises:
        UnknownName: A name is unknown or ambiguous. The message suggests the nearest names.
        QueryError: The query has no answer.
        WarehouseError: Nothing is published yet.
    """
    from luigi_pipeline.metrics.engine import Question

    asked = _unique(metrics)
    version = reading.current(_data(data_dir))
    _check_metrics(asked, version.metrics)
    meant = looking_back.by_hour(asked, _listed(by), version.metrics)
    attributes = version.engine.attributes(meant)
    cuts = tuple({cut.name: cut for cut in (_cut(name, attributes, meant, version) for name in _listed(by))}.values())
    looking_back.check_grains(asked, cuts, version.metrics)
    question = Question(
        metrics=meant,
        by=tuple(cut.name for cut in cuts),
        where=(
            *(filters.rewrite(text, attributes, meant) for text in _listed(where)),
            *filters.period(_moment(start, dt.time.min), _moment(end, dt.time.max), attributes),
        ),
        order_by=_order(_listed(order_by), cuts, dict(zip(asked, meant, strict=True))),
        limit=limit,
    )
    # MetricFlow ignores a limit of 0.
    table = version.answer(question).slice(0, limit)
    return _typed(table.rename_columns([cut.asked for cut in cuts] + list(asked)))


def list_metrics(data_dir: str | Path | None = None, *, parts: bool = False) -> list[Metric]:
    """List all metrics, group by group.

    Args:
        data_dir: The data dir; by default that of the pipeline.
        parts: Whether to include metrics that only others are made of. They come last, and have no group.

    Raises:
        WarehouseError: Nothing is published yet.
    """
    defined = reading.current(_data(data_dir)).metrics
    return [metric for metric in defined if metric.group or parts]


def find(names: str | Sequence[str], data_dir: str | Path | None = None) -> list[Metric]:
    """The definitions of some metrics, in the order in which they are named.

    Args:
        names: Names of metrics.
        data_dir: The data dir; by default that of the pipeline.

    Raises:
        UnknownName: A metric does not exist.
        WarehouseError: Nothing is published yet.
    """
    asked = _unique(names)
    defined = reading.current(_data(data_dir)).metrics
    _check_metrics(asked, defined)
    by_name = {metric.name: metric for metric in defined}
    return [by_name[name] for name in asked]


def dimensions(metrics: str | Sequence[str], data_dir: str | Path | None = None) -> list[Attribute]:
    """The dimensions that some metrics have in common, each with its shortest unambiguous name.

    Args:
        metrics: Names of metrics.
        data_dir: The data dir; by default that of the pipeline.

    Raises:
        UnknownName: A metric does not exist.
        WarehouseError: Nothing is published yet.
    """
    asked = _unique(metrics)
    version = reading.current(_data(data_dir))
    _check_metrics(asked, version.metrics)
    meant = looking_back.by_hour(asked, [f"{names.TRIP_DATE}__hour"], version.metrics)
    attributes = [item for item in version.engine.attributes(meant) if not names.is_another_trip_date(item)]
    short = {names.short_name(item, attributes): item for item in attributes}
    return [replace(short[name], name=name) for name in sorted(short)]


def _data(data_dir: str | Path | None) -> DataDir:
    return options.data_dir() if data_dir is None else DataDir(paths.expanded(str(data_dir), "data_dir").resolve())


def _listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _unique(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_listed(value)))


def _check_metrics(asked: Sequence[str], defined: Sequence[Metric]) -> None:
    if not asked:
        raise QueryError("no metric is asked for")
    known = {metric.name for metric in defined}
    for name in asked:
        if name not in known:
            listed = [metric.name for metric in defined if metric.group] or known
            raise UnknownName(f"there is no metric {name}; the nearest are {names.nearest(name, listed)}")


def _cut(name: str, attributes: Sequence[Attribute], metrics: Sequence[str], version: Version) -> Cut:
    try:
        return names.resolve(name, attributes)
    except UnknownName as error:
        unable = [metric for metric in metrics if not _can_cut(metric, name, version)]
        if unable and any(_can_cut(metric.name, name, version) for metric in version.metrics):
            raise UnknownName(
                f"{', '.join(unable)} can't be grouped by {name}; --dimensions lists the dimensions"
            ) from None
        raise UnknownName(f"{', '.join(metrics)}: {error}") from None


def _can_cut(metric: str, name: str, version: Version) -> bool:
    try:
        return bool(names.resolve(name, version.engine.attributes((metric,))))
    except UnknownName:
        return False


def _order(asked: Sequence[str], cuts: Sequence[Cut], metrics: Mapping[str, str]) -> tuple[str, ...]:
    known = dict(metrics) | {cut.name: cut.name for cut in cuts} | {cut.asked: cut.name for cut in cuts}
    order = []
    for text in asked:
        falls = text.startswith("-") or text.lower().endswith(" desc")
        name = text.removeprefix("-").removesuffix(" desc").removesuffix(" DESC").strip()
        if name not in known:
            raise UnknownName(f"order by: {name} is not asked for; the nearest are {names.nearest(name, known)}")
        order.append(f"-{known[name]}" if falls else known[name])
    return tuple(order) or tuple(cut.name for cut in cuts)


def _moment(value: Moment | None, time: dt.time) -> dt.datetime | None:
    if isinstance(value, str):
        try:
            # fromisoformat alone would also accept 20241001 and 2024-W40-1
            parsed = dt.datetime.fromisoformat(value)
            value = parsed.date() if len(value) == len("2024-10-01") else parsed
        except ValueError:
            raise QueryError(f"{value!r} is no moment; write it as 2024-10-01 or 2024-10-01T18:00") from None
    if value is None or isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, time)


def _typed(table: pa.Table) -> pa.Table:
    """Turn counts into integers. DuckDB sums integers to a HUGEINT, which becomes a decimal in Arrow."""
    import pyarrow as pa

    for position, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            table = table.set_column(position, field.name, table.column(position).cast(pa.int64()))
    return table
