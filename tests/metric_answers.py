"""MetricFlow's answers on a warehouse, and the same numbers from SQL that is written by hand, side by side."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from fixtures import Row
from metric_expectations import HOURS, TRIPS

from luigi_pipeline.metrics import rewrite

Key = tuple[Any, ...]
Answer = dict[Key, Any]


class Metrics:
    """One MetricFlow engine, and one read-only connection that both its SQL and ours run on."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, semantic_manifest: str) -> None:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        class Renderer:
            sql_engine_type = SqlEngine.DUCKDB
            sql_plan_renderer = DuckDbSqlPlanRenderer()

        lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(semantic_manifest))
        self.engine = MetricFlowEngine(lookup, Renderer())  # type: ignore[arg-type]
        self.manifest = json.loads(semantic_manifest)
        self._connection = connection

    def sql(self, **question: Any) -> str:
        """The SQL that MetricFlow answers a question with."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode

        request = MetricFlowQueryRequest.create(**question, output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER)
        return self.engine.explain(request).sql_statement.sql

    def ask(self, metrics: Sequence[str], by: Sequence[str] = (), where: str | None = None) -> dict[str, Answer]:
        """The answer to one question: each metric's values by the values it is cut by."""
        sql = self.sql(
            metric_names=metrics, group_by_names=list(by) or None, where_constraints=[where] if where else None
        )
        rows = self._connection.execute(sql).fetchall()
        assert len({row[: len(by)] for row in rows}) == len(rows), "one row for each group"
        return {
            metric: {row[: len(by)]: row[number] for row in rows}
            for number, metric in enumerate(metrics, start=len(by))
        }

    def both_ways(self, sql: str) -> tuple[list[str], list[str], str]:
        """The rows that a query of MetricFlow's has with its sums made early, and as it stands; and the first's SQL."""
        tables = self.select("select table_name, list(column_name) from duckdb_columns() group by table_name")
        early = rewrite.make_quick(sql, dict(tables))
        first, second = (sorted(map(str, self.select(way))) for way in (early, sql))
        return first, second, early

    def select(self, sql: str) -> list[Row]:
        """Rows of a query written by hand; `trips` and `hours` are the facts with what it takes to classify them."""
        return self._connection.execute(sql).fetchall()

    def expected(self, value: str, of: str, where: str, by: Sequence[str]) -> Answer:
        """One aggregate by hand, by the values that the columns `by` have."""
        names = "".join(f"{column}, " for column in by)
        rows = self.select(f"select {names}{value} from {of} where {where} {'group by all' if by else ''}")
        return {row[:-1]: row[-1] for row in rows}

    def metric_names(self) -> list[str]:
        return [metric["name"] for metric in self.manifest["metrics"]]


@contextmanager
def opened(
    warehouse: Path, semantic_manifest: Path, lost: Mapping[str, tuple[str, str]] | None = None
) -> Iterator[Metrics]:
    """Open a warehouse, or the published file, for reading; a copy is left alone by what else the tests do.

    Args:
        warehouse: The file.
        semantic_manifest: The metrics' definitions.
        lost: First and last of the days of its loaded months that a mode does not cover.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as nyc_mobility (read_only)")
        connection.execute("set timezone = 'UTC'; set nested_loop_join_threshold = 100000")
        connection.execute("create temp table lost (trip_type varchar, first_day date, last_day date)")
        for mode, (first, last) in (lost or {}).items():
            connection.execute("insert into lost values (?, ?, ?)", [mode, first, last])
        connection.execute(f"create temp table trips as {TRIPS}")
        connection.execute(f"create temp table hours as {HOURS}")
        yield Metrics(connection, semantic_manifest.read_text(encoding="utf-8"))


def equal(found: Any, expected: Any) -> bool:
    """Sums and counts to the last cent; ratios, which are doubles, to the 11th digit."""
    if found is None or expected is None:
        return found is expected
    if isinstance(found, float) or isinstance(expected, float):
        return math.isclose(float(found), float(expected), rel_tol=1e-11, abs_tol=1e-11)
    return bool(Decimal(found) == Decimal(expected))


def differences(found: Mapping[Key, Any], expected: Mapping[Key, Any], *, of_many: bool = False) -> dict[Key, Any]:
    """Where two answers differ: in a value, or in what they have a row for.

    Args:
        found: MetricFlow's.
        expected: Ours.
        of_many: Other metrics were asked with it, so that a row may be there for their sake.
    """
    missing = object()
    absent = None if of_many else missing
    keys = found.keys() | expected.keys()
    pairs = {key: (found.get(key, absent), expected.get(key, absent)) for key in keys}
    return {
        key: tuple("absent" if value is missing else value for value in pair)
        for key, pair in pairs.items()
        if missing in pair or not equal(*pair)
    }
