"""The sites that the page links to: Great Expectations' Data Docs and dbt's docs. They need no network."""

from __future__ import annotations

import shutil
from pathlib import Path

from luigi_pipeline.core.datadir import DataDir

_DATA_DOCS, _DBT_DOCS = "data_docs", "dbt_docs"


def copy(data: DataDir, folder: Path) -> dict[str, str]:
    """Copy the sites into the report's folder.

    Args:
        data: The data dir, with the Data Docs of the last validation and the dbt docs of the last build.
        folder: The report's folder.

    Returns:
        The first page of each site, by the site's name. A site whose files are gone is left out.
    """
    there: dict[str, str] = {}
    docs = data.validation / "data_docs"
    if (docs / "index.html").is_file():
        shutil.copytree(docs, folder / _DATA_DOCS)
        there["Data Docs"] = f"{_DATA_DOCS}/index.html"
    if data.dbt_docs.is_file():
        (folder / _DBT_DOCS).mkdir()
        shutil.copy(data.dbt_docs, folder / _DBT_DOCS / "index.html")
        there["dbt docs"] = f"{_DBT_DOCS}/index.html"
    return there
