"""dbt's own documentation of the models, as one page that opens without a server or a network."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

# The places in dbt's page where the static version has its data.
_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'


def write(connection: duckdb.DuckDBPyConnection, target: Path, page: Path) -> None:
    """Write the page that `dbt docs generate --static` makes, without another run of dbt.

    Args:
        connection: The warehouse, whose columns are described with their types.
        target: dbt's target folder, with the manifest.
        page: The page.

    Raises:
        ValueError: This version of dbt makes its page in another way.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    # Look the package up without importing it, because the caller may not have imported dbt.
    package = find_spec("dbt.task")
    assert package is not None
    assert package.submodule_search_locations is not None
    template = Path(package.submodule_search_locations[0]) / "docs" / "index.html"
    # Remove an icon without a file, and pictures that a browser would request by an unfilled template name.
    text = re.sub(r'<link rel="shortcut icon"[^>]*>', "", template.read_text(encoding="utf-8"))
    text = text.replace('xlink:href="{{ getIcon', 'ng-attr-xlink:href="{{ getIcon')
    kept = manifest | {"macros": _own(manifest["macros"], manifest["metadata"]["project_name"])}
    for place, content in ((_MANIFEST, kept), (_CATALOG, _catalog(connection, manifest))):
        before, separator, after = text.partition(place)
        if not separator:
            raise ValueError(f"{template} has no place for {place}: this version of dbt makes its docs otherwise")
        text = before + json.dumps(content).replace("</", "<\\/") + after
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def _own(macros: dict[str, Any], project: str) -> dict[str, Any]:
    """The project's own macros. dbt's own are ten times as many, and are documented elsewhere."""
    return {key: macro for key, macro in macros.items() if macro["package_name"] == project}


def _catalog(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> dict[str, Any]:
    """What dbt calls the catalog: the columns of all tables and views, with their types."""
    columns = connection.execute(
        "select schema_name, table_name, column_name, column_index, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal order by all"
    ).fetchall()
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for schema, table, name, index, kind in columns:
        described = {"type": kind, "index": index, "name": name, "comment": None}
        tables.setdefault((schema, table), {})[name] = described

    def entries(nodes: dict[str, Any]) -> dict[str, Any]:
        return {
            key: {
                "metadata": {
                    "type": "table",
                    "schema": node["schema"],
                    "name": node["name"],
                    "database": None,
                    "comment": None,
                    "owner": None,
                },
                "columns": tables[node["schema"], node["name"]],
                "stats": {},
                "unique_id": key,
            }
            for key, node in nodes.items()
            if (node["schema"], node["name"]) in tables
        }

    content = {"nodes": entries(manifest["nodes"]), "sources": entries(manifest["sources"])}
    return {"metadata": manifest["metadata"], "errors": None} | content
