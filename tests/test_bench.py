"""The benchmark measures what it says: the pipeline and the floor beside it end with the same trips."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, environment

pytestmark = pytest.mark.pipeline


def test_the_floor_and_the_pipeline_are_measured_on_the_same_trips(tmp_path: Path) -> None:
    options = ["--scale", "0.001", "--repeats", "1", "--seed", "7", "--folder", str(tmp_path)]
    program = [sys.executable, str(PROJECT / "bench" / "run.py"), *options]
    result = subprocess.run(program, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    measured = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    (pipeline,), (floor,) = measured["pipeline"], measured["floor"]
    assert pipeline["trips"] == floor["trips"] > 9000
    assert pipeline["load"] + pipeline["build"] + pipeline["validate"] < pipeline["total"]
    assert floor["load"] + floor["build"] < floor["total"]
    assert measured["peak_bytes"]["pipeline"] > measured["peak_bytes"]["floor"] > 50_000_000
    assert "nothing to do: " in result.stdout
