"""Names and texts from elsewhere, quoted for SQL."""

from __future__ import annotations

from pathlib import Path


def name(text: str) -> str:
    """A column's name, whatever characters are in it."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str | Path) -> str:
    """A text or path as a literal."""
    return "'" + str(value).replace("'", "''") + "'"
