"""MetricFlow's engine, used for one thing: to turn a question into SQL. The SQL is run by DuckDB itself."""

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
    """What is asked, in MetricFlow's own names.

    Attributes:
        metrics: Names of metrics.
        by: Names to cut them by, grains included.
        where: Filters, in MetricFlow's templates.
        order_by: Names from the two above, with a `-` in front for a falling order.
        limit: Rows at most.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[str, ...]
    order_by: tuple[str, ...]
    limit: int | None


class Engine:
    """The metrics of one semantic manifest."""

    def __init__(self, semantic_manifest: str) -> None:
        """Read the manifest; the first time in a process, MetricFlow is imported."""
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        # It warns of its own slowness, on the console.
        for name in ("metricflow", "metricflow_semantics"):
            logging.getLogger(name).setLevel(logging.ERROR)
        lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(semantic_manifest))
        self._engine: MetricFlowEngine = MetricFlowEngine(lookup, _renderer())
        # MetricFlow numbers its aliases with a counter that all threads share.
        self._turn = threading.Lock()

    def attributes(self, metrics: tuple[str, ...]) -> list[Attribute]:
        """What all of some metrics can be cut by."""
        from metricflow.engine.models import Dimension

        with self._turn:
            # With all grains: metrics dated by the hour and by the day have the finest one not in common.
            found = self._engine.list_group_bys(list(metrics), include_derived_time_granularities=True)
        attributes: dict[str, Attribute] = {}
        for item in found:
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
        """The SQL that answers a question: a column for each name to cut by, then one for each metric.

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
    """What MetricFlow asks of a client while it only writes SQL."""
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

    class Renderer:
        sql_engine_type = SqlEngine.DUCKDB
        sql_plan_renderer = DuckDbSqlPlanRenderer()

    return cast("SqlClient", Renderer())


def _explain(message: str) -> str:
    """The first thing that MetricFlow's report on a question says of it, in a line."""
    if "do not include 'metric_time'" in message:
        return "a metric that looks back in time has to be cut by time: by trip_date__month, say"
    found = re.search(
        r"Message:\s*(.+?)(?:\n\s*\n\s*(?:Query Input|Suggestions|Issue Location)|\Z)", message, re.DOTALL
    )
    return one_line(found[1] if found else message)
