"""What is installed where the package is not installed editable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import PROJECT


def test_every_file_of_the_package_is_installed(tmp_path: Path) -> None:
    build = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert files(tmp_path / "luigi_pipeline") == files(PROJECT / "luigi_pipeline")


def files(folder: Path) -> set[str]:
    """All files below a folder but byte code, as they are called from there."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}
