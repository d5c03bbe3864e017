"""The city of validation_city.sql, and how it is validated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from support import PROJECT

from luigi_pipeline.validation.results import Outcome, ValidationSummary
from luigi_pipeline.validation.run import ValidationInput

EXPECTATIONS = PROJECT / "config" / "expectations"
ZONES = PROJECT / "luigi_pipeline" / "sample" / "zones.csv"
SETTINGS = ValidationInput(
    enabled_sources=frozenset({"yellow_taxi", "citibike", "weather", "taxi_zones"}),
    min_rows={"yellow_taxi": 4000, "citibike": 4000, "weather": 700},
    threads=1,
)


@dataclass(frozen=True)
class Run:
    summary: ValidationSummary
    out: Path

    def outcomes(self, status: str) -> list[Outcome]:
        return [item for item in self.summary.outcomes if item.status == status]


def build(path: Path) -> None:
    statements = (Path(__file__).parent / "validation_city.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(path)) as connection:
        connection.execute(statements.replace("{zones}", str(ZONES)))
