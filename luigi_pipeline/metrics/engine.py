"""MetricFlow's engine. It only turns a question into SQL, and DuckDB itself runs the SQL."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from luigi_pipeline.core.errors import QueryError, one_line
from luigi_pipeline.metrics.names import GRAINS, Attribute

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.engine.models import Dimension
    from metricflow.protocols.sql_client import SqlClient


@dataclass(frozen=True)
class Question:
    """A query in MetricFlow's own names.

    Attributes:
        metrics: Names of metrics.
        by: Names of dimensions to group by, with their grains.
        where: Filters, in MetricFlow's templates.
        order_by: Names from the two above, with a `-` in front for descending order.
        limit: The largest number of rows.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[str, ...]
    order_by: tuple[str, ...]
    limit: int | None


class Engine:
    """The metrics of one semantic manifest."""

    def __init__(self, semantic_manifest: str) -> None:
        """Read the manifest. The first time in a process, this imports MetricFlow."""
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        # They would warn on the console that they are slow.
        for name in ("metricflow", "metricflow_semantics"):
            logging.getLogger(name).setLevel(logging.ERROR)
        lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(semantic_manifest))
        self._engine: MetricFlowEngine = MetricFlowEngine(lookup, _renderer())
        # MetricFlow numbers its aliases with a counter that all threads share, so only one thread uses it at a time.
        self._turn = threading.Lock()

    def attributes(self, metrics: tuple[str, ...]) -> list[Attribute]:
        """The dimensions that some metrics have in common."""
        from metricflow.engine.models import Dimension

        with self._turn:
            # List all grains: a metric by the hour and a metric by the day do not share their finest grain.
            listed = self._engine.list_group_bys(list(metrics), include_derived_time_granularities=True)
        attributes: dict[str, Attribute] = {}
        for item in listed:
            made = (
                _dimension(item)
                if isinstance(item, Dimension)
                else Attribute(item.name, "entity", one_line(item.description or ""))
            )
            known = attributes.get(made.name)
            if known is None or (
                made.grain in GRAINS and GRAINS.index(made.grain) < GRAINS.index(known.grain or "year")
            ):
                attributes[made.name] = made
        return list(attributes.values())

    def sql(self, question: Question) -> str:
        """The SQL that answers a question, with a column for each dimension, then one for each metric.

        Raises:
            QueryError: MetricFlow has no plan for it.
        """
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode
        from metricflow_semantics.errors.error_classes import InformativeUserError

        request = MetricFlowQueryRequest.create(
            metric_names=question.metrics,
            group_by_names=question.by,
            where_constraints=question.where,
            order_by_names=question.order_by,
            limit=question.limit,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        try:
            with self._turn:
                return str(self._engine.explain(request).sql_statement.sql)
        except InformativeUserError as error:
            raise QueryError(_explain(str(error))) from error


def _dimension(item: Dimension) -> Attribute:
    grain = item.type_params.time_granularity.value if item.type_params else None
    description = one_line(item.description or "")
    return Attribute(item.granularity_free_dunder_name, item.type.value, description, grain)


def _renderer() -> SqlClient:
    """The part of a SQL client that MetricFlow uses when it only writes SQL."""
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

    class Renderer:
        sql_engine_type = SqlEngine.DUCKDB
        sql_plan_renderer = DuckDbSqlPlanRenderer()

    return cast("SqlClient", Renderer())


def _explain(message: str) -> str:
    """The first error in MetricFlow's report on a question, in one line."""
    if "do not include 'metric_time'" in message:
        return "a metric that looks back in time has to be grouped by time, such as trip_date__month"
    match = re.search(
        r"Message:\s*(.+?)(?:\n\s*\n\s*(?:Query Input|Suggestions|Issue Location)|\Z)", message, re.DOTALL
    )
    return one_line(match[1] if match else message)
