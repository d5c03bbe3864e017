"""Suites as written in YAML: one file per model, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from luigi_pipeline.config.sections import one_of
from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.sources import SOURCES

Severity = Literal["critical", "warning", "info"]
# Months, by the source of their files.
Months = Mapping[str, list[str]]

QUERY = "unexpected_rows_expectation"
BATCH = "{batch}"
# Types that check each row by itself, or the columns. If they hold for each month, they hold for the table.
_ABOUT_EACH_ROW = re.compile(
    r"expect_column_values_to_(not_)?be_(null|in_set|between)|expect_column_pair_values_\w+"
    rf"|expect_column_to_exist|expect_table_columns_\w+|{QUERY}"
)


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Expectation(_Block):
    """One expectation.

    Attributes:
        type: Its name in Great Expectations. Instead of type and kwargs, a `query` may be given, which selects rows
            that must not exist; it becomes an unexpected_rows_expectation.
        severity: critical fails the run, warning and info do not.
        why: What a failure would mean; shown in the report and the Data Docs.
        kwargs: Its arguments; `{config: a.b}` stands for a value of the configuration.
    """

    type: str = Field(pattern=r"^(expect_\w+|unexpected_rows_expectation)$")
    severity: Severity = "critical"
    why: str = Field(min_length=10)
    kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _take_query(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "query" not in value:
            return value
        if "type" in value or "kwargs" in value:
            raise ValueError("has a query beside type or kwargs; leave one of them out")
        if BATCH not in str(value["query"]):
            raise ValueError(f"its query must select from {BATCH}")
        rest = {name: it for name, it in value.items() if name != "query"}
        return rest | {"type": QUERY, "kwargs": {"unexpected_rows_query": value["query"]}}

    @property
    def is_set(self) -> bool:
        """Whether the configuration sets every value that the expectation refers to."""
        return None not in self.kwargs.values()


class Suite(_Block):
    """The expectations on one model.

    Attributes:
        name: The model, which is also the name of the file.
        table_schema: The schema of its table (`schema` in the file).
        source: The source whose rows the table holds. Without that source, the suite is skipped.
        by_month: Whether only rows of changed months are checked, by `source_month`, and also by `trip_type` if the
            suite has no source. Then each expectation must check each row by itself and be critical, because rows that
            passed are not checked again.
        expectations: In the order of the file.
    """

    name: str
    table_schema: str = Field(alias="schema")
    source: Annotated[str, AfterValidator(one_of(SOURCES))] | None = None
    by_month: bool = False
    expectations: list[Expectation] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_by_parts(self) -> Self:
        for position, item in enumerate(self.expectations if self.by_month else []):
            key = f"expectations[{position}]"
            if not _ABOUT_EACH_ROW.fullmatch(item.type) or "mostly" in item.kwargs:
                raise ValueError(f"{key}: is not about each row, and a suite with by_month sees some months only")
            if item.severity != "critical":
                raise ValueError(f"{key}: a {item.severity} would be forgotten with the next month; by_month is set")
        return self

    @property
    def table(self) -> str:
        """The table's full name."""
        return f"{self.table_schema}.{self.name}"

    def split(self, sources: Collection[str]) -> tuple[list[Expectation], list[Expectation]]:
        """Split the expectations into those to evaluate and those to skip, given the sources in the warehouse."""
        there = self.source is None or self.source in sources
        evaluated = [item for item in self.expectations if there and item.is_set]
        return evaluated, [item for item in self.expectations if item not in evaluated]

    def sees(self, months: Months | None) -> Months | None:
        """The months, out of some, whose rows the suite checks; None if it checks its whole table."""
        if months is None or not self.by_month:
            return None
        return {name: sorted(of) for name, of in months.items() if of and self.source in (None, name)}

    def condition(self, seen: Months) -> str:
        """The condition in SQL that selects the rows of the months that the suite checks."""
        if not seen:
            return "false"
        every = sorted({month for of in seen.values() for month in of})
        each = [
            f"source_month in ({', '.join(map(repr, of))})" + ("" if self.source else f" and trip_type = '{name}'")
            for name, of in seen.items()
        ]
        # The range is a condition of its own: DuckDB uses it to skip row groups, which it can't do with an `or`.
        return f"source_month between '{every[0]}' and '{every[-1]}' and ({' or '.join(each)})"


def read_suites(folder: Path, config: Mapping[str, Any]) -> list[Suite]:
    """Read every suite of a folder.

    Args:
        folder: Where the YAML files are.
        config: The configuration that `{config: ...}` refers to, as nested mappings. A value that is not set is None.

    Returns:
        The suites, by name.

    Raises:
        ConfigError: There is no suite, or a file can't be used. The message names file and key.
    """
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise ConfigError(f"{folder}: holds no expectations (*.yml)")
    return [read_suite(path, config) for path in paths]


def read_suite(path: Path, config: Mapping[str, Any]) -> Suite:
    """Read one suite. Its name is that of the file; see `read_suites`."""
    suite = yamlfiles.read_as(Suite, path, name=path.stem)
    filled = [
        item.model_copy(update={"kwargs": _filled(f"{path}: expectations[{position}].kwargs", item.kwargs, config)})
        for position, item in enumerate(suite.expectations)
    ]
    return suite.model_copy(update={"expectations": filled})


def _filled(key: str, kwargs: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each argument that is a `{config: a.b}`."""
    filled = dict(kwargs)
    for name, value in kwargs.items():
        if isinstance(value, dict):
            if set(value) != {"config"} or not isinstance(value["config"], str):
                raise ConfigError(f"{key}.{name}: write a value of the configuration as {{config: its.key}}")
            filled[name] = config
            for part in value["config"].split("."):
                if not isinstance(filled[name], Mapping) or part not in filled[name]:
                    raise ConfigError(f"{key}.{name}: the configuration has no {value['config']}")
                filled[name] = filled[name][part]
    return filled
