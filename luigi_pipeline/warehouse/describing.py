"""Descriptions of the models, kept in the warehouse beside them: their sources, and the metrics defined on them.

So the models can be published without dbt, and never with the description of another build.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from luigi_pipeline.core import yamlfiles
from luigi_pipeline.sources import SOURCES

if TYPE_CHECKING:
    import duckdb
    from dbt.contracts.graph.manifest import Manifest


def note(connection: duckdb.DuckDBPyConnection, manifest: Manifest, semantic_manifest: str, folder: Path) -> None:
    """Record what has been built, in place of the record of the last build.

    Args:
        connection: The warehouse, open for writing.
        manifest: dbt's manifest of the build.
        semantic_manifest: MetricFlow's manifest of the same parse, as JSON.
        folder: The dbt project.
    """
    ordered = json.loads(semantic_manifest)
    ordered["metrics"].sort(key=_place_of_metrics(manifest, folder))
    connection.begin()
    connection.execute("create or replace table meta.semantic_manifest (manifest varchar)")
    connection.execute("insert into meta.semantic_manifest values (?)", [json.dumps(ordered)])
    connection.execute(
        "create or replace table meta.model_sources (model_schema varchar, model varchar, source varchar)"
    )
    connection.execute("create or replace table meta.models (model_schema varchar, model varchar)")
    connection.executemany("insert into meta.models values (?, ?)", _models(manifest))
    connection.executemany("insert into meta.model_sources values (?, ?, ?)", _sources_of_models(manifest))
    connection.commit()


def _place_of_metrics(manifest: Manifest, folder: Path) -> Callable[[dict[str, Any]], tuple[int, str, int]]:
    """Sorts metrics by their place in the files, the file with most metrics first. dbt lists them as it read them."""
    places: dict[str, tuple[int, str, int]] = {}
    for file in {metric.original_file_path for metric in manifest.metrics.values()}:
        defined = yamlfiles.read(folder / file).get("metrics", [])
        places |= {metric["name"]: (-len(defined), file, place) for place, metric in enumerate(defined)}
    return lambda metric: places.get(metric["name"], (0, metric["name"], 0))


def _models(manifest: Manifest) -> list[tuple[str, str]]:
    return sorted((node.schema, node.name) for key, node in manifest.nodes.items() if key.startswith("model."))


def _sources_of_models(manifest: Manifest) -> list[tuple[str, str, str]]:
    by_table = {source.table: source.name for source in SOURCES.values()}
    ancestors: dict[str, set[str]] = {}

    def walk(key: str) -> set[str]:
        if key not in ancestors:
            node = cast("Any", manifest.nodes[key])
            ancestors[key] = set(node.depends_on.nodes).union(
                *(walk(parent) for parent in node.depends_on.nodes if parent in manifest.nodes)
            )
        return ancestors[key]

    return sorted(
        (node.schema, node.name, by_table[manifest.sources[parent].name])
        for key, node in manifest.nodes.items()
        if key.startswith("model.")
        for parent in walk(key)
        if parent in manifest.sources and manifest.sources[parent].schema == "raw_data"
    )
