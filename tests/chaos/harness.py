"""Kill runs at random moments, run them again, and compare what comes of it with a run that nothing disturbed.

`make chaos KILLS=200` does it; `--seed` repeats what another call has done, as far as a moment can be repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from checksums import checksums
from fixtures import Result
from support import PROJECT, command, configuration, environment

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate

MONTHS = ("2024-10", "2024-11")
_ROWS = 400
_OFF_AT_FIRST = 0.15  # seconds: before that, Python has not begun
_MOST_KILLS_IN_A_ROW = 3


@dataclass(frozen=True)
class Scene:
    """What is run, on what was there before.

    Attributes:
        name: As it is told.
        before: A data dir to begin with; None for an empty one.
        config: The configuration file.
        options: More options of the command.
        sums: The checksums of the run that nothing disturbed.
        seconds: How long that run took.
    """

    name: str
    before: Path | None
    config: Path
    options: tuple[str, ...]
    sums: dict[str, tuple[int, int]]
    seconds: float


@dataclass
class Trial:
    """One kill, or a few in a row, and the run after it.

    Attributes:
        number: Which one it is.
        scene: What was run.
        delays: Seconds into the run, or its rerun, at which it was killed.
        doing: What it was doing when it was killed last, by its log.
        faults: How what came of it differs from a run that nothing disturbed, each in one line.
    """

    number: int
    scene: str
    delays: list[float] = field(default_factory=list)
    doing: str = ""
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        killed = ", ".join(f"{delay:.2f}" for delay in self.delays)
        return f"{self.scene}, killed after {killed} s {self.doing}: {'; '.join(self.faults) or 'equal'}"


@contextmanager
def stage(folder: Path) -> Iterator[list[Scene]]:
    """Serve a sample, and run it undisturbed once for each scene.

    The scenes: two months from nothing; a second month, and a first one that was republished, on top of the first.
    """
    first, second = folder / "published", folder / "republished"
    for place in (first, second):
        generate(place, months=MONTHS, taxi_trips_per_month=_ROWS, rides_per_month=_ROWS)
    with Publishers(first) as url, Publishers(second) as other_url:
        one = _built(_config(folder / "one.yaml", other_url, MONTHS[:1]), folder / "one")
        generate(second, months=MONTHS, taxi_trips_per_month=_ROWS + 50, rides_per_month=_ROWS, seed=7)
        both, other = _config(folder / "both.yaml", url, MONTHS), _config(folder / "other.yaml", other_url, MONTHS)
        yield [
            _undisturbed("from nothing", None, both, (), folder),
            _undisturbed("grown and republished", one, other, ("--mobility-refresh",), folder),
        ]


def trial(number: int, scene: Scene, chance: random.Random, folder: Path) -> Trial:
    """Kill a scene's run at random moments, run it once more to its end, and compare.

    Args:
        number: Which trial it is.
        scene: What to run.
        chance: Where the moments come from.
        folder: Where its data dir goes; it stays only where something differs.
    """
    data = DataDir(folder / f"trial-{number}")
    _begin(scene, data)
    this = Trial(number, scene.name)
    for _ in range(chance.choice((1, 1, 1, _MOST_KILLS_IN_A_ROW))):
        # The build takes most of the time; half of the kills are for what comes before it.
        until = scene.seconds * chance.choice((1, 0.4))
        this.delays.append(chance.uniform(_OFF_AT_FIRST, until))
        if not _kill_after(this.delays[-1], scene, data):
            break
    this.doing = _last_words(data)
    left = _markers(data)
    result = _run(scene, data)
    this.faults += _differences(scene, data, result)
    again = [name for name, content in _markers(data).items() if _is_redone(left.get(name), content)]
    this.faults += [f"{name} was done and was done again" for name in again]
    this.faults += [f"{path.relative_to(data.root)} was left over" for path in _litter(data)]
    if this.faults:
        (data.root / "rerun.log").write_text(result.stderr, encoding="utf-8")
    else:
        shutil.rmtree(data.root)
    return this


def _config(path: Path, url: str, months: tuple[str, ...]) -> Path:
    named = {"months": list(months)}
    end = {"2024-10": "2024-10-31", "2024-11": "2024-11-30"}[months[-1]]
    changes = {
        "sources": {"yellow_taxi": named, "citibike": named, "weather": {"end_date": end}},
        "validation": {"min_rows": {"yellow_taxi": 100, "citibike": 100}},
    }
    path.write_text(yaml.safe_dump(configuration(url, changes)), encoding="utf-8")
    return path


def _built(config: Path, folder: Path) -> Path:
    result = subprocess.run(
        command("Publish", data_dir=folder, config=config),
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return folder


def _undisturbed(name: str, before: Path | None, config: Path, options: tuple[str, ...], folder: Path) -> Scene:
    data = DataDir(folder / f"undisturbed {name}".replace(" ", "-"))
    scene = Scene(name, before, config, options, {}, 0)
    _begin(scene, data)
    begun = time.monotonic()
    result = _run(scene, data)
    seconds = time.monotonic() - begun
    assert result.returncode == 0, result.stderr
    return Scene(name, before, config, options, _sums(data), seconds)


def _sums(data: DataDir) -> dict[str, tuple[int, int]]:
    """Checksums of the warehouse and of what readers see."""
    published = {f"published {table}": found for table, found in checksums(data.published).items()}
    return checksums(data.warehouse) | published


def _begin(scene: Scene, data: DataDir) -> None:
    if scene.before:
        shutil.copytree(scene.before, data.root)
        # A copy is not known until it has been opened: that is no part of what is attacked here.
        (data.markers / "warehouse.json").unlink()
    else:
        data.root.mkdir(parents=True)


def _command(scene: Scene, data: DataDir) -> list[str]:
    return command("Publish", *scene.options, data_dir=data.root, config=scene.config)


def _run(scene: Scene, data: DataDir) -> Result:
    return subprocess.run(
        _command(scene, data), cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False
    )


def _kill_after(seconds: float, scene: Scene, data: DataDir) -> bool:
    """Kill a run with all its processes; False if it had ended before."""
    process = subprocess.Popen(
        _command(scene, data),
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _markers(data: DataDir) -> dict[str, dict[str, Any]]:
    paths = sorted(path for path in data.markers.rglob("*.json") if path.name != "warehouse.json")
    return {path.relative_to(data.markers).as_posix(): json.loads(path.read_text()) for path in paths}


def _is_redone(before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
    """Whether a load, build or validation that was left done was done again. To ask a publisher again is no harm."""
    if before is None or after["task"].startswith("Fetch") or before["fingerprint"] != after["fingerprint"]:
        return False
    return bool(before["started_at"] != after["started_at"])


def _differences(scene: Scene, data: DataDir, result: Result) -> list[str]:
    if result.returncode != 0:
        return [f"the rerun ended with {result.returncode}"]
    sums = _sums(data)
    tables = sorted(sums.keys() | scene.sums.keys())
    return [
        f"{table} is {sums.get(table)}, not {scene.sums.get(table)}"
        for table in tables
        if sums.get(table) != scene.sums.get(table)
    ]


def _litter(data: DataDir) -> list[Path]:
    scratch = [path for path in data.scratch.rglob("*") if path.is_file()] if data.scratch.exists() else []
    return scratch + [path for path in data.root.rglob("*") if path.suffix in (".part", ".tmp", ".wal")]


def _last_words(data: DataDir) -> str:
    log = data.logs / "pipeline.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    running = [line.rpartition(" running   ")[2] for line in lines if " running   " in line]
    return f"in {running[-1]}" if running else "at the start"


def main() -> int:
    """Run the trials and tell of each; 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="trials (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: any")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at once (default: %(default)s)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"seed {options.seed}, below {folder}", flush=True)
    with stage(folder) as scenes, ThreadPoolExecutor(options.jobs) as pool:
        for scene in scenes:
            print(f"{scene.name}: {scene.seconds:.1f} s undisturbed, {len(scene.sums)} tables", flush=True)
        trials = pool.map(
            lambda number: trial(
                number, scenes[number % len(scenes)], random.Random(f"{options.seed} {number}"), folder
            ),
            range(options.kills),
        )
        failed = 0
        for this in trials:
            print(f"{this.number + 1} of {options.kills}: {this}", flush=True)
            failed += bool(this.faults)
    print(f"{options.kills - failed} of {options.kills} equal; seed {options.seed}")
    if not failed:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
