"""The folder as a whole: layout, determinism, refusals, command line."""

import hashlib
import json
from pathlib import Path

import pytest

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.__main__ import main
from luigi_pipeline.sample.clock import hours_utc, repeated_hour_utc, to_new_york
from luigi_pipeline.sample.generator import generate


def _digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _small(folder: Path, *months: str, seed: int = 7, rows: int = 400) -> dict[str, int]:
    return generate(folder, months=months, taxi_trips_per_month=rows, rides_per_month=rows, seed=seed)


def test_same_arguments_give_the_same_bytes_and_dates(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _small(tmp_path / name, "2024-10", "2024-11")
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    dates = [{file.name: file.stat().st_mtime_ns for file in (tmp_path / name).rglob("*.*")} for name in ("a", "b")]
    assert dates[0] == dates[1]


def test_month_made_alone_equals_the_month_made_with_others(tmp_path: Path) -> None:
    _small(tmp_path / "both", "2024-10", "2024-11")
    _small(tmp_path / "alone", "2024-11")
    both, alone = _digests(tmp_path / "both"), _digests(tmp_path / "alone")
    assert len(alone) == 4
    assert alone == {path: both[path] for path in alone}


def test_another_seed_gives_other_trips_and_weather_but_the_same_zones(tmp_path: Path) -> None:
    _small(tmp_path / "a", "2024-11", seed=1)
    _small(tmp_path / "b", "2024-11", seed=2)
    a, b = _digests(tmp_path / "a"), _digests(tmp_path / "b")
    assert {path for path in a if a[path] == b[path]} == {"misc/taxi_zone_lookup.csv"}


def test_layout_and_row_counts(tmp_path: Path) -> None:
    rows = _small(tmp_path, "2024-12", rows=250)
    assert rows == {
        "misc/taxi_zone_lookup.csv": 265,
        "archive/2024.json": 8784,
        "archive/2025.json": 8760,  # December's last New York hours are next year's in UTC
        "trip-data/yellow_tripdata_2024-12.parquet": 250,
        "tripdata/202412-citibike-tripdata.zip": 250,
    }
    assert set(_digests(tmp_path)) == set(rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"months": ["2024-13"]}, "'2024-13' is not a month"),
        ({"months": []}, "at least one month"),
        ({"months": ["2021-01"]}, "month 2021-01 is before 2021-02"),
        ({"months": ["2099-11"]}, "month 2099-11 is after 2099-10"),
        ({"rides_per_month": 99}, "at least 100 trips, not 99"),
        ({"seed": -1}, "seed -1 is below 0"),
    ],
)
def test_bad_arguments_are_refused_and_write_nothing(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "out", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_smallest_sample_holds_every_oddity_without_error(tmp_path: Path) -> None:
    assert _small(tmp_path, "2024-11", rows=100)["tripdata/202411-citibike-tripdata.zip"] == 100


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small(tmp_path, "2024-11")
    before = _digests(tmp_path)

    def half(path: Path) -> int:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("luigi_pipeline.sample.generator.write_zones", half)
    with pytest.raises(OSError, match="disk full"):
        _small(tmp_path, "2024-11")
    assert _digests(tmp_path) == before


def test_months_know_their_hours() -> None:
    assert len(hours_utc(Month("2024-03"))) == 31 * 24 - 1
    assert len(hours_utc(Month("2024-11"))) == 30 * 24 + 1
    assert repeated_hour_utc(Month("2024-10")) is None
    assert repeated_hour_utc(Month("2024-11")) == 1730613600  # 2024-11-03T06:00Z, 01:00 EST
    wall = to_new_york(hours_utc(Month("2024-03"))).astype("datetime64[s]").astype(str).tolist()
    assert "2024-03-10T01:00:00" in wall
    assert "2024-03-10T02:00:00" not in wall


def test_command_line_writes_and_says_so_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    assert main(["generate", str(folder), "--months", "2024-11", "--trips", "300"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.startswith(f"{folder}: 4 files, 600 trips, ")
    assert json.loads((folder / "archive/2024.json").read_text())["elevation"] == 32.0


def test_command_line_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(tmp_path / "out"), "--months", "2024-1"]) == 1
    assert capsys.readouterr().err == "generate: '2024-1' is not a month; write it as 2024-09\n"
    assert main(["serve", str(tmp_path / "nowhere")]) == 1
    assert "no folder" in capsys.readouterr().err


def test_help_names_what_the_configuration_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert "citibike URL/tripdata" in text
    assert "weather URL/v1/archive" in text
