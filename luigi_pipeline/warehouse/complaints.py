"""What DuckDB says of a file that it can't read, in the words of who published it."""

from __future__ import annotations

import re

from luigi_pipeline.core.errors import one_line
from luigi_pipeline.sources import Part

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_KIND = re.compile(r"^[A-Z][A-Za-z ]+ Error: ")


def explain(error: str, name: str, parts: list[Part]) -> str:
    """Say what is wrong in one line, with the file, and the line of a CSV file.

    Args:
        error: DuckDB's own text, which quotes the row, the SQL and advice for who wrote it.
        name: The published file.
        parts: What is in it.
    """
    text = " ".join(error.split())
    # A part that DuckDB names by its path on disk. What the pipeline's own SQL complains of begins with its name.
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
