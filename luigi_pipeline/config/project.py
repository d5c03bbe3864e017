"""The project's folder, which holds luigi.cfg, the dbt project and the expectations."""

from __future__ import annotations

import os
from pathlib import Path

from luigi_pipeline.core import paths
from luigi_pipeline.core.errors import ConfigError

_VARIABLE = "MOBILITY_PROJECT_DIR"


def find() -> Path | None:
    """The project's folder: `MOBILITY_PROJECT_DIR`, or else the current folder.

    Raises:
        ConfigError: The variable names a home folder that does not exist.
    """
    named = os.environ.get(_VARIABLE)
    folder = paths.expanded(named, _VARIABLE) if named else Path.cwd()
    if (folder / "luigi.cfg").is_file() and (folder / "dbt_project").is_dir():
        return folder.resolve()
    return None


def folder() -> Path:
    """The project's folder.

    Raises:
        ConfigError: It can't be found. Without its luigi.cfg, Luigi would exit 0 on a failure, so nothing may run.
    """
    path = find()
    if path is None:
        named = os.environ.get(_VARIABLE)
        where = f"{_VARIABLE} ({named})" if named else f"this folder ({Path.cwd()})"
        raise ConfigError(
            f"{where} has no luigi.cfg and dbt_project/: run in the project's folder, or name it with {_VARIABLE}"
        )
    return path
