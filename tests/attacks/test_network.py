"""A network that fails, by real runs: what may pass is tried again, what may not is told, and limits are kept."""

import hashlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from bad_files import taxi
from fixtures import Config, Result, Run
from support import configuration, merged, taxi_trips, zone_lines

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sample.weather import write_weather
from luigi_pipeline.state import markers

ALWAYS = 99
LARGEST = 6_000_000

# By month: what goes wrong, and what the log has of it.
PASSING = {
    "2023-01": ([Fault("", status=500, times=2)], "HTTP 500; attempt 2 of 3 failed, next in 0 s"),
    "2023-02": ([Fault("", status=503)], "HTTP 503; attempt 1 of 3 failed, next in 0 s"),
    "2023-03": ([Fault("", status=429)], "HTTP 429; attempt 1 of 3 failed, next in 0 s"),
    "2023-04": ([Fault("", status=429, retry_after=1)], "HTTP 429; attempt 1 of 3 failed, next in 1 s"),
    "2023-05": ([Fault("", kind="reset", times=2)], "attempt 2 of 3 failed"),
    "2023-06": ([Fault("", kind="stall", seconds=60)], "no answer in time; attempt 1 of 3 failed"),
    "2023-07": ([Fault("", kind="slow", seconds=4)], ""),  # longer than a time-out, never silent for so long
    "2023-08": ([Fault("", kind="redirect", location="/trip-data/elsewhere.parquet")], ""),
    "2023-09": ([Fault("", kind="reset", sent=0.8)], "attempt 1 of 3 failed"),
}
LASTING = {
    "2024-01": ([Fault("", status=500, times=ALWAYS)], "HTTP 500; gave up, run again later"),
    "2024-02": (
        [Fault("", status=503, retry_after=600, times=ALWAYS)],
        r"HTTP 503; gave up, as that is a wait of 600 s, over download\.max_wait_seconds; run again after 20\d\d-",
    ),
    "2024-03": ([Fault("", kind="stall", sent=0, seconds=60, times=ALWAYS)], "no answer in time; gave up"),
    "2024-04": (
        [Fault("", kind="redirect", location="file:///etc/passwd")],
        r"is redirected to file://.*/etc/passwd; only http and https are fetched",
    ),
    "2024-05": (
        [Fault("", kind="redirect", location="ftp://user:hush@example.org/x")],
        r"is redirected to ftp://\*\*\*@example\.org/x; only http and https are fetched",
    ),
    "2024-06": ([Fault("", kind="redirect", times=ALWAYS)], "is redirected again and again, last to http://"),
    "2024-07": ([Fault("", status=400, body=b'{"reason": "Not on\\nSundays"}')], "HTTP 400 Not on Sundays"),
    "2024-08": ([], "is larger than download.max_file_bytes; nothing is kept"),
}
LIMITS = {
    "2022-01": (
        "Minutely API request limit exceeded. Please try again in one minute.",
        r"a wait of 60 s, over download\.max_wait_seconds; run again after 20\d\d-\d\d-\d\d \d\d:\d\d UTC",
    ),
    "2022-02": (
        "Hourly API request limit exceeded. Please try again in the next hour.",
        r"run again after 20\d\d-\d\d-\d\d \d\d:00 UTC",
    ),
    "2022-03": (
        "Daily API request limit exceeded. Please try again tomorrow.",
        r"run again after 20\d\d-\d\d-\d\d 00:00 UTC",
    ),
}


@dataclass
class Outage:
    """A run over all of these, and its server."""

    data: DataDir
    publishers: Publishers
    files: dict[str, bytes]
    result: Result

    def lines(self, title: str) -> list[str]:
        """What the console has of a month."""
        return [line for line in self.result.stderr.splitlines() if title in line and "Month" in line]

    def statuses(self, part: str) -> list[int]:
        """What was answered to requests for a file."""
        return [request.status for request in self.publishers.log if part in request.path]


def large(month: str, rows: int) -> bytes:
    """A month's file that hardly packs."""
    noise = pa.array(np.random.default_rng(1).random(rows))
    times = pa.array([f"{month}-05T10:00:00"] * len(noise)).cast(pa.timestamp("us"))
    times_and_noise = {"tpep_pickup_datetime": times, "tpep_dropoff_datetime": times, "extra": noise}
    return taxi(month, taxi_trips(rows, **times_and_noise))


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory, run_luigi: Run) -> Iterator[Outage]:
    """One run of eight workers through all faults."""
    root = tmp_path_factory.mktemp("outage")
    folder = root / "published"
    for name in ("misc", "archive", "trip-data"):
        (folder / name).mkdir(parents=True)
    (folder / "misc" / "taxi_zone_lookup.csv").write_text("\n".join(zone_lines()), encoding="utf-8")
    for year in (2021, 2022):
        write_weather(folder / "archive" / f"{year}.json", seed=1, year=year)
    files = {month: taxi(month) for month in PASSING | LASTING}
    # More than one of the client's pieces of a megabyte; and more than is allowed.
    files |= {"2023-09": large("2023-09", 50_000), "2024-08": large("2024-08", 100_000)}
    assert 2_000_000 < len(files["2023-09"]) < LARGEST < len(files["2024-08"])
    for month, content in files.items():
        (folder / "trip-data" / f"yellow_tripdata_{month}.parquet").write_bytes(content)
    (folder / "trip-data" / "elsewhere.parquet").write_bytes(files["2023-08"])
    publishers = Publishers(folder)
    for month, (faults, _) in (PASSING | LASTING).items():
        for fault in faults:
            publishers.faults.add(Fault(**(vars(fault) | {"part": f"_{month}."})))
    for month, (text, _) in LIMITS.items():
        body = f'{{"error": true, "reason": "{text}"}}'.encode()
        publishers.faults.add(Fault(f"start_date={month}", status=429, body=body, times=ALWAYS))
    busy = b'{"error": true, "reason": "Too many concurrent requests"}'
    publishers.faults.add(Fault("start_date=2021-10", status=429, body=busy))
    publishers.faults.add(Fault("/v1/archive", kind="slow", seconds=0.4, times=ALWAYS))
    with publishers as url:
        changes = {
            "sources": {
                "yellow_taxi": {"months": [*PASSING, *LASTING]},
                "citibike": {"enabled": False, "months": []},
                "weather": {"start_date": "2021-10-01", "end_date": "2022-03-31", "calls_per_minute": 100_000},
            },
            "download": {"timeout_seconds": 1, "max_wait_seconds": 1.5, "parallel": 8, "max_file_bytes": LARGEST},
        }
        config = root / "ingestion.yaml"
        config.write_text(yaml.safe_dump(merged(configuration(url), changes)), encoding="utf-8")
        data = DataDir(root / "data")
        result = run_luigi("Ingest", "--workers", "8", data_dir=data.root, config=config)
        yield Outage(data, publishers, files, result)


@pytest.mark.parametrize("month", PASSING)
def test_what_passes_is_tried_again_in_the_log_and_then_loaded(outage: Outage, month: str) -> None:
    told = PASSING[month][1]
    lines = outage.lines(f"yellow_taxi {month}")
    warnings = [line for line in lines if " warning: " in line]
    assert told in "".join(warnings[-1:])
    assert all(f"yellow_tripdata_{month}.parquet: " in line for line in warnings)
    assert len(warnings) == (0 if not told else PASSING[month][0][0].times)
    assert len([line for line in lines if "LoadMonth" in line and "rows (" in line]) == 1
    marker = markers.read(outage.data.markers / "LoadMonth" / "yellow_taxi" / f"{month}.json")
    assert marker is not None
    assert marker.source is not None
    assert marker.source.sha256 == hashlib.sha256(outage.files[month]).hexdigest()


def test_a_download_that_breaks_in_the_middle_is_resumed_there(outage: Outage) -> None:
    requests = [request for request in outage.publishers.log if "2023-09" in request.path]
    assert [(request.status, bool(request.range)) for request in requests] == [(200, False), (206, True)]


@pytest.mark.parametrize("month", LASTING)
def test_what_does_not_pass_is_given_up_in_one_line(outage: Outage, month: str) -> None:
    failed = [line for line in outage.lines(f"yellow_taxi {month}") if " failed: " in line]
    assert len(failed) == 1
    assert re.search(LASTING[month][1], failed[0]), failed
    assert f"/trip-data/yellow_tripdata_{month}.parquet: " in failed[0]
    assert len(outage.statuses(f"_{month}.")) <= (21 if month == "2024-06" else 3)


@pytest.mark.parametrize("month", LIMITS)
def test_open_meteo_s_limits_are_waited_for_by_their_window_or_given_up_at_once(outage: Outage, month: str) -> None:
    text, told = LIMITS[month]
    (failed,) = [line for line in outage.lines(f"weather {month}") if " failed: " in line]
    assert f"HTTP 429 {text}" in failed
    assert re.search(told, failed), failed
    asked = [r for r in outage.publishers.log if r.query.get("start_date", "").startswith(month)]
    assert [request.status for request in asked] == [429]


def test_open_meteo_gets_one_request_at_a_time_from_eight_workers(outage: Outage) -> None:
    asked = [request for request in outage.publishers.log if request.path == "/v1/archive"]
    assert [request.status for request in asked].count(200) == 3
    assert outage.publishers.most_at_once["/v1/archive"] == 1
    told = outage.lines("weather 2021-10")
    assert len([line for line in told if "Too many concurrent requests; attempt 1 of 3 failed" in line]) == 1


def test_others_are_fetched_side_by_side(outage: Outage) -> None:
    spans = []
    for month in PASSING:
        marker = markers.read(outage.data.markers / "LoadMonth" / "yellow_taxi" / f"{month}.json")
        assert marker is not None
    for path in (outage.data.markers / "FetchMonth").rglob("*.json"):
        fetch = markers.read(path)
        assert fetch is not None
        spans.append((fetch.started_at, fetch.finished_at))
    assert any(first[0] < second[0] < first[1] for first in spans for second in spans)


def test_a_bad_network_shows_no_traceback_and_no_password_and_exits_30(outage: Outage) -> None:
    assert outage.result.returncode == 30
    assert "Traceback" not in outage.result.stderr + outage.result.stdout
    assert "hush" not in outage.result.stderr + (outage.data.logs / "pipeline.log").read_text(encoding="utf-8")


def test_nothing_of_a_file_that_is_too_large_stays(outage: Outage) -> None:
    (part,) = outage.data.landing.rglob("*2024-08.parquet.part")
    assert part.stat().st_size == 0


def test_publishers_that_are_down_or_have_no_address_are_told_and_the_others_load(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{probe.getsockname()[1]}"
        sources = {
            "yellow_taxi": {"base_url": down, "months": ["2024-10"]},
            "citibike": {"base_url": "http://no-such-host.invalid/tripdata", "months": ["2024-10"]},
            "weather": {"end_date": "2024-10-31"},
        }
        data = DataDir(tmp_path / "data")
        file = config(publishers.url, {"sources": sources, "download": {"max_attempts": 2}})
        result = run_luigi("Ingest", data_dir=data.root, config=file)
    assert result.returncode == 30
    failed = [line for line in result.stderr.splitlines() if " failed: " in line]
    assert len(failed) == 3
    assert all("gave up, run again later" in line for line in failed)
    (bikes,) = [line for line in failed if "citibike" in line]
    assert "http://no-such-host.invalid/tripdata: " in bikes
    assert (data.markers / "IngestWeather.json").exists()
    assert "Traceback" not in result.stderr
