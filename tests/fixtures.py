"""The types of what the fixtures in conftest.py give."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from support import PROJECT

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers

Result = subprocess.CompletedProcess[str]
Row = tuple[Any, ...]
Serve = Callable[[Path], Publishers]
Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Ingested:
    """A data dir after a run, and what the run said."""

    data: DataDir
    config: Path
    result: Result


@dataclass(frozen=True)
class Chat:
    """A chat's webhook, and what has come in."""

    url: str
    posts: list[dict[str, Any]]


class Run(Protocol):
    """Runs the real `luigi` to its end."""

    def __call__(
        self,
        *args: str,
        data_dir: Path | None = None,
        config: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = PROJECT,
    ) -> Result: ...


class Command(Protocol):
    """Runs `python -m luigi_pipeline` to its end."""

    def __call__(self, *args: str, data_dir: Path, config: Path) -> Result: ...


class Start(Protocol):
    """Starts the real `luigi`."""

    def __call__(self, *args: str, data_dir: Path, config: Path) -> subprocess.Popen[str]: ...


class Wait(Protocol):
    """Waits for something that another process is about to do."""

    def __call__(self, happened: Callable[[], object], seconds: float = 30) -> None: ...


class Config(Protocol):
    """Writes a configuration."""

    def __call__(self, url: str, changes: Changes | None = None, name: str = "ingestion.yaml") -> Path: ...


class Configured(Protocol):
    """Writes a configuration, and reads it."""

    def __call__(self, url: str, changes: Changes | None = None) -> Settings: ...


class Query(Protocol):
    """Asks the warehouse of a data dir."""

    def __call__(self, data: DataDir, sql: str) -> list[Row]: ...


class Rows(Protocol):
    """Asks a DuckDB file."""

    def __call__(self, path: Path, sql: str) -> list[Row]: ...
