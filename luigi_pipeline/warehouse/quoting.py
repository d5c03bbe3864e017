"""Names and texts from elsewhere, quoted for SQL."""

from __future__ import annotations

import re
from pathlib import Path


def name(text: str) -> str:
    """A column name as SQL, whatever characters it has."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str | Path) -> str:
    """A text or path as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def file(path: str | Path) -> str:
    """A path as a literal for DuckDB's readers. They would take brackets and stars in it for a pattern."""
    return text(re.sub(r"([*?\[])", r"[\1]", str(path)))


def parquet(path: str | Path, *options: str) -> str:
    """A Parquet file as an SQL table. A folder with an equals sign in its name is not taken for a partition."""
    return f"read_parquet({', '.join([file(path), 'hive_partitioning = false', *options])})"
