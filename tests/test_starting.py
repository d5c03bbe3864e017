"""Ways in which runs are started, by people, supervisors, containers and desktops: each one works."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from fixtures import Query, Wait
from support import PROJECT, command, environment

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers

pytestmark = pytest.mark.pipeline

SHELL = ("sh", "-c")
NO_NAME = ("unshare", "--user", "--map-user=12345")
NAMELESS: dict[str, str | None] = dict.fromkeys(("USER", "LOGNAME", "USERNAME", "LNAME"))
FIRST = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
# The parent of its parent ends at once, so that another process takes it in.
DAEMON = (
    '((setsid "$@"; echo $? >"$0.new"; mv "$0.new" "$0.code") &); '
    'while [ ! -e "$0.code" ]; do sleep 0.1; done; exit $(cat "$0.code")'
)
# Python takes a locale of ASCII for one of UTF-8, unless it is told not to.
ASCII: dict[str, str | None] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

# What is put before the command; and into its environment (None: taken out of it).
WAYS: dict[str, tuple[tuple[str, ...], dict[str, str | None]]] = {
    "no standard input": ((*SHELL, 'exec "$@" <&-', "sh"), {}),
    "no standard output": ((*SHELL, 'exec "$@" >&-', "sh"), {}),
    "no standard error": ((*SHELL, 'exec "$@" 2>&-', "sh"), {}),
    "none of the three": ((*SHELL, 'exec "$@" <&- >&- 2>&-', "sh"), {}),
    "a full standard output and error": ((*SHELL, 'exec "$@" >/dev/full 2>&1', "sh"), {}),
    "a reader that has gone": ((*SHELL, '{ "$@" 2>&1; echo $? >"$0.code"; } | true; exit $(cat "$0.code")'), {}),
    "a shell's job in the background": ((*SHELL, '"$@" & wait $!', "sh"), {}),
    "nohup": (("nohup",), {}),
    "SIGTERM ignored": ((*SHELL, 'trap "" TERM; exec "$@"', "sh"), {}),
    "all signals ignored": ((*SHELL, 'trap "" TERM INT HUP PIPE CHLD; exec "$@"', "sh"), {}),
    "a session of its own": (("setsid", "--wait"), {}),
    "a daemon": ((*SHELL, DAEMON), {}),
    "a container's first process": (FIRST, {}),
    "no home": ((), {"HOME": None}),
    "a home that is not there": ((), {"HOME": "/nonexistent"}),
    "a home that can't be written to": ((), {"HOME": "/proc"}),
    "no name for the user's id": (NO_NAME, NAMELESS),
    "neither a home nor a name": (NO_NAME, {"HOME": None, **NAMELESS}),
    "64 file descriptors": ((*SHELL, 'ulimit -n 64; exec "$@"', "sh"), {}),
    "a locale of ASCII": ((), ASCII),
    "a locale that is not there": ((), {"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX"}),
    "no terminal's kind": ((), {"TERM": None}),
}


def surroundings(changes: dict[str, str | None]) -> dict[str, str]:
    """An environment with some variables changed, and some taken out."""
    changes = {"PYTHONUNBUFFERED": None, **changes}  # with it, Python has nothing left to write at its end
    env = environment({name: value for name, value in changes.items() if value is not None})
    return {name: value for name, value in env.items() if changes.get(name, value) is not None}


def start(
    way: tuple[str, ...], task: str, data: DataDir, file: Path, env: dict[str, str | None] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """Start a run in some way."""
    # A shell script that is given no name takes the first word for it, here a path that it may write beside.
    name = (str(file),) if way[:2] == SHELL and len(way) == 3 else ()
    return subprocess.Popen(
        [*way, *name, *command(task, data_dir=data.root, config=file)],
        cwd=PROJECT,
        env=surroundings(env or {}),
        text=True,
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options,
    )


def is_possible(way: tuple[str, ...]) -> bool:
    """Whether this machine has a way to start something."""
    return subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("way", "env"), WAYS.values(), ids=WAYS)
def test_a_run_works_however_it_is_started(
    way: tuple[str, ...], env: dict[str, str | None], data: DataDir, one_month: Path, query: Query
) -> None:
    if way[:1] == ("unshare",) and not is_possible(way):
        pytest.skip("this machine lets no one make namespaces")
    process = start(way, "IngestWeather", data, one_month, env)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert query(data, "select count(*) from raw_data.hourly_weather") == [(745,)]
    log = (data.logs / "pipeline.log").read_text(encoding="utf-8")
    assert "This progress looks :)" in log
    assert "Traceback" not in log
    assert "died unexpectedly" not in log


@pytest.mark.parametrize("no_one_hears", ["2>&-", "2>/dev/full"])
def test_a_run_that_no_one_hears_logs_why_it_can_not_be(no_one_hears: str, data: DataDir, one_month: Path) -> None:
    one_month.write_text("sources: {uber: {}}\n", encoding="utf-8")
    way = (*SHELL, f'exec "$@" {no_one_hears}', "sh")
    assert start(way, "IngestWeather", data, one_month).wait(60) == 40
    assert not data.root.exists(), "nothing is touched"
    data.logs.mkdir(parents=True)
    assert start(way, "IngestWeather", data, one_month).wait(60) == 40
    (line,) = (data.logs / "pipeline.log").read_text(encoding="utf-8").splitlines()
    assert " ERROR " in line
    assert f"luigi_pipeline: {one_month}: " in line
    assert [it.name for it in data.root.iterdir()] == ["logs"]


# A signal that is ignored, the way to have it so, and where it comes from.
IGNORED = {
    signal.SIGHUP: ("nohup",),
    signal.SIGINT: (*SHELL, '"$@" & wait $!', "sh"),
    signal.SIGTERM: (*SHELL, 'trap "" TERM; exec "$@"', "sh"),
}


@pytest.mark.parametrize(("number", "way"), IGNORED.items(), ids=[number.name for number in IGNORED])
def test_a_signal_that_was_ignored_when_the_run_began_stays_ignored_in_all_its_processes(
    number: signal.Signals,
    way: tuple[str, ...],
    data: DataDir,
    one_month: Path,
    publishers: Publishers,
    wait_until: Wait,
    query: Query,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=1, seconds=3))
    process = start(way, "IngestWeather", data, one_month, start_new_session=True)
    wait_until(lambda: publishers.log)
    for child in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        if child.name() != "sh":  # which heeds it
            child.send_signal(number)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "stopped" not in said
    assert "attempt" not in said, "it is the process that began the fetch which ended it"
    assert query(data, "select count(*) from raw_data.hourly_weather") == [(745,)]


@pytest.mark.parametrize(
    ("way", "number"),
    [((*SHELL, 'trap "" TERM; exec "$@"', "sh"), signal.SIGINT), (("nohup",), signal.SIGTERM), (FIRST, signal.SIGTERM)],
    ids=["SIGINT beside an ignored SIGTERM", "SIGTERM under nohup", "SIGTERM to a container's first process"],
)
def test_other_signals_end_the_run_and_all_its_processes(
    way: tuple[str, ...],
    number: signal.Signals,
    data: DataDir,
    one_month: Path,
    publishers: Publishers,
    wait_until: Wait,
) -> None:
    if way == FIRST and not is_possible(way):
        pytest.skip("this machine lets no one make namespaces")
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, seconds=60))
    process = start(way, "IngestWeather", data, one_month)
    wait_until(lambda: publishers.log)
    family = psutil.Process(process.pid).children(recursive=True)
    (family[0] if way == FIRST else psutil.Process(process.pid)).send_signal(number)
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 128 + number, said
    assert f"stopped by {number.name}" in said
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_all_is_published_with_nothing_at_hand(data: DataDir, one_month: Path) -> None:
    way: tuple[str, ...] = (*SHELL, 'ulimit -n 64; exec "$@" <&- >&- 2>&-', "sh")
    way = (*NO_NAME, *way) if is_possible(NO_NAME) else way
    process = start(way, "Publish", data, one_month, {"HOME": None, **NAMELESS, **ASCII})
    said = process.communicate(timeout=170)[0]
    assert process.returncode == 0, said + (data.logs / "pipeline.log").read_text(encoding="utf-8")
    with duckdb.connect(str(data.published), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.dim_weather").fetchall() == [(744,)]
