"""What the models say of themselves, kept in the warehouse beside them: their sources, and the metrics on them.

Who publishes the models then needs no dbt, and can't get hold of the description of another build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from luigi_pipeline.sources import SOURCES

if TYPE_CHECKING:
    import duckdb
    from dbt.contracts.graph.manifest import Manifest


def note(connection: duckdb.DuckDBPyConnection, manifest: Manifest, semantic_manifest: str) -> None:
    """Note what has been built, in place of what was noted of the last build.

    Args:
        connection: The warehouse, open for writing.
        manifest: dbt's manifest of the build.
        semantic_manifest: MetricFlow's manifest of the same parse, as JSON.
    """
    connection.begin()
    connection.execute("create or replace table meta.semantic_manifest (manifest varchar)")
    connection.execute("insert into meta.semantic_manifest values (?)", [semantic_manifest])
    connection.execute(
        "create or replace table meta.model_sources (model_schema varchar, model varchar, source varchar)"
    )
    connection.executemany("insert into meta.model_sources values (?, ?, ?)", _sources_of_models(manifest))
    connection.commit()


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
