"""MetricFlow's own command, in the dbt project's folder, as its users know it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures import Rows
from support import PROJECT, environment, program

from luigi_pipeline.core.datadir import DataDir


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project: what mf and dbt write, they write beside the models."""
    folder = tmp_path / "project"
    ignored = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PROJECT / "dbt_project", folder / "dbt_project", ignore=ignored)
    shutil.copytree(PROJECT / "config", folder / "config")
    shutil.copy(PROJECT / "luigi.cfg", folder)
    return folder


def start(folder: Path, data: DataDir, *command: str) -> subprocess.Popen[str]:
    program = str(Path(sys.executable).with_name(command[0]))
    return subprocess.Popen(
        [program, *command[1:]],
        cwd=folder / "dbt_project",
        env=environment({"MOBILITY_DATA_DIR": str(data.root), "DO_NOT_TRACK": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # away from the terminal of whoever runs the tests
    )


def end(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def fingerprint(folder: Path, data: DataDir) -> str:
    named = {"MOBILITY_DATA_DIR": str(data.root), "MOBILITY_PROJECT_DIR": str(folder)}
    result = subprocess.run(
        program("print_fingerprint"), env=environment(named), capture_output=True, text=True, check=True
    )
    return result.stdout


def test_two_at_once_and_beside_a_run_mf_answers_from_what_is_published_and_makes_nothing_stale(
    project: Path, held: DataDir, rows: Rows, tmp_path: Path
) -> None:
    before = fingerprint(project, held)
    end(start(project, held, "dbt", "parse"))
    answer = tmp_path / "answer.csv"
    question = ["mf", "query", "--metrics", "total_trips", "--group-by", "pickup_location__borough", "--csv"]
    both = [
        start(project, held, *question, str(answer)),
        start(project, held, "mf", "list", "metrics"),
    ]
    said = [end(process) for process in both]
    assert "Success" in said[0]
    assert "total_trips:" in said[1]
    assert "rain_effect_pct:" in said[1]
    answered = {tuple(line.split(",")) for line in answer.read_text(encoding="utf-8").splitlines()[1:]}
    counted = rows(
        held.published,
        "select borough, count(*) from marts.fct_trips "
        "left join marts.dim_location on pickup_location_id = location_id "
        "where not is_voided and not is_suspect group by 1",
    )
    assert answered == {(borough or "", str(count)) for borough, count in counted}
    written = {path.name for path in (project / "dbt_project").iterdir()} - {
        path.name for path in (PROJECT / "dbt_project").iterdir()
    }
    assert written <= {"target", "logs", ".user.yml"}
    assert fingerprint(project, held) == before
