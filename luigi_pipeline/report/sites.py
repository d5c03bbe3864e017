"""The sites that the page links to: Great Expectations' Data Docs and dbt's docs, whole and without a network."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from luigi_pipeline.datadir import DataDir
from luigi_pipeline.metrics import reading

_DATA_DOCS, _DBT_DOCS = "data_docs", "dbt_docs"
# Where dbt's page takes its data from when it is one static file.
_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'


def copy(data: DataDir, folder: Path) -> dict[str, str]:
    """Copy the sites into the report's folder.

    Args:
        data: The data dir, with the last validation's and the last build's documents.
        folder: The report's.

    Returns:
        Where each site begins, by its name; a site whose documents are gone is not there.
    """
    there: dict[str, str] = {}
    docs = data.validation / "data_docs"
    if (docs / "index.html").is_file():
        shutil.copytree(docs, folder / _DATA_DOCS)
        there["Data Docs"] = f"{_DATA_DOCS}/index.html"
    manifest = data.dbt / "target" / "manifest.json"
    if manifest.is_file():
        (folder / _DBT_DOCS).mkdir()
        described = json.loads(manifest.read_text(encoding="utf-8"))
        (folder / _DBT_DOCS / "index.html").write_text(_dbt_docs(described, data), encoding="utf-8")
        there["dbt docs"] = f"{_DBT_DOCS}/index.html"
    return there


def _dbt_docs(manifest: dict[str, Any], data: DataDir) -> str:
    """The page that `dbt docs generate --static` makes, without another run of dbt."""
    from importlib.util import find_spec

    # Found and not imported: that would import all of dbt.
    package = find_spec("dbt.task")
    assert package is not None
    assert package.submodule_search_locations is not None
    template = Path(package.submodule_search_locations[0]) / "docs" / "index.html"
    # An icon that was never filled in, and pictures that a browser asks for before their names are.
    text = re.sub(r'<link rel="shortcut icon"[^>]*>', "", template.read_text(encoding="utf-8"))
    text = text.replace('xlink:href="{{ getIcon', 'ng-attr-xlink:href="{{ getIcon')
    kept = manifest | {"macros": _own(manifest["macros"], manifest["metadata"]["project_name"])}
    for place, content in ((_MANIFEST, kept), (_CATALOG, _catalog(manifest, data))):
        before, found, after = text.partition(place)
        if not found:
            raise ValueError(f"{template} has no place for {place}: this version of dbt makes its docs otherwise")
        text = before + json.dumps(content).replace("</", "<\\/") + after
    return text


def _own(macros: dict[str, Any], project: str) -> dict[str, Any]:
    """The project's own macros: dbt's are documented elsewhere, and ten times as many."""
    return {key: macro for key, macro in macros.items() if macro["package_name"] == project}


def _catalog(manifest: dict[str, Any], data: DataDir) -> dict[str, Any]:
    """What dbt calls the catalog: the columns of the published tables with their types."""
    columns = reading.current(data).run(
        "select schema_name, table_name, column_name, column_index, data_type from duckdb_columns() "
        "where database_name = 'nyc_mobility' and not internal order by all"
    )
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for row in columns.to_pylist():
        table = tables.setdefault((row["schema_name"], row["table_name"]), {})
        name = row["column_name"]
        table[name] = {"type": row["data_type"], "index": row["column_index"], "name": name, "comment": None}
    nodes = {
        key: {
            "metadata": {"type": "table", "schema": node["schema"], "name": node["name"], "database": None,
                         "comment": None, "owner": None},
            "columns": tables[node["schema"], node["name"]],
            "stats": {},
            "unique_id": key,
        }
        for key, node in manifest["nodes"].items()
        if (node["schema"], node["name"]) in tables
    }  # fmt: skip
    return {"metadata": manifest["metadata"], "nodes": nodes, "sources": {}, "errors": None}
