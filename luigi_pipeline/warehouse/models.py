"""Running dbt in this process, on the warehouse."""

from __future__ import annotations

import json
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from luigi_pipeline.config import surroundings
from luigi_pipeline.config.settings import MODES, Warehouse
from luigi_pipeline.console import progress
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.errors import BuildFailed, one_line
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.sources.base import ROWS_VERSION
from luigi_pipeline.warehouse import database, dbt_docs, describing, loading, selection

if TYPE_CHECKING:
    import duckdb
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ModelNode
    from dbt_common.events.base_types import EventMsg

log = logging.getLogger("luigi_pipeline.warehouse")

# Variables that dbt reads from the environment. They change with the months, and if one of dbt's own variables changes,
# dbt parses the whole project again.
_BY_ENVIRONMENT = {
    "weather_start_date": "MOBILITY_WEATHER_START_DATE",
    "weather_end_date": "MOBILITY_WEATHER_END_DATE",
}

_SELF_HEALING = "replace_stale_trips"
# The share of the memory limit that DuckDB's own accounting may use, for its cache and its queries. Its block metadata
# is not counted: 100 MB when 24 months are built at once.
_COUNTED = 0.95

# Months by source.
Partitions = dict[str, list[str]]


@dataclass(frozen=True)
class Outcome:
    """What dbt did.

    Attributes:
        models: Models built.
        tests: Data tests passed.
        warnings: Data tests that warned, each in one line.
        seconds_by_model: How long each model took.
        versions: The versions of dbt, its adapter and DuckDB.
        rebuilt: The months of fct_trips, by mode, that this build may have changed; None for all.
    """

    models: int
    tests: int
    warnings: list[str]
    seconds_by_model: dict[str, float]
    versions: dict[str, str]
    rebuilt: Partitions | None


def build(
    folder: Path,
    data: DataDir,
    limits: Warehouse,
    variables: dict[str, Any],
    select: str = "",
    anew: bool = False,
    changed: Partitions | None = None,
) -> Outcome:
    """Build and test all models, or some of them.

    fct_trips is built as a whole if its code, or that of a model that it reads, has changed. Otherwise only its stale
    months are built, which it finds itself. `changed` limits the costly models and tests around it.

    Args:
        folder: The dbt project.
        data: The data dir. It holds the warehouse, dbt's target folder and dbt's logs.
        limits: What DuckDB may use.
        variables: dbt's variables.
        select: The models to build, in dbt's selection syntax; all by default.
        anew: Whether to build incremental models as a whole, whatever they hold.
        changed: The months of each source that have changed since the last successful build of all models by today's
            code; None if there was none.

    Returns:
        Counts, warnings and seconds.

    Raises:
        BuildFailed: A model or a data test failed (the message names the first ones), or the selection is empty.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with environment(data, limits, variables):
        # Hand the manifest to the build, which would otherwise parse again.
        manifest = _parse(dbtRunner(), folder, data, variables)
        code = _code_of_incremental_models(manifest)
        selected = selection.of(manifest, select, options(folder, data, variables))
        with database.writing(data, limits) as connection:
            loading.create_raw_tables(connection)
            stale = _forget_stale_code(connection, code)
            changed = None if stale or anew or select else changed
            _note_changed(connection, changed)
            if changed is None:
                _drop_models_of_changed_months(connection, manifest, selected)
            _drop_models_of_earlier_versions(connection)
        flags = [*(["--full-refresh"] if stale or anew else []), *(["--select", select] if select else [])]
        command = ["build", "--exclude-resource-type", "unit_test", *flags, *options(folder, data, variables)]
        try:
            result = dbtRunner(manifest=manifest, callbacks=[_ProgressReporter(manifest, select).take]).invoke(command)
        finally:
            DuckDBConnectionManager.close_all_connections()
    results = list(cast("RunExecutionResult", result.result).results) if result.result else []
    built = [item for item in results if item.node.unique_id.startswith("model.") and item.status == "success"]
    # Open it in any case: dbt has written to the file, so its identity must be recorded again.
    with database.writing(data, limits) as connection:
        names = {item.node.name for item in built}
        _note_code(connection, {model: digest for model, digest in code.items() if model in names})
        rebuilt = _take_rebuilt(connection, changed)
        if result.success and not select:
            metrics = (data.dbt / "target" / "semantic_manifest.json").read_text(encoding="utf-8")
            describing.note(connection, manifest, metrics, folder)
            dbt_docs.write(connection, data.dbt / "target", data.dbt_docs)
    if result.exception is not None:
        raise BuildFailed(f"dbt: {one_line(result.exception)}; see {data.logs / 'dbt.log'}")
    failed = [_explain(item) for item in results if item.status in ("error", "fail", "runtime error")]
    if failed:
        raise BuildFailed(
            f"{len(failed)} of dbt's models and tests failed: {'; '.join(failed[:5])}; see {data.logs / 'dbt.log'}"
        )
    left = selection.left_out(selected, results)
    if left:
        raise BuildFailed(
            f"dbt left out {len(left)} of {len(selected)} models and tests: {', '.join(left[:5])}; "
            f"see {data.logs / 'dbt.log'}"
        )
    warnings = [_explain(item) for item in results if item.status == "warn"]
    for warning in warnings:
        log.warning("%s", warning)
    return Outcome(
        models=len(built),
        tests=sum(item.node.unique_id.startswith("test.") and item.status == "pass" for item in results),
        warnings=warnings,
        seconds_by_model={item.node.name: round(item.execution_time, 2) for item in built},
        versions={name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")},
        rebuilt=rebuilt,
    )


def parse(folder: Path, data: DataDir, limits: Warehouse, variables: dict[str, Any]) -> Manifest:
    """Parse the project, so that a later build need not.

    Raises:
        BuildFailed: dbt can't read the project.
    """
    from dbt.cli.main import dbtRunner

    with environment(data, limits, variables):
        return _parse(dbtRunner(), folder, data, variables)


class _ProgressReporter:
    """Reports how far dbt is, from the events that it sends: `fct_trips (9 of 14)`.

    For a selection there is no total, because dbt does not say how many models it has.
    """

    def __init__(self, manifest: Manifest, select: str) -> None:
        self._models = 0 if select else sum(key.startswith("model.") for key in manifest.nodes)
        self._done = 0

    def take(self, event: EventMsg) -> None:
        if event.info.name not in ("NodeStart", "NodeFinished"):
            return
        node = event.data.node_info
        is_model = node.resource_type == "model"
        if event.info.name == "NodeFinished":
            self._done += is_model
        elif is_model:
            of_all = f" ({self._done + 1} of {self._models})" if self._models else ""
            progress.report(f"{node.node_name}{of_all}", self._done / (self._models or 1), step=node.node_name)


def _parse(runner: dbtRunner, folder: Path, data: DataDir, variables: dict[str, Any]) -> Manifest:
    # The build writes these files again.
    result = runner.invoke(["parse", "--no-write-json", *options(folder, data, variables)])
    if not result.success:
        raise BuildFailed(f"dbt can't read {folder}: {one_line(result.exception)}")
    return cast("Manifest", result.result)


def options(folder: Path, data: DataDir, variables: dict[str, Any]) -> list[str]:
    """The options of every dbt command: where its files are, how much it logs, its variables."""
    given = {name: value for name, value in variables.items() if name not in _BY_ENVIRONMENT}
    return [
        "--project-dir", str(folder),
        "--profiles-dir", str(folder),
        "--target", "duckdb",
        "--target-path", str(data.dbt / "target"),
        "--log-path", str(data.logs),
        "--log-level", "none",
        "--log-level-file", "info",
        "--quiet",
        "--no-use-colors",
        "--vars", json.dumps(given, sort_keys=True),
    ]  # fmt: skip


def environment(data: DataDir, limits: Warehouse, variables: dict[str, Any]) -> AbstractContextManager[None]:
    """The environment of dbt: what dbt_project/profiles.yml reads, and some variables; no other setting of the user."""
    return surroundings.closed(
        {
            "MOBILITY_WAREHOUSE": str(data.warehouse),
            "MOBILITY_THREADS": str(limits.threads),
            "MOBILITY_MEMORY_LIMIT": limits.share(_COUNTED, limits.threads).memory_limit,
            **{variable: str(variables.get(name) or "") for name, variable in _BY_ENVIRONMENT.items()},
        }
    )


def _note_changed(connection: duckdb.DuckDBPyConnection, changed: Partitions | None) -> None:
    """Record which months have changed, if that is known, for the models and tests (dbt_project/macros/incremental/).

    int_citibike__duplicate_rides adds the months that won or lost a ride against a changed month.
    """
    connection.execute("drop table if exists meta.changed_months")
    if changed is None:
        return
    connection.execute("create table meta.changed_months (source varchar, source_month varchar)")
    rows = [[source, month] for source, months in changed.items() for month in months]
    if rows:
        connection.executemany("insert into meta.changed_months values (?, ?)", rows)


def _drop_models_of_changed_months(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, selected: set[str]
) -> None:
    """Make dbt build a model as a whole that it would otherwise build for changed months only, by dropping its table.

    `--full-refresh` would also rebuild fct_trips as a whole, but that finds its stale months itself.
    """
    tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    for node in (manifest.nodes[key] for key in selected):
        is_of_changed_months = node.config.get("incremental_strategy") not in (None, _SELF_HEALING)
        if is_of_changed_months and (node.schema, node.name) in tables:
            connection.execute(f"drop table {node.schema}.{node.name}")


def _drop_models_of_earlier_versions(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop tables of former versions that have no model any more. They would stay in the warehouse for ever."""
    connection.execute("drop table if exists staging.int_citibike__ride_hashes")


def _take_rebuilt(connection: duckdb.DuckDBPyConnection, changed: Partitions | None) -> Partitions | None:
    """The partitions of fct_trips that were built anew. The record is dropped, because it is for this build only."""
    if changed is None:
        return None
    noted = connection.execute("select distinct source, source_month from meta.changed_months order by all").fetchall()
    connection.execute("drop table meta.changed_months")
    rebuilt: Partitions = {}
    for source, month in noted:
        if source in MODES:
            rebuilt.setdefault(source, []).append(month)
    return rebuilt


def _code_of_incremental_models(manifest: Manifest) -> dict[str, str]:
    """Digest everything except the data that decides the rows of a model that finds its own stale months.

    That is its SQL, the SQL of its ancestors, all macros, and how files become rows. The last is needed because a month
    that is reloaded for that reason keeps its version.

    Returns:
        The digests by model.
    """
    project = manifest.metadata.project_name
    loads = [ROWS_VERSION, {source.table: source.columns for source in SOURCES.values()}]
    macros = sorted(macro.macro_sql for macro in manifest.macros.values() if macro.package_name == project)
    models = {key: cast("ModelNode", node) for key, node in manifest.nodes.items() if key.startswith("model.")}

    def ancestors(key: str) -> set[str]:
        return {key}.union(*(ancestors(parent) for parent in models[key].depends_on.nodes if parent in models))

    return {
        model.name: digest([loads, macros, {name: models[name].raw_code for name in ancestors(key)}])
        for key, model in models.items()
        if model.config.incremental_strategy == _SELF_HEALING
    }


def _forget_stale_code(connection: duckdb.DuckDBPyConnection, code: dict[str, str]) -> bool:
    """Whether an incremental model was built by other code. If so, forget its code until it is built again."""
    connection.execute("create table if not exists meta.model_code (model varchar primary key, code varchar)")
    noted = dict(connection.execute("select model, code from meta.model_code").fetchall())
    if noted == code:
        return False
    for model in noted.keys() - {model for model, made_of in code.items() if noted.get(model) == made_of}:
        connection.execute("delete from meta.model_code where model = ?", [model])
    return True


def _note_code(connection: duckdb.DuckDBPyConnection, code: dict[str, str]) -> None:
    if not code:
        return
    connection.executemany("insert or replace into meta.model_code values (?, ?)", list(code.items()))


def _explain(item: Any) -> str:
    message = one_line(item.message or "")
    return f"{item.node.name}: {message}" if message else str(item.node.name)
