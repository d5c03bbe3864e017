"""What a run leaves behind: no secret, nothing that all the world may write to, and that in a folder of any name."""

import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import Config, Query, Result, Run, Serve
from support import PROJECT, command, configuration, environment, merged, write_zip

from luigi_pipeline.config.settings import model_of
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month
from luigi_pipeline.run.holding import holding
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources import BLOCKS, SOURCES

SECRET = "hush5ecret"  # in a user's password, an API key and a signature


@dataclass
class Kept:
    """A run with secrets in all its URLs, which fails here and there, under a umask that forbids nothing."""

    data: DataDir
    publishers: Publishers
    result: Result


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[Kept]:
    """One run of `Ingest`, in a folder with a name to stumble over."""
    root = tmp_path_factory.mktemp("kept")
    data = DataDir(root / 'it\'s a [data]="dir"; drop')
    publishers = Publishers(sample_folder)
    with publishers as url:
        secret = url.replace("://", f"://user:{SECRET}@")
        changes = {
            "sources": {
                "yellow_taxi": {"base_url": f"{secret}?sig={SECRET}", "months": ["2019-08", "2024-10", "2024-11"]},
                "citibike": {"base_url": f"{secret}/tripdata?token={SECRET}", "months": ["2022-03", "2024-10"]},
                "weather": {"base_url": f"{secret}/v1/archive?apikey={SECRET}", "end_date": "2024-11-01"},
            }
        }
        # Told with their URLs: a retry, a redirect, an answer that is none, a refusal; and as errors, with tracebacks.
        publishers.faults.add(Fault("yellow_tripdata_2024-10", status=503))
        elsewhere = f"ftp://user:{SECRET}@example.org/x?apikey={SECRET}"
        publishers.faults.add(Fault("yellow_tripdata_2024-11", kind="redirect", location=elsewhere))
        publishers.faults.add(Fault("prefix=2022", kind="garbage"))
        publishers.faults.add(Fault("start_date=2024-11", status=400, body=b'{"reason": "no"}'))
        config = root / "ingestion.yaml"
        config.write_text(yaml.safe_dump(merged(configuration(url), changes)), encoding="utf-8")
        result = subprocess.run(
            command("Ingest", data_dir=data.root, config=config),
            cwd=PROJECT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            umask=0,
        )
        yield Kept(data, publishers, result)


def test_secrets_go_with_the_requests(kept: Kept, query: Query) -> None:
    sent = {parameter: request.query.get(parameter) for request in kept.publishers.log for parameter in request.query}
    assert {sent[name] for name in ("sig", "token", "apikey")} == {SECRET}
    loaded = "select distinct _source_month from raw_data.{}"
    for table in ("yellow_taxi", "trips", "hourly_weather"):
        assert query(kept.data, loaded.format(table)) == [("2024-10",)]


def test_no_secret_is_written_or_said(kept: Kept, query: Query) -> None:
    assert kept.result.returncode == 30
    assert kept.result.stderr.count(" failed: ") == 4
    assert kept.result.stderr.count(" warning: ") == 1
    assert SECRET not in kept.result.stdout + kept.result.stderr
    with_secret = [
        path for path in kept.data.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert with_secret == []
    urls = query(kept.data, "select source_url from meta.source_files")
    assert len(urls) == 5
    assert not [url for url in urls if SECRET in url[0]], "packed, it would not be seen in the file"
    assert all("***@127.0.0.1" in url[0] for url in urls)


def test_a_new_password_asks_for_nothing_again(kept: Kept) -> None:
    def requests(password: str) -> list[dict[str, Any]]:
        content = configuration(f"http://user:{password}@127.0.0.1")
        content["sources"]["weather"]["base_url"] = f"http://127.0.0.1/v1/archive?apikey={password}"
        return [
            source.request(Month("2024-10"), model_of(BLOCKS).model_validate(content)) for source in SOURCES.values()
        ]

    assert requests("old") == requests("new")
    assert "old" not in str(requests("old"))


def test_nothing_may_be_written_to_by_all_the_world(kept: Kept) -> None:
    paths = [kept.data.root, *kept.data.root.rglob("*")]
    assert len(paths) > 20
    open_to_all = [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o022]
    assert open_to_all == []


@pytest.mark.parametrize(("before", "after"), [(0o000, 0o022), (0o022, 0o022), (0o077, 0o077), (0o002, 0o002)])
def test_a_umask_that_was_meant_is_left_alone(tmp_path: Path, before: int, after: int) -> None:
    mask = os.umask(before)
    try:
        with holding(DataDir(tmp_path)):
            assert os.umask(before) == after
    finally:
        os.umask(mask)


@pytest.mark.parametrize("name", ["a#b", "a?b", "100%", "a\nb"])
def test_a_data_dir_that_can_not_be_is_told_at_the_start(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config, name: str
) -> None:
    result = run_luigi("Ingest", data_dir=tmp_path / name, config=config(publishers.url))
    assert result.returncode == 40
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: --mobility-data-dir: the path '")
    assert line.endswith("in it; choose a folder without")
    assert not (tmp_path / name).exists()
    assert publishers.log == []


def test_one_bad_month_of_a_yearly_archive_leaves_the_others(
    tmp_path: Path, run_luigi: Run, serve: Serve, config: Config, sample_folder: Path, query: Query
) -> None:
    """The file stays for the other month, and is fetched anew for the bad one."""
    archives = {path.name: path.read_bytes() for path in (sample_folder / "tripdata").glob("*.zip")}
    october = "202410-citibike-tripdata.zip"
    year = tmp_path / "published" / "tripdata" / "2024-citibike-tripdata.zip"
    write_zip(year, archives | {october: archives[october][:-30]})
    data, file = DataDir(tmp_path / "data"), config(serve(tmp_path / "published").url)
    months = "select _source_month from raw_data.trips group by 1 order by 1"

    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 30, result.stderr
    (failed,) = [line for line in result.stderr.splitlines() if " failed: " in line]
    assert (
        "LoadMonth citibike 2024-10 failed: 2024-citibike-tripdata.zip/202410-citibike-tripdata.zip: is a dam" in failed
    )
    assert query(data, months) == [("2024-11",)]
    aside = data.landing / "citibike" / "2024-citibike-tripdata.zip.rejected"
    assert aside.read_bytes() == year.read_bytes()

    write_zip(year, archives)
    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert query(data, months) == [("2024-10",), ("2024-11",)]
