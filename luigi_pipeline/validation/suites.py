"""Suites as written in YAML: one file per model, checked before anything is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from luigi_pipeline.errors import ConfigError

SourceName = Literal["yellow_taxi", "citibike", "weather"]
Severity = Literal["critical", "warning", "info"]

# What still holds for a table that is empty because its source is disabled.
STRUCTURAL = frozenset(
    {
        "expect_column_to_exist",
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    }
)


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
    """

    type: str = Field(pattern=r"^(expect_\w+|unexpected_rows_expectation)$")
    severity: Severity
    why: str = Field(min_length=10)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    source: AnySource | None = None

    def applies(self, enabled: Collection[str]) -> bool:
        """Whether the source it is about is enabled."""
        return self.source is None or not set(self.source).isdisjoint(enabled)


class Suite(_Block):
    """The expectations about one model.

    Attributes:
        name: The model, which is also the file's name.
        table_schema: The schema its table is in (`schema` in the file).
        source: The source whose rows the table holds; when it is disabled, the table is expected to be empty.
        expectations: In the file's order.
    """

    name: str
    table_schema: str = Field(alias="schema")
    source: SourceName | None = None
    expectations: list[Expectation] = Field(min_length=1)

    @property
    def table(self) -> str:
        """The table's full name."""
        return f"{self.table_schema}.{self.name}"

    def expects_empty(self, enabled: Collection[str]) -> bool:
        """Whether the table's source is disabled."""
        return self.source is not None and self.source not in enabled

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
    )


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
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    for position, item in enumerate(suite.expectations):
        key = f"expectations[{position}].kwargs"
        _check_query(path, key, item)
        resolved.append(item.model_copy(update={"kwargs": _fill(path, key, item.kwargs, config)}))
    return resolved


def _check_query(path: Path, key: str, item: Expectation) -> None:
    query = item.kwargs.get("unexpected_rows_query")
    if query is not None and "{batch}" not in str(query):
        raise ConfigError(f"{path}: {key}.unexpected_rows_query: must select from {{batch}}")


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
