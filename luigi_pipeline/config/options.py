"""The options that every command takes, such as the configuration file and the data dir."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import luigi

from luigi_pipeline.core import paths
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import ConfigError

# DuckDB ends a path at a question mark, and dbt at a hash, as in a URL. dlt takes a percent sign for a placeholder.
_NOT_IN_PATHS = "#%?"


class mobility(luigi.Config):
    """The options of every task. Each can be given on the command line: --mobility-config, ..."""

    config = luigi.Parameter(
        default=os.environ.get("MOBILITY_CONFIG", ""),
        description="The configuration file (or MOBILITY_CONFIG); default config/ingestion.yaml.",
    )
    data_dir = luigi.Parameter(
        default=os.environ.get("MOBILITY_DATA_DIR", "data"),
        description="Everything written goes below this folder (or MOBILITY_DATA_DIR).",
    )
    refresh = luigi.BoolParameter(
        default=False,
        description="Ask for every month that is loaded whether its published file has changed.",
    )
    quiet = luigi.BoolParameter(
        default=False,
        description="Say nothing on success, and on failure one short report at the end: for cron.",
    )


def data_dir() -> DataDir:
    """The data dir that the options name.

    Raises:
        ConfigError: Its path has characters that DuckDB, dlt or dbt would misread, or begins with a ~ that stands for
            no folder.
    """
    return _data_dir(mobility().data_dir, Path.cwd())


@functools.lru_cache
def _data_dir(named: str, here: Path) -> DataDir:
    root = (here / paths.expanded(named, "--mobility-data-dir")).resolve()
    unusable = sorted(set(_NOT_IN_PATHS).intersection(str(root)))
    if unusable or not str(root).isprintable():
        which = " and ".join(unusable) or "a control character"
        raise ConfigError(f"--mobility-data-dir: the path {str(root)!r} has {which} in it; choose a folder without")
    return DataDir(root)
