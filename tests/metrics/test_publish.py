"""Publish: the validated marts, whole at any moment, for readers who never wait."""

import json
import random
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from fixtures import Ingested, Rows, Run, Wait
from support import PROJECT, environment, merged, program

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError
from luigi_pipeline.state import markers
from luigi_pipeline.warehouse import database
from luigi_pipeline.warehouse.publishing import publish

TABLES = ("dim_date", "dim_location", "dim_time", "dim_weather", "fct_hourly_mobility", "fct_trips")


PUBLISHED = ["nyc_mobility.duckdb", "parquet", "report"]


def names_beside(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir())


def test_the_published_file_holds_the_marts_row_by_row_and_nothing_raw(published: Ingested, rows: Rows) -> None:
    required = "select count(*) from duckdb_columns() where table_name = 'fct_trips' and not is_nullable"
    assert rows(published.data.published, required)[0][0] > 5, "who reads is promised what is there in every row"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach '{published.data.warehouse}' as made (read_only)")
        connection.execute(f"attach '{published.data.published}' as seen (read_only)")
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'seen'"
        ).fetchall()
        assert {name for schema, name in found if schema == "marts"} >= set(TABLES)
        assert {schema for schema, _ in found} == {"marts", "meta"}
        for _, name in (table for table in found if table[0] == "marts"):
            table = f"marts.{name}"
            difference = connection.execute(
                f"select count(*) from (from (from made.{table} except all from seen.{table}) "
                f"union all from (from seen.{table} except all from made.{table}))"
            ).fetchone()
            assert difference == (0,), table
            columns = f'select column_name, column_type, "null" from (describe {table})'
            assert rows(published.data.published, columns) == rows(published.data.warehouse, columns)


def test_the_published_file_says_which_source_files_it_stands_on(published: Ingested, rows: Rows) -> None:
    lineage = rows(
        published.data.published,
        "select model, source, source_month, source_file, source_version, row_count from meta.lineage",
    )
    loaded = rows(
        published.data.warehouse,
        "select source, source_month, source_file, source_version, row_count from meta.source_files",
    )
    trips = {source for source in loaded if source[0] in ("yellow_taxi", "citibike")}
    by_model = {model: {tuple(rest) for name, *rest in lineage if name == model} for model in TABLES}
    # Zones that the lookup does not have are unknown in the facts.
    zones = {source for source in loaded if source[0] == "taxi_zones"}
    assert by_model["fct_trips"] == trips | zones
    assert by_model["dim_location"] == {source for source in loaded if source[0] == "taxi_zones"}
    assert by_model["dim_time"] == set()
    assert by_model["dim_weather"] >= {source for source in loaded if source[0] == "weather"}
    assert sum(source[-1] for source in trips) == 4 * 5000


def test_nobody_can_write_to_the_published_file_and_nothing_lies_beside_it(published: Ingested) -> None:
    assert names_beside(published.data.published) == PUBLISHED
    assert stat.S_IMODE(published.data.published.stat().st_mode) == 0o444
    assert "Publish: 19,997 trips from 9 source files" in published.result.stderr


def test_who_has_the_old_version_open_keeps_it_and_who_comes_later_gets_the_new_one(
    copy: DataDir, delete_rides: Callable[[DataDir], None]
) -> None:
    count = "select count(*) from nyc_mobility.marts.fct_trips"
    attach = f"attach '{copy.published}' as nyc_mobility (read_only)"
    with duckdb.connect() as old, duckdb.connect() as new:
        old.execute(attach)
        delete_rides(copy)
        publish(copy, Warehouse())
        assert old.execute(count).fetchone() == (19_997,)
        new.execute(attach)
        assert new.execute(count).fetchone() == (10_000,)
        assert old.execute("select count(distinct trip_type) from nyc_mobility.marts.fct_trips").fetchone() == (2,)


def test_a_kill_at_any_moment_leaves_a_whole_file_and_the_next_run_clears_up(
    copy: DataDir, rows: Rows, wait_until: Wait
) -> None:
    chance = random.Random(5)
    building = copy.published.with_name(".nyc_mobility.duckdb.new")
    left = 0
    for attempt in range(6):
        publisher = subprocess.Popen(
            program("publish_forever", copy.root),
            cwd=PROJECT,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert publisher.stdout is not None
        publisher.stdout.readline()
        if attempt % 2:
            wait_until(building.exists)
        else:
            time.sleep(chance.uniform(0, 0.3))
        publisher.kill()
        publisher.communicate()
        left += building.exists()
        assert rows(copy.published, "select count(*), count(distinct trip_id) from marts.fct_trips") == [(19_997,) * 2]
        assert rows(copy.published, "select count(*) from meta.lineage") != [(0,)]
    assert left > 0, "no kill came while a file was being built"
    publish(copy, Warehouse())
    assert names_beside(copy.published) == PUBLISHED


def test_what_no_model_makes_any_more_is_not_published(copy: DataDir, rows: Rows) -> None:
    tables = "select table_name from information_schema.tables where table_catalog = 'seen' order by all"
    before = rows(copy.published, tables)
    assert ("classified_trips",) in before, "views are published too"
    with database.writing(copy, Warehouse()) as connection:
        connection.execute("create table marts.fct_of_last_year as select 1 as trip_id")
        connection.execute("create view marts.old_view as from marts.fct_of_last_year")
    publish(copy, Warehouse())
    assert rows(copy.published, tables) == before


def test_a_file_that_can_t_be_built_leaves_the_old_one_byte_for_byte(copy: DataDir) -> None:
    before = copy.published.read_bytes()
    with database.writing(copy, Warehouse()) as connection:
        connection.execute("drop table meta.model_sources")
    with pytest.raises(WarehouseError, match=r"the last version stays: .*model_sources"):
        publish(copy, Warehouse())
    assert copy.published.read_bytes() == before
    assert names_beside(copy.published) == PUBLISHED


def test_a_failed_check_leaves_the_last_version_and_a_lost_file_is_published_again(
    published: Ingested, copy: DataDir, run_luigi: Run, rows: Rows, tmp_path: Path
) -> None:
    with database.writing(copy, Warehouse()):
        pass  # the copied file is this data dir's warehouse from now on
    before = copy.published.read_bytes(), copy.published.stat().st_mtime_ns
    settings = yaml.safe_load(published.config.read_text(encoding="utf-8"))
    strict = tmp_path / "strict.yaml"
    strict.write_text(yaml.safe_dump(merged(settings, {"validation": {"min_rows": {"citibike": 10_001}}})))
    result = run_luigi("Publish", data_dir=copy.root, config=strict)
    assert result.returncode == 30
    assert "Publish" not in result.stderr.partition("Luigi Execution Summary")[0]
    assert (copy.published.read_bytes(), copy.published.stat().st_mtime_ns) == before
    page = copy.report / "index.html"
    assert "The newest validation failed" in page.read_text(encoding="utf-8")
    assert "The newest validation failed" not in (published.data.report / "index.html").read_text(encoding="utf-8")

    result = run_luigi("Publish", data_dir=copy.root, config=published.config)
    assert result.returncode == 0, result.stderr
    assert "The newest validation failed" not in page.read_text(encoding="utf-8")
    history = (copy.validation / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["success"] for line in history] == [False, True]
    assert "Fewer bike trips than" in json.loads(history[0])["lines"][0]
    written = copy.published.stat()
    marker = markers.read(copy.markers / "Publish.json")
    assert marker is not None
    assert marker.details["file"] == {"size": written.st_size, "mtime_ns": written.st_mtime_ns}
    assert marker.details["rows"]["marts.fct_trips"] == 19_997

    copy.published.unlink()
    (copy.published.parent / ".nyc_mobility.duckdb.new").write_bytes(b"half a file")
    result = run_luigi("Publish", data_dir=copy.root, config=published.config)
    assert result.returncode == 0, result.stderr
    assert "1 ran successfully" in result.stderr, "nothing but Publish"
    assert names_beside(copy.published) == PUBLISHED
    assert rows(copy.published, "select count(*) from marts.fct_trips") == [(19_997,)]

    again = run_luigi("Publish", data_dir=copy.root, config=published.config)
    assert "Did not run any tasks" in again.stderr
