"""Later stages' tools are got ready while months are loaded, and nothing depends on it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fixtures import Ingested
from support import PROJECT, environment, program

from luigi_pipeline.core.datadir import DataDir

pytestmark = pytest.mark.pipeline


def run(case: str, folder: Path, *arguments: object) -> list[Any]:
    """What a process that takes itself for a run prints, a line of JSON each."""
    result = subprocess.run(
        program("stand_by", case, folder, *arguments),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_who_is_ready_builds_once_and_the_validation_finds_its_library(tmp_path: Path) -> None:
    first, second, validation = run("two_builds_and_a_validation", tmp_path)
    assert first["prepared_by"] == first["built_by"] != first["task"]
    assert first["arguments"] == ["all", 2]
    assert second["prepared_by"] is None, "another attempt, say, does it by itself"
    assert second["built_by"] == second["task"]
    assert validation["heavy"] == ["great_expectations"]


def test_the_validation_s_library_is_imported_beside_who_still_gets_ready(tmp_path: Path) -> None:
    (told,) = run("import_beside_getting_ready", tmp_path)
    assert told["built_by"] == told["prepared_by"] != told["task"]


def test_on_one_core_the_library_waits_for_who_gets_ready(tmp_path: Path) -> None:
    (told,) = run("import_after_getting_ready", tmp_path)
    assert told is True


@pytest.mark.parametrize(("months", "niceness"), [(2, 0), (3, 7)])
def test_only_many_loads_have_the_cores_before_who_gets_ready(months: int, niceness: int, tmp_path: Path) -> None:
    (told,) = run("niceness_beside_loads", tmp_path, months)
    assert told["prepared_by"] == niceness


def test_who_only_loads_gets_nothing_ready(tmp_path: Path) -> None:
    (told,) = run("loads_alone", tmp_path)
    assert told["heavy"] == []
    assert told["threads"] == 1
    assert told["built_by"] == told["task"]


def test_a_build_without_loads_waits_for_nothing(tmp_path: Path) -> None:
    (told,) = run("build_without_loads", tmp_path)
    assert told["waited"] < 10
    assert told["built_by"] == told["task"]
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize("how", ["fails", "is killed", "hangs"])
def test_who_fails_is_killed_or_hangs_keeps_no_build_waiting(how: str, tmp_path: Path) -> None:
    (told,) = run("never_ready", tmp_path, how)
    assert told["waited"] < 30
    assert told["prepared_by"] is None
    assert told["built_by"] == told["task"]


def test_what_the_build_says_is_said_by_its_task(tmp_path: Path) -> None:
    (told,) = run("speaking_build", tmp_path)
    assert told["error"] == "dbt: no"
    assert "in work" in told["notes"][0], "where it was raised"
    assert told["lines"] == [["WARNING", "2024-09 is stale"]]
    assert told["told"] == ["fct_trips (9 of 14)", 50]


def test_an_error_that_can_not_be_sent_is_told_in_its_words(tmp_path: Path) -> None:
    (told,) = run("odd_error", tmp_path)
    assert told["error"] == "Odd: no column fare"


def test_a_build_whose_process_is_killed_fails(tmp_path: Path) -> None:
    (told,) = run("killed_build", tmp_path)
    assert "was killed" in told["error"]


def test_a_build_ends_with_its_task(tmp_path: Path) -> None:
    (told,) = run("killed_task", tmp_path)
    assert told["seconds"] < 30, "it would have gone on for a minute"


def test_a_project_that_has_changed_since_it_was_parsed_is_parsed_again(
    loaded: DataDir, ingested: Ingested, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "dbt_project", project / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "luigi.cfg", project)
    names = {"PROJECT_DIR": project, "DATA_DIR": loaded.root, "CONFIG": ingested.config}
    model = project / "dbt_project" / "models" / "marts" / "fct_trips.sql"
    subprocess.run(
        program("build_a_changed_project", model),
        env=environment({f"MOBILITY_{name}": str(path) for name, path in names.items()}),
        check=True,
        timeout=120,
    )
    log = (loaded.logs / "dbt.log").read_text(encoding="utf-8")
    parsed, built, parsed_again, built_again = re.split(r"={20,} .* ={20,}", log)[1:]
    assert "full parse" in parsed
    assert "START sql incremental model marts.fct_trips" in built, "not parsed again"
    assert "START" not in parsed_again
    assert "START sql incremental model marts.fct_trips" in built_again
    compiled = next((loaded.dbt / "target" / "compiled").rglob("fct_trips.sql"))
    assert "by the week" in compiled.read_text(encoding="utf-8")


def test_a_run_parses_its_project_once_and_before_it_builds(published: Ingested) -> None:
    log = (published.data.logs / "dbt.log").read_text(encoding="utf-8")
    commands = re.split(r"={20,} .* ={20,}", log)[1:]
    # A parse that was given up, as other tests had left it no processor, never comes to its end: the next one does.
    parsed = [number for number, said in enumerate(commands) if "full parse" in said and "Performance info" in said]
    built = [number for number, said in enumerate(commands) if "START sql incremental model marts.fct_trips" in said]
    assert len(parsed) == 1
    assert built
    assert parsed[0] < built[0]
