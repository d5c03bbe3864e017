"""An answer with what is needed to show it: which columns are metrics, and their units."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from rich.table import Table

from luigi_pipeline.metrics import values
from luigi_pipeline.metrics.definitions import Metric

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """The columns and rows of an answer.

    Attributes:
        by: The columns of the dimensions. They come first.
        metrics: The metrics, whose columns follow.
        columns: The values, column by column.
    """

    by: list[str]
    metrics: list[Metric]
    columns: list[list[Any]]

    @classmethod
    def of(cls, table: pa.Table, metrics: Sequence[Metric]) -> Answer:
        """Make an answer from a table that `query` returned."""
        by = table.schema.names[: table.num_columns - len(metrics)]
        return cls(by, list(metrics), [column.to_pylist() for column in table.columns])

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The values, row by row."""
        return list(zip(*self.columns, strict=True))

    @property
    def names(self) -> list[str]:
        """Names of the columns, as they were asked for."""
        return self.by + [metric.name for metric in self.metrics]

    def whole_days(self, position: int) -> bool:
        """Whether the times in a column are whole days, or the first days of weeks, months or years."""
        return position < len(self.by) and not self.by[position].endswith("__hour")

    def write_csv(self, out: IO[str]) -> None:
        """Write the answer as CSV with a header. Nulls are empty."""
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows(
            [values.for_csv(value, whole_days=self.whole_days(at)) for at, value in enumerate(row)] for row in self.rows
        )

    def write_json(self, out: IO[str]) -> None:
        """Write the answer as a JSON list of objects, one row on each line."""
        lines = (
            json.dumps(
                {
                    name: values.for_programs(value, whole_days=self.whole_days(at))
                    for at, (name, value) in enumerate(zip(self.names, row, strict=True))
                },
                default=_number,
                ensure_ascii=False,
            )
            for row in self.rows
        )
        out.write("[" + ",\n ".join(lines) + "]\n")

    def table(self) -> Table:
        """Make a table for the terminal, with numbers to the right and units in the header."""
        table = Table()
        for name in self.by:
            table.add_column(_header(name), overflow="fold")
        for metric in self.metrics:
            unit = f"\n{metric.unit}" if metric.unit else ""
            table.add_column(f"{metric.label}{unit}", justify="right", overflow="fold")
        units = [""] * len(self.by) + [metric.unit for metric in self.metrics]
        for row in self.rows:
            table.add_row(
                *(
                    values.for_people(value, unit, whole_days=self.whole_days(at))
                    for at, (value, unit) in enumerate(zip(row, units, strict=True))
                )
            )
        return table


def _header(name: str) -> str:
    base, _, grain = name.rpartition("__")
    return f"{base}\n{grain}".replace("_", " ") if base else name.replace("_", " ")


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
