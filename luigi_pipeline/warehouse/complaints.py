"""Explaining, in the words of the published file, why DuckDB can't read it."""

from __future__ import annotations

import re

from luigi_pipeline.core.errors import one_line
from luigi_pipeline.sources import Part

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_KIND = re.compile(r"^[A-Z][A-Za-z ]+ Error: ")


def explain(error: str, name: str, parts: list[Part]) -> str:
    """Explain in one line what is wrong: the file and, for a CSV file, the line.

    Args:
        error: DuckDB's own text. It quotes the row, the SQL, and advice to the author of the SQL.
        name: The published file.
        parts: The flat files in it.
    """
    text = " ".join(error.split())
    # DuckDB names a part by its path on disk. Errors raised by the pipeline's own SQL begin with the part's name.
    part = next((part.name for part in parts if str(part.path) in error), name)
    line = _LINE.search(text)
    if line:
        return f"{part}: line {int(line[1]):,} {_of_a_row(text)}"
    text = _KIND.sub("", text.partition(" LINE 1: ")[0])
    return one_line(text) if any(text.startswith(f"{part.name}: ") for part in parts) else f"{part}: {one_line(text)}"


def _of_a_row(text: str) -> str:
    columns = _COLUMNS.search(text)
    if columns:
        return f"has {columns[2]} values, not {columns[1]}"
    if "unterminated quote" in text:
        return "has a quote that is never closed"
    return f"is not CSV: {one_line(text.partition(' Possible ')[0])}"
