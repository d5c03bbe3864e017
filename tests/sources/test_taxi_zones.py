"""TLC's zones: all 265 of them, each once, or the file is refused."""

from pathlib import Path

import duckdb
import pytest
from fixtures import Configured
from support import landed, zone_lines

from luigi_pipeline.config.settings import Download, Settings, Warehouse
from luigi_pipeline.core.errors import FetchFailed, Rejected
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources import SOURCES, Landed
from luigi_pipeline.sources.http import Publisher
from luigi_pipeline.warehouse.preparing import prepare

ZONES = SOURCES["taxi_zones"]
LOOKUP = zone_lines()


def fetch(settings: Settings, folder: Path) -> Landed:
    with Publisher(settings.download) as publisher:
        return ZONES.fetch(None, settings, folder, publisher)


def typed(tmp_path: Path, body: bytes) -> list[tuple[object, ...]]:
    file = tmp_path / "taxi_zone_lookup.csv"
    file.write_bytes(body)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    parts = ZONES.parts(landed(file), None, scratch, Download())
    assert [part.rows for part in parts] == [265]
    prepared = prepare(ZONES, landed(file), parts, None, scratch / "typed.parquet", Warehouse())
    return duckdb.sql(f"select * from '{prepared.path}' order by _source_row").fetchall()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_all_zones_are_typed_whatever_the_line_ends(tmp_path: Path, end: str, mark: bytes) -> None:
    rows = typed(tmp_path, mark + "".join(line + end for line in LOOKUP).encode())
    assert len(rows) == 265
    assert rows[0][:4] == (1, "Borough", "Zone 1", "Boro Zone")
    assert [row[4:7] for row in (rows[0], rows[264])] == [
        ("taxi_zone_lookup.csv", None, 1),
        ("taxi_zone_lookup.csv", None, 265),
    ]


def test_the_text_n_a_is_a_value(tmp_path: Path) -> None:
    rows = typed(tmp_path, "\r\n".join(LOOKUP).encode())
    assert rows[263][:4] == (264, "Unknown", "N/A", "N/A")
    assert rows[264][:4] == (265, "N/A", "Outside of NYC", "N/A")


def test_the_published_lookup_is_accepted(tmp_path: Path, publishers: Publishers, settings: Configured) -> None:
    fetched = fetch(settings(publishers.url), tmp_path)
    assert fetched.url == f"{publishers.url}/misc/taxi_zone_lookup.csv"
    (part,) = ZONES.parts(fetched, None, tmp_path / "..", Download())
    assert part.rows == 265


BAD = {
    "264 rows": (LOOKUP[:-1], "it has 264 rows and 264 different zones"),
    "a zone twice": ([*LOOKUP[:-1], LOOKUP[1]], "it has 265 rows and 264 different zones"),
    "a zone too many": ([*LOOKUP, '266,"x","y","z"'], "it has 266 rows and 266 different zones"),
    "every line quoted as one field": (['"' + line.replace('"', '""') + '"' for line in LOOKUP], "missing column"),
    "no number": ([LOOKUP[0], 'one,"x","y","z"', *LOOKUP[2:]], "the row 'one,x,y,z' has no zone number"),
    "a column is missing": ([line.rpartition(",")[0] for line in LOOKUP], "missing column service_zone"),
    "an HTML page": (["<!DOCTYPE html>", "<html>", "</html>"], "missing column"),
    "an open quote": ([*LOOKUP[:-1], '265,"N/A","Outside'], "is not a CSV file"),
}


@pytest.mark.parametrize(("text", "told"), BAD.values(), ids=BAD)
def test_another_file_under_its_name_is_refused(
    tmp_path: Path, publishers: Publishers, settings: Configured, text: list[str], told: str
) -> None:
    publishers.faults.add(Fault("/misc/", kind="garbage", body="\r\n".join(text).encode()))
    with pytest.raises(Rejected) as caught:
        fetch(settings(publishers.url), tmp_path)
    assert str(caught.value).startswith("taxi_zone_lookup.csv: ")
    assert told in str(caught.value)
    assert (tmp_path / "taxi_zone_lookup.csv.rejected").exists()
    assert not (tmp_path / "taxi_zone_lookup.csv").exists()


@pytest.mark.parametrize("body", [b"\xff\xfe\x00\x01\n", b"PK\x03\x04\x00\x00"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "taxi_zone_lookup.csv").write_bytes(body)
    with pytest.raises(Rejected, match=r"^taxi_zone_lookup\.csv: "):
        ZONES.parts(landed(tmp_path / "taxi_zone_lookup.csv"), None, tmp_path, Download())


def test_a_missing_lookup_names_the_key_to_check(tmp_path: Path, publishers: Publishers, settings: Configured) -> None:
    elsewhere = settings(publishers.url, {"sources": {"yellow_taxi": {"base_url": f"{publishers.url}/none"}}})
    with pytest.raises(
        FetchFailed, match=r"/none/misc/taxi_zone_lookup\.csv: HTTP 403.*check sources\.yellow_taxi\.base_url"
    ):
        fetch(elsewhere, tmp_path)


def test_tlc_s_own_file_is_accepted(tmp_path: Path, shared: Path) -> None:
    rows = typed(tmp_path, (shared / "misc" / "taxi_zone_lookup.csv").read_bytes())
    assert rows[263][:4] == (264, "Unknown", "N/A", "N/A")
    assert rows[55][:3] == (56, "Queens", "Corona")
    assert rows[56][:3] == (57, "Queens", "Corona")
