"""What is usual of a month: config/plausibility.yml, held against the profiles of all months."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.core.months import is_month
from luigi_pipeline.warehouse import quoting

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SourceName = Literal["yellow_taxi", "citibike", "weather"]
PROFILES = "month_profiles"
_SCHEMA = "plausibility"


def _month(value: Any) -> Any:
    if not isinstance(value, str) or not is_month(value):
        raise ValueError('is not a month; write it as "2024-09"')
    return value


Month = Annotated[str, BeforeValidator(_month)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class When(_Block):
    """Another statistic of the same month, by which a bound applies: the file itself decides."""

    statistic: str
    least: float | None = None
    most: float | None = None


class Bounds(_Block):
    """What a statistic may be.

    Attributes:
        least: At the least.
        most: At the most.
        first_month: From this source month on (`from` in the file).
        last_month: Up to this one (`to`).
        calendar_month: In this month of each year only.
        cut: Of this cut only.
        least_rows: In place of the statistic's own.
        when: In months only of which something else holds.
    """

    least: float | None = None
    most: float | None = None
    first_month: Month = Field(default="0000-01", alias="from", validate_default=False)
    last_month: Month = Field(default="9999-12", alias="to", validate_default=False)
    calendar_month: int | None = Field(default=None, ge=1, le=12)
    cut: str | None = None
    least_rows: int | None = Field(default=None, ge=1)
    when: When | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bounds:
        if self.least is None and self.most is None:
            raise ValueError("needs least or most")
        return self


class Compared(_Block):
    """How a statistic is held against the source's other months; what is not set is not compared.

    Attributes:
        ratio: By what factor it may differ from their median.
        difference: By how much.
        falls_only: Whether it may be larger as it likes.
        within_months: In place of the rule's own.
        profile: Whether its cuts are compared as a whole: one that has many rows elsewhere is not to be without any.
        shifted_hours: By so many hours and more it may not be shifted; its cuts are hours of the day.
        moved: What part of it may lie in other cuts.
        exchanged_with: The statistic with which it may not have been exchanged.
    """

    ratio: float | None = Field(default=None, gt=1)
    difference: float | None = Field(default=None, gt=0)
    falls_only: bool = False
    within_months: int | None = Field(default=None, ge=1)
    profile: bool = False
    shifted_hours: int | None = Field(default=None, ge=1, le=6)
    moved: float | None = Field(default=None, gt=0, lt=1)
    exchanged_with: str | None = None


class Statistic(_Block):
    """What is usual of a statistic.

    Attributes:
        statistic: Its name in month_profiles.
        source: The sources it is about.
        why: What it means if a month is otherwise.
        according_to: Where its bounds come from.
        least_rows: On how many rows it means anything.
        bounds: What it may be.
        compared: How it is held against other months.
    """

    statistic: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    source: Annotated[
        list[SourceName], BeforeValidator(lambda it: [it] if isinstance(it, str) else it), Field(min_length=1)
    ]
    why: str = Field(min_length=10)
    according_to: str = Field(min_length=5)
    least_rows: int = Field(default=1000, ge=1)
    bounds: list[Bounds] = []
    compared: Compared | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Statistic:
        if not self.bounds and self.compared is None:
            raise ValueError("needs bounds, or compared")
        return self


class Lost(_Block):
    """From what share and how many rows of the other months on a cut without rows is lost."""

    share: float = Field(gt=0, lt=1)
    rows: int = Field(ge=1)


class Rule(_Block):
    """The rule by which months are compared; config/plausibility.yml says what each number means."""

    within_months: int = Field(ge=1)
    spreads: float = Field(gt=0)
    lost: Lost
    shifted: float = Field(gt=0, lt=1)
    exchanged: float = Field(gt=0, lt=1)
    least_trips: int = Field(ge=1000)
    least_hours: int = Field(ge=1)


class Plausibility(_Block):
    """All of it."""

    rule: Rule
    statistics: list[Statistic] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_each_once(self) -> Plausibility:
        said: set[tuple[str, str]] = set()
        for item in self.statistics:
            for source in item.source:
                if (source, item.statistic) in said:
                    raise ValueError(f"{item.statistic} of {source} is there twice")
                said.add((source, item.statistic))
        return self

    def of(self, source: str, statistic: str) -> Statistic | None:
        """What is usual of one statistic of a source, if it is said."""
        found = (item for item in self.statistics if item.statistic == statistic and source in item.source)
        return next(found, None)


def read(path: Path) -> Plausibility:
    """Read and check the file.

    Raises:
        ConfigError: It can't be read, or a key is unknown, missing or wrong.
    """
    try:
        content = yamlfiles.read(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {' '.join(str(error).split())}") from error
    try:
        return Plausibility.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(path, content, error.errors()[0])) from error


def _explain(path: Path, content: Any, problem: Any) -> str:
    location = list(problem["loc"])
    where = ".".join(str(part) for part in location)
    if location[:1] == ["statistics"] and len(location) > 1:
        # By its name: nobody counts entries.
        named = content["statistics"][location[1]]
        name = named.get("statistic", location[1]) if isinstance(named, dict) else location[1]
        where = ".".join(str(part) for part in ["statistics", name, *location[2:]])
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key {where}"
    if problem["type"] == "missing":
        return f"{path}: missing key {where}"
    told = problem["msg"].removeprefix("Value error, ")
    return f"{path}: {where}: {told}" if where else f"{path}: {told}"


def find(connection: Connection, plausibility: Plausibility, table: str) -> list[dict[str, Any]]:
    """All that is unusual of the months of a table of profiles, at once.

    What was found is in `plausibility.findings` afterwards, in a database in memory beside the connection's own, for
    Great Expectations to look at.

    Args:
        connection: DuckDB, by SQLAlchemy.
        plausibility: What is usual.
        table: The full name of the table.

    Returns:
        A row for each source, month and statistic: the worst cut's values, and which rule it breaks.
    """
    rule = plausibility.rule
    # Read and write, as the connection to the warehouse is not.
    connection.exec_driver_sql(f"attach if not exists ':memory:' as {_SCHEMA} (read_write)")
    for name, rows in (("bounds", _bounds(plausibility)), ("comparisons", _comparisons(plausibility))):
        content, structure = (quoting.text(json.dumps(it)) for it in (list(rows), [_COLUMNS[name]]))
        connection.exec_driver_sql(
            f"create or replace table {_SCHEMA}.{name} as "
            f"select unnest(from_json({content}, {structure}), recursive := true)"
        )
    query = files("luigi_pipeline.validation").joinpath("findings.sql").read_text(encoding="utf-8")
    filled = query.format(
        profiles=table,
        bounds=f"{_SCHEMA}.bounds",
        comparisons=f"{_SCHEMA}.comparisons",
        spreads=rule.spreads,
        lost_share=rule.lost.share,
        lost_rows=rule.lost.rows,
        shifted_distance=rule.shifted,
        exchanged_distance=rule.exchanged,
        least_trips=rule.least_trips,
        least_hours=rule.least_hours,
    )
    connection.exec_driver_sql(f"create or replace table {_SCHEMA}.findings as {filled}")
    found = connection.exec_driver_sql(f"from {_SCHEMA}.findings order by source, source_month, statistic")
    return [dict(row) for row in found.mappings()]


_COLUMNS = {
    "bounds": {
        "source": "VARCHAR",
        "statistic": "VARCHAR",
        "least": "DOUBLE",
        "most": "DOUBLE",
        "first_month": "VARCHAR",
        "last_month": "VARCHAR",
        "calendar_month": "INTEGER",
        "cut": "VARCHAR",
        "least_rows": "BIGINT",
        "when_statistic": "VARCHAR",
        "when_least": "DOUBLE",
        "when_most": "DOUBLE",
    },
    "comparisons": {
        "source": "VARCHAR",
        "statistic": "VARCHAR",
        "least_rows": "BIGINT",
        "ratio": "DOUBLE",
        "difference": "DOUBLE",
        "falls_only": "BOOLEAN",
        "within_months": "INTEGER",
        "is_profile": "BOOLEAN",
        "least_shift": "INTEGER",
        "most_moved": "DOUBLE",
        "exchanged_with": "VARCHAR",
    },
}


def _bounds(plausibility: Plausibility) -> Iterator[dict[str, Any]]:
    for item in plausibility.statistics:
        for bounds in item.bounds:
            kept = bounds.model_dump(exclude={"when", "least_rows"})
            when = bounds.when or When(statistic="")
            for source in item.source:
                yield kept | {
                    "source": source,
                    "statistic": item.statistic,
                    "least_rows": bounds.least_rows or item.least_rows,
                    "when_statistic": when.statistic or None,
                    "when_least": when.least,
                    "when_most": when.most,
                }


def _comparisons(plausibility: Plausibility) -> Iterator[dict[str, Any]]:
    for item in plausibility.statistics:
        for source in item.source if item.compared else []:
            compared = (item.compared or Compared()).model_dump()
            yield compared | {
                "source": source,
                "statistic": item.statistic,
                "least_rows": item.least_rows,
                "within_months": compared["within_months"] or plausibility.rule.within_months,
                "is_profile": compared["profile"],
                "least_shift": compared["shifted_hours"],
                "most_moved": compared["moved"],
            }
