"""The tables that the page's charts are drawn from, and the form in which the page holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from luigi_pipeline import sources

# The names that people use. The colours, dashes and shapes of the charts are set by these names.
MODES = {name: sources.SOURCES[name].title for name in sources.MODES}
# The same within a sentence.
SHORT_NAMES = {title: sources.MODES[name].noun for name, title in MODES.items()}


@dataclass(frozen=True)
class Dataset:
    """A table.

    Attributes:
        name: The name that charts refer to.
        columns: Names of its columns. The page's filter uses `day`, `month` and `mode`.
        rows: Its rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    @classmethod
    def of(cls, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Dataset:
        """Make a table from the rows of an answer. Times become days, and decimals become floats."""
        return cls(name, tuple(columns), [tuple(_plain(value) for value in row) for row in rows])

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def packed(self) -> dict[str, Any]:
        """The table column by column, as the page holds it.

        Each distinct text is written once and referred to by number.
        """
        return {name: _packed(self.column(name)) for name in self.columns}


def _packed(values: list[Any]) -> Any:
    if not any(isinstance(value, str) for value in values):
        return values
    texts = list(dict.fromkeys(value for value in values if value is not None))
    number = {text: at for at, text in enumerate(texts)}
    return {"texts": texts, "numbers": [-1 if value is None else number[value] for value in values]}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else round(float(value), 4)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()[:10]
    return value
