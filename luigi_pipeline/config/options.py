"""The options that every command takes, such as the configuration file and the data dir."""

from __future__ import annotations

import os
from pathlib import Path

import luigi

from luigi_pipeline.config import project
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


class forcing(luigi.Config):
    """The option `--force`, which stands beside those of the task that is asked for."""

    use_cmdline_section = False
    force = luigi.BoolParameter(
        always_in_help=True,
        description="Do the task again though it is done, and then what was made of its result.",
    )


def config_file() -> Path:
    """The configuration file that the options name; by default that of the current folder, or of the project."""
    named = mobility().config
    if named:
        return paths.expanded(named, "--mobility-config")
    here = Path("config/ingestion.yaml")
    return here if here.exists() else project.folder() / here


def data_dir() -> DataDir:
    """The data dir that the options name.

    Raises:
        ConfigError: Its path has characters that DuckDB, dlt or dbt would misread, or begins with a ~ that stands for
            no folder.
    """
    root = paths.expanded(mobility().data_dir, "--mobility-data-dir").resolve()
    unusable = sorted(set(_NOT_IN_PATHS).intersection(str(root)))
    if unusable or not str(root).isprintable():
        which = " and ".join(unusable) or "a control character"
        raise ConfigError(f"--mobility-data-dir: the path {str(root)!r} has {which} in it; choose a folder without")
    return DataDir(root)
