"""How far a task is, as it tells whoever gave it out."""

import time

import duckdb
from luigi.rpc import RPCError

from luigi_pipeline.console import progress


class Reporter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.percentages: list[int] = []
        self.urls: list[str] = []

    def update_status_message(self, message: str) -> None:
        self.messages.append(message)

    def update_progress_percentage(self, percentage: int) -> None:
        self.percentages.append(percentage)

    def update_tracking_url(self, tracking_url: str) -> None:
        self.urls.append(tracking_url)


class GoneReporter(Reporter):
    """Reports to a scheduler that is not there any more."""

    def update_status_message(self, message: str) -> None:
        super().update_status_message(message)
        raise RPCError("no one answers")


def test_rows_are_told_as_people_read_them() -> None:
    assert progress.of_rows(0.5526, 3_800_000) == "2.1 of 3.8 million rows"
    assert progress.of_rows(0.5, 38_400) == "19,200 of 38,400 rows"


def test_a_long_query_tells_how_far_it_is() -> None:
    reporter = Reporter()
    with (
        duckdb.connect(config={"threads": 1}) as connection,
        progress.following("LoadMonth yellow_taxi 2024-10", reporter),
        progress.of_query(connection, "loading 2024-10", 3_800_000, part=(0.5, 1)),
    ):
        connection.execute("create table numbers as from range(20_000_000)")
        deadline = time.monotonic() + 120
        while len(reporter.messages) < 3 and time.monotonic() < deadline:
            connection.execute("select max(sqrt(range) * ln(range + 1) + sin(range)) from numbers").fetchall()
    assert all(message.startswith("loading 2024-10: ") for message in reporter.messages)
    assert all(message.endswith(" of 3.8 million rows") for message in reporter.messages)
    assert len(reporter.messages) == len(reporter.percentages) >= 3
    assert all(50 <= percentage <= 100 for percentage in reporter.percentages)


def test_one_step_is_not_told_more_often_than_a_person_sees() -> None:
    reporter = Reporter()
    with progress.following("FetchMonth citibike 2024-10", reporter):
        for megabyte in range(1000):
            progress.report(f"fetching: {megabyte} of 1,000 MB", megabyte / 1000)
        progress.report("fetching: 1,000 of 1,000 MB", 1)
        progress.report("unpacking", 0, step="unpack")
    assert reporter.messages[0] == "fetching: 0 of 1,000 MB"
    assert reporter.messages[-2:] == ["fetching: 1,000 of 1,000 MB", "unpacking"]
    assert len(reporter.messages) < 20


def test_a_scheduler_that_is_gone_holds_up_no_work() -> None:
    reporter = GoneReporter()
    with progress.following("Validate", reporter):
        for number in range(5):
            progress.report(f"suite {number}", number / 10, step=str(number))
        progress.link("http://localhost:8082/files/logs/tasks/Validate.log")
    assert reporter.messages == ["suite 0"]
    assert (reporter.percentages, reporter.urls) == ([], [])


def test_nothing_is_told_outside_of_a_task() -> None:
    progress.report("no one listens", 0.5)
    progress.link("http://localhost")
