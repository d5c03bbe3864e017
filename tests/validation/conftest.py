from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from validation_city import EXPECTATIONS, SETTINGS, Run, build

from luigi_pipeline.validation.run import validate


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small warehouse in which every expectation holds; not to be written to."""
    path = tmp_path_factory.mktemp("sound") / "city.duckdb"
    build(path)
    return path


@pytest.fixture(scope="session")
def sound_run(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on the sound warehouse, run once."""
    out = tmp_path_factory.mktemp("validation")
    return Run(validate(sound, EXPECTATIONS, SETTINGS, out), out)


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies the sound warehouse and damages the copy with SQL."""

    def damage(*statements: str) -> Path:
        path = tmp_path / "city.duckdb"
        shutil.copy(sound, path)
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return damage


@pytest.fixture
def suites(tmp_path: Path) -> Callable[..., Path]:
    """A folder with some of the real suites, or with suites written in the test."""

    def folder(*names: str, **written: str) -> Path:
        path = tmp_path / "expectations"
        path.mkdir(exist_ok=True)
        for name in names:
            shutil.copy(EXPECTATIONS / f"{name}.yml", path)
        for name, text in written.items():
            (path / f"{name}.yml").write_text(text, encoding="utf-8")
        return path

    return folder
