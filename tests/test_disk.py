"""A full or read-only disk, a damaged warehouse, markers that are wrong, a data dir that moves."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from checksums import checksums
from fixtures import Command, Ingested, Query, Result, Run
from support import MONTHS

from luigi_pipeline.core.datadir import DataDir

# How DuckDB lays out its file: https://duckdb.org/docs/stable/internals/storage
_HEADERS = 3 * 4096
_BLOCK = 262144


class SmallDisk:
    """A file system of its own, of a size that can be changed, to be mounted read-only too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mount("-t", "tmpfs", "tmpfs", options="size=64k")

    def resize(self, size: str) -> None:
        self._mount(options=f"remount,rw,size={size}")

    def protect(self) -> None:
        self._mount(options="remount,ro")

    def drop(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def _mount(self, *arguments: str, options: str) -> None:
        subprocess.run(["mount", *arguments, "-o", options, str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        disk = SmallDisk(folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"only root may mount a file system: {error.stderr.decode().strip()}")
    yield disk
    disk.drop()


def failures(result: Result) -> list[str]:
    """What failed, each in one line; there is nothing else that a person would have to read."""
    assert result.returncode == 30, result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert "Logging error" not in result.stderr + result.stdout
    found = [line for line in result.stderr.splitlines() if " failed: " in line]
    assert found
    return found


# The second failure may follow from the first: what stands there is the same in all of them.
@pytest.mark.parametrize(("size", "task", "stage"), [("300k", "Ingest", "FetchMonth"), ("5m", "Ingest", "LoadMonth")])
def test_a_disk_that_is_full_is_told_and_the_next_run_goes_on(
    small_disk: SmallDisk, ingested: Ingested, run_luigi: Run, size: str, task: str, stage: str
) -> None:
    data = DataDir(small_disk.folder / "data")
    small_disk.resize(size)
    told = failures(run_luigi(task, data_dir=data.root, config=ingested.config))
    assert any(stage in line for line in told)
    assert all(f"no space is left on the disk of {data.root}; make some" in line for line in told), told
    small_disk.resize("200m")
    result = run_luigi(task, data_dir=data.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert checksums(data.warehouse) == checksums(ingested.data.warehouse)


def test_a_disk_that_fills_up_while_the_models_are_built_is_told_and_the_next_run_goes_on(
    small_disk: SmallDisk, loaded: DataDir, ingested: Ingested, run_luigi: Run, query: Query
) -> None:
    small_disk.resize("200m")
    data = DataDir(small_disk.folder / "data")
    shutil.copytree(loaded.root, data.root, ignore=shutil.ignore_patterns("landing"))
    used = sum(path.stat().st_size for path in data.root.rglob("*") if path.is_file())
    small_disk.resize(f"{used // 1024 + 3000}k")
    (told,) = failures(run_luigi("DbtBuild", data_dir=data.root, config=ingested.config))
    assert "DbtBuild failed: " in told
    assert f"no space is left on the disk of {data.root}" in told
    assert not (data.markers / "DbtBuild.json").exists()
    small_disk.resize("200m")
    result = run_luigi("DbtBuild", data_dir=data.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert not re.search(r"LoadMonth .*: [\d,]+ rows", result.stderr)
    trips = "select count(*) from marts.fct_trips where trip_type = 'yellow_taxi'"
    assert query(data, trips) == query(data, "select count(*) from raw_data.yellow_taxi")


def test_a_disk_that_is_not_to_be_written_to_is_one_line(
    small_disk: SmallDisk, ingested: Ingested, run_luigi: Run, run_command: Command
) -> None:
    small_disk.resize("200m")
    data = DataDir(small_disk.folder / "data")
    shutil.copytree(ingested.data.root, data.root)
    small_disk.protect()
    result = run_luigi("Ingest", data_dir=data.root, config=ingested.config)
    assert result.returncode == 40
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Read-only file system" in result.stderr
    assert str(data.root) in result.stderr
    assert run_command("plan", data_dir=data.root, config=ingested.config).returncode == 0


def test_logs_that_can_not_be_written_are_one_line(data: DataDir, one_month: Path, run_luigi: Run) -> None:
    data.root.mkdir()
    data.logs.touch()
    result = run_luigi("IngestWeather", data_dir=data.root, config=one_month)
    assert (result.returncode, result.stderr) == (40, f"error: [Errno 17] File exists: '{data.logs}'\n")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"this is no database" + bytes(5000), id="not a database"),
        pytest.param(lambda content: content[:_HEADERS], id="cut after its headers"),
        pytest.param(lambda content: content[:4096] + bytes(8192) + content[_HEADERS:], id="corrupt"),
        pytest.param(lambda content: content[:12] + (9999).to_bytes(8, "little") + content[20:], id="another version"),
    ],
)
def test_a_warehouse_that_cannot_be_opened_is_told_in_one_line_and_is_left_as_it_is(
    loaded: DataDir, ingested: Ingested, run_luigi: Run, damage: Callable[[bytes], bytes]
) -> None:
    broken = damage(loaded.warehouse.read_bytes())
    loaded.warehouse.write_bytes(broken)
    told_to_be_damaged(run_luigi("DbtBuild", data_dir=loaded.root, config=ingested.config), loaded)
    assert sha256(loaded.warehouse.read_bytes()).digest() == sha256(broken).digest()


def test_a_warehouse_whose_rows_are_damaged_is_told_in_one_line_and_loads_anew_when_moved_away(
    loaded: DataDir, ingested: Ingested, run_luigi: Run
) -> None:
    with duckdb.connect(str(loaded.warehouse), read_only=True) as connection:
        blocks = connection.execute("select distinct block_id from pragma_storage_info('raw_data.trips')").fetchall()
    with loaded.warehouse.open("r+b") as file:
        for (block,) in blocks:
            if block >= 0:
                file.seek(_HEADERS + block * _BLOCK)
                file.write(bytes(_BLOCK))
    told_to_be_damaged(run_luigi("DbtBuild", data_dir=loaded.root, config=ingested.config), loaded)
    loaded.warehouse.rename(loaded.root / "moved.duckdb")
    assert run_luigi("Ingest", data_dir=loaded.root, config=ingested.config).returncode == 0
    assert checksums(loaded.warehouse) == checksums(ingested.data.warehouse)


def told_to_be_damaged(result: Result, data: DataDir) -> None:

    for told in failures(result):
        assert str(data.warehouse) in told
        assert "move it away to load everything anew" in told


@pytest.mark.parametrize("content", ["", "{", "[]", '{"task": "LoadMonth"}', "null", '{"fingerprint": "0"}'])
def test_a_marker_that_was_edited_by_hand_does_not_count(
    loaded: DataDir, ingested: Ingested, run_command: Command, content: str
) -> None:
    (loaded.markers / "LoadMonth" / "weather" / "2024-10.json").write_text(content, encoding="utf-8")
    told = run_command("plan", "IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert told.returncode == 0, told.stderr
    assert "LoadMonth weather 2024-10  " in told.stdout


def test_markers_that_are_lost_one_by_one_bring_back_what_they_stood_for(
    loaded: DataDir, ingested: Ingested, run_luigi: Run
) -> None:
    lost = [
        "LoadMonth/citibike/2024-10.json",
        "LoadZones.json",
        "IngestWeather.json",
        "FetchMonth/weather/2024-11.json",
    ]
    for name in [*lost, "warehouse.json"]:
        (loaded.markers / name).unlink()
    result = run_luigi("Ingest", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert re.search(r"LoadMonth citibike 2024-10: [\d,]+ rows", result.stderr)
    assert "LoadMonth citibike 2024-11" not in result.stderr
    assert checksums(loaded.warehouse) == checksums(ingested.data.warehouse)


def test_markers_of_another_warehouse_do_not_count(
    loaded: DataDir, ingested: Ingested, tmp_path: Path, run_luigi: Run
) -> None:
    other = DataDir(tmp_path / "other")
    result = run_luigi("IngestWeather", data_dir=other.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    # The markers say that all is loaded; of this warehouse, that is true of the weather only.
    shutil.copytree(loaded.markers, other.markers, dirs_exist_ok=True)
    result = run_luigi("Ingest", data_dir=other.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert checksums(other.warehouse) == checksums(ingested.data.warehouse)


def test_a_data_dir_that_was_copied_works_in_its_new_place_without_loading_anything(
    ingested: Ingested, tmp_path: Path, run_luigi: Run
) -> None:
    copy = DataDir(tmp_path / "copy of data")
    shutil.copytree(ingested.data.root, copy.root)
    result = run_luigi("Ingest", data_dir=copy.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert not re.search(r"LoadMonth .*: [\d,]+ rows", result.stderr)
    assert str(ingested.data.root) not in result.stderr


def test_a_folder_in_place_of_the_warehouse_is_told(loaded: DataDir, ingested: Ingested, run_luigi: Run) -> None:

    loaded.warehouse.unlink()
    loaded.warehouse.mkdir()
    for told in failures(run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)):
        assert str(loaded.warehouse) in told


def test_a_log_file_that_can_not_be_written_stops_nothing(loaded: DataDir, ingested: Ingested, run_luigi: Run) -> None:

    shutil.rmtree(loaded.logs)
    loaded.logs.mkdir()
    (loaded.logs / "pipeline.log").mkdir()
    (loaded.markers / "IngestWeather.json").unlink()
    result = run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


def test_raw_tables_of_an_older_warehouse_keep_what_they_have(
    loaded: DataDir, ingested: Ingested, run_luigi: Run
) -> None:
    """A table that others made beside the pipeline's own stays."""
    with duckdb.connect(str(loaded.warehouse)) as connection:
        connection.execute("create table raw_data.notes as select 1 as note")
    (loaded.markers / "LoadMonth" / "weather" / f"{MONTHS[0]}.json").unlink()
    assert run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config).returncode == 0
    assert checksums(loaded.warehouse)["raw_data.notes"][0] == 1
