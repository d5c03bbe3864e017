"""`python -m luigi_pipeline metrics`: what people and their pipes get."""

import csv
import datetime as dt
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from fixtures import Command, Ingested
from rich.console import Console
from support import PROJECT, environment

from luigi_pipeline.__main__ import main
from luigi_pipeline.config import options
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.metrics import Metric, charts
from luigi_pipeline.metrics.answer import Answer

SHARE = Metric("share_pct", "Share", "Of trips, in percent.", "Mode", "%", "ratio", "")
MONEY = Metric("revenue", "Revenue", "In US dollars.", "Core", "USD", "simple", "")


@dataclass(frozen=True)
class Said:
    """What a command said; in this process, which has imported what it needs."""

    returncode: int
    stdout: str
    stderr: str


Ask = Callable[..., Said]


@pytest.fixture
def ask(published: Ingested, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr(options, "data_dir", lambda: published.data)

    def command(*args: str) -> Said:
        capsys.readouterr()
        return Said(main(["metrics", *args]), *capsys.readouterr())

    return command


def test_without_a_name_all_metrics_are_listed_by_group(ask: Ask) -> None:

    result = ask()
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.strip() for line in lines].index("Core") < [line.strip() for line in lines].index("Growth")
    (total,) = (line for line in lines if line.startswith("total_trips "))
    assert total.split()[1] == "trips"
    listed = list(csv.DictReader(io.StringIO(ask("--csv").stdout)))
    assert f"{len(listed)} metrics" in lines[-1]
    assert all(metric["unit"] and metric["description"] and metric["label"] for metric in listed)


def test_an_answer_is_a_table_with_units_and_numbers_to_the_right(ask: Ask) -> None:

    question = ["total_trips", "citibike_mode_share_pct", "--by", "pickup_borough,trip_date__week"]
    result = ask(*question, "--where", "temperature_category = 'cold'", "--limit", "20")
    assert (result.returncode, result.stderr) == (0, "")
    answered = json.loads(ask(*question, "--where", "temperature_category = 'cold'", "--limit", "20", "--json").stdout)
    shown = [line.split("│")[1:-1] for line in result.stdout.splitlines() if line.startswith("│")]
    assert len(shown) == len(answered) > 3
    first = answered[0]
    assert [cell.strip() for cell in shown[0]] == [
        first["pickup_borough"],
        first["trip_date__week"],
        f"{first['total_trips']:,}",
        f"{first['citibike_mode_share_pct']:,.2f}%",
    ]
    assert all(cells[2].endswith(f"{row['total_trips']:,} ") for cells, row in zip(shown, answered, strict=True))
    assert "pickup borough" in result.stdout


def test_csv_is_quoted_and_its_nulls_are_empty() -> None:
    table = pa.table(
        {
            "zone": pa.array(['Pier 6, "old"', None, "Two\nlines"]),
            "trip_date__month": pa.array([dt.datetime(2024, 10, 1)] * 3, pa.timestamp("us")),
            "trip_date__hour": pa.array([dt.datetime(2024, 10, 1, 5)] * 3, pa.timestamp("us")),
            "is_airport": pa.array([True, False, None]),
            "revenue": pa.array([Decimal("1234.50"), None, Decimal("-0.10")]),
        }
    )
    answer = Answer.of(table, [MONEY])
    out = io.StringIO()
    answer.write_csv(out)
    assert out.getvalue() == (
        "zone,trip_date__month,trip_date__hour,is_airport,revenue\n"
        '"Pier 6, ""old""",2024-10-01,2024-10-01 05:00,true,1234.50\n'
        ",2024-10-01,2024-10-01 05:00,false,\n"
        '"Two\nlines",2024-10-01,2024-10-01 05:00,,-0.10\n'
    )
    out = io.StringIO()
    answer.write_json(out)
    assert json.loads(out.getvalue())[0] == {
        "zone": 'Pier 6, "old"',
        "trip_date__month": "2024-10-01",
        "trip_date__hour": "2024-10-01 05:00",
        "is_airport": True,
        "revenue": 1234.5,
    }
    console = Console(file=io.StringIO(), width=100)
    console.print(answer.table())
    assert isinstance(console.file, io.StringIO)
    shown = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.file.getvalue().splitlines()[4:7]]
    assert shown[0] == ['Pier 6, "old"', "2024-10-01", "2024-10-01 05:00", "yes", "1,234.50"]
    assert shown[1] == ["\N{EN DASH}", "2024-10-01", "2024-10-01 05:00", "no", "\N{EN DASH}"]


def test_csv_and_json_have_the_same_rows(ask: Ask) -> None:

    question = ["total_trips", "total_revenue", "--by", "trip_type", "--order-by=-total_trips"]
    rows = json.loads(ask(*question, "--json").stdout)
    assert [row["total_trips"] for row in rows] == sorted((row["total_trips"] for row in rows), reverse=True)
    lines = list(csv.DictReader(io.StringIO(ask(*question, "--csv").stdout)))
    assert [line["trip_type"] for line in lines] == [row["trip_type"] for row in rows]
    assert [Decimal(line["total_revenue"] or 0) for line in lines] == [
        Decimal(str(row["total_revenue"] or 0)) for row in rows
    ]


def test_a_chart_is_a_line_over_time_and_bars_over_anything_else(ask: Ask) -> None:

    line = ask("total_trips", "--by", "trip_date__week,trip_type", "--start", "2024-10-01", "--chart").stdout
    assert {"citibike", "yellow_taxi"} <= set(line.replace("▞▞", " ").split())
    assert "2024-09-30" in line
    assert "┤" in line
    bars = ask("total_trips", "--by", "pickup_borough", "--chart").stdout
    assert "\x1b" not in line + bars, "no colours in a pipe"
    lengths = {row.split("│")[0].strip(): row.count("█") for row in bars.splitlines() if "│" in row}
    assert lengths["Manhattan"] > lengths["Queens"] > lengths["EWR"]
    refused = ask("total_trips", "--chart")
    assert (refused.returncode, refused.stdout) == (40, "")
    assert refused.stderr == "error: a chart needs a dimension, such as --by trip_date__week\n"


def test_bars_show_what_is_negative_or_missing_as_text() -> None:
    table = pa.table({"mode": ["a", "b", "c"], "share_pct": pa.array([50.0, -25.0, None])})
    title, *bars = charts.draw(Answer.of(table, [SHARE]), width=40, colour=False).splitlines()
    assert title == "Share (%)"
    assert [bar.split()[-1] for bar in bars] == ["50.00%", "-25.00%", "\N{EN DASH}"]
    assert [bar.count("█") for bar in bars] == [2 * bars[1].count("█"), bars[1].count("█"), 0]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (["total_trip"], "error: there is no metric total_trip; the nearest are total_trips, "),
        (
            ["total_trips", "--by", "trip_tipe"],
            "error: total_trips: there is no dimension trip_tipe; the nearest",
        ),
        (["total_trips", "--where", "tripe = 1"], "error: where: there is no dimension tripe; the nearest are "),
        (["--by", "trip_type"], "error: name the metrics too"),
    ],
)
def test_a_wrong_name_gets_one_line_with_the_nearest_and_nothing_else(ask: Ask, question: list[str], told: str) -> None:

    result = ask(*question)
    assert (result.returncode, result.stdout) == (40, "")
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1
    if "nearest" in told:
        assert len(result.stderr.partition("the nearest are ")[2].partition("(")[0].split(", ")) == 3


def test_where_nothing_is_published_one_line_says_what_to_run(
    published: Ingested, run_command: Command, tmp_path: Path
) -> None:
    result = run_command("metrics", "total_trips", data_dir=tmp_path / "none", config=published.config)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (30, "", 1)
    assert "nothing is published yet; luigi --module luigi_pipeline Publish" in result.stderr
    assert not (tmp_path / "none").exists()


def test_what_a_metric_can_be_cut_by_is_listed(ask: Ask) -> None:

    listed = ask("total_trips", "--dimensions").stdout
    assert {"pickup_borough", "temperature_category", "trip_date", "trip_type"} <= set(listed.split())
    assert "__hour, __day, __week" in listed


def test_an_answer_may_be_read_in_part_and_beside_a_run(held: DataDir) -> None:

    command = f"{sys.executable} -m luigi_pipeline metrics total_trips --by trip_date__hour,pickup_zone_name --csv"
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -n 2"],
        cwd=PROJECT,
        env=environment({"MOBILITY_DATA_DIR": str(held.root)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("trip_date__hour,pickup_zone_name,total_trips\n")
    assert result.stdout.count("\n") == 2


def test_help_says_what_can_be_asked(run_command: Command, published: Ingested) -> None:

    result = run_command("metrics", "--help", data_dir=published.data.root, config=published.config)
    for option in ("--by", "--where", "--order-by", "--limit", "--start", "--dimensions", "--csv", "--json", "--chart"):
        assert option in result.stdout


def test_an_answer_without_rows_is_empty_in_every_form(ask: Ask) -> None:

    question = ["total_trips", "--by", "trip_date__month", "--where", "pickup_borough = 'Nowhere'"]
    assert ask(*question, "--csv").stdout == "trip_date__month,total_trips\n"
    assert json.loads(ask(*question, "--json").stdout) == []
    assert ask(*question, "--chart").stdout == "Total trips (trips): no values\n"
    assert "Total trips" in ask(*question).stdout


@pytest.mark.parametrize("rows", ["x", "-1", "1.5"])
def test_a_limit_that_is_no_number_of_rows_is_told_so(rows: str, capsys: pytest.CaptureFixture[str]) -> None:

    with pytest.raises(SystemExit):
        main(["metrics", "total_trips", f"--limit={rows}"])
    assert capsys.readouterr().err.endswith(f"argument --limit: {rows!r} is not a number of rows\n")
