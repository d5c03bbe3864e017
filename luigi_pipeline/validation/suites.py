"""Suites as written in YAML: one file per model, checked before anything is run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from luigi_pipeline import yamlfiles
from luigi_pipeline.errors import ConfigError
from luigi_pipeline.markers import digest
from luigi_pipeline.validation.months import Changed

SourceName = Literal["yellow_taxi", "citibike", "weather"]
Severity = Literal["critical", "warning", "info"]
Scope = Literal["changed_months", "neighbouring_months", "all_months"]
Partition = Literal["trip_type", "source_month"]

# What a table's columns tell: it holds of a table that is empty because its source is disabled, and of any part.
STRUCTURAL = frozenset(
    {
        "expect_column_to_exist",
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    }
)

# What is told of each row by itself: it holds of a table if it holds of its parts. With `mostly`, see `Suite.scope_of`.
BY_ROW = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
    }
)
QUERY = "unexpected_rows_expectation"
BATCH = "{batch}"
CHANGED = "{changed}"
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_OF_EVERY_QUERY = ("batch", "changed")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# One source, or several of which any is enough.
AnySource = Annotated[list[SourceName], BeforeValidator(_as_list), Field(min_length=1)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Expectation(_Block):
    """One expectation.

    Attributes:
        type: Its name in Great Expectations, such as expect_column_values_to_not_be_null.
        severity: critical fails the run, warning and info do not.
        why: What it would mean if it failed; shown in the report and the Data Docs.
        kwargs: Its arguments; `{config: a.b}` stands for a value of the configuration.
        source: Evaluated only when this source (or one of these) is enabled.
        scope: What it must be evaluated on for it to hold of the whole table, if it did before some months changed:
            these months, these with the ones before and after each, or all.
    """

    type: str = Field(pattern=r"^(expect_\w+|unexpected_rows_expectation)$")
    severity: Severity
    why: str = Field(min_length=10)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    source: AnySource | None = None
    scope: Scope = "changed_months"

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of what is filled into its query, such as batch."""
        return frozenset(_PLACEHOLDER.findall(str(self.kwargs.get("unexpected_rows_query", ""))))

    @property
    def holds_by_parts(self) -> bool:
        """Whether it is of a kind that can hold of a table because it holds of its parts."""
        if self.type == "expect_table_row_count_to_be_between":
            # As many rows as a part has, the table has.
            return "min_value" in self.kwargs and "max_value" not in self.kwargs
        return self.type == QUERY or self.type in BY_ROW | STRUCTURAL

    def applies(self, enabled: Collection[str]) -> bool:
        """Whether the source it is about is enabled."""
        return self.source is None or not set(self.source).isdisjoint(enabled)


class Suite(_Block):
    """The expectations about one model.

    Attributes:
        name: The model, which is also the file's name.
        table_schema: The schema its table is in (`schema` in the file).
        source: The source whose rows the table holds; when it is disabled, the table is expected to be empty.
        partitions: The columns that tell a row's month (and mode): what is evaluated may go by what has changed.
        counts: Queries that several expectations ask of, by name: the rows of `{hours}` are those of the query `hours`.
        expectations: In the file's order.
    """

    name: str
    table_schema: str = Field(alias="schema")
    source: SourceName | None = None
    partitions: list[Partition] = Field(default_factory=list)
    counts: dict[Annotated[str, Field(pattern=r"^[a-z]\w*$")], str] = Field(default_factory=dict)
    expectations: list[Expectation] = Field(min_length=1)

    @property
    def table(self) -> str:
        """The table's full name."""
        return f"{self.table_schema}.{self.name}"

    def counts_of(self, items: Collection[Expectation]) -> dict[str, str]:
        """The counts that some expectations ask of."""
        asked = {placeholder for item in items for placeholder in item.placeholders}
        return {name: query for name, query in self.counts.items() if name in asked}

    def expects_empty(self, enabled: Collection[str]) -> bool:
        """Whether the table's source is disabled."""
        return self.source is not None and self.source not in enabled

    def scope_of(self, item: Expectation, changed: Changed | None) -> Scope:
        """What an expectation is to be evaluated on.

        Args:
            item: One that this suite evaluates.
            changed: The months that are not as they were when all held; None where that is not known.
        """
        if changed is None or not self.partitions or key_of(self.name, item.type, item.kwargs) in changed.failed:
            return "all_months"
        # A share that held, and holds in what came to it, holds in all; but not if the best months were taken out.
        if "mostly" in item.kwargs and changed.replaces(self.source):
            return "all_months"
        return item.scope

    def select(self, enabled: Collection[str]) -> tuple[list[Expectation], list[Expectation]]:
        """Choose what to evaluate.

        Args:
            enabled: The sources whose rows are in the warehouse.

        Returns:
            The expectations to evaluate, and those to skip since their source is disabled.
        """
        if self.expects_empty(enabled):
            kept = [item for item in self.expectations if item.type in STRUCTURAL]
            skipped = [item for item in self.expectations if item.type not in STRUCTURAL]
            return [*kept, _empty(self)], skipped
        kept = [item for item in self.expectations if item.applies(enabled)]
        return kept, [item for item in self.expectations if not item.applies(enabled)]


def _empty(suite: Suite) -> Expectation:
    return Expectation(
        type="expect_table_row_count_to_equal",
        severity="critical",
        why=f"{suite.source} is disabled, so {suite.table} must hold no rows.",
        kwargs={"value": 0},
        scope="all_months",
    )


def key_of(suite: str, kind: str, kwargs: Mapping[str, Any]) -> str:
    """What tells an expectation from all others: no suite has the same one twice."""
    return digest([suite, kind, kwargs])[:16]


def read_suites(folder: Path, config: Mapping[str, Any]) -> list[Suite]:
    """Read every suite of a folder.

    Args:
        folder: Where the YAML files are.
        config: The configuration that `{config: ...}` refers to, as nested mappings.

    Returns:
        The suites, by name.

    Raises:
        ConfigError: There is no suite, or a file can't be used; the message names file and key.
    """
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise ConfigError(f"{folder}: holds no expectations (*.yml)")
    return [read_suite(path, config) for path in paths]


def read_suite(path: Path, config: Mapping[str, Any]) -> Suite:
    """Read one suite; see `read_suites`."""
    try:
        content = yamlfiles.read(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold the keys schema and expectations")
    if "name" in content:
        raise ConfigError(f"{path}: unknown key name; a suite is named by its file")
    try:
        suite = Suite.model_validate({**content, "name": path.stem})
    except ValidationError as error:
        raise ConfigError(_explain(path, error)) from error
    if suite.partitions == ["source_month"] and suite.source is None:
        raise ConfigError(f"{path}: partitions: rows of several sources are told apart by trip_type; name it too")
    return suite.model_copy(update={"expectations": _resolved(path, suite, config)})


def _explain(path: Path, error: ValidationError) -> str:
    problem = error.errors()[0]
    key = _key(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key {key}"
    if problem["type"] == "missing":
        return f"{path}: missing key {key}"
    return f"{path}: {key}: {problem['msg']}, not {problem['input']!r}"


def _key(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _resolved(path: Path, suite: Suite, config: Mapping[str, Any]) -> list[Expectation]:
    resolved = []
    _check_counts(path, suite)
    for position, item in enumerate(suite.expectations):
        key = f"expectations[{position}].kwargs"
        _check_query(path, key, suite, item)
        _check_scope(path, f"expectations[{position}].scope", suite, item)
        resolved.append(item.model_copy(update={"kwargs": _fill(path, key, item.kwargs, config)}))
    return resolved


def _check_counts(path: Path, suite: Suite) -> None:
    asked = suite.counts_of(suite.expectations)
    for name, query in suite.counts.items():
        if name in _OF_EVERY_QUERY:
            raise ConfigError(f"{path}: counts.{name}: has another meaning in a query")
        if _PLACEHOLDER.findall(query) != ["batch"]:
            raise ConfigError(f"{path}: counts.{name}: must select from {BATCH}, once, and of nothing else")
        if name not in asked:
            raise ConfigError(f"{path}: counts.{name}: no expectation asks of it")


def _check_query(path: Path, key: str, suite: Suite, item: Expectation) -> None:
    if "unexpected_rows_query" not in item.kwargs:
        return
    key = f"{key}.unexpected_rows_query"
    unknown = sorted(item.placeholders - {*_OF_EVERY_QUERY, *suite.counts})
    if unknown:
        hint = "a brace of its own is doubled"
        raise ConfigError(f"{path}: {key}: the suite has no counts called {{{unknown[0]}}}; {hint}")
    if item.placeholders.isdisjoint({"batch", *suite.counts}):
        raise ConfigError(f"{path}: {key}: must select from {BATCH}")


def _check_scope(path: Path, key: str, suite: Suite, item: Expectation) -> None:
    """Refuse what would be evaluated on other rows than its author thinks of."""
    if not suite.partitions:
        if "scope" in item.model_fields_set:
            raise ConfigError(f"{path}: {key}: the suite names no partitions, so everything is evaluated on all rows")
    elif item.scope != "all_months" and not item.holds_by_parts:
        raise ConfigError(f"{path}: {key}: {item.type} can't be told from some months; write scope: all_months")
    elif item.scope != "all_months" and CHANGED in str(item.kwargs):
        raise ConfigError(f"{path}: {key}: {CHANGED} is for a query with scope: all_months")


def _fill(path: Path, key: str, value: Any, config: Mapping[str, Any]) -> Any:
    """Replace every `{config: a.b}` below a value."""
    if isinstance(value, list):
        return [_fill(path, f"{key}[{index}]", item, config) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "config" not in value:
        return {name: _fill(path, f"{key}.{name}", item, config) for name, item in value.items()}
    if set(value) != {"config"} or not isinstance(value["config"], str):
        raise ConfigError(f"{path}: {key}: write a value of the configuration as {{config: its.key}}")
    return _look_up(path, key, value["config"], config)


def _look_up(path: Path, key: str, name: str, config: Mapping[str, Any]) -> Any:
    value: Any = config
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ConfigError(f"{path}: {key}: the configuration has no {name}")
        value = value[part]
    return value
