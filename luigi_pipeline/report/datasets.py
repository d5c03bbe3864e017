"""The tables that the page's charts are drawn from, and how they are written into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# As people call them; the charts' colours, dashes and shapes go by these.
MODES = {"yellow_taxi": "Yellow taxi", "citibike": "CitiBike"}
# Within a sentence.
SAID = {"Yellow taxi": "taxi", "CitiBike": "CitiBike"}


@dataclass(frozen=True)
class Dataset:
    """One table.

    Attributes:
        name: As charts refer to it.
        columns: Names of its columns; `day`, `month` and `mode` are what the page's filter goes by.
        rows: Its rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    @classmethod
    def of(cls, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Dataset:
        """Make one of an answer's rows: times become days, decimals numbers."""
        return cls(name, tuple(columns), [tuple(_plain(value) for value in row) for row in rows])

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def packed(self) -> dict[str, Any]:
        """The table as the page holds it: column by column, a text written once and numbered."""
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
