"""Names and texts from elsewhere, quoted for SQL."""

from __future__ import annotations

import re
from pathlib import Path


def name(text: str) -> str:
    """A column's name, whatever characters are in it."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str | Path) -> str:
    """A text or path as a literal."""
    return "'" + str(value).replace("'", "''") + "'"


def file(path: str | Path) -> str:
    """A path as a literal for DuckDB's readers, which take the brackets and stars of a folder's name for a pattern."""
    return text(re.sub(r"([*?\[])", r"[\1]", str(path)))


def parquet(path: str | Path, *options: str) -> str:
    """The rows of a Parquet file, whatever its folders are called: one with an equals sign is no partition."""
    return f"read_parquet({', '.join([file(path), 'hive_partitioning = false', *options])})"
