"""Later stages' tools are got ready while months are loaded, and nothing depends on it."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from support import PROJECT, environment

from luigi_pipeline.core.datadir import DataDir

# A process that takes itself for a run. `ask` has a task's process, forked from it, do something, and says what came of
# it; `build` is a task's, with models that say who built them.
_RUN = """
import json, logging, multiprocessing, os, sys, threading, time
from pathlib import Path
from luigi_pipeline.console import progress
from luigi_pipeline.run import runs
from luigi_pipeline.core.errors import BuildFailed, PipelineError
from luigi_pipeline.tasks import standby, warming

runs.is_on = lambda: True
standby._LOWEST_PRIORITY, standby._LOOK = 0, 10  # beside other tests, too, it gets a fifth of one core
folder = Path(sys.argv[1])

def prepare():
    (folder / "prepared").touch()
    return os.getpid()

def work(ready, *arguments):
    return {"prepared_by": ready, "built_by": os.getpid(), "arguments": arguments}

def build(*arguments):
    return warming.build(work, *arguments)

def forked(does):
    def task():
        began = time.monotonic()
        told = does() or {}
        heavy = [name for name in ("dbt", "great_expectations") if name in sys.modules]
        told |= {"heavy": heavy, "waited": time.monotonic() - began, "task": os.getpid()}
        (folder / "told.json").write_text(json.dumps(told))

    process = multiprocessing.Process(target=task)
    with warming.fork_lock:
        process.start()
    return process

def ask(does):
    forked(does).join()
    return json.loads((folder / "told.json").read_text())

def ask_after_loads(does, work, prepare=prepare):
    warming.build_follows(prepare, work)
    warming.load_follows("LoadMonth 0")
    ask(warming.load_begins)
    return ask(does)

def wait_for(happened):
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)
"""


def run(body: str, folder: Path) -> list[Any]:
    """What such a process prints, a line of JSON each."""
    program = textwrap.dedent(_RUN) + textwrap.dedent(body)
    result = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_who_is_ready_builds_once_and_the_validation_finds_its_library(tmp_path: Path) -> None:
    first, second, validation = run(
        """
        warming.build_follows(prepare, work)
        warming.validation_follows()
        warming.load_follows("LoadMonth")
        ask(warming.load_begins)
        print(json.dumps(ask(lambda: build("all", 2))))
        print(json.dumps(ask(lambda: build("again"))))
        wait_for(lambda: "great_expectations" in sys.modules)
        print(json.dumps(ask(lambda: None)))
        """,
        tmp_path,
    )
    assert first["prepared_by"] == first["built_by"] != first["task"]
    assert first["arguments"] == ["all", 2]
    assert second["prepared_by"] is None, "another attempt, say, does it by itself"
    assert second["built_by"] == second["task"]
    assert validation["heavy"] == ["great_expectations"]


def test_the_validation_s_library_is_imported_beside_who_still_gets_ready(tmp_path: Path) -> None:
    (told,) = run(
        """
        def slow():
            wait_for((folder / "imported").exists)
            return os.getpid()

        def look():
            wait_for(lambda: "great_expectations" in sys.modules)
            (folder / "imported").touch()

        os.sched_getaffinity = lambda pid: {0, 1}
        standby._LOOK = 60  # it waits, and is not to be taken for one that gets no processor time
        warming.validation_follows()
        threading.Thread(target=look).start()
        print(json.dumps(ask_after_loads(build, work, slow)))
        """,
        tmp_path,
    )
    assert told["built_by"] == told["prepared_by"] != told["task"]


def test_on_one_core_the_library_waits_for_who_gets_ready(tmp_path: Path) -> None:
    (told,) = run(
        """
        def slow():
            time.sleep(3)
            (folder / "ready").touch()

        def look():
            wait_for(lambda: "great_expectations" in sys.modules)
            print(json.dumps((folder / "ready").exists()), flush=True)

        os.sched_getaffinity = lambda pid: {0}
        warming.validation_follows()
        looking = threading.Thread(target=look)
        looking.start()
        ask_after_loads(build, work, slow)
        looking.join()
        """,
        tmp_path,
    )
    assert told is True


@pytest.mark.parametrize(("months", "niceness"), [(2, 0), (3, 7)])
def test_only_many_loads_have_the_cores_before_who_gets_ready(months: int, niceness: int, tmp_path: Path) -> None:
    (told,) = run(
        f"""
        def prepare():
            return os.getpriority(os.PRIO_PROCESS, 0)

        standby._LOWEST_PRIORITY = 7
        for number in range({3 * months}):
            warming.load_follows(f"LoadMonth {{number}}")
        print(json.dumps(ask_after_loads(build, work, prepare)))
        """,
        tmp_path,
    )
    assert told["prepared_by"] == niceness


def test_who_only_loads_gets_nothing_ready(tmp_path: Path) -> None:
    (told,) = run(
        """
        warming.load_follows("LoadMonth")
        ask(warming.load_begins)
        print(json.dumps(ask(build) | {"threads": threading.active_count()}))
        """,
        tmp_path,
    )
    assert told["heavy"] == []
    assert told["threads"] == 1
    assert told["built_by"] == told["task"]


def test_a_build_without_loads_waits_for_nothing(tmp_path: Path) -> None:
    (told,) = run(
        """
        warming.build_follows(prepare, work)
        warming.load_follows("zones")  # which take no time
        print(json.dumps(ask(build)))
        """,
        tmp_path,
    )
    assert told["waited"] < 10
    assert told["built_by"] == told["task"]
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize("ends", ["raise RuntimeError('no project')", "os.kill(os.getpid(), 9)", "time.sleep(60)"])
def test_who_fails_is_killed_or_hangs_keeps_no_build_waiting(ends: str, tmp_path: Path) -> None:
    (told,) = run(
        f"""
        def failing():
            {ends}

        standby._LOOK = 0.3
        print(json.dumps(ask_after_loads(build, work, failing)))
        """,
        tmp_path,
    )
    assert told["waited"] < 30
    assert told["prepared_by"] is None
    assert told["built_by"] == told["task"]


def test_what_the_build_says_is_said_by_its_task(tmp_path: Path) -> None:
    (told,) = run(
        """
        class Reporter:
            def __init__(self):
                self.messages = []

            def update_status_message(self, message):
                self.messages.append(message)

            def update_progress_percentage(self, percentage):
                self.messages.append(percentage)

        def work(ready):
            logging.getLogger("luigi_pipeline.warehouse").warning("%s is stale", "2024-09")
            progress.report("fct_trips (9 of 14)", 0.5, step="fct_trips")
            raise BuildFailed("dbt: no")

        def task():
            lines, reporter = [], Reporter()
            handler = logging.Handler()
            handler.emit = lambda record: lines.append([record.levelname, record.getMessage()])
            logging.getLogger("luigi_pipeline").addHandler(handler)
            with progress.following("DbtBuild", reporter):
                try:
                    build()
                except BuildFailed as error:
                    return {"error": str(error), "notes": error.__notes__, "lines": lines, "told": reporter.messages}

        print(json.dumps(ask_after_loads(task, work)))
        """,
        tmp_path,
    )
    assert told["error"] == "dbt: no"
    assert "in work" in told["notes"][0], "where it was raised"
    assert told["lines"] == [["WARNING", "2024-09 is stale"]]
    assert told["told"] == ["fct_trips (9 of 14)", 50]


def test_an_error_that_can_not_be_sent_is_told_in_its_words(tmp_path: Path) -> None:
    (told,) = run(
        """
        class Odd(Exception):
            def __init__(self, column, lock):
                super().__init__(f"no column {column}")
                self.lock = lock

        def work(ready):
            raise Odd("fare", threading.Lock())

        def task():
            try:
                build()
            except RuntimeError as error:
                return {"error": str(error)}

        print(json.dumps(ask_after_loads(task, work)))
        """,
        tmp_path,
    )
    assert told["error"] == "Odd: no column fare"


def test_a_build_whose_process_is_killed_fails(tmp_path: Path) -> None:
    (told,) = run(
        """
        def work(ready):
            os.kill(os.getpid(), 9)

        def task():
            try:
                build()
            except PipelineError as error:
                return {"error": str(error)}

        print(json.dumps(ask_after_loads(task, work)))
        """,
        tmp_path,
    )
    assert "was killed" in told["error"]


def test_a_build_ends_with_its_task(tmp_path: Path) -> None:
    (told,) = run(
        """
        import psutil

        def work(ready):
            (folder / "building").write_text(str(os.getpid()))
            time.sleep(60)

        warming.build_follows(prepare, work)
        warming.load_follows("LoadMonth")
        ask(warming.load_begins)
        task = forked(build)
        wait_for(lambda: (folder / "building").exists() and (folder / "building").read_text())
        builder = psutil.Process(int((folder / "building").read_text()))
        task.kill()
        began = time.monotonic()
        wait_for(lambda: not builder.is_running() or builder.status() == psutil.STATUS_ZOMBIE)
        print(json.dumps({"seconds": time.monotonic() - began}))
        """,
        tmp_path,
    )
    assert told["seconds"] < 30, "it would have gone on for a minute"


def test_a_project_that_has_changed_since_it_was_parsed_is_parsed_again(
    loaded: DataDir, ingested: Any, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "dbt_project", project / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "luigi.cfg", project)
    program = """
        import sys
        from pathlib import Path
        from luigi_pipeline.tasks.build import DbtBuild

        build = DbtBuild()
        parsed = build._parse()
        build._build(parsed, anew=False, changed=None)
        with Path(sys.argv[1]).open("a") as model:
            model.write("-- by the week")
        build._build(parsed, anew=False, changed=None)
    """
    names = {"PROJECT_DIR": project, "DATA_DIR": loaded.root, "CONFIG": ingested.config}
    model = project / "dbt_project" / "models" / "marts" / "fct_trips.sql"
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(model)],
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


def test_a_run_parses_its_project_once_and_before_it_builds(published: Any) -> None:
    log = (published.data.logs / "dbt.log").read_text(encoding="utf-8")
    commands = re.split(r"={20,} .* ={20,}", log)[1:]
    # A parse that was given up, as other tests had left it no processor, never comes to its end: the next one does.
    parsed = [number for number, said in enumerate(commands) if "full parse" in said and "Performance info" in said]
    built = [number for number, said in enumerate(commands) if "START sql incremental model marts.fct_trips" in said]
    assert len(parsed) == 1
    assert built
    assert parsed[0] < built[0]
