"""Later stages' tools are got ready while months are loaded, and nothing depends on it."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from support import PROJECT

# A process that takes itself for a run, tells what follows, and asks a task's process, forked from it, what it has.
_RUN = """
import json, multiprocessing, os, sys, threading, time
from pathlib import Path
from luigi_pipeline import runs
from luigi_pipeline.tasks import warming

runs.is_on = lambda: True
folder = Path(sys.argv[1])

def task(begins=lambda: None):
    began = time.monotonic()
    begins()
    heavy = [name for name in ("dbt", "great_expectations") if name in sys.modules]
    waited = time.monotonic() - began
    (folder / "told.json").write_text(json.dumps({"heavy": heavy, "waited": waited}))

def ask(begins=lambda: None):
    process = multiprocessing.Process(target=task, args=(begins,))
    with warming.fork_lock:
        process.start()
    process.join()
    return json.loads((folder / "told.json").read_text())

def wait_for(module):
    while module not in sys.modules:
        time.sleep(0.1)

def parse():
    until = time.process_time() + 1
    while time.process_time() < until:
        pass
    (folder / "parsed").touch()
"""


def run(body: str, folder: Path) -> list[Any]:
    """What such a process prints, a line of JSON each."""
    program = textwrap.dedent(_RUN) + textwrap.dedent(body)
    result = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_build_finds_its_project_parsed_and_the_validation_its_library(tmp_path: Path) -> None:
    build, validation = run(
        """
        warming._LOW_PRIORITY, warming._LOOK = 0, 10  # beside other tests, too, it gets a fifth of one core
        warming.build_follows(parse)
        warming.validation_follows()
        warming.loads_follow()
        ask(warming.load_begins)
        print(json.dumps(ask(warming.build_begins) | {"parsed": (folder / "parsed").exists()}))
        wait_for("great_expectations")
        print(json.dumps(ask()))
        """,
        tmp_path,
    )
    assert build["parsed"]
    assert validation["heavy"] == ["great_expectations"]


def test_who_only_loads_gets_nothing_ready(tmp_path: Path) -> None:
    (told,) = run(
        """
        warming.loads_follow()
        ask(warming.load_begins)
        print(json.dumps(ask(warming.build_begins) | {"threads": threading.active_count()}))
        """,
        tmp_path,
    )
    assert told["heavy"] == []
    assert told["threads"] == 1


def test_a_build_without_loads_waits_for_nothing(tmp_path: Path) -> None:
    (told,) = run(
        """
        warming.build_follows(parse)
        warming.loads_follow()  # of the zones, say, which take no time
        print(json.dumps(ask(warming.build_begins)))
        """,
        tmp_path,
    )
    assert told["waited"] < 10, "not as long as a parse may take"
    assert not (tmp_path / "parsed").exists()


@pytest.mark.parametrize("ends", ["raise RuntimeError('no project')", "os.kill(os.getpid(), 9)", "time.sleep(60)"])
def test_a_parse_that_fails_is_killed_or_hangs_keeps_no_build_waiting(ends: str, tmp_path: Path) -> None:
    (told,) = run(
        f"""
        def failing():
            {ends}

        warming.build_follows(failing)
        warming.loads_follow()
        ask(warming.load_begins)
        print(json.dumps(ask(warming.build_begins)))
        """,
        tmp_path,
    )
    assert told["waited"] < 30


def test_a_run_parses_its_project_once_and_before_it_builds(published: Any) -> None:
    log = (published.data.logs / "dbt.log").read_text(encoding="utf-8")
    commands = re.split(r"={20,} .* ={20,}", log)[1:]
    # A parse that was given up, as other tests had left it no processor, never comes to its end: the next one does.
    parsed = [number for number, said in enumerate(commands) if "full parse" in said and "Performance info" in said]
    built = [number for number, said in enumerate(commands) if "START sql incremental model marts.fct_trips" in said]
    assert len(parsed) == 1
    assert built
    assert parsed[0] < built[0]
