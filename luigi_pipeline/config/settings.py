"""The configuration: its keys, their defaults and their checks. config/README.md describes every key.

Each source has a block of its own, which is declared in its file in sources/. They are handed in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, Field, PlainValidator, ValidationError, create_model, model_validator
from pydantic_core import ErrorDetails

from luigi_pipeline.config.sections import HttpUrl, Published, Section, month_list, one_of
from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.errors import ConfigError, one_line
from luigi_pipeline.core.months import Month

S = TypeVar("S", bound=Section)


class Sources(Section):
    """The publishers: a block for each source. A source that is not named is disabled."""

    if TYPE_CHECKING:

        def __getattr__(self, key: str) -> Any:
            """The blocks are fields of the model that is made of the sources (`model_of`)."""

    @model_validator(mode="after")
    def _one_is_enabled(self) -> Sources:
        blocks = {key: block for key, block in self if isinstance(block, Published)}
        if not any(block.enabled for block in blocks.values()):
            raise ValueError(f"no source is enabled; name at least one of {', '.join(blocks)}")
        return self


class Download(Section):
    """How files are fetched, and what an archive may unpack to."""

    parallel: int = Field(default=3, ge=1, le=60)
    timeout_seconds: float = Field(default=120, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    backoff_seconds: float = Field(default=1, ge=0)
    max_wait_seconds: float = Field(default=3700, ge=0)
    keep_landed: bool = True
    max_file_bytes: int = Field(default=20_000_000_000, gt=0)
    max_archive_bytes: int = Field(default=20_000_000_000, gt=0)
    max_archive_ratio: float = Field(default=100, gt=1)
    max_archive_members: int = Field(default=10_000, gt=0)


class Warehouse(Section):
    """DuckDB's limits, and how long to wait for another program that has the file open."""

    threads: int = Field(default=2, ge=1)
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    wait_seconds: float = Field(default=300, ge=0)

    def share(self, part: float, threads: int) -> Warehouse:
        """A copy with a share of the memory, for work beside other work."""
        number = self.memory_limit.rstrip("KMGTiB ")
        unit = self.memory_limit.removeprefix(number).strip()
        return self.model_copy(update={"threads": threads, "memory_limit": f"{float(number) * part:.3f}{unit}"})


class MinRows(Section):
    """The least number of rows in all loaded months of each source. By default there is no limit."""


def _accepted_months(value: Any) -> list[Month]:
    return month_list([value] if isinstance(value, str) else value)


class Accepted(Section):
    """Findings that somebody has accepted: of a source, in one or more months, of one statistic or of any ("*")."""

    source: str
    months: Annotated[list[Month], PlainValidator(_accepted_months)]
    statistic: str = Field(pattern=r"^(\*|[a-z][a-z0-9_]*)$")
    why: str = Field(min_length=3)


class Validation(Section):
    """The deployment's own thresholds, what blocks publishing, and the accepted findings."""

    min_rows: MinRows = MinRows()
    block_on: Literal["critical", "warning"] = "critical"
    accepted: list[Accepted] = []
    accepted_file: str | None = None


class Alerts(Section):
    """Whom to notify of a failed run, of the next success, of a long overdue month, or of a new finding."""

    email: list[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")]] = []
    webhook: HttpUrl | None = None
    overdue_days: int = Field(default=3, ge=0)
    timeout_seconds: float = Field(default=15, gt=0, le=300)


class Settings(Section):
    """The whole configuration."""

    sources: Sources
    download: Download = Download()
    warehouse: Warehouse = Warehouse()
    validation: Validation = Validation()
    alerts: Alerts = Alerts()

    def until(self, newest: dict[str, Month]) -> Settings:
        """A copy in which each source that goes up to `latest` ends at its newest month."""
        blocks = {name: self.source(name).until(month) for name, month in newest.items()}
        return self.model_copy(update={"sources": self.sources.model_copy(update=blocks)}) if blocks else self

    def source(self, name: str) -> Published:
        """The block of a source that comes in months."""
        return self.block(name, Published)

    def block(self, key: str, kind: type[S]) -> S:
        """The block of a source, which is of a known kind."""
        block = getattr(self.sources, key)
        assert isinstance(block, kind), f"sources.{key} is no {kind.__name__}"
        return block


Blocks = Mapping[str, type[Section]]


def model_of(blocks: Blocks) -> type[Settings]:
    """The model of the configuration.

    Args:
        blocks: The model of each source's block, by its key.
    """
    names, absent = _monthly(blocks), {"enabled": False}
    fields: dict[str, Any] = {
        key: (block, block.model_validate(absent if key in names else {})) for key, block in blocks.items()
    }
    sources = create_model("Sources", __base__=Sources, **fields)
    floors: dict[str, Any] = {name: (int | None, Field(default=None, ge=0)) for name in names}
    min_rows = create_model("MinRows", __base__=MinRows, **floors)
    of_validation: dict[str, Any] = {"min_rows": (min_rows, min_rows()), "accepted": (_accepted(names), [])}
    validation = create_model("Validation", __base__=Validation, **of_validation)
    of_settings: dict[str, Any] = {"sources": (sources, ...), "validation": (validation, validation())}
    return create_model("Settings", __base__=Settings, **of_settings)


def _monthly(blocks: Blocks) -> list[str]:
    return [key for key, block in blocks.items() if issubclass(block, Published)]


def _accepted(names: list[str]) -> Any:
    """The type of a list of accepted findings."""
    source: Any = Annotated[str, AfterValidator(one_of(names))]
    accepted = create_model("Accepted", __base__=Accepted, source=(source, ...))
    return list[accepted]  # type: ignore[valid-type]


def load(path: Path, blocks: Blocks) -> Settings:
    """Read and check a configuration file.

    Args:
        path: The YAML file.
        blocks: The model of each source's block, by its key.

    Returns:
        The settings, with defaults filled in.

    Raises:
        ConfigError: The file can't be read, or a key is unknown, missing or wrong.
    """
    made = _checked(model_of(blocks), _content(path, "--mobility-config names another file"), path)
    if made.validation.accepted_file is None:
        return made
    # A relative path is relative to the configuration file, wherever the run is started.
    named = path.parent / made.validation.accepted_file
    content = _content(named, f"validation.accepted_file in {path} names it")
    of_file: dict[str, Any] = {"accepted": (_accepted(_monthly(blocks)), ...)}
    listed = _checked(create_model("AcceptedFile", __base__=_AcceptedFile, **of_file), {"accepted": content}, named)
    validation = made.validation.model_copy(update={"accepted": [*made.validation.accepted, *listed.accepted]})
    return made.model_copy(update={"validation": validation})


def _content(path: Path, advice: str) -> Any:
    try:
        return yamlfiles.read(path)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); {advice}") from error
    except yaml.MarkedYAMLError as error:
        # Not YAML's own text, which quotes the line: it may hold a password.
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}: is not YAML{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not YAML: {one_line(error)}") from error


class _AcceptedFile(Section):
    """A file of its own with the list of accepted findings."""

    accepted: list[Accepted]


def _checked(kind: type[S], content: Any, path: Path) -> S:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        # Not the error's own text, which quotes values: one may be a password.
        raise ConfigError("; ".join(_explain(path, problem) for problem in error.errors()[:3])) from None


def _explain(path: Path, problem: ErrorDetails) -> str:
    return yamlfiles.explain(path, ".".join(str(part) for part in problem["loc"]) or "the file", problem)
