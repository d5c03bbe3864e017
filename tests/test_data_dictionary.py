"""docs/data_dictionary.md: made from the models' descriptions, and never behind them."""

import re
import shutil
from pathlib import Path

import duckdb
from fixtures import Ingested
from support import PROJECT

from luigi_pipeline.cli import dictionary


def test_the_page_is_what_the_descriptions_make_of_it() -> None:
    written = (PROJECT / dictionary.PAGE).read_text(encoding="utf-8")
    assert written == dictionary.render(PROJECT / "dbt_project"), "run `make docs`"


def test_a_changed_description_is_a_changed_page(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT / "dbt_project" / "models", project / "models")
    before = dictionary.render(project)
    model = project / "models" / "marts" / "dim_time.yml"
    model.write_text(model.read_text().replace("description: ", "description: Otherwise. ", 1))
    assert dictionary.render(project) != before


def test_every_column_of_the_warehouse_is_described(published: Ingested) -> None:
    page = dictionary.render(PROJECT / "dbt_project")
    described: dict[str, dict[str, str]] = {}
    for section in re.split(r"\n### ", page)[1:]:
        table, _, rest = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \|(?:[^|]*\|){2} (.*) \|$", rest, re.MULTILINE)
        described[table] = dict(rows)
    with duckdb.connect(str(published.data.warehouse), read_only=True) as connection:
        found = connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('marts', 'staging') and not internal"
        ).fetchall()
    assert len(found) > 200
    missing = [f"{table}.{column}" for table, column in found if not described.get(table, {}).get(column)]
    assert missing == []
