"""The layout of a data dir. Everything that the pipeline writes is below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataDir:
    """The paths of the files and folders in a data dir."""

    root: Path

    @property
    def lock(self) -> Path:
        """Locked by a run from its first task to its end."""
        return self.root / ".lock"

    @property
    def landing(self) -> Path:
        """Files as published, one folder per source. It may be emptied at any time."""
        return self.root / "landing"

    @property
    def markers(self) -> Path:
        """Small files that record what is done."""
        return self.root / "markers"

    def marker_of(self, family: str, *parameters: str) -> Path:
        """The marker of one task: one folder per family, one file per set of parameters."""
        return self.markers.joinpath(family, *parameters).with_suffix(".json")

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.root / "nyc_mobility.duckdb"

    @property
    def write_ahead_log(self) -> Path:
        """Changes that are not in the warehouse file yet.

        DuckDB removes this file when it closes the warehouse properly.
        """
        return self.root / "nyc_mobility.duckdb.wal"

    @property
    def scratch(self) -> Path:
        """Unpacked and typed files on their way into the warehouse. It is emptied after each load."""
        return self.root / "scratch"

    @property
    def dbt(self) -> Path:
        """The target folder of dbt."""
        return self.root / "dbt"

    @property
    def dbt_docs(self) -> Path:
        """Dbt's documentation of the models of the last build, as one page."""
        return self.dbt / "docs" / "index.html"

    @property
    def validation(self) -> Path:
        """report.json and the Data Docs."""
        return self.root / "validation"

    @property
    def findings(self) -> Path:
        """The findings of the newest validation, and when each was first seen."""
        return self.validation / "findings.json"

    @property
    def published(self) -> Path:
        """The file for readers: the last version of the marts that passed its checks. It is replaced as a whole."""
        return self.root / "published" / "nyc_mobility.duckdb"

    def log_of(self, family: str, parameters: dict[str, str]) -> Path:
        """The log file of one task."""
        return self.logs.joinpath("tasks", family, *parameters.values()).with_suffix(".log")

    @property
    def luigid(self) -> Path:
        """What the scheduler keeps from one start to the next."""
        return self.root / "luigid"

    @property
    def history(self) -> Path:
        """The history of all runs and tasks."""
        return self.root / "history.sqlite"

    @property
    def report(self) -> Path:
        """The folder of index.html, the page for people, and of the sites that it links to."""
        return self.root / "published" / "report"

    @property
    def parquet(self) -> Path:
        """The published tables as Parquet, for other engines."""
        return self.root / "published" / "parquet"

    @property
    def logs(self) -> Path:
        """Log files. They hold the tracebacks that the console does not show."""
        return self.root / "logs"


def relative(path: Path) -> Path:
    """A path relative to the current folder, if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
