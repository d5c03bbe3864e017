"""A folder of the package imports only from those below it, as the contracts in pyproject.toml say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from luigi.configuration import get_config
from support import PROJECT

from luigi_pipeline.run.task_process import TaskProcessContext


def test_each_folder_imports_only_from_those_below_it() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "4 kept, 0 broken" in result.stdout


def test_a_luigi_cfg_of_the_version_before_finds_what_it_names() -> None:
    from luigi_pipeline import runs

    assert runs.TaskProcessContext is TaskProcessContext
    named = get_config().get("worker", "task_process_context")
    assert named == f"{TaskProcessContext.__module__}.{TaskProcessContext.__name__}"
