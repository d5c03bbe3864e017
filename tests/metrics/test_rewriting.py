"""SQL that can't be made quicker is run as it is, and the log says so."""

import logging

import pytest

from luigi_pipeline.metrics import rewrite

TABLES = {"classified_trips": ["trips", "zone", "pickup_date"], "pickup_sums": ["trips", "zone", "pickup_date"]}
READABLE = "SELECT zone, SUM(trips) AS trips FROM (SELECT zone, trips AS __trips FROM classified_trips) AS t GROUP BY 1"
RUNNING = """
    SELECT day, SUM(trips) AS trips FROM (
        SELECT days.day AS day, {shown} FROM days INNER JOIN {rows} ON rows.day <= days.day
    ) AS ranged GROUP BY day
"""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT sum(trips FROM classified_trips", "Expecting )"),
        ("SELECT * FROM classified_trips", "the columns that are read of classified_trips"),
        (
            "WITH shared AS (SELECT zone, trips AS __trips FROM classified_trips) SELECT * FROM shared",
            "the columns that are read of shared",
        ),
        (
            RUNNING.format(shown="rows.trips + days.step AS trips", rows="marts.classified_trips AS rows"),
            "trips, of rows and others",
        ),
        (
            RUNNING.format(
                shown="rows.trips AS trips", rows="(SELECT pickup_date AS day, trips FROM classified_trips) AS rows"
            ),
            "what is read of rows and days",
        ),
        (
            "WITH shared AS (SELECT 1 AS __trips UNION ALL SELECT 2) SELECT SUM(__trips) AS trips FROM shared",
            "a part that is a union",
        ),
    ],
)
def test_sql_of_another_form_is_left_as_it_is(sql: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="luigi_pipeline.metrics"):
        assert rewrite.make_quick(sql, TABLES) == sql
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("MetricFlow's SQL is run as it is, which may be slow: it can't be rewritten (")
    assert reason in line
    assert "\n" not in line


def test_sql_that_can_be_read_is_rewritten_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    made = rewrite.make_quick(READABLE, TABLES)
    assert "pickup_sums" in made
    assert caplog.records == []
