"""Running the pipeline on damaged data: the real command, in processes that have paid for the imports already."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import httpx
import yaml
from damage import NOVEMBER, OCTOBER, ROWS, Damage
from support import PROJECT, configuration, environment, load_settings

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers, generate
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.validation.plausibility import PROFILES
from luigi_pipeline.warehouse.recognise import recognise

Outcome = Literal["refused", "found", "missed"]

# Importing these takes longer than most runs.
_PRELOADED = [
    "luigi.cmdline",
    "luigi_pipeline.tasks",
    "luigi_pipeline.sources.http",
    "luigi_pipeline.warehouse.loading",
    "luigi_pipeline.warehouse.models",
    "luigi_pipeline.validation.run",
    "dlt.destinations",
    "dlt.common.libs.pyarrow",
    "dbt.cli.main",
    "dbt.adapters.duckdb.connections",
    "great_expectations.expectations.core.unexpected_rows_expectation",
    "duckdb_sqlalchemy",
    "pandas",
]
_FAILED = re.compile(r"^\d\d:\d\d:\d\d error: (?P<task>\w+)(?P<what>[^:]*) failed: (?P<why>.+)$", re.MULTILINE)
_TOLD = re.compile(
    r"^\d\d:\d\d:\d\d warning: (?P<told>(?:Load|Fetch)\w+ [^:]+: .*(?:suspicious|new column).*)$", re.MULTILINE
)
_TAKEN_OUT = re.compile(r"warning: (?P<told>[^:]+: the warehouse holds other rows than were loaded)")


@dataclass(frozen=True)
class Verdict:
    """What became of a damage.

    Attributes:
        outcome: refused: the run fails, or such data never gets into the models; found: the run ends well and
            says so; missed: nothing is said.
        stage: Where it was caught: fetch, load, dbt, expectations or profile.
        by: The checks that caught it, in words.
    """

    outcome: Outcome
    stage: str
    by: tuple[str, ...]


class Bench:
    """A sample, its server and a pipeline that has run on it, to be damaged again and again.

    Attributes:
        clean: The verdict on the sample itself: missed, as there is nothing to catch.
    """

    def __init__(self, folder: Path) -> None:
        """Make the sample and run the pipeline on it.

        Args:
            folder: An empty folder to work in.
        """
        self._folder = folder
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(_PRELOADED)
        self._sound, self._served = folder / "sound", folder / "published"
        months = (OCTOBER, NOVEMBER)
        generate(self._sound, months=months, taxi_trips_per_month=ROWS, rides_per_month=ROWS)
        shutil.copytree(self._sound, self._served)
        self._publishers = Publishers(self._served)
        self._config = folder / "ingestion.yaml"
        url = self._publishers.__enter__()
        self._config.write_text(yaml.safe_dump(configuration(url)), encoding="utf-8")
        self._data, self._base = DataDir(folder / "data"), folder / "base"
        self.clean = self._run()
        # What a verdict is read from is to be of the damaged data.
        shutil.rmtree(self._data.validation)
        _results(self._data).unlink()
        # The copies take its place: of a warehouse that is elsewhere, dbt would parse the whole project anew.
        self._data.root.rename(self._base)

    def close(self) -> None:
        """Stop the server."""
        self._publishers.__exit__(None, None, None)

    def judge(self, damage: Damage) -> Verdict:
        """Do a damage to a copy, and see what the pipeline says."""
        data = self._data
        shutil.copytree(self._base, data.root)
        try:
            if damage.place == "published":
                # The copy is told apart from what it was copied from; asked here, no task needs to.
                recognise(data, Warehouse())
                with self._published(damage, data):
                    return self._run()
            if damage.place == "raw":
                _change(data, [*_FORGET_MODELS, *damage.statements])
                return self._run()
            _change(data, list(damage.statements))
            return self._check()
        finally:
            shutil.rmtree(data.root)

    @contextmanager
    def _published(self, damage: Damage, data: DataDir) -> Iterator[None]:
        if damage.answer:
            self._answer_otherwise(damage.answer)
            _forget(data, f"Month/weather/{OCTOBER}")
            yield
            return
        assert damage.publish
        damage.publish(self._served)
        changed = [path for path in _files(self._sound) if _differs(self._sound / path, self._served / path)]
        assert changed, f"{damage.name}: changes nothing"
        for path in changed:
            _forget(data, *_markers(path))
        try:
            yield
        finally:
            shutil.rmtree(self._served)
            shutil.copytree(self._sound, self._served)

    def _answer_otherwise(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Make the server's next answer about the weather another one."""
        request = SOURCES["weather"].request(Month(OCTOBER), load_settings(self._config))
        body = httpx.get(request["url"], params=request["params"]).raise_for_status().json()
        change(body)
        content = json.dumps(body).encode()
        fault = Fault("/v1/archive", kind="garbage", body=content, content_type="application/json")
        self._publishers.faults.add(fault)

    def _run(self) -> Verdict:
        arguments = ["Validate", "--workers", "1"]
        arguments += ["--mobility-config", str(self._config), "--mobility-data-dir", str(self._data.root)]
        code, said = self._in_child(_luigi, arguments)
        failed = _FAILED.search(said)
        if code not in (0, 30) or (code == 30) != bool(failed):
            raise AssertionError(f"exit code {code}: {said[-3000:]}")
        if failed and failed["task"].startswith(("Fetch", "Load")):
            stage = "fetch" if failed["task"].startswith("Fetch") else "load"
            return Verdict("refused", stage, (_short(failed["why"]),))
        taken_out = _TAKEN_OUT.search(said)
        if taken_out:
            return Verdict("refused", "load", (taken_out["told"],))
        told = tuple(_short(found["told"]) for found in _TOLD.finditer(said))
        return _verdict(bool(failed), told, self._data)

    def _check(self) -> Verdict:
        code, said = self._in_child(_check_models, [str(self._data.root), str(self._config)])
        if code not in (0, 30):
            raise AssertionError(f"exit code {code}: {said[-3000:]}")
        return _verdict(code == 30, (), self._data)

    def _in_child(self, function: Callable[[list[str]], None], arguments: list[str]) -> tuple[int | None, str]:
        said = self._folder / "said.txt"
        here = Path.cwd()
        os.chdir(PROJECT)  # Luigi reads luigi.cfg from the folder in which it is imported
        try:
            child = self._processes.Process(target=_speaking_to, args=(said, function, arguments))
            child.start()
        finally:
            os.chdir(here)
        child.join()
        return child.exitcode, said.read_text(encoding="utf-8")


# The models are as if they had never been built.
_FORGET_MODELS = ("drop schema marts cascade", "drop schema staging cascade", "drop table meta.model_code")


def _change(data: DataDir, statements: list[str]) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        for statement in statements:
            before = connection.execute("select 1").fetchone()
            counted = connection.execute(statement).fetchone()
            assert before
            assert counted != (0,), f"changes nothing: {statement}"


def _files(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


def _differs(one: Path, other: Path) -> bool:
    return one.read_bytes() != other.read_bytes()


def _forget(data: DataDir, *markers: str) -> None:
    for marker in markers:
        for task in ("Fetch", "Load"):
            (data.markers / f"{task}{marker}.json").unlink()


def _markers(path: Path) -> list[str]:
    """The markers of a published file's months, below the task's kind."""
    if path.suffix == ".parquet":
        return [f"Month/yellow_taxi/{path.stem[-7:]}"]
    if path.suffix == ".zip":
        return [f"Month/citibike/{path.stem[:4]}-{path.stem[4:6]}"]
    return ["Zones"] if path.suffix == ".csv" else [f"Month/weather/{month}" for month in (OCTOBER, NOVEMBER)]


def _short(text: str) -> str:
    return re.sub(r"; (kept as|see|it begins with) .*", "", text)[:160]


def _statistic(why: str) -> str:
    """Which statistic is unusual, without the sources that it is said of."""
    return why.partition(" (")[0]


def _results(data: DataDir) -> Path:
    return data.dbt / "target" / "run_results.json"


def _verdict(failed: bool, told: tuple[str, ...], data: DataDir) -> Verdict:
    """What dbt's tests and the expectations said, by what they left behind."""
    tests = json.loads(_results(data).read_text(encoding="utf-8"))["results"]
    validated = data.validation / "report.json"
    report = json.loads(validated.read_text()) if validated.exists() else {"results": []}
    failures = ("fail", "error", "runtime error")
    stages = {
        "dbt": [
            (item["status"] in failures, item["unique_id"].split(".")[2])
            for item in tests
            if item["status"] in (*failures, "warn")
        ],
        "expectations": [
            (item["severity"] == "critical" or item["status"] == "errored", f"{item['suite']}: {item['why']}")
            for item in report["results"]
            if item["status"] in ("failed", "errored") and item["suite"] != PROFILES
        ],
        "profile": [
            (item["status"] == "errored", _statistic(item["why"]))
            for item in report["results"]
            if item["status"] in ("failed", "errored") and item["suite"] == PROFILES
        ],
    }
    for stage, found in stages.items():
        refused = tuple(text for critical, text in found if critical)
        if failed and refused:
            return Verdict("refused", stage, refused)
    assert not failed, stages
    remarks = [*told, *(text for noticed in stages.values() for _, text in noticed)]
    if not remarks:
        return Verdict("missed", "", ())
    stage = "load" if told else next(stage for stage, noticed in stages.items() if noticed)
    return Verdict("found", stage, tuple(remarks))


# In a child


def _speaking_to(said: Path, function: Callable[[list[str]], None], arguments: list[str]) -> None:
    gc.freeze()  # what was imported stays: no need to look for garbage among it
    file = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(environment())
    for name in set(os.environ) - set(environment()):
        del os.environ[name]
    # Luigi forks its tasks, as it does when it is run from a shell.
    multiprocessing.set_start_method("fork", force=True)
    function(arguments)


def _luigi(arguments: list[str]) -> None:
    from luigi.cmdline import luigi_run

    sys.argv = ["luigi", "--module", "luigi_pipeline", *arguments]
    luigi_run(sys.argv[1:])


def _check_models(arguments: list[str]) -> None:
    """Run all checks on the models as they are: dbt's data tests, then the expectations."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from luigi_pipeline.validation.run import ValidationInput, validate
    from luigi_pipeline.warehouse import models

    data, config = DataDir(Path(arguments[0])), load_settings(Path(arguments[1]))
    sources = ["yellow_taxi", "citibike", "weather"]
    variables: dict[str, Any] = {
        "enabled_sources": sources,
        "weather_start_date": str(config.sources.weather.start_date),
        "weather_end_date": str(config.sources.weather.end_date),
    }
    with models.environment(data, config.warehouse, variables):
        options = models.options(PROJECT / "dbt_project", data, variables)
        tested = dbtRunner().invoke(["test", "--exclude-resource-type", "unit_test", *options])
        DuckDBConnectionManager.close_all_connections()
    if not tested.success:
        raise SystemExit(30)
    thresholds = ValidationInput(
        frozenset({*sources, "taxi_zones"}), config.validation.min_rows.model_dump(), threads=1
    )
    usual = PROJECT / "config" / "plausibility.yml"
    summary = validate(
        data.warehouse, PROJECT / "config" / "expectations", thresholds, data.validation, plausibility=usual
    )
    raise SystemExit(0 if summary.ok else 30)
