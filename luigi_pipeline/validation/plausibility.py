"""What is usual of a month: config/plausibility.yml, held against the profiles of all months."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from luigi_pipeline.core import yamlfiles

SourceName = Literal["yellow_taxi", "citibike", "weather"]
PROFILES = "month_profiles"


Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


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


def read(path: Path) -> Plausibility:
    """Read and check the file.

    Raises:
        ConfigError: It can't be read, or a key is unknown, missing or wrong.
    """
    return yamlfiles.read_as(Plausibility, path, item_name="statistic")
