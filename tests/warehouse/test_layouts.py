"""Archives in every layout that CitiBike has published: each ride of the month is typed once, whatever wraps what."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support import CAPITALS, CURRENT, LEGACY, legacy_ride, lines, ride, write_zip

from luigi_pipeline.config.settings import Download, Warehouse
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.sources.archives import has_month
from luigi_pipeline.warehouse.preparing import Prepared, prepare

CITIBIKE = SOURCES["citibike"]
MONTH, NAME = "2018-04", "201804-citibike-tripdata"
RIDES = [
    legacy_ride(f"2018-04-0{n} 03:09:09.7110", f"2018-04-0{n} 03:20:00", birth_year=f"198{n}") for n in range(1, 8)
]


def quoted(line: str) -> str:
    return ",".join(f'"{value}"' for value in line.split(","))


def rides(*numbers: int) -> str:
    return lines(LEGACY, *[RIDES[number - 1] for number in numbers])


def same_rides(*numbers: int) -> str:
    """The same in another order, spelling, quoting and other line ends, with zeros at the end of a time."""
    texts = [quoted(RIDES[number - 1].replace(".7110", ".711000")) for number in reversed(numbers)]
    return lines(CAPITALS, *texts, end="\r\n")


def packed(files: dict[str, str]) -> dict[str, str | bytes]:
    """What stands in a zip, for files by their paths: what ends in .zip on the way is one too."""
    found: dict[str, str | bytes] = {}
    inner: dict[str, dict[str, str]] = {}
    for path, text in files.items():
        before, is_in_zip, after = path.partition(".zip/")
        if is_in_zip:
            inner.setdefault(f"{before}.zip", {})[after] = text
        else:
            found[path] = text
    for path, members in inner.items():
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in packed(members).items():
                archive.writestr(name, content)
        found[path] = buffer.getvalue()
    return found


CONTENTS = {
    "all": rides(1, 2, 3, 4, 5, 6, 7),
    "all'": same_rides(1, 2, 3, 4, 5, 6, 7),
    "1": rides(1, 2, 3, 4),
    "1'": same_rides(1, 2, 3, 4),
    "2": rides(5, 6, 7),
    "2'": same_rides(5, 6, 7),
    "other 2": rides(5, 6, 6),
    "other all": rides(1, 2, 3, 4, 5, 6, 6),
    "jersey": lines(LEGACY, legacy_ride("2018-04-09 03:09:09", "2018-04-09 03:20:00")),
    "may": lines(LEGACY, legacy_ride("2018-05-01 03:09:09", "2018-05-01 03:20:00")),
}
YEAR, MONTHLY = "2018-citibike-tripdata.zip", f"{NAME}.zip"

# An archive, and its members with what is in each, N for the month's usual name; "-" is one that is left out.
LAYOUTS = {
    "a month whole": (MONTHLY, "N.csv: all"),
    "under any name": (MONTHLY, "rides.csv: all"),
    "under two names": (MONTHLY, "first.csv: 1, rest.csv: 2"),
    "twice, under any names": (MONTHLY, "a.csv: all, b.csv: all' -"),
    "in parts": (MONTHLY, "N_1.csv: 1, N_2.csv: 2"),
    "in parts in a folder": (MONTHLY, "N/N_1.csv: 1, N/N_2.csv: 2"),
    "in parts in several folders": (MONTHLY, "a/N_1.csv: 1, b/N_2.csv: 2"),
    "a zip for each part": (MONTHLY, "N/N_1.csv.zip/N_1.csv: 1, N/N_2.csv.zip/N_2.csv: 2"),
    "parts named by their zips": (MONTHLY, "N_1.zip/data.csv: 1, N_2.zip/data.csv: 2"),
    "a part in a zip and beside it": (MONTHLY, "N_1.csv: 1, N_1.csv.zip/N_1.csv: 1' -, N_2.csv: 2"),
    "part 1 after .csv": (MONTHLY, "N.csv_1.csv: 1, N.csv_2.csv: 2"),
    "misspelt parts": (MONTHLY, "201804-citbike-tripdata_1.csv: 1, 201804-citibke-tripdata_2.csv: 2"),
    "misspelt copies": (MONTHLY, "201804-citbike-tripdata.csv: all, N.csv: all' -"),
    "Jersey City's beside": (MONTHLY, "N_1.csv: 1, N_2.csv: 2, JC-N.csv: jersey -"),
    "Jersey City's alone": (MONTHLY, "JC-N.csv: all"),
    "a year, a month whole": (YEAR, "2018/N.csv: all, 2018/201805-x.csv: may"),
    "a year, a month in parts": (YEAR, "N_1.csv: 1, N_2.csv: 2, 201805-x_1.csv: may"),
    "a year, folders of months": (YEAR, "4_April/N_1.csv: 1, 4_April/N_2.csv: 2, 5_May/201805_1.csv: may"),
    "a year, any names in them": (YEAR, "4_April/a_1.csv: 1, 04_April/a_2.csv: 2, 5_May/a_1.csv: may"),
    "a year, folders by number": (YEAR, "2018-04/a_1.csv: 1, 201804/a_2.csv: 2, 2018-05/a_1.csv: may"),
    "a year, whole and in parts": (YEAR, "N.csv: all', N_1.csv: 1 -, N_2.csv: 2 -, 201805-x.csv: may"),
    "a year, parts in a folder": (YEAR, "2018/N.csv: all, 2018/4_April/N_1.csv: 1' -, 2018/4_April/N_2.csv: 2' -"),
    "a year, whole in a folder": (YEAR, "4_April/N.csv: all, N_1.csv: 1 -, N_2.csv: 2' -"),
    "a year, parts twice": (YEAR, "N_1.csv: 1, N_2.csv: 2, 4_April/N_1.csv: 1' -, 4_April/N_2.csv: 2' -"),
    "a year, a month three times": (
        YEAR,
        "N.csv: all, N_1.csv: 1 -, N_2.csv: 2 -, 4_April/N.csv: all' -, 4_April/N_1.csv: 1 -, 4_April/N_2.csv: 2 -",
    ),
    "a year, a whole of any name": (YEAR, "4_April/x.csv: all, N_1.csv: 1 -, N_2.csv: 2 -, 4_April/y.csv: all' -"),
    "a year of zips": (YEAR, "2018/N.zip/N_1.csv: 1, 2018/N.zip/N_2.csv: 2, 2018/201805-x.zip/x.csv: may"),
    "a year of misspelt zips": (YEAR, "201804-citbike-tripdata.csv.zip/201804-citbike-tripdata.csv: all"),
    "a year of zips of zips": (YEAR, "N.zip/N_1.csv.zip/N_1.csv: 1, N.zip/N_2.csv.zip/N_2.csv: 2"),
    "a year in a zip of it": (YEAR, "2018.zip/4_April/a.csv: all, 2018.zip/5_May/a.csv: may"),
    "a year, a zip and its files": (YEAR, "N.zip/N.csv: all', N_1.csv: 1 -, N_2.csv: 2 -"),
    "a year, Jersey City's too": (YEAR, "N.zip/a.csv: all, JC-N.csv.zip/a.csv: jersey -, JC/JC-N.csv: jersey -"),
}


def members(layout: str) -> list[tuple[str, str]]:
    """Paths, each with what is in it."""
    return [tuple(member.split(": ")) for member in layout.replace("N", NAME).split(", ")]  # type: ignore[misc]


def files_of(layout: str) -> dict[str, str | bytes]:
    return packed({path: CONTENTS[content.removesuffix(" -")] for path, content in members(layout)})


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., Prepared]:
    """Type the month of an archive: `typed(name, {path: content})`."""

    def make(name: str, files: dict[str, str | bytes], month: str = MONTH) -> Prepared:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        landed = write_zip(tmp_path / name, files)
        assert not name.startswith("2018-") or has_month(landed.path, Month(month))
        parts = CITIBIKE.parts(landed, Month(month), scratch, Download())
        return prepare(CITIBIKE, landed, parts, Month(month), scratch / "typed.parquet", Warehouse())

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_ride_is_loaded_once_whatever_the_layout(typed: Callable[..., Prepared], layout: str) -> None:
    archive, text = LAYOUTS[layout]
    file = typed(archive, files_of(text))
    found = duckdb.sql(f"select birth_year, month(starttime) from '{file.path}' order by all").fetchall()
    assert found == [(1980 + number, 4) for number in range(1, 8)]
    read = [(f"{archive}/{path}", content) for path, content in members(text) if content != "may"]
    loaded = {path for path, content in read if not content.endswith(" -")}
    assert set(file.rows) == loaded
    assert {remark.partition(" is left out: ")[0] for remark in file.remarks} == {path for path, _ in read} - loaded
    sources = duckdb.sql(f"select distinct _source_file from '{file.path}'").fetchall()
    assert {path for (path,) in sources} == loaded


@pytest.mark.parametrize(
    ("archive", "layout", "told"),
    [
        (MONTHLY, "N.csv: all, N_1.csv: 1", "N.csv (7 rows) against N_1.csv (4 rows)"),
        (MONTHLY, "N.csv: all, a/N.csv: other all", "N.csv (7 rows) against a/N.csv (7 rows)"),
        (MONTHLY, "N_1.csv: 1, N_2.csv: 2, a/N_2.csv: other 2", "N_2.csv (3 rows) against a/N_2.csv (3 rows)"),
        (YEAR, "N.csv: other all, N_1.csv: 1, N_2.csv: 2", "N.csv (7 rows) against N_1.csv (4 rows), N_2.csv (3 rows)"),
        (
            YEAR,
            "N_1.csv: 1, N_2.csv: 2, 4_April/x.csv: other all",
            "4_April/x.csv (7 rows) against N_1.csv (4 rows), N_2.csv (3",
        ),
        (YEAR, "N.zip/x.csv: 1, N.csv: all", "N.csv (7 rows) against N.zip/x.csv (4 rows)"),
        (MONTHLY, "N_1.csv: 1, N_2.csv: 2, N_3.csv: 1", "N_3.csv: is the same file as N.zip/N_1.csv"),
    ],
)
def test_a_month_whose_copies_differ_is_refused_in_one_line_that_names_both(
    typed: Callable[..., Prepared], archive: str, layout: str, told: str
) -> None:
    with pytest.raises(Rejected) as caught:
        typed(archive, files_of(layout))
    assert str(caught.value).startswith(archive)
    assert told.replace("N", NAME) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_copy_of_the_current_schema_may_lack_what_nobody_declared(typed: Callable[..., Prepared]) -> None:
    numbered = lines(f"Unnamed: 0,{CURRENT}", *[f"{n},{ride(str(n))}" for n in range(3)])
    plain = lines(CURRENT, *[ride(str(n)) for n in range(3)])
    file = typed("202409-citibike-tripdata.zip", {"202409_1.csv": numbered, "x/202409_1.csv": plain}, "2024-09")
    assert file.rows == {"202409-citibike-tripdata.zip/202409_1.csv": 3}
