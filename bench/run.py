"""`make bench`: what the pipeline costs, beside what DuckDB alone would, in the same run on the same machine.

The published files are generated once, from a seed, and kept. Then the floor (bench/floor.py) and the pipeline take
turns. What is compared are ratios of runs that followed each other: seconds say more about the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import yaml
from measure import Cost, run
from rich.console import Console
from show import show, show_growth

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.state import markers

PROJECT = Path(__file__).resolve().parents[1]
_BIN = Path(sys.executable).parent
_TRIPS, _RIDES = 8_600_000, 1_400_000  # of three months, at scale 1
_MONTHS = ("2024-09", "2024-11")
_GROWTH = (1, 3, 6, 12, 24)
_HARDLY_ANYTHING = 0.003  # as a scale: less than a thousand rides are no month to the expectations
_LIMITS = {"threads": 2, "memory_limit": "1GB"}


class Bench:
    """One folder of published files, and what is measured on it."""

    def __init__(self, folder: Path, months: list[str], scale: float, seed: int, console: Console) -> None:
        """Generate the files, unless they are there."""
        self.months, self.console = months, console
        self.folder = folder / f"{months[0]}-{months[-1]}-{scale:g}-{seed}"
        self.published = self.folder / "published"
        done = self.folder / "generated"
        if not done.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            console.print(f"generating {len(months)} months at scale {scale:g}, once")
            sizes = {"taxi_trips_per_month": int(_TRIPS * scale / 3), "rides_per_month": int(_RIDES * scale / 3)}
            generate(self.published, months=months, seed=seed, **sizes)
            done.touch()

    def configuration(self, url: str, months: list[str]) -> Path:
        """Write the configuration of some of the months."""
        path = self.folder / "ingestion.yaml"
        weather = {
            "start_date": f"{months[0]}-01",
            "end_date": str(Month(months[-1]).last_day),
            "calls_per_minute": 100_000,
        }
        sources: dict[str, Any] = {
            "yellow_taxi": {"base_url": url, "months": months},
            "citibike": {"base_url": f"{url}/tripdata", "months": months},
            "weather": {"base_url": f"{url}/v1/archive"} | weather,
        }
        path.write_text(yaml.safe_dump({"sources": sources, "warehouse": _LIMITS}), encoding="utf-8")
        return path

    def pipeline(self, data: DataDir, config: Path, *, with_memory: bool = False) -> tuple[Cost, dict[str, float]]:
        """Run the pipeline.

        Returns:
            What the run cost, and the seconds of its stages: `load` is all from the start to the last load.
        """
        options = ["--mobility-data-dir", str(data.root), "--mobility-config", str(config)]
        command = [str(_BIN / "luigi"), "--module", "luigi_pipeline", "Validate", *options]
        cost = run(command, cwd=PROJECT, env=_environment(), with_memory=with_memory)
        loads = [_finished(path) for path in (data.markers / "LoadMonth").rglob("*.json")]
        stages = {"load": max(loads) - cost.began}
        for stage, name in (("build", "DbtBuild"), ("validate", "Validate")):
            marker = markers.read(data.markers / f"{name}.json")
            if marker:
                stages[stage] = markers.seconds(marker)
        return cost, stages

    def floor(self, data: DataDir, plan: Path, *, with_memory: bool = False) -> tuple[Cost, dict[str, float]]:
        """Run the script that does the same with DuckDB alone."""
        said = self.folder / "floor.json"
        program = [sys.executable, str(PROJECT / "bench" / "floor.py"), str(self.published), str(data.root), str(plan)]
        cost = run([*program, str(said)], cwd=PROJECT, env=_environment(), with_memory=with_memory)
        return cost, json.loads(said.read_text(encoding="utf-8"))

    def plan(self, data: DataDir) -> Path:
        """What the floor is to do, with the models' SQL as dbt compiled it for an empty warehouse."""
        manifest = json.loads((data.dbt / "target" / "manifest.json").read_text(encoding="utf-8"))
        models = {key: node for key, node in manifest["nodes"].items() if key.startswith("model.")}
        order: list[str] = []

        def visit(key: str) -> None:
            if key in models and key not in order:
                for parent in models[key]["depends_on"]["nodes"]:
                    visit(parent)
                order.append(key)

        for key in models:
            visit(key)
        made = [
            {
                "name": models[key]["name"],
                "schema": models[key]["schema"],
                "materialized": models[key]["config"]["materialized"],
                "sql": models[key]["compiled_code"],
            }
            for key in order
        ]
        path = self.folder / "floor-plan.json"
        path.write_text(json.dumps({"limits": _LIMITS, "models": made}), encoding="utf-8")
        return path


def compare(bench: Bench, repeats: int) -> dict[str, Any]:
    """Let the floor and the pipeline take turns, and nothing-to-do runs beside an empty task of Luigi's.

    Memory is looked at in a first round, which is not timed.
    """
    floors, pipelines, idle, empty = [], [], [], []
    with _served(bench) as url:
        config = bench.configuration(url, bench.months)
        bench.console.print("a round for memory")
        with _fresh(bench.folder / "data") as data:
            peaks = {"pipeline": bench.pipeline(data, config, with_memory=True)[0].peak_bytes}
            plan = bench.plan(data)
        with _fresh(bench.folder / "floor") as data:
            peaks["floor"] = bench.floor(data, plan, with_memory=True)[0].peak_bytes
        for number in range(1, repeats + 1):
            bench.console.print(f"round {number} of {repeats}")
            with _fresh(bench.folder / "data") as data:
                pipelines.append(_row(*bench.pipeline(data, config), data))
                for _ in range(3):
                    idle.append(bench.pipeline(data, config)[0].seconds)
                    empty.append(_empty_task())
            with _fresh(bench.folder / "floor") as data:
                floors.append(_row(*bench.floor(data, plan), data))
    if {row["trips"] for row in floors} != {row["trips"] for row in pipelines}:
        raise RuntimeError("the floor and the pipeline do not end with the same trips, so they can't be compared")
    landed = sum(path.stat().st_size for path in bench.published.rglob("*") if path.suffix in (".parquet", ".zip"))
    measured = {"pipeline": pipelines, "floor": floors, "peak_bytes": peaks, "idle": idle, "empty": empty}
    return measured | {"landed_bytes": landed}


def grow(bench: Bench, hardly_anything: Bench) -> dict[str, Any]:
    """Add a month to warehouses of more and more months, looking at the memory of each run that is timed.

    Args:
        bench: The months.
        hardly_anything: A month of so few rows that its run costs what the tools take to start.
    """
    added: dict[int, Any] = {}
    with _served(hardly_anything) as url, _fresh(hardly_anything.folder / "data") as data:
        hardly_anything.console.print("a month of hardly any rows")
        config = hardly_anything.configuration(url, hardly_anything.months)
        start_up = _row(*hardly_anything.pipeline(data, config, with_memory=True), data)
    with _served(bench) as url, _fresh(bench.folder / "growing") as data:
        for months in (count for count in _GROWTH if count <= len(bench.months)):
            if months > 1:
                bench.pipeline(data, bench.configuration(url, bench.months[: months - 1]))
            bench.console.print(f"the month that makes it {months}")
            config = bench.configuration(url, bench.months[:months])
            cost, stages = bench.pipeline(data, config, with_memory=True)
            added[months] = _row(cost, stages, data) | {"peak_bytes": cost.peak_bytes}
    return {"start_up": start_up, "added": added}


def _row(cost: Cost, stages: dict[str, float], data: DataDir) -> dict[str, float]:
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        trips = connection.execute("select count(*) from marts.fct_trips").fetchall()[0][0]
    return stages | {
        "trips": trips,
        "total": cost.seconds,
        "written_bytes": cost.written_bytes,
        "warehouse_bytes": data.warehouse.stat().st_size,
    }


@contextmanager
def _served(bench: Bench) -> Iterator[str]:
    with contextlib.redirect_stderr(io.StringIO()), Publishers(bench.published) as url:
        yield url


@contextmanager
def _fresh(folder: Path) -> Iterator[DataDir]:
    shutil.rmtree(folder, ignore_errors=True)
    yield DataDir(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _finished(path: Path) -> float:
    import datetime as dt

    marker = markers.read(path)
    return dt.datetime.fromisoformat(marker.finished_at).timestamp() if marker else 0.0


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}


def _empty_task() -> float:
    """Seconds of `luigi` running one task that does nothing, in this project's folder."""
    options = ["--module", "empty_task", "Empty", "--local-scheduler"]
    env = _environment() | {"PYTHONPATH": str(PROJECT / "bench")}
    return run([str(_BIN / "luigi"), *options], cwd=PROJECT, env=env).seconds


def main() -> None:
    """Measure, print and write bench.json."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 8.6 million taxi trips and 1.4 million rides")
    parser.add_argument("--seed", type=int, default=2024, help="of the generated files")
    parser.add_argument("--repeats", type=int, default=3, help="how often the floor and the pipeline take turns")
    parser.add_argument("--growth", action="store_true", help="add months one by one instead: 1, 3, 6, 12 and 24")
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench", help="where the files are kept")
    options = parser.parse_args()
    console = Console(highlight=False, width=120)
    last = Month(_MONTHS[1])
    first = last.shift(1 - _GROWTH[-1]) if options.growth else Month(_MONTHS[0])
    months = [str(month) for month in Month.between(first, last)]
    folder = options.folder.resolve()
    bench = Bench(folder, months, options.scale, options.seed, console)
    if options.growth:
        result = grow(bench, Bench(folder, months[-1:], _HARDLY_ANYTHING, options.seed, console))
    else:
        result = compare(bench, options.repeats)
    (show_growth if options.growth else show)(result, console)
    path = options.folder / ("growth.json" if options.growth else "bench.json")
    path.write_text(json.dumps(result | {"scale": options.scale, "seed": options.seed}, indent=2), encoding="utf-8")
    console.print(f"all of it: {path}")


if __name__ == "__main__":
    main()
