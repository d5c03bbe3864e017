"""The warehouse file: known by its id, shared with others in turn, and told of in one line where it can't be used."""

import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
import yaml
from support import opened_elsewhere, program

from luigi_pipeline.config import project
from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError
from luigi_pipeline.state import identity
from luigi_pipeline.warehouse import database
from luigi_pipeline.warehouse.recognise import recognise

PATIENT = Warehouse(wait_seconds=20)
HURRIED = Warehouse(wait_seconds=0.2)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data dir with a warehouse."""
    made = DataDir(tmp_path / "data")
    with database.writing(made, PATIENT):
        pass
    return made


def test_a_warehouse_keeps_its_id(data: DataDir) -> None:
    known = identity.warehouse_id(data)
    assert known is not None
    assert len(known) == 32
    with database.writing(data, PATIENT) as connection:
        assert connection.execute("select id from meta.warehouse").fetchall() == [(known,)]
    assert identity.warehouse_id(data) == known


def test_another_warehouse_has_another_id(data: DataDir) -> None:
    known = identity.warehouse_id(data)
    data.warehouse.unlink()
    with database.writing(data, PATIENT):
        pass
    assert identity.warehouse_id(data) not in (None, known)


def test_a_warehouse_whose_writer_was_killed_is_not_trusted_though_nobody_asked_how_the_writer_ended(
    data: DataDir,
) -> None:
    command = program("hold_warehouse", data.root)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        assert identity.warehouse_id(data) is not None
        writer.kill()
        # It stays in the table of processes until it is waited for.
        os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
        assert identity.warehouse_id(data) is None


def test_a_copied_data_dir_is_recognised_by_the_id_that_its_warehouse_keeps(data: DataDir, tmp_path: Path) -> None:
    copy = DataDir(tmp_path / "copy")
    shutil.copytree(data.root, copy.root)
    assert identity.warehouse_id(copy) is None
    recognise(copy, PATIENT)
    assert identity.warehouse_id(copy) == identity.warehouse_id(data)


def test_another_warehouse_put_in_its_place_is_not_taken_for_it(data: DataDir, tmp_path: Path) -> None:
    """`cp backup.duckdb data/nyc_mobility.duckdb` writes into the file that is there."""
    other = DataDir(tmp_path / "other")
    with database.writing(other, PATIENT):
        pass
    shutil.copyfile(other.warehouse, data.warehouse)
    known = identity.warehouse_id(data)
    assert known in (None, identity.warehouse_id(other))


def test_a_marker_that_does_not_count_says_what_became_of_its_warehouse(data: DataDir) -> None:
    assert identity.why_unknown(data) == "was done in another warehouse"
    data.write_ahead_log.write_bytes(b"x")
    assert identity.why_unknown(data) == "the warehouse has changed since the last run"
    data.warehouse.unlink()
    assert identity.why_unknown(data) == "the warehouse is gone"


def test_looking_for_a_warehouse_makes_none(tmp_path: Path) -> None:
    recognise(DataDir(tmp_path / "data"), PATIENT)
    assert not (tmp_path / "data").exists()


def test_times_in_the_warehouse_are_utc_whatever_the_machine_s_zone(data: DataDir) -> None:
    with database.writing(data, PATIENT) as connection:
        assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)


@pytest.mark.parametrize("how", ["write", "read"])
def test_a_warehouse_that_another_program_has_open_is_waited_for(
    data: DataDir, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    with opened_elsewhere(data.warehouse, how, 1.5) as holder, caplog.at_level(logging.WARNING):
        begun = time.monotonic()
        with database.writing(data, PATIENT) as connection:
            connection.execute("create table t as select 1")
    assert 0.5 < time.monotonic() - begun < 10
    (said,) = [record.message for record in caplog.records if record.name.startswith("luigi_pipeline")]
    assert said.startswith("waiting for nyc_mobility.duckdb: it is open in ")
    assert f"(PID {holder.pid})" in said


def test_who_keeps_the_warehouse_open_for_too_long_is_named(data: DataDir) -> None:
    with (
        opened_elsewhere(data.warehouse, "write") as holder,
        pytest.raises(WarehouseError, match=rf"is still open in .*\(PID {holder.pid}\); close it there") as caught,
        database.writing(data, HURRIED),
    ):
        pass
    assert str(caught.value).startswith(str(data.warehouse))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"not a database at all", bytes(5000), b"SQLite format 3\0" + bytes(5000), b"<!DOCTYPE html>" * 500]
)
def test_a_file_that_is_no_warehouse_is_told_in_one_line_and_left_alone(data: DataDir, content: bytes) -> None:
    data.warehouse.write_bytes(content)
    with pytest.raises(WarehouseError) as caught, database.writing(data, HURRIED):
        pass
    assert str(caught.value).startswith(f"{data.warehouse}: ")
    assert "\n" not in str(caught.value)
    assert data.warehouse.read_bytes() == content


def test_a_warehouse_that_was_damaged_is_told_in_one_line(data: DataDir) -> None:
    with database.writing(data, PATIENT) as connection:
        connection.execute("create table t as select range as n from range(200000)")
    raw = data.warehouse.read_bytes()
    data.warehouse.write_bytes(raw[:5000] + bytes(len(raw) - 5000))
    with pytest.raises(WarehouseError) as caught, database.writing(data, HURRIED):
        pass
    assert str(caught.value).startswith(f"{data.warehouse}: ")
    assert "\n" not in str(caught.value)


def test_what_was_not_committed_when_a_writer_failed_is_not_there(data: DataDir) -> None:
    def fail() -> None:
        with database.writing(data, PATIENT) as connection:
            connection.execute("create table kept as select 1")
            connection.begin()
            connection.execute("create table lost as select 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with duckdb.connect(str(data.warehouse)) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
    assert names == ["kept", "warehouse"]


@pytest.mark.pipeline
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells there what a process holds")
def test_what_queries_free_is_not_held(data: DataDir) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute(
            "create table numbers as select i as number, hash(i) as one, hash(i + 1) as other "
            "from range(8_000_000) as _ (i)"
        )

    def most_held(settings: str) -> int:
        command = program("measure_memory", data.root, settings)
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert most_held("ours") < 0.9 * most_held("duckdb")


def test_dbt_gives_back_what_queries_free_like_all_others() -> None:
    profiles = yaml.safe_load((project.folder() / "dbt_project" / "profiles.yml").read_text(encoding="utf-8"))
    settings = profiles["nyc_mobility"]["outputs"]["duckdb"]["settings"]
    assert database.FREED.items() <= settings.items()
