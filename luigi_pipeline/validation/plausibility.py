"""What is usual of a month: the rules in config/plausibility.yml, for the profiles of all months."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from luigi_pipeline.config.sections import MonthKey, one_of
from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import MONTHLY

SourceName = Annotated[str, AfterValidator(one_of(MONTHLY))]
PROFILES = "month_profiles"


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class When(_Block):
    """A condition on another statistic of the same month. The bound applies only where it holds."""

    statistic: str
    least: float | None = None
    most: float | None = None


class Bounds(_Block):
    """The values that a statistic may have.

    Attributes:
        least: The lowest value.
        most: The highest value.
        first_month: The first source month that it applies to (`from` in the file).
        last_month: The last source month that it applies to (`to`).
        calendar_month: Applies only to this month of each year.
        cut: Applies only to this cut.
        least_rows: Replaces the statistic's own `least_rows`.
        when: Applies only to months where this condition holds.
    """

    least: float | None = None
    most: float | None = None
    first_month: MonthKey = Field(default=Month("1900-01"), alias="from")
    last_month: MonthKey = Field(default=Month("2099-12"), alias="to")
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
    """How a statistic is compared with the source's other months. What is not set is not compared.

    Attributes:
        ratio: The largest factor by which it may differ from their median.
        difference: The largest difference from their median.
        falls_only: Whether only values that are too low count.
        within_months: Replaces the rule's own `within_months`.
        profile: Whether its cuts are compared as a whole. A cut with many rows in other months must have some.
        shifted_hours: It may not be shifted by this number of hours or more. Its cuts are hours of the day.
        moved: The largest share of its rows that may be in other cuts than usual.
        exchanged_with: The statistic that it may not have been exchanged with.
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
        source: The sources that it applies to.
        why: What an unusual value may mean.
        according_to: Where its bounds come from.
        least_rows: The number of rows that it needs to mean anything.
        bounds: The values that it may have.
        compared: How it is compared with other months.
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
    """When a cut without rows counts as lost: its share, and its number of rows, in the other months."""

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
    """The whole file."""

    rule: Rule
    statistics: list[Statistic] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_each_once(self) -> Plausibility:
        seen: set[tuple[str, str]] = set()
        for item in self.statistics:
            for source in item.source:
                if (source, item.statistic) in seen:
                    raise ValueError(f"{item.statistic} of {source} is there twice")
                seen.add((source, item.statistic))
        return self


def read(path: Path) -> Plausibility:
    """Read and check the file.

    Raises:
        ConfigError: It can't be read, or a key is unknown, missing or wrong.
    """
    return yamlfiles.read_as(Plausibility, path, item_name="statistic")
