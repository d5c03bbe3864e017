"""What is unusual of a month: a real run publishes it, tells it everywhere, and goes by what is accepted."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from fixtures import Chat, Command, Config, Ingested, Result, Row, Run
from support import configuration, load_settings

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.state import findings, markers

LINE = "yellow_taxi 2024-10: share without payment type 85 %, at most 80 % is usual"
LONG_AGO = "2024-01-05T10:00:00.000+00:00"
ACCEPTED = {
    "source": "yellow_taxi",
    "months": "2024-10",
    "statistic": "share_without_payment_type",
    "why": "terminals were down",
}


@dataclass
class City:
    """A month in which hardly a trip tells how it was paid, once published."""

    data: DataDir
    url: str
    webhook: str
    folder: Path
    run_luigi: Run
    run_command: Command

    def config(self, **validation: Any) -> Path:
        """Its configuration, with a block `validation`."""
        october = {"months": ["2024-10"]}
        sources = {"yellow_taxi": october, "citibike": october, "weather": {"end_date": "2024-10-31"}}
        changes = {"sources": sources, "alerts": {"webhook": self.webhook}, "validation": validation}
        path = self.folder / "ingestion.yaml"
        path.write_text(yaml.safe_dump(configuration(self.url, changes)), encoding="utf-8")
        return path

    def publish(self, *options: str, **validation: Any) -> Result:
        return self.run_luigi("Publish", *options, data_dir=self.data.root, config=self.config(**validation))

    def say(self, *command: str, **validation: Any) -> Result:
        return self.run_command(*command, data_dir=self.data.root, config=self.config(**validation))

    def noted(self) -> list[Row]:
        """What the published file says."""
        with duckdb.connect(str(self.data.published), read_only=True) as connection:
            return connection.execute("select finding, is_accepted, accepted_because from meta.findings").fetchall()

    def made(self, task: str) -> str:
        found = markers.read(self.data.markers / f"{task}.json")
        assert found
        return found.finished_at


@pytest.fixture
def city(tmp_path: Path, chat: Chat, run_luigi: Run, run_command: Command) -> Iterator[City]:
    published = tmp_path / "published"
    generate(published, months=["2024-10"], taxi_trips_per_month=2000, rides_per_month=2000)
    (path,) = published.glob("trip-data/*.parquet")
    trips = pq.read_table(path)
    column = trips.column_names.index("payment_type")
    codes = trips.column(column).to_pylist()
    few = pa.array([code if row % 20 < 3 else None for row, code in enumerate(codes)], trips.schema.field(column).type)
    pq.write_table(trips.set_column(column, "payment_type", few), path)
    with Publishers(published) as url:
        yield City(DataDir(tmp_path / "data"), url, chat.url, tmp_path, run_luigi, run_command)


def test_a_finding_is_published_and_told_everywhere_and_its_acceptance_reruns_nothing(city: City, chat: Chat) -> None:
    posts = chat.posts
    # New, it is told in quiet mode too, and once by an alert; it stops nothing.
    quiet = city.publish("--mobility-quiet")
    assert quiet.returncode == 0, quiet.stderr
    assert f"finding: {LINE}" in quiet.stderr.splitlines()
    assert [LINE in post["text"] for post in posts] == [True]
    assert city.noted() == [(LINE, False, None)]
    page = (city.data.report / "index.html").read_text(encoding="utf-8")
    assert f"Unusual: <q>{LINE}</q> (since " in page
    assert f'<span class="finding">{LINE}</span>' in page
    docs = next(city.data.validation.rglob("month_profiles/**/*.html")).read_text(encoding="utf-8")
    assert "share_without_payment_type (yellow_taxi)" in docs

    # It stays until someone has looked: at the end of each run, in status, below each answer; but not to cron again.
    assert city.publish("--mobility-quiet").stderr == ""
    again = city.publish()
    assert again.returncode == 0
    assert LINE in again.stderr.splitlines()[-1]
    assert len(posts) == 1
    status = city.say("status")
    assert status.returncode == 1
    assert f"finding: {LINE} (since " in status.stdout
    answer = city.say("metrics", "total_trips", "--json")
    assert len(json.loads(answer.stdout)) == 1
    assert answer.stderr == f"finding: {LINE}\n"

    # After 90 days it is no news.
    now = see_first(city.data, LONG_AGO)
    status = city.say("status")
    assert status.returncode == 0, status.stdout
    assert f"{LINE} (since 2024-01-05)" in status.stdout
    see_first(city.data, now)

    # Who wants to be stopped by it, is: nothing is built or published anew.
    before = {name: city.made(name) for name in ("DbtBuild", "Validate")}
    published = hashlib.sha256(city.data.published.read_bytes()).digest()
    blocked = city.publish(block_on="warning")
    assert blocked.returncode == 30
    assert f"validation.block_on is warning, and so this blocks: {LINE}" in blocked.stderr
    assert hashlib.sha256(city.data.published.read_bytes()).digest() == published

    # Accepted, it no longer does; only what is said of it is made anew.
    parquet = {path: path.stat().st_mtime_ns for path in city.data.parquet.rglob("*.parquet")}
    accepted = city.publish(block_on="warning", accepted=[ACCEPTED])
    assert accepted.returncode == 0, accepted.stderr
    assert "finding: " not in accepted.stderr
    assert {name: city.made(name) for name in before} == before
    assert {path: path.stat().st_mtime_ns for path in city.data.parquet.rglob("*.parquet")} == parquet
    assert city.noted() == [(LINE, True, "terminals were down")]
    with duckdb.connect(str(city.data.published), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.fct_trips").fetchone() == (
            sum(marker.source.rows or 0 for marker in loads(city.data) if marker.source),
        )
    page = (city.data.report / "index.html").read_text(encoding="utf-8")
    assert f"Unusual, and accepted: <q>{LINE}</q>" in page
    assert "terminals were down" in page
    assert '<span class="finding">' not in page
    status = city.say("status", block_on="warning", accepted=[ACCEPTED])
    assert status.returncode == 0
    assert "accepted: terminals were down" in status.stdout
    assert city.say("metrics", "total_trips", accepted=[ACCEPTED]).stderr == ""

    # It keeps the day on which it was first seen.
    see_first(city.data, LONG_AGO)
    forced = city.run_luigi("Validate", "--force", data_dir=city.data.root, config=city.config())
    assert forced.returncode == 0, forced.stderr
    (kept,) = json.loads(city.data.findings.read_text())
    assert kept["first_seen_at"] == LONG_AGO
    city.data.findings.unlink()
    assert "findings.json is gone" in city.say("plan").stdout


def see_first(data: DataDir, when: str) -> str:
    """Let the finding have been seen first at another time; gives the time that it was."""
    (kept,) = json.loads(data.findings.read_text())
    data.findings.write_text(json.dumps([kept | {"first_seen_at": when}]))
    return str(kept["first_seen_at"])


def loads(data: DataDir) -> list[markers.Marker]:
    found = [markers.read(path) for path in data.markers.glob("LoadMonth/*/*.json")]
    return [marker for marker in found if marker and marker.parameters["source"] != "weather"]


def test_a_sound_month_has_none(published: Ingested) -> None:
    assert findings.read(published.data) == []
    assert "finding: " not in published.result.stderr
    with duckdb.connect(str(published.data.published), read_only=True) as connection:
        assert connection.execute("select count(*) from meta.findings").fetchone() == (0,)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (ACCEPTED | {"monht": "2024-10"}, "unknown key validation.accepted.0.monht"),
        (ACCEPTED | {"months": "October"}, "validation.accepted.0.months: 'October' is not a month"),
        (ACCEPTED | {"source": "subway"}, "validation.accepted.0.source"),
        ({"source": "citibike", "months": "2024-10", "statistic": "*"}, "missing key validation.accepted.0.why"),
    ],
)
def test_what_is_accepted_is_checked_in_one_line(config: Config, entry: dict[str, Any], told: str) -> None:
    path = config("http://localhost", {"validation": {"accepted": [entry]}})
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_accepted_may_be_in_a_file_of_its_own(config: Config, tmp_path: Path) -> None:
    path = config("http://localhost", {"validation": {"accepted": [ACCEPTED], "accepted_file": "accepted.yaml"}})
    with pytest.raises(ConfigError, match=r"accepted\.yaml: can't be read .*validation\.accepted_file in .* names it"):
        load_settings(path)
    listed = {"source": "citibike", "months": {"from": "2020-03", "to": "2020-05"}, "statistic": "*", "why": "lockdown"}
    (tmp_path / "accepted.yaml").write_text(yaml.safe_dump([listed]), encoding="utf-8")
    accepted = load_settings(path).validation.accepted
    assert [it.months for it in accepted] == [["2024-10"], ["2020-03", "2020-04", "2020-05"]]
    (tmp_path / "accepted.yaml").write_text(yaml.safe_dump([listed | {"until": "2020-06"}]), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"accepted\.yaml: unknown key accepted\.0\.until"):
        load_settings(path)
